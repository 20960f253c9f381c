//! A runner from before some calls were there: it answers those that it knows, and everything
//! that needs no others works with it.

use std::convert::Infallible;
use std::net::TcpStream as StdStream;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt, stream};
use http::{HeaderMap, Request as HttpRequest, Response};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message as _;
use reoclo_wire::byte_stream::{ByteStream, Codec, Received};
use reoclo_wire::handshake::{CONNECT_PATH, Challenge, Welcome, prove};
use reoclo_wire::proto::operation_event::Event;
use reoclo_wire::proto::{
    Accepted, Description, Finished, ForgetReply, OperationEvent, Output, finished, output,
};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;

use crate::fixture::{ControlPlane, Home, Request, wait_until};

const CODEC: Codec<Message> = Codec {
    wrap: Message::Binary,
    open: |message| match message {
        Message::Binary(bytes) => Received::Bytes(bytes),
        Message::Close(_) => Received::Close,
        _ => Received::Control,
    },
};

/// Enrols, and serves the calls that it says it knows until the value is dropped.
struct OlderRunner(#[expect(dead_code, reason = "it serves while it is held")] Runtime);

impl OlderRunner {
    /// One of before runners said what they can.
    fn start(serve: &ControlPlane, token: &str) -> Self {
        Self::that_says(serve, token, &[])
    }

    fn that_says(serve: &ControlPlane, token: &str, abilities: &'static [&'static str]) -> Self {
        let key = Ed25519KeyPair::from_seed_unchecked(&[5; 32]).unwrap();
        let body = json!({
            "token": token,
            "public_key": STANDARD.encode(key.public_key()),
            "hostname": "older",
            "version": "0.0.9",
        });
        let enrolled = serve.send(&Request::post("/runner/v1/enrol", &body)).ok();
        let address = serve.url().strip_prefix("http://").unwrap().to_owned();
        let stream = StdStream::connect(&address).unwrap();
        stream.set_nonblocking(true).unwrap();
        let runtime = Runtime::new().unwrap();
        runtime.spawn(connect(stream, address, key, enrolled, abilities));
        Self(runtime)
    }
}

async fn connect(
    stream: StdStream,
    address: String,
    key: Ed25519KeyPair,
    enrolled: Value,
    abilities: &'static [&'static str],
) {
    let stream = TcpStream::from_std(stream).unwrap();
    let url = format!("ws://{address}{CONNECT_PATH}");
    let (mut socket, _) = client_async(url, stream).await.unwrap();
    let challenge = socket.next().await.unwrap().unwrap();
    let challenge: Challenge = serde_json::from_str(challenge.to_text().unwrap()).unwrap();
    let text = |name: &str| enrolled[name].as_str().unwrap().to_owned();
    let (control_plane, server) = (text("control_plane_id"), text("server_id"));
    let proof = prove(&key, &control_plane, &server, "0.0.9", &challenge).unwrap();
    let proof = serde_json::to_string(&proof).unwrap();
    socket.send(Message::text(proof)).await.unwrap();
    let welcome = socket.next().await.unwrap().unwrap();
    let welcome: Welcome = serde_json::from_str(welcome.to_text().unwrap()).unwrap();
    assert!(
        welcome.program.is_some(),
        "it is told of a program and leaves that alone"
    );
    let io = TokioIo::new(ByteStream::new(socket, CODEC));
    let answering = service_fn(move |request| answer(request, abilities));
    let serving = http2::Builder::new(TokioExecutor::new()).serve_connection(io, answering);
    // It ends with the test.
    let _ = serving.await;
}

type Body =
    StreamBody<futures_util::stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, Infallible>>>>;

/// gRPC by hand, since the generated service knows every call of today.
async fn answer(
    request: HttpRequest<Incoming>,
    abilities: &[&str],
) -> Result<Response<Body>, Infallible> {
    let path = request.uri().path().to_owned();
    // Whatever was asked is read whole.
    let _ = request.into_body().collect().await;
    let (messages, status) = match path.rsplit('/').next().unwrap_or_default() {
        "Describe" => (vec![description(abilities).encode_to_vec()], 0),
        "Start" => (run().iter().map(prost::Message::encode_to_vec).collect(), 0),
        "Forget" => (vec![ForgetReply {}.encode_to_vec()], 0),
        _ => (Vec::new(), 12),
    };
    let mut frames: Vec<_> = messages
        .iter()
        .map(|message| Ok(Frame::data(framed(message))))
        .collect();
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", status.into());
    frames.push(Ok(Frame::trailers(trailers)));
    let response = Response::builder().header("content-type", "application/grpc");
    Ok(response
        .body(StreamBody::new(stream::iter(frames)))
        .unwrap())
}

