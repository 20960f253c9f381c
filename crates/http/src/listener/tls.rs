use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use tokio_rustls::TlsAcceptor;

use super::ListenError;
use crate::error::chain;

/// Where the certificate chain and its key are, in PEM form.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The chain, the server's own certificate first.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// The certificate of a listener. It is read again while connections go on: those that there are
/// keep what they began with.
pub struct Certificate {
    files: TlsFiles,
    current: RwLock<TlsAcceptor>,
    seen: Mutex<Seen>,
}

/// What the files held, by their hash.
#[derive(Debug)]
struct Seen {
    used: Held,
    /// Held by files that could not be used.
    refused: Option<Held>,
    /// It was said that they cannot.
    is_said: bool,
}

type Held = [u8; 32];

/// What came of looking at the files.
enum Look {
    Unchanged,
    Renewed(TlsAcceptor, Held),
    Refused(ListenError, Held),
}

impl Certificate {
    pub(super) fn load(files: &TlsFiles) -> Result<Self, ListenError> {
        let text = files.read()?;
        let used = text.held();
        Ok(Self {
            current: RwLock::new(files.acceptor(&text)?),
            files: files.clone(),
            seen: Mutex::new(Seen {
                used,
                refused: None,
                is_said: false,
            }),
        })
    }

    /// What new connections get.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let current = self.current.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the files again. What cannot be used is said once, and what there was stays.
    ///
    /// Blocks for as long as the files take. Without `is_asked`, files that cannot be used may be
    /// half written: they have until the next time.
    pub fn renew(&self, is_asked: bool) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match self.look(&seen) {
            Look::Unchanged => {
                (seen.refused, seen.is_said) = (None, false);
                if is_asked {
                    tracing::info!("the TLS certificate is the one that is served already");
                }
            }
            Look::Renewed(acceptor, held) => {
                let current = self.current.write();
                *current.unwrap_or_else(PoisonError::into_inner) = acceptor;
                *seen = Seen {
                    used: held,
                    refused: None,
                    is_said: false,
                };
                let file = self.files.certificate.display();
                tracing::info!(%file, "new connections get the new TLS certificate");
            }
            Look::Refused(error, held) => {
                let is_old = seen.refused == Some(held);
                if (is_old || is_asked) && !(is_old && seen.is_said) {
                    let error = chain(&error);
                    tracing::warn!(
                        error,
                        "the TLS certificate cannot be renewed: the old one stays"
                    );
                    seen.is_said = true;
                } else if !is_old {
                    seen.is_said = false;
                }
                seen.refused = Some(held);
            }
        }
    }

    fn look(&self, seen: &Seen) -> Look {
        let text = match self.files.read() {
            Ok(text) => text,
            // Of files that cannot be read there is one kind.
            Err(error) => return Look::Refused(error, Held::default()),
        };
        let held = text.held();
        if held == seen.used {
            return Look::Unchanged;
        }
        match self.files.acceptor(&text) {
            Ok(acceptor) => Look::Renewed(acceptor, held),
            Err(error) => Look::Refused(error, held),
        }
    }
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificate")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

/// The text of both files; no `Debug`, since one is a key.
struct Text {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Text {
    fn held(&self) -> Held {
        let mut hash = Sha256::new();
        hash.update(
            u64::try_from(self.certificate.len())
                .unwrap_or_default()
                .to_be_bytes(),
        );
        hash.update(&self.certificate);
        hash.update(&self.key);
        hash.finalize().into()
    }
}

impl TlsFiles {
    fn read(&self) -> Result<Text, ListenError> {
        Ok(Text {
            certificate: read(&self.certificate)?,
            key: read(&self.key)?,
        })
    }

    fn acceptor(&self, text: &Text) -> Result<TlsAcceptor, ListenError> {
        let chain = certificates(&text.certificate);
        if chain.is_empty() {
            return Err(no_pem(&self.certificate, "certificate"));
        }
        let key = PrivateKeyDer::from_pem_slice(&text.key);
        let key = key.map_err(|_| no_pem(&self.key, "private key"))?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

fn certificates(text: &[u8]) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(text).flatten().collect()
}

fn read(path: &Path) -> Result<Vec<u8>, ListenError> {
    std::fs::read(path).map_err(|source| ListenError::Read {
        path: path.to_owned(),
        source,
    })
}

fn no_pem(path: &Path, what: &'static str) -> ListenError {
    ListenError::NoPem {
        path: path.to_owned(),
        what,
    }
}
