//! A PostgreSQL that falls silent, restarts, is demoted, or is not there yet; and two control
//! planes that want the same one.

use std::thread;

use reoclo_testkit::database;

use crate::fixture::{ControlPlane, Database, Home, Key, Process, Proxy, Request, wait_until};
use crate::postgres::{Begun, fresh};

const AWAY: &str = "the database does not answer";
const READ_ONLY: &str = "the database takes no writes";
const BACK: &str = "the database is there again";

/// A stretch of network before the server of a URL, and the URL that leads through it.
fn behind(url: &str) -> (Proxy, String) {
    let rest = url.split_once("127.0.0.1:").unwrap().1;
    let port = rest.split('/').next().unwrap();
    let proxy = Proxy::to(port.parse().unwrap());
    let through = url.replace(
        &format!("127.0.0.1:{port}"),
        proxy.url().strip_prefix("http://").unwrap(),
    );
    (proxy, through)
}

/// A control plane, and a stretch of network before its PostgreSQL.
struct Served {
    serve: ControlPlane,
    key: Key,
    proxy: Proxy,
    home: Home,
    _database: database::Database,
}

impl Served {
    fn through_a_proxy() -> Self {
        let (database, url) = fresh();
        let (proxy, url) = behind(&url);
        let home = Home::new();
        let serve = home.serve_with(&["--database-url", &url]);
        Self {
            key: serve.integration(),
            serve,
            proxy,
            home,
            _database: database,
        }
    }
}

fn count(serve: &ControlPlane, text: &str) -> usize {
    serve.process.stderr().matches(text).count()
}

/// Reads that many callers make at once, so that many connections are in use.
fn statuses_at_once(key: &Key, many: usize) -> Vec<u16> {
    let callers: Vec<_> = (0..many)
        .map(|_| {
            let key = key.clone();
            thread::spawn(move || key.servers().status)
        })
        .collect();
    let callers = callers.into_iter();
    callers.map(|caller| caller.join().unwrap()).collect()
}

