use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

/// It cannot be decided whom to trust.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrustError {
    #[error("there are no certificates")]
    NoRoots,
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
    #[error("the certificates could not be read")]
    Read(#[source] tokio::task::JoinError),
}

/// TLS that trusts whom the machine trusts now.
pub(super) async fn connector() -> Result<TlsConnector, TrustError> {
    let reading = tokio::task::spawn_blocking(|| {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        roots
    });
    let roots = reading.await.map_err(TrustError::Read)?;
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
