//! A published list of networks, fetched over TLS by the real binary.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;

use crate::fixture::{Certificate, Home};
use crate::keys::{AUTOMATION, create, token};

/// What the publisher answers from now on, whole.
type Published = Arc<Mutex<String>>;

/// Publishes over TLS until the test ends; gives the port.
fn publish(certificate: &Certificate, published: Published) -> u16 {
    let certificates = vec![CertificateDer::from_pem_file(&certificate.file).unwrap()];
    let key = PrivateKeyDer::from_pem_file(&certificate.key_file).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream);
            let mut line = String::new();
            let mut reader = BufReader::new(&mut stream);
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                line.clear();
            }
            let answer = published.lock().unwrap().clone();
            let _ = stream.write_all(answer.as_bytes());
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    });
    port
}

fn json_answer(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn a_published_list_is_fetched_and_a_bad_answer_keeps_the_one_before() {
    let home = Home::new();
    let certificate = Certificate::new(&home.path("."));
    let good = r#"{"actions": ["127.0.0.0/8", "2001:db8::/32"], "web": ["192.0.2.1"]}"#;
    let published: Published = Arc::new(Mutex::new(json_answer(good)));
    let port = publish(&certificate, Arc::clone(&published));
    let trust = certificate.file.to_str().unwrap().to_owned();
    let up = home.up_in(
        &[("SSL_CERT_FILE", trust)],
        &["--allow-outbound", "127.0.0.0/8"],
    );
    let person = up.set_up();
    let form = json!({
        "name": "runners", "url": format!("https://127.0.0.1:{port}/meta"), "field": "actions",
    });
    let list = person.post("/api/address-sources", &form);
    assert_eq!(list.status, 201, "{}", list.text());
    let list = list.json();
    assert_eq!(list["entries"], 2);
    let id = list["id"].as_str().unwrap();
    let key = create(
        &person,
        AUTOMATION,
        &json!({
            "name": "ci", "all_servers": true, "operations": ["exec"],
            "ip_allowlist_source_ids": [id],
        }),
    );
    let key = up.key(token(&key));
    key.run("true").is("completed", 0);

    let many: Vec<String> = (0..40)
        .map(|last| format!("\"198.51.100.{last}\""))
        .collect();
    let grown = json_answer(&format!(r#"{{"actions": [{}]}}"#, many.join(",")));
    let refresh = format!("/api/address-sources/{id}/refresh");
    for (answer, problem) in [
        (
            "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n".to_owned(),
            "the answer was 503",
        ),
        (
            "HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1/\r\nContent-Length: 0\r\n\r\n"
                .to_owned(),
            "leads elsewhere",
        ),
        (json_answer(r#"{"actions": []}"#), "the list is empty"),
        (
            json_answer(r#"{"actions": ["0.0.0.0/0"]}"#),
            "is wider than",
        ),
        (json_answer("<html>"), "web page"),
        (grown.clone(), "has 40 entries and had 2"),
        (String::new(), "does not answer"),
    ] {
        published.lock().unwrap().clone_from(&answer);
        let refreshed = person.post(&refresh, &json!({})).ok();
        let said = refreshed["problem"].as_str().unwrap_or_default();
        assert!(said.contains(problem), "{answer:?}: {said}");
        assert_eq!(refreshed["entries"], 2, "{answer:?}");
        key.run("true").is("completed", 0);
    }
    published.lock().unwrap().clone_from(&grown);
    let refreshed = person
        .post(&refresh, &json!({ "accept_growth": true }))
        .ok();
    assert_eq!(
        (&refreshed["problem"], &refreshed["entries"]),
        (&json!(null), &json!(40))
    );
    key.exec(&json!({ "command": "true" }))
        .refused(403, "ip_not_allowed");
}
