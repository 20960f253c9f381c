//! Docker logins: a real control plane, runner, Docker engine and registry.

use std::fs;
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::fixture::{
    Answer, Certificate, ControlPlane, Docker, Ended, Home, Key, Registry, Request, free_port,
    leaks,
};

const AUTH: &str = "/api/automation/v1/registry-auth";

/// A control plane whose runner's Docker is a test's own.
struct World {
    up: ControlPlane,
    docker: Docker,
    home: Home,
}

impl World {
    fn new() -> Self {
        Self::with(&[], &[])
    }

    fn with(timing: &[(&str, f64)], flags: &[&str]) -> Self {
        let home = Home::with_timing(timing);
        let docker = Docker::start(&home);
        let up = home.up_in(&docker.variables(), flags);
        Self { up, docker, home }
    }

    fn key(&self) -> Key {
        self.up.automation()
    }

    fn auth(&self, what: &str, fields: &Value) -> Answer {
        auth(&self.up, &self.key(), self.up.server(), what, fields)
    }

    fn direct(&self, registry: &str, (username, password): (&str, &str)) -> Answer {
        let fields = json!({
            "registry_url": registry, "username": username, "access_token": password,
        });
        self.auth("login-direct", &fields)
    }

    fn logout(&self, registry: &str) -> Answer {
        self.auth("logout", &json!({ "registry_url": registry }))
    }

    fn credential(&self, fields: &Value) -> String {
        let token = self.up.integration().token;
        create_credential(&self.up, &token, fields)
    }

    /// The record, when the operation has ended.
    fn ended(&self, answer: &Answer) -> Ended {
        self.key().ended(&id(answer))
    }
}

/// The request of a client, as it is documented.
pub(crate) fn auth(
    up: &ControlPlane,
    key: &Key,
    server: &str,
    what: &str,
    fields: &Value,
) -> Answer {
    let mut body = json!({
        "server_id": server, "run_id": "77", "run_context": { "provider": "gitea_actions" },
    });
    let fields = fields.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(fields);
    up.send(&Request::post(&format!("{AUTH}/{what}"), &body).bearer(&key.token))
}

pub(crate) fn create_credential(up: &ControlPlane, token: &str, fields: &Value) -> String {
    let mut body = json!({ "name": "builds", "registry_type": "private" });
    let fields = fields.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(fields);
    let answer = up.send(&Request::post("/api/registry-credentials", &body).bearer(token));
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()["id"].as_str().unwrap().to_owned()
}

fn id(answer: &Answer) -> String {
    answer.ok()["operation_id"].as_str().unwrap().to_owned()
}

fn hostile_registries() -> Vec<String> {
    let corpus = include_str!("../../../testkit/corpus/hostile_registries.json");
    serde_json::from_str(corpus).unwrap()
}

#[test]
fn a_server_is_logged_in_with_a_stored_credential_and_out_again() {
    let world = World::new();
    let registry = Registry::start(&world.home, "registry");
    let (username, password) = Registry::USER;
    let url = format!("http://{}/team/images", registry.host);
    let credential = world.credential(&json!({
        "registry_url": url, "username": username, "encrypted_credential": password,
    }));
    let answer = world.auth("login", &json!({ "credential_id": credential }));
    let body = answer.ok();
    assert_eq!(body["status"], "completed", "{body}");
    assert_eq!(body["exit_code"], 0, "{body}");
    assert_eq!(body["registry_url"], url);
    assert_eq!(body["registry_type"], "private");
    assert_eq!(world.docker.logins(), [registry.host.as_str()]);

    let record = world.key().operation(&id(&answer)).ok();
    assert_eq!(record["operation_type"], "registry_login");
    assert_eq!(record["run_id"], "77");
    assert_eq!(record["command"], format!("docker login {}", registry.host));
    let ended = world.ended(&answer);
    ended.is("completed", 0);
    assert!(ended.stdout.contains("Login Succeeded"), "{ended:?}");

    let logout = world.logout(&registry.host);
    assert_eq!(logout.ok()["status"], "completed");
    world.ended(&logout).is("completed", 0);
    assert_eq!(world.docker.logins(), [""; 0]);
    let record = world.key().operation(&id(&logout)).ok();
    assert_eq!(record["operation_type"], "registry_logout");

    assert_eq!(leaks(&world.home.data(), &[password]), [""; 0]);
    let audit = world.home.audit("export", &[]).stdout;
    assert!(audit.contains(&credential) && audit.contains(&registry.host));
    assert!(!audit.contains(password), "{audit}");
    assert_eq!(world.home.audit("verify", &[]).code, Some(0));
}

