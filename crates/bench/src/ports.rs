//! Ports to be found at again.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result};

/// Below the range that outgoing connections are given theirs from (ip(7),
/// `ip_local_port_range`): nobody takes them while a control plane is down.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// `COUNT` ports that nobody listens on.
pub(crate) fn free<const COUNT: usize>() -> Result<[u16; COUNT]> {
    let listeners: Vec<TcpListener> = PORTS
        .filter_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok())
        .take(COUNT)
        .collect();
    let mut ports = [0; COUNT];
    for (place, port) in ports.iter_mut().enumerate() {
        let listener = listeners.get(place).context("every port is taken")?;
        *port = listener.local_addr()?.port();
    }
    Ok(ports)
}
