//! Servers on a loopback port that the system picks.

use std::net::{Ipv4Addr, TcpListener};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process::Background;

/// How many ports are tried before the server counts as broken.
const ATTEMPTS: u32 = 5;
/// Between two looks at a server that is starting.
const READY_POLL: Duration = Duration::from_millis(20);
/// How often to look: 30 s in all.
const READY_POLLS: u32 = 1500;

/// Starts a server on a free port of 127.0.0.1 and waits until it answers.
///
/// The port is free when it is picked and could be taken a moment later by somebody else; a server
/// that ends instead of answering is therefore started again on another one. `is_ready` has to
/// ask the server itself, not whoever listens on the port.
pub(crate) fn start(
    mut start: impl FnMut(u16) -> Result<Background>,
    mut is_ready: impl FnMut(u16) -> Result<bool>,
) -> Result<(Background, u16)> {
    for _ in 0..ATTEMPTS {
        let port = free_port()?;
        let mut server = start(port)?;
        if wait_until_ready(&mut server, || is_ready(port))? {
            return Ok((server, port));
        }
    }
    bail!("it ended {ATTEMPTS} times in a row without answering");
}

fn free_port() -> Result<u16> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot bind a loopback port")?;
    Ok(listener.local_addr()?.port())
}

/// True once it answers, false when it ended.
fn wait_until_ready(
    server: &mut Background,
    mut is_ready: impl FnMut() -> Result<bool>,
) -> Result<bool> {
    for _ in 0..READY_POLLS {
        if !server.is_running() {
            return Ok(false);
        }
        if is_ready()? {
            return Ok(true);
        }
        thread::sleep(READY_POLL);
    }
    bail!("it did not answer in time");
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::process::Command;

    use rustix::process::Signal;

    use super::*;

    #[test]
    fn a_server_that_ends_is_started_again() {
        let starts = Cell::new(0);
        let sleep_or_fail = |_| {
            starts.set(starts.get() + 1);
            let program = if starts.get() < 3 { "false" } else { "sleep" };
            Background::start(Command::new(program).arg("600"), Signal::TERM)
        };
        let (mut server, _port) = start(sleep_or_fail, |_| Ok(starts.get() == 3)).unwrap();
        assert!(server.is_running());
    }

    #[test]
    fn a_server_that_never_answers_is_given_up() {
        let fail = |_| Background::start(&mut Command::new("false"), Signal::TERM);
        assert!(start(fail, |_| Ok(false)).is_err());
    }
}