/// Ends every session on a database but the one that says so.
fn end_sessions(database: &mut Database) {
    database.number(
        "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
}

#[test]
fn what_a_silent_postgres_holds_up_is_refused_and_said_once() {
    let served = Served::through_a_proxy();
    let Served {
        serve, key, proxy, ..
    } = &served;
    assert_eq!(statuses_at_once(key, 20), [200; 20]);

    proxy.silence();
    assert_eq!(statuses_at_once(key, 20), [503; 20]);
    let answer = key.servers();
    let detail = answer.refused(503, "unavailable");
    assert!(!detail.contains("127.0.0.1"), "{detail}");
    assert!(answer.header("retry-after").is_some());
    let answer = serve.send(&Request::get("/readyz"));
    assert_eq!(answer.status, 503);
    for _ in 0..3 {
        assert_eq!(key.servers().status, 503);
    }

    proxy.resume();
    wait_until("requests are answered again", || {
        key.servers().status == 200
    });
    wait_until("the log says so", || count(serve, BACK) == 1);
    assert_eq!(count(serve, AWAY), 1, "{}", serve.process.stderr());
    assert_eq!(count(serve, "request failed"), 0);
}

/// What is there goes nowhere, and new connections are as good as ever.
#[test]
fn connections_to_postgres_that_lead_nowhere_are_given_up_for_new_ones() {
    let served = Served::through_a_proxy();
    let Served {
        serve,
        key,
        proxy,
        home,
        ..
    } = &served;
    assert_eq!(statuses_at_once(key, 12), [200; 12]);
    proxy.silence_what_is_there();
    assert_eq!(statuses_at_once(key, 12), [200; 12]);
    assert_eq!(count(serve, AWAY), 0, "{}", serve.process.stderr());
    // Who writes at that very moment waits longer for an answer than this command does.
    let data = home.data();
    let add = [
        "servers",
        "add",
        "web",
        "--data-dir",
        data.to_str().unwrap(),
    ];
    wait_until("a server is added", || home.run(&add).code == Some(0));
}

#[test]
fn a_restart_of_postgres_costs_no_client_an_error() {
    let (_database, url) = fresh();
    let home = Home::new();
    let serve = home.serve_with(&["--database-url", &url]);
    let key = serve.integration();
    let mut database = Database::at(&url);
    for round in 0..3 {
        assert_eq!(statuses_at_once(&key, 12), [200; 12]);
        end_sessions(&mut database);
        for _ in 0..12 {
            assert_eq!(key.servers().status, 200, "round {round}");
        }
        end_sessions(&mut database);
        home.add_server(&format!("web-{round}"));
    }
    assert_eq!(count(&serve, "request failed"), 0);
}

#[test]
fn a_stop_does_not_wait_for_a_silent_postgres() {
    let mut served = Served::through_a_proxy();
    served.key.servers().ok();
    served.proxy.silence();
    let request = Request::get("/api/servers").bearer(&served.key.token);
    let _asking = served.key.begin(request);
    let ended = served.serve.process.stop();
    assert!(ended.success(), "{}", served.serve.process.stderr());
}

/// Whether sessions that begin from now on may write.
fn set_read_only(database: &mut Database, url: &str, to: &str) {
    let name = url.rsplit_once('/').unwrap().1;
    let name = name.split('?').next().unwrap();
    database.execute("SET default_transaction_read_only = off");
    database.execute(&format!(
        "ALTER DATABASE {name} SET default_transaction_read_only = {to}"
    ));
}

#[test]
fn a_postgres_that_was_away_and_is_back_as_a_standby_is_said_to_be_one() {
    let (_database, direct) = fresh();
    let (proxy, url) = behind(&direct);
    let home = Home::new();
    let serve = home.serve_with(&["--database-url", &url]);
    let mut database = Database::at(&direct);
    proxy.refuse();
    wait_until("the log says so", || count(&serve, AWAY) == 1);
    set_read_only(&mut database, &direct, "on");
    proxy.accept();
    wait_until("the log says so", || count(&serve, READ_ONLY) == 1);
    set_read_only(&mut database, &direct, "off");
    wait_until("the log says so", || count(&serve, BACK) == 1);
    assert_eq!((count(&serve, AWAY), count(&serve, READ_ONLY)), (1, 1));
}

#[test]
fn a_demoted_postgres_is_left_for_one_that_takes_writes() {
    let (_database, url) = fresh();
    let home = Home::new();
    let serve = home.serve_with(&["--database-url", &url]);
    let key = serve.automation();
    let mut database = Database::at(&url);
    set_read_only(&mut database, &url, "on");
    end_sessions(&mut database);
    wait_until("the log says so", || count(&serve, READ_ONLY) == 1);
    let added = home.run(&[
        "servers",
        "add",
        "web",
        "--data-dir",
        home.data().to_str().unwrap(),
    ]);
    assert_eq!(added.code, Some(1), "{}", added.stderr);
    assert_eq!(serve.send(&Request::get("/readyz")).status, 503);
    // What was written before can be read.
    assert_eq!(serve.integration().servers().status, 200);

    set_read_only(&mut database, &url, "off");
    wait_until("the log says so", || count(&serve, BACK) == 1);
    let added = home.add_server("web");
    let _runner = home.runner("web", Some((serve.url(), &added.token)));
    serve.integration().wait_for_status(&added.server, "active");
    key.on(&added.server).run("true").is("completed", 0);
    assert_eq!(count(&serve, READ_ONLY), 1, "{}", serve.process.stderr());
}

#[test]
fn a_postgres_that_is_not_up_yet_is_waited_for_and_then_named() {
    let (_database, url) = fresh();
    let (proxy, url) = behind(&url);
    let home = Home::new();
    proxy.refuse();
    let process = home.begin("serve", &["--database-url", &url]);
    wait_until("it waits", || {
        process.stderr().contains("waiting for the database")
    });
    proxy.accept();
    let mut serve = ControlPlane::ready(process);
    serve.integration().servers().ok();
    assert!(serve.process.stop().success());

    proxy.refuse();
    let more = ["--database-url", &url, "--wait-for-database", "1"];
    let refused = home.begin("serve", &more).finished();
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    let last = refused.stderr.lines().last().unwrap();
    assert!(last.contains("cannot connect to the database"), "{last}");
}

#[test]
fn the_second_of_several_postgres_servers_is_used_when_the_first_is_away() {
    let (_database, url) = fresh();
    let home = Home::new();
    let several = url.replace("127.0.0.1:", "127.0.0.1:1,127.0.0.1:");
    let serve = home.serve_with(&["--database-url", &several]);
    serve.integration().servers().ok();
    home.add_server("web");
}

/// Starts a control plane on a database that another one uses.
fn second(home: &Home, first: &Home, url: &str, more: &[&str]) -> Process {
    if !home.data().exists() {
        std::fs::create_dir(home.data()).unwrap();
        let key = first.data().join("master.key");
        std::fs::copy(key, home.data().join("master.key")).unwrap();
    }
    home.begin("serve", &[&["--database-url", url], more].concat())
}

#[test]
fn a_second_control_plane_on_one_postgres_is_refused_with_a_sentence() {
    let (_database, url) = fresh();
    let (home, other) = (Home::new(), Home::new());
    let serve = home.serve_with(&["--database-url", &url]);
    let refused = second(&other, &home, &url, &["--wait", "1"]).finished();
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    let last = refused.stderr.lines().last().unwrap();
    assert!(last.contains("another control plane"), "{last}");
    assert!(last.contains("--takeover"), "{last}");
    serve.integration().servers().ok();
    home.add_server("web");
}

#[test]
fn a_second_control_plane_waits_for_the_first_to_end_on_postgres() {
    let (_database, url) = fresh();
    let (home, other) = (Home::new(), Home::new());
    let mut first = home.serve_with(&["--database-url", &url]);
    let added = home.add_server("web");
    let process = second(&other, &home, &url, &[]);
    wait_until("it waits", || {
        process.stderr().contains("waiting for it to end")
    });
    assert!(first.process.stop().success());
    let serve = ControlPlane::ready(process);
    assert_eq!(
        serve.key(&first.integration().token).status(&added.server),
        "provisioning"
    );
}

#[test]
fn who_takes_over_a_postgres_has_it_alone() {
    let (_database, url) = fresh();
    let home = Home::with_timing(&[("inline_wait", 0.1)]);
    let other = Home::with_timing(&[("inline_wait", 0.1)]);
    let mut first = home.serve_with(&["--database-url", &url]);
    let mut begun = Begun::on(&home, &first);

    let serve = ControlPlane::ready(second(&other, &home, &url, &["--takeover"]));
    let ended = first.process.ended();
    assert_eq!(ended.code(), Some(1), "{}", first.process.stderr());
    let said = first.process.stderr();
    assert!(said.contains("another control plane has taken"), "{said}");
    begun.ends_at(&home, &serve, &first.automation().token);
    let source = ["--database-url", url.as_str()];
    assert_eq!(home.audit("verify", &source).code, Some(0));
}

/// The lock goes with the session that has it, and comes back with the next one.
#[test]
fn a_control_plane_keeps_its_place_over_a_restart_of_postgres() {
    let (_database, url) = fresh();
    let (home, other) = (Home::new(), Home::new());
    let serve = home.serve_with(&["--database-url", &url]);
    let mut database = Database::at(&url);
    end_sessions(&mut database);
    home.add_server("web");
    let refused = second(&other, &home, &url, &["--wait", "0"]).finished();
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    serve.integration().servers().ok();
}

/// An operation that another control plane began goes on where its runner is now.
#[test]
fn what_another_replica_began_goes_on_where_the_runner_connects_on_postgres() {
    let (_database, url) = fresh();
    let home = Home::with_timing(&[("inline_wait", 0.1)]);
    let other = Home::with_timing(&[("inline_wait", 0.1)]);
    let mut first = home.serve_with(&["--database-url", &url, "--replicas"]);
    let there = ControlPlane::ready(second(&other, &home, &url, &["--replicas"]));
    let mut begun = Begun::on(&home, &first);
    first.process.kill();
    begun.ends_at(&home, &there, &first.automation().token);
    there
        .key(&first.integration().token)
        .wait_for_status(&begun.server, "active");
    let source = ["--database-url", url.as_str()];
    let exported = home.audit("export", &source).stdout;
    assert_eq!(exported.matches("\"operation.end\"").count(), 1);
}

#[test]
fn of_several_first_starts_at_once_all_go_on_and_the_first_link_is_good_on_postgres() {
    let (_database, url) = fresh();
    let homes: Vec<_> = (0..3).map(|_| Home::new()).collect();
    let begin = |home: &Home| {
        let data = home.data();
        let mut command = home.command(&[
            "serve",
            "--output",
            "json",
            "--listen",
            "127.0.0.1:0",
            "--data-dir",
            data.to_str().unwrap(),
            "--database-url",
            &url,
            "--replicas",
        ]);
        command.env("REOCLO_MASTER_KEY", "ab".repeat(32));
        home.spawn(command)
    };
    let processes: Vec<_> = homes.iter().map(begin).collect();
    let all: Vec<_> = processes.into_iter().map(ControlPlane::ready).collect();
    let links: Vec<_> = all
        .iter()
        .filter(|serve| !serve.line["setup_url"].is_null())
        .collect();
    assert_eq!(links.len(), 1, "one of them made it");
    links[0].set_up();
    assert_eq!(
        Database::at(&url).number("SELECT COUNT(*) FROM organizations"),
        1
    );
}
