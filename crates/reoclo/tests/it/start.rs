//! What a start prints, and what a later start finds.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::fixture::{ControlPlane, Database, Home, Request, free_port};

#[test]
fn up_prints_one_line_of_json_and_nothing_else() {
    let home = Home::new();
    let mut up = home.up();
    up.automation()
        .run("echo out; echo err >&2")
        .is("completed", 0);
    assert!(up.process.stop().success());

    let stdout = up.process.stdout();
    assert_eq!(stdout.matches('\n').count(), 1, "{stdout}");
    let line = up.line.as_object().unwrap();
    let names: BTreeSet<_> = line.keys().map(String::as_str).collect();
    let documented = [
        "url",
        "setup_url",
        "organization",
        "server",
        "integration_key",
        "automation_key",
    ];
    assert_eq!(names, documented.into());

    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let url = text(&line["url"]);
    assert!(
        url.starts_with("http://127.0.0.1:") && !url.ends_with(":0"),
        "{url}"
    );
    assert!(text(&line["setup_url"]).starts_with(&format!("{url}/setup?token=")));
    assert_eq!(line["organization"]["slug"], "default");
    assert!(is_uuid(&text(&line["organization"]["id"])));
    assert!(is_uuid(&text(&line["server"]["id"])));
    assert!(!text(&line["server"]["slug"]).is_empty());
    assert!(is_token(&text(&line["integration_key"]), "rk_t_"));
    assert!(is_token(&text(&line["automation_key"]), "rca_"));
}

#[test]
fn serve_prints_the_same_line_without_a_server() {
    let home = Home::new();
    let serve = home.serve_with(&[]);
    assert!(serve.line["server"].is_null());
    assert_eq!(serve.integration().servers().ok(), serde_json::json!([]));
    assert!(is_token(&serve.automation().token, "rca_"));
}

#[test]
fn a_start_after_a_kill_finds_the_same_organization_server_and_keys() {
    let home = Home::new();
    let mut first = home.up();
    first.automation().run("true").is("completed", 0);
    first.process.kill();

    let second = home.up();
    assert_eq!(second.line["organization"], first.line["organization"]);
    assert_eq!(second.line["server"], first.line["server"]);
    assert!(second.line["integration_key"].is_null());
    assert!(second.line["automation_key"].is_null());

    let servers = second.key(&first.integration().token).servers().ok();
    assert_eq!(servers.as_array().unwrap().len(), 1);
    assert_eq!(servers[0]["id"], first.line["server"]["id"]);
    assert_eq!(servers[0]["status"], "active");
    second
        .key(&first.automation().token)
        .run("true")
        .is("completed", 0);
}

#[test]
fn keys_are_made_only_when_they_can_be_shown() {
    let home = Home::new();
    let data = home.data();
    let arguments = [
        "up",
        "--listen",
        "127.0.0.1:0",
        "--data-dir",
        data.to_str().unwrap(),
    ];
    let mut text = home.spawn(home.command(&arguments));
    assert!(
        text.first_line()
            .starts_with("Reoclo is ready at http://127.0.0.1:")
    );
    assert!(text.stop().success());
    let printed = text.stdout() + &text.stderr();
    for secret in ["rk_t_", "rca_", "rsu_"] {
        assert!(!printed.contains(secret), "{printed}");
    }
    assert!(printed.contains("--output json"), "{printed}");
    assert!(printed.contains("link to create the admin"), "{printed}");

    let mut minting = home.up();
    minting.integration().servers().ok();
    minting.automation().run("true").is("completed", 0);
    assert!(minting.process.stop().success());

    let later = home.up();
    assert!(later.line["integration_key"].is_null());
    assert!(later.line["automation_key"].is_null());
}

#[test]
fn a_start_that_is_killed_at_any_moment_leaves_nothing_double() {
    let home = Home::new();
    for milliseconds in [5, 20, 40, 80, 160, 320] {
        let mut process = home.begin("up", &[]);
        // The moment itself is what differs between the rounds.
        sleep(Duration::from_millis(milliseconds));
        process.kill();
    }
    let up = home.up();
    let mut database = Database::of(&home.data());
    let count = |what: &str| format!("SELECT COUNT(*) FROM {what}");
    assert_eq!(database.number(&count("organizations")), 1);
    assert_eq!(database.number(&count("users")), 1);
    assert_eq!(database.number(&count("servers")), 1);
    assert_eq!(database.number(&count("api_keys")), 2);
    assert_eq!(
        database.number(&count("servers WHERE status = 'active'")),
        1
    );
    assert!(home.audit("verify", &[]).code == Some(0));
    drop(up);
}

#[test]
fn nobody_else_reads_what_a_start_leaves() {
    let home = Home::new();
    let _up = home.up();
    let mode = |path: &str| {
        let found = fs::metadata(home.data().join(path)).unwrap();
        found.permissions().mode() & 0o777
    };
    assert_eq!(mode(""), 0o700);
    assert_eq!(mode("runner"), 0o700);
    assert_eq!(mode("runner/spool"), 0o700);
    assert_eq!(mode("admin.sock"), 0o600);
    assert_eq!(mode("master.key"), 0o600);
    assert_eq!(mode("local-server"), 0o600);
    assert_eq!(mode("runner/identity.pk8"), 0o600);
}

