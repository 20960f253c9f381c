//! A PgBouncer between a control plane and its PostgreSQL.

use crate::fixture::{ControlPlane, Database, Home, PgBouncer};
use crate::postgres::fresh;

/// What a pooler has to be told to take, whatever else it does.
const TAKES: &str = "ignore_startup_parameters = extra_float_digits";

/// What a start that is refused says, and that it changed nothing.
fn refused(home: &Home, pooled: &PgBouncer, url: &str) -> String {
    let refused = home.begin("serve", &["--database-url", &pooled.url]);
    let refused = refused.finished();
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    let tables = "SELECT COUNT(*) FROM information_schema.tables
         WHERE table_schema = current_schema()";
    assert_eq!(Database::at(url).number(tables), 0);
    refused.stderr.lines().last().unwrap().to_owned()
}

#[test]
fn a_pooler_that_takes_sessions_apart_is_named_on_postgres() {
    for mode in ["transaction", "statement"] {
        let (_database, url) = fresh();
        let home = Home::new();
        let mode = format!("pool_mode = {mode}");
        for more in ["", "default_pool_size = 1", "server_round_robin = 1"] {
            let pooled = PgBouncer::before(&url, &home, &[TAKES, &mode, more]);
            // A first start, and one whose sessions a start has used before.
            for _ in 0..2 {
                let said = refused(&home, &pooled, &url);
                assert!(said.contains("set pool_mode = session"), "{said}");
            }
        }
    }
}

#[test]
fn a_pooler_that_refuses_what_the_driver_sends_is_named_on_postgres() {
    let (_database, url) = fresh();
    let home = Home::new();
    let pooled = PgBouncer::before(&url, &home, &["pool_mode = session"]);
    let said = refused(&home, &pooled, &url);
    assert!(said.contains("extra_float_digits"), "{said}");
    assert!(said.contains("ignore_startup_parameters"), "{said}");
}

#[test]
fn a_pooler_that_leaves_sessions_whole_is_as_good_as_postgres() {
    let (_database, url) = fresh();
    let (home, other) = (Home::new(), Home::new());
    let pooled = PgBouncer::before(&url, &home, &[TAKES, "pool_mode = session"]);
    let flags = ["--database-url", pooled.url.as_str()];
    let mut serve = home.serve_with(&flags);
    let added = home.add_server("web");
    let _runner = home.runner("web", Some((serve.url(), &added.token)));
    serve.integration().wait_for_status(&added.server, "active");
    let key = serve.automation().on(&added.server);
    key.run("exit 3").is("completed", 3);

    // The place is kept, through the pooler and past it.
    std::fs::create_dir(other.data()).unwrap();
    let master = |home: &Home| home.data().join("master.key");
    std::fs::copy(master(&home), master(&other)).unwrap();
    for url in [&pooled.url, &url] {
        let second = other.begin("serve", &["--database-url", url, "--wait", "0"]);
        let second = second.finished();
        assert_eq!(second.code, Some(2), "{}", second.stderr);
        let last = second.stderr.lines().last().unwrap();
        assert!(last.contains("another control plane"), "{last}");
    }
    assert!(serve.process.stop().success());
    let again = ControlPlane::ready(other.begin("serve", &flags));
    let token = serve.integration().token;
    assert_eq!(again.key(&token).servers().status, 200);
    assert_eq!(home.audit("verify", &flags).code, Some(0));
}
