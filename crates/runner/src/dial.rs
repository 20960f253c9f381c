//! Connections to the control plane: TCP, with TLS unless it is on this machine.

mod proxy;
mod trust;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use http::{Method, Request, StatusCode, header};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use reoclo_wire::connect::{NotConnected, Patience, connect};
use rustls::pki_types::{InvalidDnsNameError, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::error::Elapsed;
use tokio_rustls::TlsConnector;

use crate::address::Address;

pub(crate) use proxy::Proxy;
pub use proxy::{NO_PROXY_VARIABLES, PROXY_VARIABLES, ProxyError, ProxySettings};
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
    #[error("the proxy {0} does not speak HTTP")]
    NoProxy(String, #[source] hyper::Error),
    #[error("the request to the proxy {0} could not be made")]
    Request(String, #[source] http::Error),
    #[error(
        "the proxy {0} wants a user name and a password, or others: put them into its address, as \
         in http://NAME:PASSWORD@proxy.example.com:3128"
    )]
    Credentials(String),
    #[error("the proxy {proxy} answered {status} when it was asked for {target}")]
    Refused {
        proxy: String,
        target: String,
        status: StatusCode,
    },
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
            rustls::Error::InvalidCertificate(
                rustls::CertificateError::UnknownIssuer | rustls::CertificateError::BadSignature
            )
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
    proxy: Option<Proxy>,
    limit: Duration,
}

impl Dialer {
    /// `tls` must be there if the address asks for it.
    pub(crate) fn new(
        address: Address,
        tls: Option<TlsConnector>,
        proxy: Option<Proxy>,
        limit: Duration,
    ) -> Self {
        Self {
            address,
            tls,
            proxy,
            limit,
        }
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    pub(crate) async fn dial(&self) -> Result<Box<dyn Io>, DialError> {
        // For names to be found and for TLS, besides the time that connecting may take.
        tokio::time::timeout(self.limit * 2, self.connect())
            .await
            .map_err(|elapsed| DialError::Silent(self.address.authority.clone(), elapsed))?
    }

    async fn connect(&self) -> Result<Box<dyn Io>, DialError> {
        let Some(tls) = &self.tls else {
            let Address { host, port, .. } = &self.address;
            let (stream, _) = self.tcp(host, *port, true).await?;
            return Ok(Box::new(stream));
        };
        let Address { host, port, .. } = &self.address;
        match &self.proxy {
            None => {
                let (stream, at) = self.tcp(host, *port, false).await?;
                let shown = format!("{} at {at}", self.address.authority);
                secure(tls, host, stream, shown).await
            }
            Some(proxy) => {
                let stream = self.through(proxy, tls).await?;
                let by = format!(
                    "{} through the proxy {}",
                    self.address.authority,
                    proxy.authority()
                );
                secure(tls, host, stream, by).await
            }
        }
    }

    async fn tcp(
        &self,
        host: &str,
        port: u16,
        is_here: bool,
    ) -> Result<(TcpStream, SocketAddr), DialError> {
        let name = || proxy::authority(host, port);
        let addresses = addresses(host, port, is_here).await?;
        let stream = connect(addresses, Patience::new(self.limit))
            .await
            .map_err(|error| DialError::Connect(name(), error))?;
        let broken = |error| DialError::Broken(name(), error);
        stream.set_nodelay(true).map_err(broken)?;
        let at = stream.peer_addr().map_err(broken)?;
        Ok((stream, at))
    }

    /// A connection that the proxy makes.
    async fn through(&self, proxy: &Proxy, tls: &TlsConnector) -> Result<Box<dyn Io>, DialError> {
        let name = || proxy.authority();
        let (stream, at) = self.tcp(&proxy.host, proxy.port, false).await?;
        let stream: Box<dyn Io> = if proxy.tls {
            let shown = format!("the proxy {} at {at}", name());
            secure(tls, &proxy.host, stream, shown).await?
        } else {
            Box::new(stream)
        };
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| DialError::NoProxy(name(), error))?;
        // It ends when it has become the connection, or when nobody asks for it any more.
        tokio::spawn(connection.with_upgrades());
        let request = self.ask(proxy);
        let request = request.map_err(|error| DialError::Request(name(), error))?;
        let answer = sender.send_request(request).await;
        let answer = answer.map_err(|error| DialError::NoProxy(name(), error))?;
        match answer.status() {
            status if status.is_success() => {}
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                return Err(DialError::Credentials(name()));
            }
            status => {
                return Err(DialError::Refused {
                    proxy: name(),
                    target: self.address.authority.clone(),
                    status,
                });
            }
        }
        let upgraded = hyper::upgrade::on(answer).await;
        let upgraded = upgraded.map_err(|error| DialError::NoProxy(name(), error))?;
        Ok(Box::new(TokioIo::new(upgraded)))
    }

    fn ask(&self, proxy: &Proxy) -> Result<Request<Empty<Bytes>>, http::Error> {
        let Address { host, port, .. } = &self.address;
        let target = proxy::target(host, *port)?;
        let mut request = Request::builder()
            .method(Method::CONNECT)
            .header(header::HOST, target.to_string());
        if let Some(credentials) = &proxy.credentials {
            request = request.header(header::PROXY_AUTHORIZATION, credentials.clone());
        }
        request.uri(target).body(Empty::new())
    }
}

/// `is_here`: a name such as localhost may have been given another meaning.
async fn addresses(host: &str, port: u16, is_here: bool) -> Result<Vec<SocketAddr>, DialError> {
    let found = lookup_host((host, port))
        .await
        .map_err(|error| DialError::Resolve(host.to_owned(), error))?;
    let allowed: Vec<SocketAddr> = found
        .filter(|address| !is_here || address.ip().is_loopback())
        .collect();
    if allowed.is_empty() {
        return Err(DialError::NoAddress(host.to_owned()));
    }
    Ok(allowed)
}

async fn secure(
    tls: &TlsConnector,
    host: &str,
    stream: impl Io + 'static,
    shown: String,
) -> Result<Box<dyn Io>, DialError> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|error| DialError::Name(host.to_owned(), error))?;
    let stream = tls.connect(name, stream).await;
    Ok(Box::new(
        stream.map_err(|error| DialError::Tls(shown, error))?,
    ))
}
