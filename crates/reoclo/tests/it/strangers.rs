//! Those who have not said who they are: many, slow, and gone before they are answered.

mod held_bytes;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::json;

use crate::fixture::{
    Answer, Certificate, Client, ControlPlane, Home, PASSWORD, PATIENCE, Request, text_of,
    wait_until,
};

const HEAD: &str = "POST /api/auth/sign-in HTTP/1.1\r\nHost: HOST\r\n\
                    Content-Type: application/json\r\nContent-Length: 100\r\n";

fn authority(serve: &ControlPlane) -> String {
    serve.url().split_once("://").unwrap().1.to_owned()
}

/// Sends what is given and leaves the connection open.
fn open(serve: &ControlPlane, text: &str) -> TcpStream {
    let authority = authority(serve);
    let mut stream = TcpStream::connect(&authority).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // The other side may have closed it already.
    let _ = stream.write_all(text.replace("HOST", &authority).as_bytes());
    stream
}

/// A head whose body does not come.
fn open_body(serve: &ControlPlane) -> TcpStream {
    open(serve, &format!("{HEAD}\r\n{{"))
}

/// Whether the other side has closed it; what it said is read and dropped.
fn is_closed(stream: &mut TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let mut buffer = [0; 4096];
    let closed = loop {
        match stream.read(&mut buffer) {
            Ok(0) => break true,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => break false,
            Err(_) => break true,
        }
    };
    stream.set_nonblocking(false).unwrap();
    closed
}

fn wait_until_closed(what: &str, stream: &mut TcpStream) {
    wait_until(what, || is_closed(stream));
}

fn healthz(serve: &ControlPlane) {
    is_answered(serve, &Request::get("/healthz"));
}

/// Of an address that is flooded, one that has just come may have to come again.
fn is_answered(serve: &ControlPlane, request: &Request) {
    let client = Client::new(serve.url());
    wait_until("it is answered", || {
        let answer = client.try_send(request);
        answer.is_ok_and(|answer| answer.status == 200)
    });
}

#[test]
fn a_flood_from_one_address_is_cut_to_its_share_and_everybody_is_answered() {
    let home = Home::new().limits(&[("connections_per_address", 16)]);
    let serve = home.serve_with(&[]);
    let servers = Request::get("/api/servers").bearer(&serve.integration().token);
    let mut flood: Vec<_> = (0..300).map(|_| open_body(&serve)).collect();
    // While it is kept up.
    healthz(&serve);
    is_answered(&serve, &servers);
    wait_until("all but the share are closed", || {
        let open = flood
            .iter_mut()
            .filter_map(|stream| (!is_closed(stream)).then_some(()));
        open.count() <= 16
    });
    for _ in 0..50 {
        flood.push(open(&serve, "GET / HT"));
        healthz(&serve);
    }
    is_answered(&serve, &servers);
}

#[test]
fn a_flood_of_handshakes_over_tls_is_cut_as_well() {
    let home = Home::new().limits(&[("connections_per_address", 16)]);
    let certificate = Certificate::new(&home.path("."));
    let serve = home.serve_with(&certificate.flags());
    let client = Client::trusting(serve.url(), &certificate);
    // The beginning of a handshake.
    let mut flood: Vec<_> = (0..100).map(|_| open(&serve, "\u{16}\u{3}\u{1}")).collect();
    // Of the flooded address itself, one may have to come again.
    let answers = || {
        let answer = client.try_send(&Request::get("/healthz"));
        answer.is_ok_and(|answer| answer.status == 200)
    };
    wait_until("it answers in the flood", answers);
    wait_until("all but the share are closed", || {
        let open = flood
            .iter_mut()
            .filter_map(|stream| (!is_closed(stream)).then_some(()));
        open.count() <= 16
    });
    wait_until("it answers after the flood", answers);
}

#[test]
fn places_are_kept_for_runners_and_for_callers_while_strangers_have_taken_theirs() {
    let home = Home::new().limits(&[("connections", 64), ("connections_per_address", 1000)]);
    let serve = home.serve_with(&[]);
    let mut flood: Vec<_> = (0..100).map(|_| open_body(&serve)).collect();
    let added = home.add_server("web");
    let _runner = home.runner("web", Some((serve.url(), &added.token)));
    serve.integration().wait_for_status(&added.server, "active");
    flood.extend((0..100).map(|_| open_body(&serve)));
    let key = serve.automation().on(&added.server);
    key.run("echo through").is("completed", 0);
    healthz(&serve);
}

