//! `serve` on PostgreSQL.

use reoclo_store::DatabaseAddress;
use reoclo_testkit::Statements;
use reoclo_testkit::database::{self, empty_postgres};
use serde_json::json;

use crate::fixture::{ControlPlane, Database, Docker, Gate, Home, Process, Registry};
use crate::registry::{auth, create_credential};

/// An empty database on the test server, and its URL.
pub(crate) fn fresh() -> (database::Database, String) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let database = runtime.block_on(empty_postgres());
    let DatabaseAddress::Postgres(url) = database.address() else {
        panic!("a PostgreSQL has a URL");
    };
    let url = url.expose().to_owned();
    (database, url)
}

/// A command that waits at its gate, on a server of its own.
pub(crate) struct Begun {
    pub(crate) server: String,
    pub(crate) token: String,
    pub(crate) runner: Process,
    pub(crate) gate: Gate,
    /// The operation.
    pub(crate) id: String,
}

impl Begun {
    pub(crate) fn on(home: &Home, serve: &ControlPlane) -> Self {
        let added = home.add_server("web");
        let runner = home.runner("web", Some((serve.url(), &added.token)));
        serve.integration().wait_for_status(&added.server, "active");
        let gate = Gate::new(home, "gate");
        let id = serve.automation().on(&added.server).start(&gate.command());
        gate.wait_for_begin();
        Self {
            server: added.server,
            token: added.token,
            runner,
            gate,
            id,
        }
    }

    /// Has the command end where its runner is connected from now on, whatever was before.
    pub(crate) fn ends_at(&mut self, home: &Home, serve: &ControlPlane, key: &str) {
        self.runner.kill();
        self.gate.open();
        // What is stored of its address is out of date.
        self.runner = home.runner("web", Some((serve.url(), &self.token)));
        let ended = serve.key(key).ended(&self.id);
        ended.is("completed", 0);
        assert_eq!(ended.stdout, Gate::OUTPUT);
        assert_eq!(self.gate.runs(), 1);
    }
}

#[test]
fn a_command_runs_and_is_audited_on_postgres() {
    let (_database, url) = fresh();
    let home = Home::new();
    let serve = home.serve_with(&["--database-url", &url]);
    let added = home.add_server("web");
    let _runner = home.runner("web", Some((serve.url(), &added.token)));
    serve.integration().wait_for_status(&added.server, "active");
    let ended = serve
        .automation()
        .on(&added.server)
        .run("echo out; echo err >&2; exit 3");
    ended.is("completed", 3);
    assert_eq!(
        (ended.stdout.as_str(), ended.stderr.as_str()),
        ("out\n", "err\n")
    );
    let id = &ended.id;
    assert_eq!(
        serve.automation().operation(id).ok()["result"]["stdout"],
        "out\n"
    );

    let source = ["--database-url", url.as_str()];
    let exported = home.audit("export", &source);
    assert_eq!(exported.code, Some(0), "{}", exported.stderr);
    assert!(exported.stdout.contains("operation.end"));
    assert_eq!(home.audit("verify", &source).code, Some(0));
    let changed = Database::at(&url)
        .execute("UPDATE audit_events SET detail = '{}' WHERE action = 'operation.start'");
    assert_eq!(changed, 1);
    let verified = home.audit("verify", &source);
    assert_eq!(verified.code, Some(1), "{}", verified.stderr);
    assert!(verified.stdout.contains("BROKEN at row"));
}

#[test]
fn a_kill_loses_nothing_on_postgres() {
    let (_database, url) = fresh();
    let home = Home::with_timing(&[("inline_wait", 0.1)]);
    let flags = ["--database-url", url.as_str()];
    let mut first = home.serve_with(&flags);
    let mut begun = Begun::on(&home, &first);
    first.process.kill();

    let second = home.serve_with(&flags);
    assert!(second.line["automation_key"].is_null());
    assert_eq!(second.line["organization"], first.line["organization"]);
    begun.ends_at(&home, &second, &first.automation().token);
}

/// Whatever is done besides, in its own time, only adds to what is counted.
#[test]
fn an_exec_is_few_statements_on_postgres() {
    let (_database, url) = fresh();
    let home = Home::new();
    let statements = Statements::before(&url);
    let serve = home.serve_with(&["--database-url", statements.url()]);
    let added = home.add_server("web");
    let _runner = home.runner("web", Some((serve.url(), &added.token)));
    serve.integration().wait_for_status(&added.server, "active");
    let key = serve.automation().on(&added.server);
    let counted = (0..20).map(|_| {
        let before = statements.count();
        key.run("true").is("completed", 0);
        statements.count() - before
    });
    let counted: Vec<_> = counted.collect();
    let least = counted.iter().min().unwrap();
    assert!((2..=6).contains(least), "{counted:?}");
}

#[test]
fn a_server_is_logged_in_to_a_registry_and_out_again_on_postgres() {
    let (_database, url) = fresh();
    let home = Home::new();
    let docker = Docker::start(&home);
    let registry = Registry::start(&home, "registry");
    let serve = home.serve_with(&["--database-url", &url]);
    let added = home.add_server("web");
    let first = Some((serve.url(), added.token.as_str()));
    let _runner = home.runner_in(&docker.variables(), "web", first);
    serve.integration().wait_for_status(&added.server, "active");

    let (username, password) = Registry::USER;
    let fields = json!({
        "registry_url": registry.host, "username": username, "encrypted_credential": password,
    });
    let credential = create_credential(&serve, &serve.integration().token, &fields);
    let key = serve.automation();
    let login = json!({ "credential_id": credential });
    let login = auth(&serve, &key, &added.server, "login", &login).ok();
    assert_eq!(
        (&login["status"], &login["exit_code"]),
        (&json!("completed"), &json!(0))
    );
    assert_eq!(docker.logins(), [registry.host.as_str()]);
    let logout = json!({ "registry_url": registry.host });
    let logout = auth(&serve, &key, &added.server, "logout", &logout).ok();
    assert_eq!(
        (&logout["status"], &logout["exit_code"]),
        (&json!("completed"), &json!(0))
    );
    assert_eq!(docker.logins(), [""; 0]);
}

#[test]
fn the_audit_log_of_postgres_is_found_by_the_data_directory() {
    let (_database, url) = fresh();
    let home = Home::new();
    let mut serve = home.serve_with(&["--database-url", &url]);
    home.add_server("web-of-postgres");
    for is_running in [true, false] {
        let verified = home.audit("verify", &[]);
        assert_eq!(verified.code, Some(0), "{}", verified.stderr);
        let exported = home.audit("export", &[]);
        assert!(exported.stdout.contains("web-of-postgres"), "{is_running}");
        if is_running {
            assert!(serve.process.stop().success());
        }
    }
    // It may hold a password.
    let note = std::fs::read(home.data().join("database")).unwrap();
    assert!(!String::from_utf8_lossy(&note).contains("postgres"));

    let mut serve = home.serve_with(&["--new"]);
    assert!(serve.process.stop().success());
    let exported = home.audit("export", &[]);
    assert_eq!(exported.code, Some(0), "{}", exported.stderr);
    assert!(!exported.stdout.contains("web-of-postgres"));
}
