//! Installations that an earlier program has made, kept in `tests/fixtures`: today's program opens
//! them, and everything goes on. See the README there.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use reoclo_testkit::database;
use serde_json::{Value, json};

use crate::fixture::{ControlPlane, Database, Home, PASSWORD, Person, Registry, wait_until};
use crate::postgres::fresh;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");

/// A copy of what an earlier program left, and today's program on it.
struct Yesterday {
    /// What was made, with the tokens and the ids.
    made: Value,
    serve: ControlPlane,
    ada: Person,
    home: Home,
    /// With its URL, where it is not in the data directory.
    database: Option<(database::Database, String)>,
}

impl Yesterday {
    fn on_sqlite(version: &str) -> Self {
        let (home, fixture) = copy(version, "sqlite");
        let file = home.data().join("reoclo.db");
        unzip(&fixture.join("data/reoclo.db.gz"), &file);
        move_to_today(&mut Database::of(&home.data()));
        Self::open(home, &fixture, None)
    }

    fn on_postgres(version: &str) -> Self {
        let (home, fixture) = copy(version, "postgres");
        let (fresh, url) = fresh();
        let dump = home.path("dump.sql");
        unzip(&fixture.join("dump.sql.gz"), &dump);
        Database::at(&url).run(&fs::read_to_string(dump).unwrap());
        move_to_today(&mut Database::at(&url));
        Self::open(home, &fixture, Some((fresh, url)))
    }

    fn open(home: Home, fixture: &Path, database: Option<(database::Database, String)>) -> Self {
        let made = fs::read_to_string(fixture.join("made.json")).unwrap();
        let outbound = ["--allow-outbound", "127.0.0.0/8"];
        let serve = home.serve_with(&[&outbound, source(database.as_ref()).as_slice()].concat());
        let made: Value = serde_json::from_str(&made).unwrap();
        // Whoever signs in is where they were last, which is the second organization.
        let ada = serve.sign_in("ada@example.com", PASSWORD);
        assert_eq!(ada.get("/api/organization").ok()["name"], "Second");
        let ada = ada.switch(made["organization"].as_str().unwrap());
        Self {
            made,
            serve,
            ada,
            home,
            database,
        }
    }

    fn text(&self, pointer: &str) -> &str {
        let found = self.made.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_else(|| panic!("{pointer} was not made"))
    }

    fn token(&self, key: &str) -> &str {
        self.text(&format!("/keys/{key}"))
    }

    fn get(&self, path: &str) -> Value {
        self.ada.get(path).ok()
    }

    fn expect_everything(&self) {
        self.expect_keys();
        self.expect_lists();
        self.expect_operations();
        self.expect_people();
        self.expect_a_credential_that_works();
        self.expect_that_what_ran_is_followed();
        self.expect_an_audit_log_that_verifies();
    }

    fn expect_keys(&self) {
        let servers = |key: &str| self.serve.key(self.token(key)).servers();
        let names = |key: &str| all(&servers(key).ok(), "name");
        assert_eq!(names("integration"), ["waiting", "web"]);
        assert_eq!(names("integration_read_only"), ["waiting", "web"]);
        assert_eq!(names("second_integration"), ["web"]);
        servers("integration_expired").refused(401, "key_expired");
        servers("integration_revoked").refused(401, "key_revoked");

        let me = |key: &str| {
            self.serve
                .key(self.token(key))
                .get("/api/automation/v1/auth/me")
        };
        for key in [
            "automation",
            "automation_with_list",
            "automation_replacement",
        ] {
            me(key).ok();
        }
        me("automation_expired").refused(401, "key_expired");
        me("automation_revoked").refused(401, "key_revoked");
        me("automation_replaced").refused(401, "key_revoked");
        let server = self.text("/waiting");
        let scoped = self.serve.key(self.token("automation_scoped")).on(server);
        let refused = scoped.exec(&json!({ "command": "true" }));
        refused.refused(403, "server_not_in_scope");
    }

    fn expect_lists(&self) {
        assert_eq!(self.get("/api/organization")["name"], "Example");
        let credentials = self.get("/api/registry-credentials");
        assert_eq!(all(&credentials, "name"), ["builds", "hub"]);
        let lists = self.get("/api/address-sources");
        assert_eq!(all(&lists, "id"), [self.text("/address_source")]);
        let automation = self.get("/api/automation-keys");
        for name in ["ci", "one server", "old", "lost", "short"] {
            let names = all(&automation, "name");
            assert!(names.contains(&name.to_owned()), "{name}: {names:?}");
        }
        let actions = all(&self.get("/api/audit-logs?limit=200"), "action");
        assert!(actions.contains(&"operation.end".to_owned()), "{actions:?}");
    }