/// Two jobs share one configuration of Docker.
#[test]
fn the_logout_of_one_job_leaves_the_login_of_another() {
    let mut world = World::new();
    let registry = Registry::start(&world.home, "registry");
    let (host, token) = (registry.host.clone(), world.key().token);
    let (username, password) = Registry::USER;
    let login = |up: &ControlPlane, run: Value| {
        let fields = json!({
            "registry_url": host, "username": username, "access_token": password, "run_id": run,
        });
        let key = up.key(&token);
        let answer = auth(up, &key, up.server(), "login-direct", &fields);
        key.ended(&id(&answer)).is("completed", 0);
        assert!(answer.ok()["still_held"].is_null(), "{}", answer.text());
    };
    let logout = |up: &ControlPlane, run: Value| {
        let fields = json!({ "registry_url": format!("https://{host}/v2/"), "run_id": run });
        let answer = auth(up, &up.key(&token), up.server(), "logout", &fields).ok();
        assert_eq!(answer["status"], "completed", "{answer}");
        answer
    };
    for run in [json!("1"), json!("2"), Value::Null] {
        login(&world.up, run);
    }
    let answer = logout(&world.up, json!("1"));
    assert_eq!(answer["still_held"], 2, "{answer}");
    let message = answer["message"].as_str().unwrap();
    assert!(message.contains("2 others still hold it"), "{message}");
    assert_eq!(world.docker.logins(), [host.as_str()]);
    let record = world
        .up
        .key(&token)
        .operation(answer["operation_id"].as_str().unwrap());
    assert_eq!(record.ok()["result"]["still_held"], 2);
    assert_eq!(record.ok()["message"], message);

    // All of it is known after a new start, runner and supervisor included.
    world.up.process.stop();
    world.up = world.home.up_in(&world.docker.variables(), &[]);
    let answer = logout(&world.up, Value::Null);
    assert_eq!(answer["still_held"], 1, "{answer}");
    assert_eq!(world.docker.logins(), [host.as_str()]);
    let answer = logout(&world.up, json!("2"));
    assert_eq!(answer["still_held"], 0, "{answer}");
    assert!(answer["message"].is_null(), "{answer}");
    assert_eq!(world.docker.logins(), [""; 0]);
}

#[test]
fn a_logout_that_left_the_login_has_failed() {
    let world = World::new();
    for (config, code) in [
        (
            json!({ "auths": { "ghcr.io": { "auth": "YTpi" } }, "credsStore": "missing" }),
            "login_remains",
        ),
        (
            json!({ "credHelpers": { "ghcr.io": "missing" } }),
            "login_unknown",
        ),
        (json!("no configuration"), "login_unknown"),
    ] {
        world.docker.configure(&config);
        let answer = world.logout("https://ghcr.io").ok();
        assert_eq!(answer["status"], "failed", "{answer}");
        assert_eq!(answer["code"], code, "{answer}");
        assert_ne!(answer["exit_code"], 0, "{answer}");
        let message = answer["message"].as_str().unwrap();
        assert!(message.contains("config.json"), "{message}");
        assert!(
            answer["stderr"].as_str().unwrap().contains(message),
            "{answer}"
        );
        let record = world
            .key()
            .operation(answer["operation_id"].as_str().unwrap());
        assert_eq!(record.ok()["status"], "failed");
        assert_eq!(record.ok()["code"], code);
    }
    // Docker would find these by other names than it removes.
    world.docker.configure(&json!({ "auths": {
        "https://ghcr.io/v1/": { "auth": "YTpi" }, "ghcr.io/v2/": { "auth": "YTpi" },
        "b.example": { "auth": "YTpi" },
    } }));
    assert_eq!(world.logout("ghcr.io").ok()["status"], "completed");
    assert_eq!(world.docker.logins(), ["b.example"]);
}

#[test]
fn a_logout_of_what_was_never_logged_in_to_is_completed() {
    let world = World::new();
    for registry in [
        "never.example.com:5000",
        "docker.io",
        "https://ghcr.io/team",
    ] {
        let answer = world.logout(registry);
        assert_eq!(answer.ok()["status"], "completed", "{}", answer.text());
        world.ended(&answer).is("completed", 0);
    }
}

