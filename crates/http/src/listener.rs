//! Accepting connections, in clear or with TLS, and ending them: gracefully, or because they are
//! too many or too slow.

mod front;
mod held;
mod limits;
mod pace;
mod paced;
mod places;
mod serve;
mod standing;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;

pub use front::Front;
pub use limits::ConnectionLimits;
pub(crate) use paced::NoRoomError;
pub use serve::{Served, serve};
pub(crate) use standing::{OfConnection, Standing};
pub use tls::{Certificate, TlsFiles};

/// A bound address.
pub struct Listener {
    tcp: TcpListener,
    tls: Option<Arc<Certificate>>,
    local: SocketAddr,
}

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another process has it.
    #[error("{0} is in use by another process: stop it, or choose another address with --listen")]
    InUse(SocketAddr),
    /// The system does not allow it.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A TLS file is not there or cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A TLS file holds something else.
    #[error("{} holds no {what} in PEM form", path.display())]
    NoPem {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        what: &'static str,
    },
    /// Certificate and key do not make a server.
    #[error("the TLS certificate and key cannot be used")]
    Tls(#[from] rustls::Error),
}

impl Listener {
    /// Binds `address`; port 0 lets the system pick one.
    pub async fn bind(address: SocketAddr, tls: Option<&TlsFiles>) -> Result<Self, ListenError> {
        let tls = tls.map(Certificate::load).transpose()?.map(Arc::new);
        let tcp = TcpListener::bind(address)
            .await
            .map_err(|error| bind_error(address, error))?;
        let local = tcp
            .local_addr()
            .map_err(|error| bind_error(address, error))?;
        Ok(Self { tcp, tls, local })
    }

    /// What it serves TLS with.
    pub fn certificate(&self) -> Option<Arc<Certificate>> {
        self.tls.clone()
    }

    /// The address with the port that was picked.
    pub const fn local_addr(&self) -> SocketAddr {
        self.local
    }
}

fn bind_error(address: SocketAddr, source: io::Error) -> ListenError {
    if source.kind() == io::ErrorKind::AddrInUse {
        ListenError::InUse(address)
    } else {
        ListenError::Bind { address, source }
    }
}