fn framed(message: &[u8]) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).unwrap());
    frame.extend_from_slice(message);
    frame.freeze()
}

fn description(abilities: &[&str]) -> Description {
    Description {
        instance_id: "older".into(),
        boot_id: "boot".into(),
        monotonic_ms: 1,
        version: "0.0.9".into(),
        facts: None,
        running: 0,
        abilities: abilities.iter().map(|name| (*name).to_owned()).collect(),
    }
}

fn run() -> [OperationEvent; 3] {
    let output = Output {
        stream: output::Stream::Stdout.into(),
        offset: 0,
        data: Bytes::from_static(b"done\n"),
    };
    let finished = Finished {
        state: finished::State::Completed.into(),
        stdout_bytes: 5,
        ..Finished::default()
    };
    [
        Event::Accepted(Accepted {
            known_before: false,
        }),
        Event::Output(output),
        Event::Finished(finished),
    ]
    .map(|event| OperationEvent { event: Some(event) })
}

#[test]
fn an_older_runner_works_and_what_it_lacks_is_said() {
    let home = Home::with_timing(&[("metrics_interval", 0.1), ("resume_grace", 0.0)]);
    let serve = home.serve_with(&[]);
    let added = home.add_server("web");
    let _runner = OlderRunner::start(&serve, &added.token);
    serve.integration().wait_for_status(&added.server, "active");
    let ended = serve.automation().on(&added.server).run("anything");
    ended.is("completed", 0);
    assert_eq!(ended.stdout, "done\n");

    let token = serve.integration().token;
    let ask = |method: &str, what: &str| {
        let path = format!("/api/servers/web/{what}");
        serve.send(&Request::new(method, &path).bearer(&token))
    };
    let detail = ask("GET", "ports").refused(409, "runner_outdated");
    assert!(
        detail.contains("(0.0.9)") && detail.contains("needs a newer runner"),
        "{detail}"
    );
    let health = ask("POST", "health-check").ok();
    assert_eq!(health["status"], "healthy", "{health}");
    assert!(health["last_latency_ms"].is_number());
    assert_eq!(health["disk_status"], "unknown");
    let metrics = ask("GET", "metrics").ok();
    assert!(metrics["cpu_percent"].is_null());
    let message = metrics["message"].as_str().unwrap();
    assert!(message.contains("needs a newer runner"), "{message}");
    wait_until("it counts as up", || {
        ask("GET", "uptime").ok()["overall_uptime_pct"] == 100.0
    });
}

#[test]
fn what_a_runner_does_not_say_that_it_can_is_not_asked_of_it() {
    let home = Home::new();
    let serve = home.serve_with(&[]);
    let added = home.add_server("web");
    let abilities = &["describe", "start", "forget", "exec", "of_tomorrow"];
    let _runner = OlderRunner::that_says(&serve, &added.token, abilities);
    let token = serve.integration().token;
    serve.integration().wait_for_status(&added.server, "active");
    let key = serve.automation().on(&added.server);
    key.run("anything").is("completed", 0);

    let body = |more: Value| {
        let mut body = json!({ "server_id": added.server });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body
    };
    let automation =
        |what: &str, more: Value| key.post_json(&format!("/api/automation/v1/{what}"), &body(more));
    let login = json!({
        "registry_url": "https://registry.example.com", "username": "ada", "access_token": "secret-1",
    });
    let logout = json!({ "registry_url": "https://registry.example.com" });
    for (answer, what) in [
        (automation("reboot", json!({})), "cannot reboot its host"),
        (
            automation("exec", json!({ "command": "#!/bin/sh\ntrue" })),
            "cannot run commands that begin with #!",
        ),
        (
            automation("registry-auth/login-direct", login),
            "cannot log in to registries",
        ),
        (
            automation("registry-auth/logout", logout),
            "cannot log out of registries",
        ),
        (
            serve.send(&Request::get("/api/servers/web/ports").bearer(&token)),
            "cannot list ports",
        ),
    ] {
        let detail = answer.refused(409, "runner_outdated");
        for word in [what, "(0.0.9)", "needs a newer runner", "--no-self-upgrade"] {
            assert!(detail.contains(word), "{word}: {detail}");
        }
    }
    // Nothing was begun, which the audit log says.
    let ran = serve.send(&Request::get("/api/operations").bearer(&token));
    assert_eq!(
        ran.ok()["items"].as_array().unwrap().len(),
        1,
        "{}",
        ran.text()
    );
    wait_until("the refusals are audited", || {
        home.audit("export", &[]).stdout.contains("runner_outdated")
    });

    let page = serve.set_up().get("/servers/web");
    for word in [
        "reboot its host",
        "log in to registries",
        "--no-self-upgrade",
    ] {
        assert!(page.text().contains(word), "{word}");
    }
}