#[test]
fn a_wrong_password_is_told_by_exit_code_and_stderr() {
    let world = World::new();
    let registry = Registry::start(&world.home, "registry");
    let password = "wrong-password-1";
    let credential = world.credential(&json!({
        "registry_url": registry.host, "username": "ada", "password": password,
    }));
    let stored = world.auth("login", &json!({ "credential_id": credential }));
    let direct = world.direct(&registry.host, ("ada", password));
    for answer in [stored, direct] {
        assert_eq!(answer.ok()["status"], "completed", "{}", answer.text());
        let ended = world.ended(&answer);
        ended.is("completed", 1);
        assert!(ended.stderr.contains("401"), "{ended:?}");
        assert_eq!(world.docker.has_engine(), ended.stderr.contains("daemon"));
        assert!(!format!("{ended:?}").contains(password), "{ended:?}");
    }
    assert_eq!(world.docker.logins(), [""; 0]);
}

#[test]
fn a_registry_has_one_login_however_it_is_spelled() {
    let world = World::new();
    let registry = Registry::start(&world.home, "registry");
    let host = &registry.host;
    for (login, logout) in [
        (host.clone(), format!("http://{host}/v2/")),
        (format!("https://{host}"), host.clone()),
        (
            format!("{host}/team/image"),
            format!("HTTPS://{host}/other"),
        ),
    ] {
        let answer = world.direct(&login, Registry::USER);
        assert_eq!(answer.ok()["registry_url"], login.as_str());
        world.ended(&answer).is("completed", 0);
        assert_eq!(world.docker.logins(), [host.as_str()], "{login}");
        world.ended(&world.logout(&logout)).is("completed", 0);
        assert_eq!(world.docker.logins(), [""; 0], "{logout}");
    }
}

#[test]
fn a_hostile_user_name_and_password_log_in_as_what_they_are() {
    let world = World::new();
    let registry = Registry::start(&world.home, "registry");
    let answer = world.direct(&registry.host, Registry::HOSTILE_USER);
    world.ended(&answer).is("completed", 0);
    assert_eq!(world.docker.logins(), [registry.host.as_str()]);
    for name in [
        "-x",
        "--config=/tmp",
        "$(touch owned)",
        "`touch owned`",
        "'",
        "🐳",
        "../..",
    ] {
        let ended = world.ended(&world.direct(&registry.host, (name, name)));
        ended.is("completed", 1);
        assert!(ended.stderr.contains("401"), "{ended:?}");
    }
    assert!(!world.home.path("owned").exists());
}

#[test]
fn no_hostile_registry_reaches_docker() {
    let world = World::new();
    let registry = Registry::start(&world.home, "registry");
    world.direct(&registry.host, Registry::USER).ok();
    for hostile in hostile_registries() {
        for answer in [
            world.direct(&hostile, Registry::USER),
            world.logout(&hostile),
        ] {
            let detail = answer.refused(422, "invalid_request");
            assert!(detail.starts_with("registry_url "), "{hostile:?}: {detail}");
        }
    }
    assert_eq!(world.docker.logins(), [registry.host.as_str()]);
    assert!(!world.home.path("owned").exists());
}

#[test]
fn logins_at_the_same_time_are_all_kept() {
    let world = World::new();
    let registries = ["a", "b", "c"].map(|name| Registry::start(&world.home, name));
    std::thread::scope(|scope| {
        for registry in &registries {
            scope.spawn(|| world.ended(&world.direct(&registry.host, Registry::USER)));
        }
    });
    let mut logins = world.docker.logins();
    logins.sort();
    let mut hosts = registries.map(|registry| registry.host);
    hosts.sort();
    assert_eq!(logins, hosts);
}

#[test]
fn a_login_goes_on_through_a_kill_of_the_control_plane_and_its_secret_is_nowhere() {
    let mut world = World::with(&[("inline_wait", 0.1)], &[]);
    let token = world.key().token;
    // A registry that keeps Docker waiting until the test lets it go.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = silent.local_addr().unwrap().to_string();
    let password = "a-password-that-waits";
    let answer = world.direct(&host, ("ada", password)).ok();
    assert_eq!(answer["status"], "running", "{answer}");
    let held = silent.accept().unwrap().0;
    world.up.process.kill();
    assert_eq!(leaks(&world.home.data(), &[password]), [""; 0]);

    let later = world.home.up_in(&world.docker.variables(), &[]);
    std::thread::spawn(move || {
        drop(held);
        // Whatever else Docker tries ends at once.
        for stream in silent.incoming().flatten() {
            drop(stream);
        }
    });
    let ended = later
        .key(&token)
        .ended(answer["operation_id"].as_str().unwrap());
    ended.is("completed", 1);
    assert_eq!(leaks(&world.home.data(), &[password]), [""; 0]);
    assert!(!format!("{ended:?}").contains(password));
}

