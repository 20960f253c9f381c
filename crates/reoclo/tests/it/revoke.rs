//! Revoking under load: nothing that begins after the answer is accepted.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::fixture::{Client, ControlPlane, Database, Gate, Home, Person, Request, wait_until};
use crate::keys::{AUTOMATION, INTEGRATION, act, automation_form, create, integration_form, token};
use crate::postgres::fresh;

/// Clients that send the same request.
const CLIENTS: usize = 3;
/// Requests that a client makes after the revoke was answered.
const LATE: usize = 30;
/// Requests that are accepted before somebody revokes the key.
const ACCEPTED: usize = 100;

/// Clients in tight loops on one key.
struct Load {
    revoked: Arc<AtomicBool>,
    accepted: Arc<AtomicUsize>,
    clients: Vec<thread::JoinHandle<()>>,
}

impl Load {
    /// Has several clients at each of the addresses send each of the requests.
    fn start(at: &[&ControlPlane], requests: &[Request]) -> Self {
        let mut load = Self {
            revoked: Arc::default(),
            accepted: Arc::default(),
            clients: Vec::new(),
        };
        for (control_plane, request) in at
            .iter()
            .flat_map(|at| requests.iter().map(move |r| (at, r)))
        {
            for _ in 0..CLIENTS {
                load.add(Client::new(control_plane.url()), request.clone());
            }
        }
        load
    }

    fn add(&mut self, client: Client, request: Request) {
        let (revoked, accepted) = (Arc::clone(&self.revoked), Arc::clone(&self.accepted));
        self.clients.push(thread::spawn(move || {
            let mut late = 0;
            while late < LATE {
                let begins_late = revoked.load(Ordering::SeqCst);
                let answer = client.send(&request);
                if answer.status == 200 && !begins_late {
                    accepted.fetch_add(1, Ordering::SeqCst);
                } else {
                    // One that began before the answer may still have come after the revoke.
                    answer.refused(401, "key_revoked");
                    late += usize::from(begins_late);
                }
            }
        }));
    }

    fn wait_until_accepted(&self) {
        wait_until("requests are accepted", || {
            self.accepted.load(Ordering::SeqCst) >= ACCEPTED
        });
    }

    /// From now on every request that begins has to be refused. Says how many were accepted.
    fn end(self) -> usize {
        self.revoked.store(true, Ordering::SeqCst);
        for client in self.clients {
            client.join().unwrap();
        }
        self.accepted.load(Ordering::SeqCst)
    }
}

/// Revokes, or has replaced, an integration key that is in use at all of the addresses.
fn revoke_integration_key(person: &Person, at: &[&ControlPlane], verb: &str, status: u16) {
    let key = create(person, INTEGRATION, &integration_form());
    let requests =
        ["/api/servers", "/api/keys/self"].map(|path| Request::get(path).bearer(token(&key)));
    let load = Load::start(at, &requests);
    load.wait_until_accepted();
    let revoked = act(person, INTEGRATION, &key, verb);
    load.end();
    assert_eq!(revoked.status, status, "{}", revoked.text());
}

/// Revokes an automation key that starts commands at all of the addresses. Of what was accepted
/// everything ran, once, and of the rest nothing.
fn revoke_automation_key(person: &Person, at: &[&ControlPlane], server: &str, ran: &Path) {
    let key = create(person, AUTOMATION, &automation_form());
    let command = format!("echo run >> '{}'", ran.display());
    let body = json!({ "server_id": server, "command": command });
    let exec = Request::post("/api/automation/v1/exec", &body).bearer(token(&key));
    let load = Load::start(at, &[exec]);
    load.wait_until_accepted();
    act(person, AUTOMATION, &key, "/revoke").ok();
    let accepted = load.end();
    let runs = fs::read_to_string(ran).unwrap().lines().count();
    assert_eq!(runs, accepted);
}

#[test]
fn nothing_that_begins_after_the_answer_is_accepted() {
    let home = Home::new();
    let up = home.up();
    let person = up.set_up();
    for (verb, status) in [("/revoke", 200), ("/replace", 201), ("/revoke", 200)] {
        revoke_integration_key(&person, &[&up], verb, status);
    }
    revoke_automation_key(&person, &[&up], up.server(), &home.path("runs"));
    assert_eq!(home.audit("verify", &[]).code, Some(0));
}

#[test]
fn nothing_that_begins_after_the_answer_is_accepted_by_any_replica_on_postgres() {
    let (_database, url) = fresh();
    let flags = ["--database-url", url.as_str(), "--replicas"];
    let (home, other) = (Home::new(), Home::new());
    let here = home.serve_with(&flags);
    let person = here.set_up();
    fs::create_dir(other.data()).unwrap();
    fs::copy(
        home.data().join("master.key"),
        other.data().join("master.key"),
    )
    .unwrap();
    let there = other.serve_with(&flags);
    let at = [&here, &there];
    for (verb, status) in [("/revoke", 200), ("/replace", 201)] {
        revoke_integration_key(&person, &at, verb, status);
    }
}

#[test]
fn a_command_that_runs_when_its_key_is_revoked_ends_and_is_recorded() {
    let home = Home::new();
    let mut up = home.up();
    let person = up.set_up();
    let gate = Gate::new(&home, "gate");
    let created = create(&person, AUTOMATION, &automation_form());
    let key = up.key(token(&created));
    let command = gate.command();
    let running = thread::spawn({
        let key = key.clone();
        move || key.run(&command)
    });
    gate.wait_for_begin();
    act(&person, AUTOMATION, &created, "/revoke").ok();
    key.exec(&json!({ "command": "true" }))
        .refused(401, "key_revoked");
    gate.open();
    let ended = running.join().unwrap();
    ended.is("completed", 0);
    assert_eq!(ended.stdout, Gate::OUTPUT);
    key.operation(&ended.id).refused(401, "key_revoked");

    up.process.stop();
    let stored = Database::of(&home.data()).number(&format!(
        "SELECT COUNT(*) FROM operations WHERE id = '{}' AND state = 'completed' \
         AND exit_code = 0 AND stdout_total = {}",
        ended.id,
        Gate::OUTPUT.len()
    ));
    assert_eq!(stored, 1);
    let exported = home.audit("export", &[]).stdout;
    let mut rows = exported
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    assert!(rows.any(|row| row["action"] == "operation.end" && row["resource_id"] == ended.id));
}
