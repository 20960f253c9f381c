//! How many connections a control plane can hold, and what its commands see of that.

use std::fs;
use std::net::TcpStream;

use crate::fixture::{ControlPlane, Home};

/// Fewer than the connections below.
const FEW: usize = 64;

#[test]
fn a_control_plane_holds_more_connections_than_it_was_allowed_files() {
    let home = Home::new();
    let serve = start(&home, "serve");
    let limits = fs::read_to_string(format!("/proc/{}/limits", serve.process.pid())).unwrap();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let numbers: Vec<&str> = line.unwrap().split_whitespace().skip(3).take(2).collect();
    assert_eq!(numbers[0], numbers[1], "{limits}");
    assert!(
        serve.process.stderr().contains(&format!(
            "up to {} files may be open, {FEW} before",
            numbers[1]
        )),
        "{}",
        serve.process.stderr()
    );

    let address = serve.url().strip_prefix("http://").unwrap();
    let held: Vec<TcpStream> = (0..2 * FEW)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();
    // The last in the queue: it is answered only when all before it were accepted.
    serve.integration().servers().ok();
    drop(held);
}

#[test]
fn commands_may_open_what_was_allowed_at_the_start() {
    let home = Home::new();
    let up = start(&home, "up");
    let ended = up.automation().run("ulimit -Sn");
    ended.is("completed", 0);
    assert_eq!(ended.stdout, format!("{FEW}\n"));
}

fn start(home: &Home, what: &str) -> ControlPlane {
    let data = home.data();
    let script = format!(
        "ulimit -Sn {FEW}; exec reoclo {what} --output json --listen 127.0.0.1:0 --data-dir '{}'",
        data.display()
    );
    ControlPlane::ready(home.spawn(home.shell(&script)))
}