#[test]
fn who_is_slow_with_a_head_a_body_or_an_answer_is_cut() {
    let short = [("head_time", 1.0), ("body_time", 1.0), ("answer_time", 1.0)];
    let home = Home::with_timing(&short);
    let serve = home.serve_with(&[]);
    let mut silent = open(&serve, "");
    let mut head = open(&serve, "GET /healthz HTTP/1.1\r\nHost");
    let mut pipelined = open(&serve, "GET /healthz HTTP/1.1\r\nHost: HOST\r\n\r\n");
    let mut body = open_body(&serve);
    // Tens of megabytes, more than anything on the way can hold.
    let download = "GET /runner/v1/binary/linux-x86_64 HTTP/1.1\r\nHost: HOST\r\n\r\n";
    let mut answer = open(&serve, download);
    wait_until_closed("who says nothing is cut", &mut silent);
    wait_until_closed("a slow head is cut", &mut head);
    wait_until_closed("a slow body is cut", &mut body);
    // Between two requests it has longer.
    assert!(!is_closed(&mut pipelined));
    pipelined.write_all(b"GET /healthz HTTP/1.1\r\nHo").unwrap();
    wait_until_closed("a slow second head is cut", &mut pipelined);
    // Its end shows without reading what would keep it alive.
    wait_until("a stalled reader is cut", || {
        answer.write_all(b"x").is_err() || answer.take_error().unwrap().is_some()
    });
}

#[test]
fn what_is_silent_by_its_nature_is_not_cut() {
    let short = [
        ("head_time", 0.7),
        ("body_time", 0.7),
        ("answer_time", 0.7),
        ("idle_time", 0.7),
        ("inline_wait", 0.1),
    ];
    let home = Home::with_timing(&short);
    let up = home.up();
    let key = up.automation();
    let id = key.start("sleep 3; echo after a while");
    let events = key.events(&id, None).rest();
    assert_eq!(text_of(&events, "stdout"), "after a while\n");
    // The runner's link has been silent as well.
    key.run("true").is("completed", 0);
}

#[test]
fn a_connection_that_authenticated_may_be_idle_for_longer() {
    let short = [
        ("head_time", 0.7),
        ("idle_time", 0.7),
        ("idle_time_of_known", 60.0),
    ];
    let home = Home::with_timing(&short);
    let serve = home.serve_with(&[]);
    let authorized = format!(
        "GET /api/servers HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer {}\r\n\r\n",
        serve.integration().token
    );
    let mut stranger = open(&serve, "GET /healthz HTTP/1.1\r\nHost: HOST\r\n\r\n");
    let mut known = open(&serve, &authorized);
    let mut first = [0; 1];
    known.read_exact(&mut first).unwrap();
    wait_until_closed("the stranger is cut", &mut stranger);
    assert!(!is_closed(&mut known));
    let again = authorized.replace("HOST", &authority(&serve));
    known.write_all(again.as_bytes()).unwrap();
    known.set_read_timeout(Some(PATIENCE)).unwrap();
    known.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"H");
}

#[test]
fn behind_a_proxy_the_forwarded_address_has_its_share_and_the_proxy_none() {
    let home = Home::new().limits(&[("connections_per_address", 3)]);
    let serve = home.serve_with(&["--trusted-proxy", "127.0.0.1/32"]);
    let from = |client: &str| Request::get("/healthz").header("X-Forwarded-For", client);
    let stalled = format!("{HEAD}X-Forwarded-For: 192.0.2.1\r\n\r\n{{");
    let mut held: Vec<_> = (0..3).map(|_| open(&serve, &stalled)).collect();
    wait_until("the address has its share", || {
        // What asks has a place too, which one of the others may have found taken.
        held.push(open(&serve, &stalled));
        serve.send(&from("192.0.2.1")).status == 429
    });
    let refused = serve.send(&from("192.0.2.1"));
    refused.refused(429, "too_many_connections");
    assert!(refused.header("Retry-After").is_some());
    // Others, the proxy's own checks, and more connections than the share are answered.
    held.extend((0..20).map(|_| open(&serve, "GET / HT")));
    assert_eq!(serve.send(&from("192.0.2.2")).status, 200);
    healthz(&serve);
    // Who authenticates is no stranger.
    let known = Request::get("/api/servers").bearer(&serve.integration().token);
    drop(held);
    wait_until("what was held is let go", || {
        let request = known.clone().header("X-Forwarded-For", "192.0.2.1");
        serve.send(&request).status == 200
    });
}

