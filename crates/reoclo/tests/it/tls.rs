//! TLS without a proxy.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use rustix::process::Signal;

use crate::fixture::{
    Certificate, Client, ControlPlane, Home, PATIENCE, Request, signal, wait_until,
};
use crate::install::install_at;

fn ready(home: &Home, certificate: &Certificate, what: &str) -> ControlPlane {
    let ready = ControlPlane::ready(home.begin(what, &certificate.flags()));
    let client = Client::trusting(ready.url(), certificate);
    ready.with_client(client)
}

#[test]
fn serve_answers_over_tls_alone() {
    let home = Home::new();
    let certificate = Certificate::new(&home.path("."));
    let serve = ready(&home, &certificate, "serve");
    assert!(
        serve.url().starts_with("https://127.0.0.1:"),
        "{}",
        serve.url()
    );
    assert!(
        serve.line["setup_url"]
            .as_str()
            .unwrap()
            .starts_with(serve.url())
    );
    serve.integration().servers().ok();

    let plain = Client::new(serve.url()).try_send(&Request::get("/healthz"));
    assert!(plain.is_err(), "no answer in clear");
}

#[test]
fn up_and_another_runner_connect_over_tls() {
    let home = Home::new();
    let certificate = Certificate::new(&home.path("."));
    let up = ready(&home, &certificate, "up");
    up.integration().wait_for_status(up.server(), "active");
    up.automation().run("true").is("completed", 0);

    let added = home.add_server("web");
    assert!(
        added.install_command.contains("https://"),
        "{}",
        added.install_command
    );
    let trust = certificate.file.display();
    let command = added
        .install_command
        .replace("curl ", &format!("curl --cacert {trust} "));
    let (_, start) = install_at(&home, &format!("{command} --ca-cert {trust}"));
    let _runner = home.spawn(home.shell(&format!("exec {start}")));
    up.integration().wait_for_status(&added.server, "active");
}

/// Asks once over a connection that stays.
fn ask(stream: &mut (impl Read + Write), host: &str) {
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    stream.flush().unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        let mut some = [0; 1024];
        let read = stream.read(&mut some).unwrap();
        assert!(read > 0, "it was cut off");
        answer.extend_from_slice(&some[..read]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 200"));
}

/// Whether a new connection that trusts just this certificate is answered.
fn is_served(serve: &ControlPlane, certificate: &Certificate) -> bool {
    let client = Client::trusting(serve.url(), certificate);
    let answer = client.try_send(&Request::get("/healthz"));
    answer.is_ok_and(|answer| answer.status == 200)
}

#[test]
fn a_renewed_certificate_is_served_and_connections_go_on() {
    let home = Home::with_timing(&[("certificate_poll", 0.05)]);
    let old = Certificate::new(&home.path("."));
    let serve = ready(&home, &old, "serve");
    let host = serve.url().strip_prefix("https://").unwrap();
    let mut connections: Vec<_> = (0..64)
        .map(|_| {
            let stream = TcpStream::connect(host).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            old.over(stream)
        })
        .collect();
    for connection in &mut connections {
        ask(connection, host);
    }
    let new = Certificate::new(&home.path("."));
    wait_until("the new certificate is served", || {
        for connection in &mut connections {
            ask(connection, host);
        }
        is_served(&serve, &new)
    });
    for connection in &mut connections {
        ask(connection, host);
    }
    assert!(!is_served(&serve, &old));
}

#[test]
fn a_certificate_that_cannot_be_used_leaves_the_old_one_and_is_said_once() {
    let home = Home::with_timing(&[("certificate_poll", 0.02)]);
    let old = Certificate::new(&home.path("."));
    let serve = ready(&home, &old, "serve");
    let said = || serve.process.stderr().matches("cannot be renewed").count();
    fs::write(&old.file, "no certificate").unwrap();
    wait_until("it is said", || said() == 1);
    for _ in 0..20 {
        signal(serve.process.pid(), Signal::HUP);
        assert!(is_served(&serve, &old));
    }
    assert_eq!(said(), 1);
    // Its key is another one's.
    fs::create_dir(home.path("other")).unwrap();
    let other = Certificate::new(&home.path("other"));
    fs::copy(&other.file, &old.file).unwrap();
    wait_until("that is said too", || said() == 2);
    assert!(is_served(&serve, &old) && !is_served(&serve, &other));
    let new = Certificate::new(&home.path("."));
    wait_until("a good one is served", || is_served(&serve, &new));
}

#[test]
fn a_signal_has_the_certificate_read_again() {
    let home = Home::with_timing(&[("certificate_poll", 100_000.0)]);
    let old = Certificate::new(&home.path("."));
    let serve = ready(&home, &old, "serve");
    let new = Certificate::new(&home.path("."));
    assert!(is_served(&serve, &old));
    signal(serve.process.pid(), Signal::HUP);
    wait_until("the new certificate is served", || is_served(&serve, &new));
}

#[test]
fn a_hangup_ends_neither_serve_nor_up() {
    for what in ["serve", "up"] {
        let home = Home::new();
        let mut ready = ControlPlane::ready(home.begin(what, &[]));
        for _ in 0..3 {
            signal(ready.process.pid(), Signal::HUP);
        }
        wait_until("it is heard", || ready.process.stderr().contains("SIGHUP"));
        ready.integration().servers().ok();
        assert!(!ready.process.has_ended());
        assert!(ready.process.stop().success());
    }
}