    fn expect_operations(&self) {
        for (name, state) in [
            ("completed", "completed"),
            ("completed_nonzero", "completed"),
            ("script", "completed"),
            ("large", "completed"),
            ("left_running", "completed"),
            ("signalled", "completed"),
            ("by_integration_key", "completed"),
            ("login", "completed"),
            ("login_direct", "completed"),
            ("logout", "completed"),
            ("rebooted", "completed"),
            ("timed_out", "timeout"),
            ("not_run", "failed"),
            ("cancelled", "failed"),
            ("lost", "failed"),
            ("running", "running"),
        ] {
            let id = self.text(&format!("/operations/{name}"));
            let found = self.get(&format!("/api/operations/{id}"));
            assert_eq!(found["status"], state, "{name}: {found}");
        }
        let id = self.text("/operations/completed_nonzero");
        let record = self.serve.key(self.token("automation")).operation(id).ok();
        assert_eq!(record["result"]["exit_code"], 3, "{record}");
        assert_eq!(record["result"]["stdout"], "no\n", "{record}");
        let id = self.text("/operations/large");
        let log = self
            .serve
            .key(self.token("automation"))
            .log(id, "stdout", 0);
        assert_eq!(log.text().len(), 80_000);
        assert!(log.text().bytes().all(|byte| byte == b'x'));
    }

    fn expect_people(&self) {
        for (email, password) in self.made["people"].as_object().unwrap() {
            let person = self.serve.sign_in(email, password.as_str().unwrap());
            person.get("/api/servers").ok();
        }
        let mut roles = all(&self.get("/api/users"), "role");
        roles.dedup();
        assert_eq!(roles, ["admin", "developer", "manager", "viewer"]);
        let invitations = self.get("/api/invitations");
        assert_eq!(all(&invitations, "email"), ["dora@example.com"]);
    }

    /// What was sealed is opened again: a registry takes it.
    fn expect_a_credential_that_works(&self) {
        let registry = Registry::start_at(&self.home, "registry", self.text("/registry"));
        assert_eq!(registry.host, self.text("/registry"));
        let path = format!(
            "/api/registry-credentials/{}/test-connection",
            self.text("/credential")
        );
        let tested = self.serve.key(self.token("integration")).post(&path).ok();
        assert_eq!(tested["success"], true, "{tested}");
    }

    /// The command ended while no control plane was there, and its outcome lies with the runner.
    fn expect_that_what_ran_is_followed(&self) {
        let token = self.text("/enrolment_token");
        let _runner = self.home.runner("web", Some((self.serve.url(), token)));
        let (id, key) = (self.text("/operations/running"), self.token("automation"));
        let ended = self.serve.key(key).ended(id);
        ended.is("completed", 4);
        assert_eq!(
            (ended.stdout.as_str(), ended.stderr.as_str()),
            ("before\nafter\n", "err\n")
        );
        let server = self.text("/server");
        let key = self.serve.key(self.token("automation_scoped")).on(server);
        wait_until("commands run", || {
            let command = json!({ "command": "echo today" });
            let answer = key.exec(&command);
            answer.status == 200 && answer.json()["stdout"] == "today\n"
        });
        wait_until("the runner may forget", || {
            fs::read_dir(self.home.path("web/spool")).unwrap().count() == 0
        });
    }

    fn expect_an_audit_log_that_verifies(&self) {
        let verified = self.home.audit("verify", &source(self.database.as_ref()));
        assert_eq!(verified.code, Some(0), "{}", verified.stdout);
    }
}

/// The flags that name the database.
fn source(database: Option<&(database::Database, String)>) -> Vec<&str> {
    database.map_or(Vec::new(), |(_, url)| vec!["--database-url", url])
}

/// A home with the directories of a fixture, and where the fixture is.
fn copy(version: &str, what: &str) -> (Home, PathBuf) {
    let fixture = Path::new(FIXTURES).join(version).join(what);
    let home = Home::new();
    for name in ["data", "web"] {
        copy_directory(&fixture.join(name), &home.path(name));
    }
    (home, fixture)
}

fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_directory(&entry.path(), &to);
        } else if entry.path().extension().is_none_or(|found| found != "gz") {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn unzip(from: &Path, to: &Path) {
    let mut from = GzDecoder::new(File::open(from).unwrap());
    io::copy(&mut from, &mut File::create(to).unwrap()).unwrap();
}

/// Old operations are removed in time, and one that has not ended is lost in time: the last one
/// began a moment ago, and the others as long before it as they did.
fn move_to_today(database: &mut Database) {
    let since_1970 = std::time::UNIX_EPOCH.elapsed().unwrap();
    let now = i64::try_from(since_1970.as_micros()).unwrap();
    let last = database.number("SELECT MAX(created_at) FROM operations");
    let moved = |column: &str| format!("{column} = {column} + {}", now - last);
    let columns = ["created_at", "acknowledged_at", "completed_at"].map(moved);
    database.execute(&format!("UPDATE operations SET {}", columns.join(", ")));
    database.execute(&format!(
        "UPDATE operation_logs SET {}",
        moved("created_at")
    ));
}

/// A field of everything in a list, however the list is wrapped.
fn all(list: &Value, field: &str) -> Vec<String> {
    let items = list.as_array().or_else(|| {
        let mut fields = list.as_object()?.values();
        fields.find_map(Value::as_array)
    });
    let items = items.unwrap_or_else(|| panic!("no list: {list}"));
    let fields = items
        .iter()
        .map(|item| item[field].as_str().unwrap_or_default().to_owned());
    let mut fields: Vec<_> = fields.collect();
    fields.sort();
    fields
}

#[test]
fn an_installation_of_0_1_0_goes_on() {
    Yesterday::on_sqlite("0.1.0").expect_everything();
}

#[test]
fn an_installation_of_0_1_0_goes_on_on_postgres() {
    Yesterday::on_postgres("0.1.0").expect_everything();
}
