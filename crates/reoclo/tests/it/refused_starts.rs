//! A start that cannot succeed: exit code 2 and one line that says why.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::fixture::{Database, Home};
use crate::postgres::fresh;

/// Runs the command to its end and gives the one line on stderr.
#[track_caller]
fn refused(home: &Home, command: Command) -> String {
    let refused = home.spawn(command).finished();
    let stderr = refused.stderr;
    assert_eq!(refused.code, Some(2), "{stderr}");
    assert_eq!(refused.stdout, "");
    let line = stderr.strip_suffix('\n').unwrap_or_default();
    assert!(
        !line.is_empty() && !line.contains('\n'),
        "one line: {stderr:?}"
    );
    line.to_owned()
}

/// Starts `what` on the home's data directory with more flags.
#[track_caller]
fn refused_start(home: &Home, what: &str, more: &[&str]) -> String {
    let data = home.data();
    let mut arguments = vec![what, "--data-dir", data.to_str().unwrap()];
    if !more.contains(&"--listen") {
        arguments.extend(["--listen", "127.0.0.1:0"]);
    }
    arguments.extend(more);
    refused(home, home.command(&arguments))
}

#[test]
fn a_data_directory_in_use_is_named_with_its_user() {
    let home = Home::new();
    let up = home.up();
    for what in ["up", "serve"] {
        let line = refused_start(&home, what, &[]);
        assert!(line.contains(home.data().to_str().unwrap()), "{line}");
        assert!(line.contains(&up.process.pid().to_string()), "{line}");
    }
    up.automation().run("true").is("completed", 0);
}

#[test]
fn a_port_in_use_is_named() {
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let line = refused_start(&home, "up", &["--listen", &address]);
    assert!(line.contains(&address), "{line}");
    let line = refused_start(&home, "serve", &["--metrics-listen", &address]);
    assert!(line.contains(&address), "{line}");
}

#[test]
fn proxies_that_are_everybody_are_refused() {
    let home = Home::new();
    for networks in [
        "0.0.0.0/0",
        "::/0",
        "0.0.0.0/1,128.0.0.0/1",
        "::ffff:0:0/96",
    ] {
        let line = refused_start(&home, "serve", &["--trusted-proxy", networks]);
        assert!(line.contains("your proxies"), "{line}");
    }
}

#[test]
fn what_is_no_network_is_said_wherever_it_stands() {
    let home = Home::new();
    for flag in ["--trusted-proxy", "--allow-outbound"] {
        let refused = home.run(&["serve", flag, "10.0.0.5,proxy.example.com"]);
        let said = &refused.stderr;
        assert_eq!(refused.code, Some(2), "{said}");
        assert!(
            said.contains("'proxy.example.com' for") && said.contains(flag),
            "{said}"
        );
        assert!(said.contains("neither an address nor a network"), "{said}");
    }
    for key in ["trusted_proxy", "allowed_outbound_networks"] {
        for value in ["\"proxy\"", "[\"10.0.0.5\", \"proxy\"]"] {
            let file = home.path("reoclo.toml");
            fs::write(file, format!("{key} = {value}\n")).unwrap();
            let line = refused_start(&home, "serve", &[]);
            let said = "\"proxy\": it is neither an address nor a network";
            assert!(line.contains(said) && line.contains("line 1"), "{line}");
        }
    }
}

#[test]
fn metrics_beyond_loopback_need_what_everything_else_needs() {
    let home = Home::new();
    let line = refused_start(&home, "serve", &["--metrics-listen", "0.0.0.0:0"]);
    assert!(
        line.contains("0.0.0.0:0") && line.contains("--tls-cert"),
        "{line}"
    );
}

#[test]
fn a_data_directory_that_cannot_be_written_is_named() {
    let home = Home::new();
    fs::write(home.data(), "a file").unwrap();
    let line = refused_start(&home, "up", &[]);
    assert!(line.contains(home.data().to_str().unwrap()), "{line}");

    // Below a file, and where not even root makes directories.
    for path in [home.data().join("below").to_str().unwrap(), "/proc/reoclo"] {
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--data-dir", path];
        let line = refused(&home, home.command(&arguments));
        assert!(
            line.contains(path) && line.contains("not writable"),
            "{line}"
        );
    }
}

