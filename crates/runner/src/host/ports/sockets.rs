//! proc_net(5): `/proc/net/{tcp,tcp6,udp,udp6}`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::host::text::read;

/// State of a TCP socket that listens (`TCP_LISTEN` of the kernel).
const TCP_LISTEN: &str = "0A";
/// State of a UDP socket without a peer (`TCP_CLOSE` of the kernel).
const UDP_UNCONNECTED: &str = "07";

/// A socket that others can reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Socket {
    pub(super) protocol: &'static str,
    pub(super) address: IpAddr,
    pub(super) port: u16,
    pub(super) inode: u64,
}

impl Socket {
    /// Sockets that share an address are one port.
    pub(super) fn order(&self) -> (u16, &'static str, IpAddr) {
        (self.port, self.protocol, self.address)
    }

    fn parse(line: &str, protocol: &'static str, state: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace().skip(1);
        let local = words.next()?;
        if words.nth(1)? != state {
            return None;
        }
        let (address, port) = local.split_once(':')?;
        Some(Self {
            protocol,
            address: parse_address(address)?,
            port: u16::from_str_radix(port, 16).ok()?,
            // Behind the queues, the timer, its retransmits, the user and the timeout.
            inode: words.nth(5)?.parse().ok()?,
        })
    }
}

/// Every socket that listens, or takes datagrams from anyone.
pub(super) fn listening() -> Vec<Socket> {
    let tables = [
        ("/proc/net/tcp", "tcp", TCP_LISTEN),
        ("/proc/net/tcp6", "tcp", TCP_LISTEN),
        ("/proc/net/udp", "udp", UDP_UNCONNECTED),
        ("/proc/net/udp6", "udp", UDP_UNCONNECTED),
    ];
    let mut sockets = Vec::new();
    for (path, protocol, state) in tables {
        let text = read(path).unwrap_or_default();
        let lines = text.lines().skip(1);
        sockets.extend(lines.filter_map(|line| Socket::parse(line, protocol, state)));
    }
    sockets
}

/// Words of 32 bits in the host's byte order, in hexadecimal.
fn parse_address(text: &str) -> Option<IpAddr> {
    let word = |index: usize| {
        let digits = text.get(index * 8..index * 8 + 8)?;
        u32::from_str_radix(digits, 16).ok().map(u32::to_ne_bytes)
    };
    match text.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?];
            let bytes: [u8; 16] = words.concat().try_into().ok()?;
            Some(Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_endian = "little")]
    #[test]
    fn lines_of_the_kernel_are_understood() {
        let line = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 123456 1 0000000000000000 100 0 0 10 0";
        let socket = Socket::parse(line, "tcp", TCP_LISTEN).unwrap();
        assert_eq!(socket.address, Ipv4Addr::LOCALHOST);
        assert_eq!((socket.port, socket.inode), (8080, 123_456));
        assert_eq!(Socket::parse(line, "tcp", UDP_UNCONNECTED), None);
        let six = parse_address("00000000000000000000000001000000").unwrap();
        assert_eq!(six, Ipv6Addr::LOCALHOST);
    }

    #[test]
    fn other_lines_are_left_out() {
        for line in [
            "",
            "0: x",
            "0: 0100007F:zz 0 0A",
            "0: é000007F:1F90 0:0 0A 0:0 0:0 0 0 0 5",
        ] {
            assert_eq!(Socket::parse(line, "tcp", TCP_LISTEN), None, "{line}");
        }
    }
}
