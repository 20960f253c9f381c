//! A connection to a name that has several addresses, as RFC 8305 ("Happy Eyeballs") wants it: a
//! dead address, or a dead family of them, costs a quarter of a second and not the connection.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout_at};

/// Addresses of one name that are tried at most.
const MOST: usize = 16;

/// How patiently addresses are tried.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The next address is tried when the ones before have not answered for this long.
    pub next_after: Duration,
    /// For all of it.
    pub limit: Duration,
}

impl Patience {
    /// With the pause that RFC 8305 recommends.
    pub const fn new(limit: Duration) -> Self {
        Self {
            next_after: Duration::from_millis(250),
            limit,
        }
    }
}

/// No address could be connected to: each with what became of it.
#[derive(Debug)]
pub struct NotConnected(Vec<(SocketAddr, io::Error)>);

impl std::error::Error for NotConnected {}

impl fmt::Display for NotConnected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (address, error)) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{address}: {error}")?;
        }
        Ok(())
    }
}

/// Connects to the first of these addresses that answers, trying the families in turn.
#[expect(
    clippy::disallowed_methods,
    reason = "tokio's own clock, which its timers go by"
)]
pub async fn connect(
    addresses: impl IntoIterator<Item = SocketAddr>,
    patience: Patience,
) -> Result<TcpStream, NotConnected> {
    let mut waiting = in_turn(addresses);
    let deadline = Instant::now() + patience.limit;
    let mut pending = FuturesUnordered::new();
    let mut tried = Vec::new();
    let mut failed = Vec::new();
    loop {
        if let Some(address) = waiting.pop_front() {
            tried.push(address);
            pending.push(async move { (address, TcpStream::connect(address).await) });
        }
        let next = (Instant::now() + patience.next_after).min(deadline);
        let answer = if waiting.is_empty() {
            timeout_at(deadline, pending.next()).await.ok()
        } else {
            tokio::select! {
                answer = pending.next() => Some(answer),
                () = sleep_until(next) => None,
            }
        };
        match answer {
            Some(Some((_, Ok(stream)))) => return Ok(stream),
            Some(Some((address, Err(error)))) => failed.push((address, error)),
            Some(None) if waiting.is_empty() => return Err(NotConnected(failed)),
            Some(None) | None => {}
        }
        if Instant::now() >= deadline {
            for address in tried {
                if !failed.iter().any(|(known, _)| *known == address) {
                    let silent = io::Error::new(io::ErrorKind::TimedOut, "no answer");
                    failed.push((address, silent));
                }
            }
            return Err(NotConnected(failed));
        }
    }
}

/// The families by turns, beginning with the one that the resolver prefers.
fn in_turn(addresses: impl IntoIterator<Item = SocketAddr>) -> VecDeque<SocketAddr> {
    let mut all: Vec<SocketAddr> = Vec::new();
    for address in addresses {
        if !all.contains(&address) {
            all.push(address);
        }
    }
    let Some(first) = all.first().map(SocketAddr::is_ipv6) else {
        return VecDeque::new();
    };
    let (one, other): (Vec<_>, Vec<_>) = all.into_iter().partition(|it| it.is_ipv6() == first);
    let (mut one, mut other) = (one.into_iter(), other.into_iter());
    let mut turns = VecDeque::new();
    while turns.len() < MOST {
        let before = turns.len();
        turns.extend(one.next());
        turns.extend(other.next());
        if turns.len() == before {
            break;
        }
    }
    turns
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    const PATIENCE: Patience = Patience::new(Duration::from_secs(20));

    /// Listens and takes nothing: what is beyond its queue gets no answer. The connections fill it.
    struct Silent {
        address: SocketAddr,
        _held: (TcpListener, Vec<TcpStream>),
    }

    impl Silent {
        async fn listen(ip: std::net::IpAddr) -> Self {
            let any = SocketAddr::new(ip, 0);
            let socket = if ip.is_ipv4() {
                TcpSocket::new_v4().unwrap()
            } else {
                TcpSocket::new_v6().unwrap()
            };
            socket.bind(any).unwrap();
            let listener = socket.listen(1).unwrap();
            let address = listener.local_addr().unwrap();
            let mut held = Vec::new();
            let brief = Duration::from_millis(300);
            while let Ok(stream) = tokio::time::timeout(brief, TcpStream::connect(address)).await {
                held.push(stream.unwrap());
            }
            Self {
                address,
                _held: (listener, held),
            }
        }
    }

    fn v4() -> std::net::IpAddr {
        Ipv4Addr::LOCALHOST.into()
    }

    #[tokio::test]
    async fn a_dead_address_costs_a_moment_and_not_the_connection() {
        let listener = TcpListener::bind((v4(), 0)).await.unwrap();
        let alive = listener.local_addr().unwrap();
        let (one, other) = (Silent::listen(v4()).await, Silent::listen(v4()).await);
        let dead_v6 = Silent::listen(Ipv6Addr::LOCALHOST.into()).await;
        for addresses in [
            vec![dead_v6.address, alive],
            vec![one.address, other.address, alive],
            vec![alive, one.address],
        ] {
            let stream = connect(addresses, PATIENCE).await.unwrap();
            assert_eq!(stream.peer_addr().unwrap(), alive);
        }
    }

    #[tokio::test]
    async fn a_refused_address_costs_nothing() {
        let closed = TcpListener::bind((v4(), 0)).await.unwrap();
        let refused = closed.local_addr().unwrap();
        drop(closed);
        let listener = TcpListener::bind((v4(), 0)).await.unwrap();
        let alive = listener.local_addr().unwrap();
        // The pause would outlast the limit.
        let patience = Patience {
            next_after: Duration::from_mins(1),
            ..PATIENCE
        };
        let stream = connect([refused, alive], patience).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), alive);
        let error = connect([refused], patience).await.unwrap_err().to_string();
        assert!(error.starts_with(&format!("{refused}: ")), "{error}");
    }

    #[tokio::test]
    async fn every_address_that_did_not_answer_is_named() {
        let (one, other) = (Silent::listen(v4()).await, Silent::listen(v4()).await);
        let patience = Patience {
            next_after: Duration::from_millis(10),
            limit: Duration::from_millis(200),
        };
        let error = connect([one.address, other.address], patience).await;
        let error = error.unwrap_err().to_string();
        for address in [one.address, other.address] {
            assert!(error.contains(&format!("{address}: no answer")), "{error}");
        }
        let nothing = connect([], patience).await.unwrap_err();
        assert_eq!(nothing.to_string(), "");
    }

    #[test]
    fn the_families_are_tried_in_turn() {
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        let found = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "[::1]:1"].map(address);
        let expected = ["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"].map(address);
        assert_eq!(Vec::from(in_turn(found)), expected);
    }
}