#[test]
fn a_database_that_cannot_be_used_is_named_without_its_password() {
    let home = Home::new();
    for (url, named) in [
        ("nonsense", "postgres://"),
        ("mysql://user:hunter2-x@localhost/db", "postgres://"),
    ] {
        let line = refused_start(&home, "serve", &["--database-url", url]);
        assert!(line.contains(named), "{url}: {line}");
        assert!(!line.contains("hunter2-x"), "{line}");
    }
    // Another start may find it up.
    let away = "postgres://user:hunter2-x@127.0.0.1:1/reoclo";
    let more = ["--database-url", away, "--wait-for-database", "0"];
    let refused = home.begin("serve", &more).finished();
    let line = refused.stderr;
    assert_eq!(refused.code, Some(1), "{line}");
    assert!(
        line.contains("127.0.0.1") && !line.contains("hunter2-x"),
        "{line}"
    );
    let refusals = line.matches("Connection refused").count();
    assert!(refusals < 2, "nothing is said twice: {line}");
    let line = refused_start(&home, "up", &["--database-url", "postgres://127.0.0.1/x"]);
    assert!(line.contains("reoclo serve"), "{line}");
}

#[test]
fn another_master_key_is_refused() {
    let home = Home::new();
    home.up().process.stop();
    let data = home.data();
    let arguments = [
        "up",
        "--listen",
        "127.0.0.1:0",
        "--data-dir",
        data.to_str().unwrap(),
    ];
    let mut other = home.command(&arguments);
    other.env("REOCLO_MASTER_KEY", "ab".repeat(32));
    let line = refused(&home, other);
    assert!(line.contains("master key"), "{line}");

    let mut short = home.command(&arguments);
    short.env("REOCLO_MASTER_KEY", "short-and-secret");
    let line = refused(&home, short);
    assert!(
        line.contains("REOCLO_MASTER_KEY") && !line.contains("short-and-secret"),
        "{line}"
    );

    fs::write(home.data().join("master.key"), "no key").unwrap();
    let line = refused_start(&home, "up", &[]);
    assert!(line.contains("master.key"), "{line}");
}

#[test]
fn an_unknown_key_in_the_file_is_named_with_its_line() {
    let home = Home::new();
    fs::write(home.path("reoclo.toml"), "# ours\nlisten_on = 5\n").unwrap();
    let line = refused_start(&home, "up", &[]);
    assert!(
        line.contains("reoclo.toml, line 2") && line.contains("listen_on"),
        "{line}"
    );

    fs::write(
        home.path("reoclo.toml"),
        "[timing]\ninline_wait = \"long\"\n",
    )
    .unwrap();
    let line = refused_start(&home, "serve", &[]);
    assert!(line.contains("reoclo.toml, line 2"), "{line}");

    let line = refused_start(&home, "serve", &["--config", "absent.toml"]);
    assert!(line.contains("absent.toml"), "{line}");
}

#[test]
fn plaintext_beyond_loopback_is_refused_unless_it_is_asked_for() {
    let home = Home::new();
    let everywhere = ["--listen", "0.0.0.0:0"];
    let line = refused_start(&home, "up", &everywhere);
    for way_out in ["--tls-cert", "--trusted-proxy", "--insecure-http"] {
        assert!(line.contains(way_out), "{line}");
    }
    assert!(!home.data().exists(), "nothing was begun");

    for allowed in [
        ["--insecure-http"].as_slice(),
        &["--trusted-proxy", "10.0.0.0/8"],
    ] {
        let mut serve = home.serve_with(&[&everywhere, allowed].concat());
        assert!(serve.process.stop().success());
    }
}

#[test]
fn tls_files_that_cannot_be_used_are_named() {
    let home = Home::new();
    let line = refused_start(&home, "serve", &["--tls-cert", "absent.pem"]);
    assert!(line.contains("--tls-key"), "{line}");
    let both = ["--tls-cert", "absent.pem", "--tls-key", "absent.pem"];
    let line = refused_start(&home, "serve", &both);
    assert!(line.contains("absent.pem"), "{line}");
}

#[test]
fn an_address_for_links_that_is_none_is_named() {
    let home = Home::new();
    let line = refused_start(&home, "serve", &["--public-url", "reoclo.example.com"]);
    assert!(line.contains("reoclo.example.com"), "{line}");
}