#[test]
fn strangers_who_hang_up_take_no_memory() {
    let home = Home::new();
    let serve = home.serve_with(&[]);
    let sign_in = json!({ "email": "ada@example.com", "password": "correct horse battery" });
    let client = Client::new(serve.url());
    for _ in 0..200 {
        // Nobody waits for the answer.
        drop(client.connect(&Request::post("/api/auth/sign-in", &sign_in)));
    }
    healthz(&serve);
    let status = std::fs::read_to_string(format!("/proc/{}/status", serve.process.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak: u64 = peak
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    assert!(peak < 400 * 1024, "{peak} kB at the most");
}

#[test]
fn strangers_may_not_send_large_bodies_or_heads() {
    let home = Home::new();
    let serve = home.serve_with(&[]);
    let large = Request::post(
        "/api/auth/sign-in",
        &json!({ "email": "x".repeat(70 * 1024) }),
    );
    serve.send(&large).refused(413, "payload_too_large");
    let head = Request::get("/healthz").header("X-Large", &"x".repeat(200 * 1024));
    // It may be cut off while the client still writes.
    if let Ok(answer) = Client::new(serve.url()).try_send(&head) {
        assert_eq!(answer.status, 431);
    }
    healthz(&serve);
}

/// The limit of a head is the same for one that comes at once.
#[test]
fn a_head_has_64_kib_however_it_comes() {
    let home = Home::new();
    let serve = home.serve_with(&[]);
    let key = serve.integration();
    for length in [60, 70, 95] {
        let text = "x".repeat(length * 1024);
        let strange = Request::get("/healthz").header("X-Large", &text);
        let known = Request::get("/api/servers").bearer(&key.token);
        for request in [strange, known.header("X-Large", &text)] {
            // It may be cut off while the client still writes.
            let answer = Client::new(serve.url()).try_send(&request);
            let status = answer.map_or(431, |answer| answer.status);
            assert_eq!(status == 200, length < 64, "{length} KiB: {status}");
        }
    }
}

/// Signs ada in from there; what her browser shows.
fn signs_in(serve: &ControlPlane, from: &str, cookie: &str) -> Answer {
    let form = json!({ "email": "ada@example.com", "password": PASSWORD });
    let request = Request::post("/api/auth/sign-in", &form)
        .header("X-Forwarded-For", from)
        .header("Cookie", cookie);
    serve.send(&request)
}

/// Tries unknown accounts, each from an address of its own in a few networks, until told to end.
fn storm(client: &Client, number: usize, ends: &AtomicBool, sent_away: &AtomicUsize) {
    for round in 0_usize.. {
        if ends.load(Ordering::Relaxed) {
            return;
        }
        let from = match round % 2 {
            0 => format!("2001:db8:{number:x}:{:x}::1", round % 65_536),
            _ => format!("203.0.{number}.{}", round % 256),
        };
        let form = json!({ "email": format!("{number}-{round}@x.example"), "password": "wrong" });
        let request = Request::post("/api/auth/sign-in", &form).header("X-Forwarded-For", &from);
        let answer = client.try_send(&request);
        if answer.is_ok_and(|answer| answer.status == 503) {
            sent_away.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[test]
fn a_storm_of_strangers_shuts_sign_in_for_nobody_else() {
    let home = Home::new();
    let serve = home.serve_with(&["--trusted-proxy", "127.0.0.1/32"]);
    serve.set_up();
    let home_address = "198.51.100.1";
    let first = signs_in(&serve, home_address, "");
    assert_eq!(first.status, 200, "{}", first.text());
    let cookies = first.headers("Set-Cookie");
    let device = cookies
        .iter()
        .find(|cookie| cookie.starts_with("reoclo_device="))
        .unwrap();
    let device = device.split(';').next().unwrap();
    let (ends, sent_away) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for number in 0..60 {
            let (client, ends, sent_away) = (Client::new(serve.url()), &ends, &sent_away);
            scope.spawn(move || storm(&client, number, ends, sent_away));
        }
        let tried = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let is_full = || sent_away.load(Ordering::Relaxed) > 0;
            wait_until("there is no room for strangers", is_full);
            for number in 0..3 {
                let known = signs_in(&serve, home_address, "");
                assert_eq!(known.status, 200, "a known address: {}", known.text());
                let elsewhere = format!("203.0.{number}.77");
                let known = signs_in(&serve, &elsewhere, device);
                assert_eq!(known.status, 200, "a known browser: {}", known.text());
            }
            let mut tries = 0;
            while signs_in(&serve, "192.0.2.9", "").status != 200 {
                tries += 1;
                assert!(tries < 14, "whoever comes from a quiet address gets in");
            }
        }));
        ends.store(true, Ordering::Relaxed);
        tried.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}
