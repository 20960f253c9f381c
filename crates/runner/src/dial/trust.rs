use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

/// It cannot be decided whom to trust.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum TrustError {
    #[error("cannot read certificates from {0}")]
    File(PathBuf, #[source] pem::Error),
    #[error("{0} holds no certificate")]
    Empty(PathBuf),
    #[error("a certificate in {0} cannot be used")]
    Certificate(PathBuf, #[source] rustls::Error),
    #[error("this machine has no certificates to trust: install ca-certificates or use --ca-cert")]
    NoRoots,
    #[error("cannot set up TLS")]
    Tls(#[source] rustls::Error),
}

/// TLS that trusts whom the machine trusts, and the authorities in `ca_cert`.
pub(crate) fn connector(ca_cert: Option<&Path>) -> Result<TlsConnector, TrustError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = ca_cert {
        add_file(&mut roots, path)?;
    }
    if roots.is_empty() {
        return Err(TrustError::NoRoots);
    }
    // Named, because another crate of the program might bring a second provider.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TrustError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<(), TrustError> {
    let unreadable = |error| TrustError::File(path.to_owned(), error);
    let before = roots.len();
    for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
        roots
            .add(certificate.map_err(unreadable)?)
            .map_err(|error| TrustError::Certificate(path.to_owned(), error))?;
    }
    if roots.len() == before {
        return Err(TrustError::Empty(path.to_owned()));
    }
    Ok(())
}
