//! Connections to the control plane: TCP, with TLS unless it is on this machine.

mod trust;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use reoclo_wire::connect::{NotConnected, Patience, connect};
use rustls::pki_types::{InvalidDnsNameError, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::error::Elapsed;
use tokio_rustls::TlsConnector;

use crate::address::Address;

pub use trust::TrustError;
pub(crate) use trust::connector;

/// A stream to the control plane.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// The control plane cannot be reached.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    #[error("cannot find the address of {0}")]
    Resolve(String, #[source] io::Error),
    #[error("{0} has no address on this machine, and plaintext is only for this machine")]
    NoAddress(String),
    #[error("cannot connect to {0}")]
    Connect(String, #[source] NotConnected),
    #[error("the connection to {0} broke at once")]
    Broken(String, #[source] io::Error),
    #[error("{0} is not a name that a certificate could be for")]
    Name(String, #[source] InvalidDnsNameError),
    #[error("no TLS with {0}")]
    Tls(String, #[source] io::Error),
    #[error("{0} does not answer")]
    Silent(String, #[source] Elapsed),
}

impl DialError {
    /// What may help.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        let Self::Tls(_, error) = self else {
            return None;
        };
        let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
        matches!(
            error,
            rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer)
        )
        .then_some(
            ". Nobody whom this machine trusts has signed its certificate: if the authority is \
             your own, name its file with --ca-cert",
        )
    }
}

/// Connects to the control plane.
#[derive(Clone)]
pub(crate) struct Dialer {
    address: Address,
    /// `None` for plaintext, which stays on this machine.
    tls: Option<TlsConnector>,
    limit: Duration,
}

impl Dialer {
    /// `tls` must be there if the address asks for it.
    pub(crate) fn new(address: Address, tls: Option<TlsConnector>, limit: Duration) -> Self {
        Self {
            address,
            tls,
            limit,
        }
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    pub(crate) async fn dial(&self) -> Result<Box<dyn Io>, DialError> {
        // For the name to be found and for TLS, besides the time that connecting may take.
        tokio::time::timeout(self.limit * 2, self.connect())
            .await
            .map_err(|elapsed| DialError::Silent(self.address.authority.clone(), elapsed))?
    }

    async fn connect(&self) -> Result<Box<dyn Io>, DialError> {
        let stream = self.tcp().await?;
        match &self.tls {
            None => Ok(Box::new(stream)),
            Some(tls) => self.secure(tls, stream).await,
        }
    }

    async fn tcp(&self) -> Result<TcpStream, DialError> {
        let name = || self.address.authority.clone();
        let patience = Patience::new(self.limit);
        let stream = connect(self.addresses().await?, patience)
            .await
            .map_err(|error| DialError::Connect(name(), error))?;
        stream
            .set_nodelay(true)
            .map_err(|error| DialError::Broken(name(), error))?;
        Ok(stream)
    }

    async fn addresses(&self) -> Result<Vec<SocketAddr>, DialError> {
        let Address { host, port, .. } = &self.address;
        let found = lookup_host((host.as_str(), *port))
            .await
            .map_err(|error| DialError::Resolve(host.clone(), error))?;
        // A name such as localhost may have been given another meaning.
        let allowed: Vec<SocketAddr> = found
            .filter(|address| self.tls.is_some() || address.ip().is_loopback())
            .collect();
        if allowed.is_empty() {
            return Err(DialError::NoAddress(host.clone()));
        }
        Ok(allowed)
    }

    async fn secure(
        &self,
        tls: &TlsConnector,
        stream: TcpStream,
    ) -> Result<Box<dyn Io>, DialError> {
        let host = &self.address.host;
        let name = ServerName::try_from(host.clone())
            .map_err(|error| DialError::Name(host.clone(), error))?;
        let at = stream.peer_addr();
        let stream = tls.connect(name, stream).await.map_err(|error| {
            let at = at.map(|at| format!(" at {at}")).unwrap_or_default();
            DialError::Tls(format!("{}{at}", self.address.authority), error)
        })?;
        Ok(Box::new(stream))
    }
}