#[test]
fn commands_for_a_control_plane_that_is_not_there_say_so() {
    let home = Home::new();
    let data = home.data();
    let data = data.to_str().unwrap();
    let line = refused(
        &home,
        home.command(&["servers", "add", "web", "--data-dir", data]),
    );
    assert!(line.contains(data), "{line}");
    for what in ["verify", "export"] {
        let line = refused(&home, home.command(&["audit", what, "--data-dir", data]));
        assert!(line.contains(data), "{line}");
    }
}

#[test]
fn a_runner_without_a_token_or_over_plaintext_is_refused() {
    let home = Home::new();
    let runner = home.path("runner");
    let runner = ["runner", "--data-dir", runner.to_str().unwrap()];
    let line = refused(&home, home.command(&runner));
    assert!(line.contains("token"), "{line}");
    let far = ["--url", "http://192.0.2.1:7676", "--token", "x"];
    let line = refused(&home, home.command(&[&runner[..], &far].concat()));
    assert!(
        line.contains("https") || line.contains("loopback"),
        "{line}"
    );
}

#[test]
fn a_user_for_commands_that_does_not_exist_is_named() {
    let home = Home::new();
    let user = ["--exec-user", "nobody-of-that-name"];
    let line = refused_start(&home, "up", &user);
    assert!(line.contains("nobody-of-that-name"), "{line}");

    let serve = home.serve_with(&[]);
    let added = home.add_server("web");
    let first = ["runner", "--url", serve.url(), "--token", &added.token];
    let line = refused(&home, home.command(&[&first[..], &user].concat()));
    assert!(line.contains("nobody-of-that-name"), "{line}");
}

#[test]
fn a_limit_that_cannot_be_kept_is_named() {
    let home = Home::new();
    for (line, named) in [
        ("operations_per_server = 129", "operations_per_server"),
        ("operations_per_server = 0", "operations_per_server"),
        ("log_days = 0", "log_days"),
        ("queue = 1", "unknown field `queue`"),
    ] {
        fs::write(home.path("reoclo.toml"), format!("[limits]\n{line}\n")).unwrap();
        let said = refused_start(&home, "up", &[]);
        assert!(said.contains(named), "{line}: {said}");
    }
}

#[test]
fn a_program_for_runners_that_none_could_run_is_refused() {
    let home = Home::new();
    let own = fs::read(env!("CARGO_BIN_EXE_reoclo")).unwrap();
    let mut foreign = own.clone();
    // Where an ELF file says for which machine it is.
    foreign[18] ^= 1;
    let files: [(&[u8], &str); 5] = [
        (&own[..own.len() / 2], "not whole"),
        (&own[..own.len() - 1], "not whole"),
        (b"", "not whole"),
        (&foreign, "architecture"),
        (b"#!/bin/sh\necho something else\n", "is no reoclo"),
    ];
    let program = home.path("other-reoclo");
    for (bytes, why) in files {
        let _ = fs::remove_file(&program);
        fs::write(&program, bytes).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let line = refused_start(
            &home,
            "serve",
            &["--runner-program", program.to_str().unwrap()],
        );
        assert!(
            line.contains(program.to_str().unwrap()) && line.contains(why),
            "{line}"
        );
    }
    let line = refused_start(&home, "serve", &["--runner-program", "/nowhere/reoclo"]);
    assert!(line.contains("/nowhere/reoclo"), "{line}");
}

#[test]
fn a_database_that_is_gone_is_missed() {
    let home = Home::new();
    let mut up = home.up();
    let organization = up.line["organization"].clone();
    assert!(up.process.stop().success());
    let refused = home.begin("up", &["--new"]).finished();
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("without --new"),
        "{}",
        refused.stderr
    );

    let database = home.data().join("reoclo.db");
    let kept = home.path("kept.db");
    fs::rename(&database, &kept).unwrap();
    for what in ["up", "serve"] {
        let line = refused_start(&home, what, &[]);
        assert!(line.contains(database.to_str().unwrap()), "{line}");
        assert!(line.contains("restore") && line.contains("--new"), "{line}");
        assert!(!database.exists(), "nothing was begun");
    }
    fs::write(&database, "").unwrap();
    let line = refused_start(&home, "up", &[]);
    assert!(line.contains("--new"), "{line}");
    assert_eq!(fs::metadata(&database).unwrap().len(), 0);

    fs::copy(&kept, &database).unwrap();
    let mut up = home.up();
    assert_eq!(up.line["organization"], organization);
    assert!(up.process.stop().success());
    fs::remove_file(&database).unwrap();
    fs::remove_dir_all(home.own_runner()).unwrap();
    let anew = home.up_with(&["--new"]);
    assert_ne!(anew.line["organization"], organization);
    anew.automation().run("true").is("completed", 0);
}

