//! Servers that are not this machine: added, enrolled, offline and back.

use std::thread;

use serde_json::json;

use crate::fixture::{Database, Gate, Home, Process, Proxy, free_port};
use crate::install::install_at;

#[test]
fn the_install_command_connects_a_machine() {
    let home = Home::new();
    let serve = home.serve_with(&[]);
    let data = home.data();
    let add = [
        "servers",
        "add",
        "Web 1",
        "--data-dir",
        data.to_str().unwrap(),
    ];
    let added = home.run(&add);
    assert_eq!(added.code, Some(0), "{}", added.stderr);
    let servers = serve.integration().servers().ok();
    let server = servers[0]["id"].as_str().unwrap();
    assert_eq!(servers[0]["slug"], "web-1");
    assert_eq!(servers[0]["name"], "Web 1");
    assert_eq!(servers[0]["status"], "provisioning");
    serve
        .automation()
        .on(server)
        .exec(&json!({ "command": "true" }))
        .refused(409, "server_unreachable");

    // What is printed is pasted into another shell, elsewhere.
    let mut lines = added.stdout.lines().map(str::trim);
    let install = lines.find(|line| line.starts_with("{ curl ")).unwrap();
    let (program, start) = install_at(&home, install);
    assert!(program.is_file());
    let mut runner = home.spawn(home.shell(&format!("exec {start}")));
    serve.integration().wait_for_status(server, "active");
    serve.automation().on(server).run("true").is("completed", 0);

    // It remembers who it is.
    runner.stop();
    serve.integration().wait_for_status(server, "unreachable");
    let _runner = home.runner("installed-data", None);
    serve.integration().wait_for_status(server, "active");
    serve.automation().on(server).run("true").is("completed", 0);
}

#[test]
fn the_plain_command_connects_a_machine_too() {
    let home = Home::new();
    let serve = home.serve_with(&[]);
    let added = home.add_server("web");
    let command = format!(
        "exec reoclo runner --url {} --token {}",
        serve.url(),
        added.token
    );
    let _runner = home.spawn(home.shell(&command));
    serve.integration().wait_for_status(&added.server, "active");
    assert!(home.path(".reoclo-runner").is_dir());
}

#[test]
fn names_are_checked_and_never_taken_twice() {
    let home = Home::new();
    let serve = home.serve_with(&[]);
    let (first, second) = (home.add_server("web"), home.add_server("web"));
    assert_ne!(first.server, second.server);
    let servers = serve.integration().servers().ok();
    let mut slugs: Vec<_> = servers
        .as_array()
        .unwrap()
        .iter()
        .map(|server| server["slug"].as_str().unwrap())
        .collect();
    slugs.sort_unstable();
    assert_eq!(slugs, ["web", "web-2"]);

    let data = home.data();
    let add = |more: &[&str]| {
        let base = ["servers", "add", "--data-dir", data.to_str().unwrap()];
        home.run(&[&base[..], more].concat())
    };
    for refused in [
        ["", "--slug=a"],
        ["a\nb", "--slug=a"],
        ["a", "--slug=A B"],
        ["a", "--slug=web"],
    ] {
        let refused = add(&refused);
        assert_eq!(refused.code, Some(1), "{}", refused.stdout);
        assert_eq!(
            (refused.stdout.as_str(), refused.stderr.lines().count()),
            ("", 1)
        );
    }
}

#[test]
fn an_enrolment_token_works_once() {
    let home = Home::new();
    let serve = home.serve_with(&[]);
    let added = home.add_server("web");
    let first = Some((serve.url(), added.token.as_str()));
    let mut runner = home.runner("web", first);
    serve.integration().wait_for_status(&added.server, "active");

    let refused = home.runner("thief", first).finished();
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("used already"),
        "{}",
        refused.stderr
    );
    assert!(!refused.stderr.contains(&added.token), "{}", refused.stderr);
    let unknown = added.token.replace(&added.token[20..21], "-");
    let refused = home
        .runner("guesser", Some((serve.url(), &unknown)))
        .finished();
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);

    // The one that enrolled goes on, also when it is started with the same command again.
    serve
        .automation()
        .on(&added.server)
        .run("true")
        .is("completed", 0);
    runner.stop();
    let _runner = home.runner("web", first);
    serve.integration().wait_for_status(&added.server, "active");
}