fn test_connection(up: &ControlPlane, token: &str, registry: &str, password: &str) -> Value {
    let body = json!({
        "registry_type": "private", "registry_url": registry, "username": "ada",
        "encrypted_credential": password,
    });
    let path = "/api/registry-credentials/test-connection";
    up.send(&Request::post(path, &body).bearer(token)).ok()
}

#[test]
fn a_connection_is_tested_against_a_real_registry() {
    let home = Home::new();
    let certificate = Certificate::new(&home.path("."));
    let plain = Registry::start(&home, "plain");
    let tls = Registry::start_with(&home, "tls", Some(&certificate));
    let trusted = [("SSL_CERT_FILE", certificate.file.display().to_string())];
    let mut up = home.up_in(&trusted, &["--allow-outbound", "127.0.0.0/8"]);
    let token = up.integration().token;
    for registry in [&plain.host, &tls.host, &format!("https://{}", tls.host)] {
        let right = test_connection(&up, &token, registry, Registry::USER.1);
        assert_eq!(right["success"], true, "{registry}: {right}");
        let wrong = test_connection(&up, &token, registry, "wrong");
        assert_eq!(wrong["success"], false, "{registry}: {wrong}");
        assert!(
            wrong["message"].as_str().unwrap().contains("refused"),
            "{wrong}"
        );
    }
    up.process.stop();

    // Nobody said that this certificate is to be trusted, or that this machine may be reached.
    let up = home.up_with(&["--allow-outbound", "127.0.0.0/8"]);
    let untrusted = test_connection(
        &up,
        &token,
        &format!("https://{}", tls.host),
        Registry::USER.1,
    );
    assert!(
        untrusted["message"].as_str().unwrap().contains("no TLS"),
        "{untrusted}"
    );
}

/// It would ask for addresses that nobody has checked.
#[test]
fn trying_a_credential_goes_through_no_proxy() {
    let home = Home::new();
    let registry = Registry::start(&home, "registry");
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let names = [
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "HTTPS_PROXY",
        "ALL_PROXY",
    ];
    let proxies = names.map(|name| (name, nobody.clone()));
    let up = home.up_in(&proxies, &["--allow-outbound", "127.0.0.0/8"]);
    let token = up.integration().token;
    let url = format!("http://{}", registry.host);
    let right = test_connection(&up, &token, &url, Registry::USER.1);
    assert_eq!(right["success"], true, "{right}");
    up.automation()
        .run("env | grep -ci proxy")
        .is("completed", 1);
}

#[test]
fn what_is_not_public_is_reached_only_where_that_is_allowed() {
    let home = Home::new();
    let registry = Registry::start(&home, "registry");
    let url = format!("http://{}", registry.host);
    let mut up = home.up();
    let token = up.integration().token;
    let refused = test_connection(&up, &token, &url, Registry::USER.1);
    assert_eq!(refused["success"], false);
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("--allow-outbound"),
        "{refused}"
    );
    up.process.stop();

    let mut config = fs::read_to_string(home.path("reoclo.toml")).unwrap();
    config.insert_str(0, "allowed_outbound_networks = [\"127.0.0.0/8\"]\n");
    fs::write(home.path("reoclo.toml"), config).unwrap();
    let up = home.up();
    let allowed = test_connection(&up, &token, &url, Registry::USER.1);
    assert_eq!(allowed["success"], true, "{allowed}");
}

#[test]
fn a_server_whose_runner_is_not_connected_is_refused() {
    let home = Home::new();
    let serve = home.serve_with(&[]);
    let added = home.add_server("web");
    let fields = json!({ "registry_url": "ghcr.io", "username": "a", "access_token": "b" });
    let key = serve.automation();
    for what in ["login-direct", "logout"] {
        let answer = auth(&serve, &key, &added.server, what, &fields);
        answer.refused(409, "server_unreachable");
    }
    let audit = home.audit("export", &[]).stdout;
    assert!(!audit.contains("operation.start"), "{audit}");
}