#[test]
fn a_postgres_that_is_another_one_is_told_from_the_one_before() {
    let (home, [(_first, one), (_second, other)]) = (Home::new(), [fresh(), fresh()]);
    let mut serve = home.serve_with(&["--database-url", &one]);
    assert!(serve.process.stop().success());
    let line = refused_start(&home, "serve", &["--database-url", &other]);
    assert!(line.contains("--new"), "{line}");
    // The embedded one was not forgotten: it was never there.
    let line = refused_start(&home, "serve", &[]);
    assert!(line.contains("--new"), "{line}");
    home.serve_with(&["--database-url", &one]);
    home.serve_with(&["--database-url", &other, "--new"]);
}

#[test]
fn a_start_that_is_refused_leaves_no_master_key() {
    let home = Home::new();
    for url in ["nonsense", "postgres://127.0.0.1:1/reoclo"] {
        let more = ["--database-url", url, "--wait-for-database", "0"];
        assert!(home.begin("serve", &more).finished().code != Some(0));
        let left = fs::read_dir(home.data()).unwrap();
        let left = left.map(|entry| entry.unwrap().file_name());
        let left: Vec<_> = left.filter(|name| name != "lock").collect();
        assert!(left.is_empty(), "{url}: {left:?}");
    }
    home.up();
    assert!(home.data().join("master.key").exists());
}

#[test]
fn a_data_directory_that_others_need_is_refused() {
    let home = Home::new();
    let shared = home.path("shared");
    fs::create_dir_all(shared.join("of-another-program")).unwrap();
    let open = |mode| fs::set_permissions(&shared, fs::Permissions::from_mode(mode)).unwrap();
    for mode in [0o755, 0o1777] {
        open(mode);
        let arguments = ["serve", "--data-dir", shared.to_str().unwrap()];
        let line = refused(&home, home.command(&arguments));
        assert!(line.contains("of its own"), "{line}");
        let found = fs::metadata(&shared).unwrap().permissions().mode();
        assert_eq!(found & 0o7777, mode);
    }
}

#[test]
fn what_postgres_refuses_is_told_in_its_own_words() {
    let (_database, url) = fresh();
    let home = Home::new();
    let (server, _) = url.split_once("://").unwrap().1.rsplit_once('/').unwrap();
    let server = server.rsplit('@').next().unwrap();
    let url = format!("postgres://nobody:hun@ter2@{server}/no_such_database");
    let line = refused_start(&home, "serve", &["--database-url", &url]);
    assert!(line.contains("does not exist"), "{line}");
    assert!(line.contains("%40"), "{line}");
    assert!(
        !line.contains("at line") && !line.contains("ter2"),
        "{line}"
    );
}

#[test]
fn what_a_migration_meets_is_told_in_the_words_of_postgres() {
    let (_database, url) = fresh();
    let home = Home::new();
    // As if something else were in the database.
    Database::at(&url).execute("CREATE TABLE organizations (something TEXT)");
    let line = refused_start(&home, "serve", &["--database-url", &url]);
    let told = "could not be migrated: migration 1: relation \"organizations\" already exists";
    assert!(line.ends_with(told), "{line}");
}

#[test]
fn a_machine_without_dev_null_is_told_which_file_it_lacks() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let home = Home::new();
    let data = home.data();
    let script = format!(
        "mount -t tmpfs none /dev; exec reoclo up --listen 127.0.0.1:0 --data-dir '{}'",
        data.display()
    );
    let shell = home.shell(&script);
    let mut command = home.any_command("unshare", &["--mount", "sh", "-c", &script]);
    for (name, value) in shell.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    let ended = home.spawn(command).finished();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("cannot start the runner"),
        "{}",
        ended.stderr
    );
    assert!(
        ended.stderr.contains("mknod -m 666 /dev/null c 1 3"),
        "{}",
        ended.stderr
    );
}