#[test]
fn an_expired_token_is_refused() {
    let home = Home::new();
    let serve = home.serve_with(&[]);
    let added = home.add_server("web");
    let expire = "UPDATE enrolments SET expires_at = 1";
    assert_eq!(Database::of(&home.data()).execute(expire), 1);
    let refused = home
        .runner("web", Some((serve.url(), &added.token)))
        .finished();
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(refused.stderr.contains("has expired"), "{}", refused.stderr);
    assert_eq!(serve.integration().status(&added.server), "provisioning");
}

#[test]
fn a_stolen_token_is_noticed_by_who_should_have_had_it() {
    let home = Home::new();
    let serve = home.serve_with(&[]);
    let added = home.add_server("web");
    let first = Some((serve.url(), added.token.as_str()));
    let _thief = home.runner("thief", first);
    serve.integration().wait_for_status(&added.server, "active");
    let refused = home.runner("web", first).finished();
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("used already"),
        "{}",
        refused.stderr
    );
    let exported = home.audit("export", &[]).stdout;
    assert!(exported.contains("runner.enrol"), "{exported}");
}

#[test]
fn an_offline_server_answers_at_once_and_nothing_runs_later() {
    let home = Home::new();
    let serve = home.serve_with(&[]);
    let added = home.add_server("web");
    let mut runner = home.runner("web", Some((serve.url(), &added.token)));
    let (integration, key) = (serve.integration(), serve.automation().on(&added.server));
    integration.wait_for_status(&added.server, "active");

    runner.kill();
    integration.wait_for_status(&added.server, "unreachable");
    let ran = home.path("ran");
    let command = format!("touch '{}'", ran.display());
    let detail = key
        .exec(&json!({ "command": command }))
        .refused(409, "server_unreachable");
    assert!(detail.contains("nothing was started"), "{detail}");

    let _runner: Process = home.runner("web", None);
    integration.wait_for_status(&added.server, "active");
    key.run("true").is("completed", 0);
    assert!(!ran.exists());
}

#[test]
fn a_lost_connection_shows_and_so_does_its_return() {
    let home = Home::new();
    let port = free_port();
    let proxy = Proxy::to(port);
    let listen = format!("127.0.0.1:{port}");
    let flags = ["--listen", &listen, "--public-url", &proxy.url()];
    let serve = home.serve_with(&flags).at(&format!("http://{listen}"));
    let added = home.add_server("web");
    let _runner = home.runner("web", Some((&proxy.url(), &added.token)));
    let integration = serve.integration();
    integration.wait_for_status(&added.server, "active");
    proxy.refuse();
    integration.wait_for_status(&added.server, "unreachable");
    proxy.accept();
    integration.wait_for_status(&added.server, "active");
    serve
        .automation()
        .on(&added.server)
        .run("true")
        .is("completed", 0);
}

#[test]
fn a_server_that_goes_away_while_commands_wait_leaves_none_behind() {
    let home = Home::new();
    let serve = home.serve_with(&[]);
    let added = home.add_server("web");
    let mut runner = home.runner("web", Some((serve.url(), &added.token)));
    serve.integration().wait_for_status(&added.server, "active");
    let key = serve.automation().on(&added.server);
    let gate = Gate::new(&home, "gate");
    let fields = json!({ "command": gate.command() });
    let waiting = {
        let key = key.clone();
        thread::spawn(move || key.exec(&fields).ok())
    };
    gate.wait_for_begin();
    runner.kill();
    gate.open();
    gate.wait_for_end();
    let _runner = home.runner("web", None);
    let answer = waiting.join().unwrap();
    assert_eq!(
        (&answer["status"], &answer["stdout"]),
        (&"completed".into(), &Gate::OUTPUT.into())
    );
    assert_eq!(gate.runs(), 1);
}
