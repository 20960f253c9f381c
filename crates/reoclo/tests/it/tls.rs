//! TLS without a proxy.

use crate::fixture::{Certificate, Client, ControlPlane, Home, Request};
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