#[test]
fn what_others_could_read_is_closed_to_them() {
    let home = Home::new();
    home.up().process.stop();
    let set = |path: &str, mode: u32| {
        let path = home.data().join(path);
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let files = ["master.key", "reoclo.db", "lock", "local-server"];
    for file in files {
        set(file, 0o666);
    }
    set("runner", 0o755);
    set("", 0o777);
    let up = home.up();
    let mode = |path: &str| {
        let found = fs::metadata(home.data().join(path)).unwrap();
        found.permissions().mode() & 0o777
    };
    assert_eq!((mode(""), mode("runner")), (0o700, 0o700));
    for file in files.into_iter().chain(["reoclo.db-wal", "reoclo.db-shm"]) {
        assert_eq!(mode(file), 0o600, "{file}");
    }
    let said = up.process.stderr();
    assert!(said.contains("master.key"), "{said}");
    assert_eq!(up.process.stdout().matches('\n').count(), 1);
}

#[test]
fn a_start_as_root_says_whose_power_keys_have() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let home = Home::new();
    let mut up = home.up();
    let said = up.process.stderr();
    assert!(
        said.contains("as root") && said.contains("--exec-user"),
        "{said}"
    );
    assert_eq!(up.process.stdout().matches('\n').count(), 1);
    let page = |up: &ControlPlane| {
        let admin = up.set_up();
        let server = up.line["server"]["slug"].as_str().unwrap();
        admin.get(&format!("/servers/{server}")).text().to_owned()
    };
    assert!(page(&up).contains("full control"));
    assert!(up.process.stop().success());

    let other = Home::new();
    let up = other.up_with(&["--exec-user", "nobody"]);
    assert!(!up.process.stderr().contains("full control"));
    assert!(!page(&up).contains("full control"));
}

#[test]
fn flags_come_before_the_environment_and_that_before_the_file() {
    let home = Home::new();
    let [file, environment, flag] =
        ["127.0.0.1:0"; 3].map(|_| format!("127.0.0.1:{}", free_port()));
    fs::write(home.path("reoclo.toml"), format!("listen = \"{file}\"\n")).unwrap();
    let url = |flags: &[&str], set: bool| {
        let mut command = home.command(&[&["serve", "--output", "json"], flags].concat());
        if set {
            command.env("REOCLO_LISTEN", &environment);
        }
        ControlPlane::ready(home.spawn(command)).url().to_owned()
    };
    assert_eq!(url(&[], false), format!("http://{file}"));
    assert_eq!(url(&[], true), format!("http://{environment}"));
    assert_eq!(url(&["--listen", &flag], true), format!("http://{flag}"));
}

#[test]
fn a_data_directory_may_have_a_long_name_with_anything_in_it() {
    let home = Home::new();
    let name = format!("it's \"{}\" $HOME", "long ".repeat(30));
    let directory = home.path(&name).join(&name);
    let data = directory.to_str().unwrap();
    let serve = [
        "up",
        "--listen",
        "127.0.0.1:0",
        "--output",
        "json",
        "--data-dir",
        data,
    ];
    let up = ControlPlane::ready(home.spawn(home.command(&serve)));
    up.integration().wait_for_status(up.server(), "active");
    up.automation().run("true").is("completed", 0);
    let added = home.run(&["servers", "add", "web", "--data-dir", data]);
    assert_eq!(added.code, Some(0), "{}", added.stderr);
}

#[test]
fn a_later_start_may_use_another_address() {
    let home = Home::new();
    let mut first = home.up();
    first.process.stop();
    let address = format!("127.0.0.1:{}", free_port());
    let second = home.up_with(&["--listen", &address]);
    assert_eq!(second.url(), format!("http://{address}"));
    second
        .key(&first.automation().token)
        .run("true")
        .is("completed", 0);
}

#[test]
fn a_name_or_a_port_alone_can_be_listened_on() {
    for (address, more) in [
        ("localhost:0", &[][..]),
        (":0", &[]),
        (":0", &["--insecure-http"]),
    ] {
        let home = Home::new();
        let serve = home.serve_with(&[&["--listen", address], more].concat());
        let port = serve.url().rsplit_once(':').unwrap().1.to_owned();
        let serve = serve.at(&format!("http://127.0.0.1:{port}"));
        assert_eq!(
            serve.send(&Request::get("/healthz")).status,
            200,
            "{address}"
        );
    }
}

#[test]
fn several_public_addresses_are_served() {
    let home = Home::new();
    let more = [
        "--public-url",
        "http://reoclo.example.com",
        "--public-url",
        "http://reoclo.lan:7676",
    ];
    let address = format!("127.0.0.1:{}", free_port());
    let serve = home.begin("serve", &[&["--listen", &address][..], &more].concat());
    let serve = ControlPlane::begun(serve, &format!("http://{address}"));
    assert_eq!(serve.url(), "http://reoclo.example.com");
    let key = serve.integration().token;
    for (host, status) in [
        ("reoclo.example.com", 200),
        ("reoclo.lan:7676", 200),
        ("reoclo.lan", 421),
        ("evil.example.com", 421),
    ] {
        let request = Request::get("/api/servers")
            .bearer(&key)
            .header("Host", host);
        assert_eq!(serve.send(&request).status, status, "{host}");
    }
}

fn is_uuid(text: &str) -> bool {
    uuid::Uuid::parse_str(text).is_ok()
}

/// The prefix and 49 letters and digits (rule 1).
fn is_token(text: &str, prefix: &str) -> bool {
    let rest = text.strip_prefix(prefix).unwrap_or_default();
    rest.len() == 49 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
