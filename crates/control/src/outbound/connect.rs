//! Connecting to an address that was checked.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use reoclo_wire::connect::{Patience, connect};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;

use super::networks::{Networks, Reach};
use super::{OutboundError, OutboundUrl, trust};

/// Of a name with many addresses, the first ones.
const MOST_TRIED: usize = 8;
/// For one of them to answer.
const PATIENCE: Duration = Duration::from_secs(9);

/// A stream to whoever was named.
pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Sends requests for one errand.
pub(crate) struct Outbound {
    networks: Networks,
    tls: OnceCell<TlsConnector>,
}

impl Outbound {
    pub(crate) fn new(networks: Networks) -> Self {
        Self {
            networks,
            tls: OnceCell::new(),
        }
    }

    /// Whether the name stands for this machine, and for nothing else.
    pub(crate) async fn is_loopback(&self, url: &OutboundUrl) -> bool {
        let addresses = self.addresses(url).await.unwrap_or_default();
        let loopback = |address: &SocketAddr| address.ip().to_canonical().is_loopback();
        !addresses.is_empty() && addresses.iter().all(loopback)
    }

    pub(super) async fn connect(&self, url: &OutboundUrl) -> Result<Box<dyn Io>, OutboundError> {
        let stream = self.tcp(url).await?;
        if url.plaintext {
            return Ok(Box::new(stream));
        }
        let failed = |error| OutboundError::Tls(url.authority(), error);
        let name = ServerName::try_from(url.name().to_owned()).map_err(io::Error::other);
        let tls = self.tls.get_or_try_init(trust::connector).await;
        let tls = tls.map_err(OutboundError::Trust)?;
        let stream = tls.connect(name.map_err(failed)?, stream).await;
        Ok(Box::new(stream.map_err(failed)?))
    }

    async fn tcp(&self, url: &OutboundUrl) -> Result<TcpStream, OutboundError> {
        let addresses = self.addresses(url).await?.into_iter().take(MOST_TRIED);
        let stream = connect(addresses, Patience::new(PATIENCE)).await;
        stream.map_err(|error| OutboundError::Connect(url.authority(), error))
    }

    /// The addresses of the name that may be reached.
    async fn addresses(&self, url: &OutboundUrl) -> Result<Vec<SocketAddr>, OutboundError> {
        let found = lookup_host((url.name(), url.port()))
            .await
            .map_err(|error| OutboundError::Resolve(url.authority(), error))?;
        let (mut allowed, mut is_private) = (Vec::new(), false);
        for address in found {
            match self.networks.reach(address.ip()) {
                Reach::Reached => allowed.push(address),
                Reach::Private => is_private = true,
                Reach::Never => {}
            }
        }
        match (allowed.is_empty(), is_private) {
            (false, _) => Ok(allowed),
            (true, true) => Err(OutboundError::NotTrusted(url.authority())),
            (true, false) => Err(OutboundError::NotAllowed(url.authority())),
        }
    }
}
