//! From many addresses, each connection holds as much as it can.

use std::io::Write;
use std::net::{SocketAddr, SocketAddrV4, TcpStream};

use rustix::net::{AddressFamily, SocketType, bind, connect, socket, sockopt};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{authority, healthz, is_answered};
use crate::fixture::{Certificate, Client, ControlPlane, Home, Key, Request, wait_until};

/// What strangers may hold here, and how many of them hold what they can.
const BUDGET: u64 = 8 << 20;
const CONNECTIONS: usize = 800;
const ADDRESSES: usize = 40;
/// Of a process that counts what they hold; one that does not has far more.
const MOST_GROWTH_KB: u64 = 36 * 1024;
/// What need not come back.
const KEPT_KB: u64 = 20 * 1024;
/// As much as the attacker's side of a connection takes without being read.
const MUCH: usize = 60_000;

/// Of proc(5), `status`, in kB.
fn kilobytes(serve: &ControlPlane, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", serve.process.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let value = line.unwrap().trim_start_matches(':').trim();
    value.trim_end_matches(" kB").parse().unwrap()
}

/// As many files as the tests of this process may have.
fn allow_files() {
    let limit = getrlimit(Resource::Nofile);
    let current = limit.maximum;
    setrlimit(Resource::Nofile, Rlimit { current, ..limit }).unwrap();
}

/// A connection from one of many addresses, over which `bytes` are sent and nothing is read.
fn hold(to: SocketAddr, number: usize, bytes: &[u8]) -> TcpStream {
    let host = u8::try_from(number % ADDRESSES + 1).unwrap();
    let from = SocketAddrV4::new([127, 1, 7, host].into(), 0);
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    sockopt::set_socket_recv_buffer_size(&socket, 2048).unwrap();
    bind(&socket, &from).unwrap();
    connect(&socket, &to).unwrap();
    let mut stream = TcpStream::from(socket);
    // What is not taken at once, or no more, is not waited for.
    stream.set_nonblocking(true).unwrap();
    let _ = stream.write(bytes);
    stream
}

/// Floods it with one kind of connection, and holds that it grows by no more than it should.
fn flood(serve: &ControlPlane, kind: &str, bytes: &[u8], before: u64, meanwhile: impl Fn()) {
    let to: SocketAddr = authority(serve).parse().unwrap();
    // The peak begins anew; where it does not, it is that of all floods so far.
    let peak = format!("/proc/{}/clear_refs", serve.process.pid());
    let _ = std::fs::write(peak, "5");
    let mut held = Vec::new();
    for number in 0..CONNECTIONS {
        held.push(hold(to, number, bytes));
        if number % (CONNECTIONS / 4) == 0 {
            meanwhile();
        }
    }
    meanwhile();
    let growth = kilobytes(serve, "VmHWM").saturating_sub(before);
    assert!(growth < MOST_GROWTH_KB, "{kind}: it grew by {growth} kB");
}

/// Requests that hold memory until they are answered, or until the answer is read.
fn kinds(host: &str) -> Vec<(&'static str, Vec<u8>)> {
    let much = "a".repeat(MUCH);
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n");
    let post = |length: usize, kind: &str| {
        format!(
            "POST /api/auth/sign-in HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}\r\n\
             Content-Length: {length}\r\n\r\n{{"
        )
    };
    let begun = post(65_000, "application/json") + &much;
    let small = post(8_000, "application/json") + &much[..7_900];
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    // A message of half a megabyte, most of which comes.
    let mut message = (get("/runner/v1/connect") + upgrade).into_bytes();
    message.extend([0x81, 0xff, 0, 0, 0, 0, 0, 8, 0, 0, 1, 2, 3, 4]);
    message.extend(vec![b'a'; 300_000]);
    let program = format!("/runner/v1/binary/linux-{}", std::env::consts::ARCH);
    vec![
        ("half a body", begun.into_bytes()),
        ("half a small body", small.into_bytes()),
        (
            "half a head",
            (get("/healthz") + "X: " + &much).into_bytes(),
        ),
        (
            "an answer that is not read",
            (get("/api/openapi.json") + "\r\n").into_bytes(),
        ),
        (
            "a program that is not read",
            (get(&program) + "\r\n").into_bytes(),
        ),
        ("half a proof of a runner", message),
    ]
}

fn patient() -> Home {
    let patient = ["head_time", "body_time", "answer_time"].map(|name| (name, 60.0));
    Home::with_timing(&patient).limits(&[("stranger_bytes", BUDGET)])
}

#[test]
fn strangers_of_many_addresses_hold_a_bounded_number_of_bytes() {
    allow_files();
    let home = patient();
    let up = home.up();
    let key: Key = up.automation();
    key.run("true").is("completed", 0);
    // What the first answers need is no stranger's.
    healthz(&up);
    is_answered(&up, &Request::get("/api/openapi.json"));
    let before = kilobytes(&up, "VmRSS");
    for (kind, bytes) in kinds(&authority(&up)) {
        flood(&up, kind, &bytes, before, || {
            healthz(&up);
            key.run("echo through").is("completed", 0);
        });
    }
    wait_until("the memory is given back", || {
        kilobytes(&up, "VmRSS") < before + KEPT_KB
    });
}

#[test]
fn handshakes_of_many_addresses_hold_a_bounded_number_of_bytes() {
    allow_files();
    let home = patient();
    let certificate = Certificate::new(&home.path("."));
    let serve = home.serve_with(&certificate.flags());
    let client = Client::trusting(serve.url(), &certificate);
    let before = kilobytes(&serve, "VmRSS");
    // The first message says that it has 64 KiB, and comes in records of 16 KiB, but for the last.
    let mut hello = vec![1, 0, 0xff, 0xf0];
    hello.resize(MUCH, b'a');
    let records = hello.chunks(16 * 1024).flat_map(|part| {
        let [high, low] = u16::try_from(part.len()).unwrap().to_be_bytes();
        [&[22, 3, 1, high, low], part].concat()
    });
    let bytes: Vec<u8> = records.collect();
    flood(&serve, "half a handshake", &bytes, before, || {
        wait_until("it answers in the flood", || {
            let answer = client.try_send(&Request::get("/healthz"));
            answer.is_ok_and(|answer| answer.status == 200)
        });
    });
}
