//! Which ports are listened on, by whom, and what stands before them.

mod docker;
mod owners;
mod sockets;

use reoclo_wire::proto::{ListeningPort, PortsReply};

use super::firewall;
use owners::owners;
use sockets::Socket;

/// The most ports that are listed.
const MOST: usize = 2000;

/// Looks now; this takes a moment, in a thread that may be held up.
pub(crate) async fn ports() -> PortsReply {
    let sockets = tokio::task::spawn_blocking(listening);
    let (sockets, firewall, bindings) =
        tokio::join!(sockets, firewall::detect(), docker::bindings());
    let (listening, truncated) = sockets.unwrap_or_default();
    PortsReply {
        listening,
        firewall: Some(firewall),
        bindings,
        truncated,
    }
}

fn listening() -> (Vec<ListeningPort>, bool) {
    let mut sockets = sockets::listening();
    sockets.sort_by(|one, other| one.order().cmp(&other.order()));
    sockets.dedup_by(|one, other| one.order() == other.order());
    let truncated = sockets.len() > MOST;
    sockets.truncate(MOST);
    let owners = owners(sockets.iter().map(|socket| socket.inode));
    let listed = sockets.into_iter().map(|socket| {
        let process = owners.get(&socket.inode).cloned().unwrap_or_default();
        socket.named(process)
    });
    (listed.collect(), truncated)
}

impl Socket {
    fn named(self, process: String) -> ListeningPort {
        ListeningPort {
            port: self.port.into(),
            protocol: self.protocol.to_owned(),
            address: self.address.to_string(),
            process,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, UdpSocket};

    use super::*;

    #[tokio::test]
    async fn what_listens_here_is_found_with_the_name_of_its_process() {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = UdpSocket::bind("[::1]:0").unwrap();
        let name = std::fs::read_to_string("/proc/self/comm").unwrap();
        let found = ports().await;
        let expect = |protocol: &str, address: &str, port: u16| {
            let is_it = |found: &&ListeningPort| {
                found.port == u32::from(port) && found.protocol == protocol
            };
            let found = found.listening.iter().find(is_it).unwrap();
            assert_eq!(found.address, address);
            assert_eq!(found.process, name.trim());
        };
        expect("tcp", "127.0.0.1", tcp.local_addr().unwrap().port());
        expect("udp", "::1", udp.local_addr().unwrap().port());
        assert!(found.firewall.is_some());
    }
}
