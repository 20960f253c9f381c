//! A database that stops taking rows.

use serde_json::json;

use crate::fixture::{Database, Gate, Home, Request, wait_until};

const BREAK: &str = "ALTER TABLE audit_events RENAME TO audit_events_away";
const MEND: &str = "ALTER TABLE audit_events_away RENAME TO audit_events";

#[test]
fn what_cannot_be_audited_does_not_run() {
    let home = Home::new();
    let up = home.up();
    let key = up.automation();
    key.run("true").is("completed", 0);
    let ran = home.path("ran");
    let command = format!("touch '{}'", ran.display());
    Database::of(&home.data()).execute(BREAK);
    for _ in 0..3 {
        let answer = key.exec(&json!({ "command": command }));
        let detail = answer.refused(503, "audit_unavailable");
        assert!(
            !detail.contains("audit_events"),
            "no SQL for clients: {detail}"
        );
    }
    assert!(!ran.exists());
    let ready = || up.send(&Request::get("/readyz")).status;
    wait_until("it is not ready", || {
        key.exec(&json!({ "command": command }))
            .refused(503, "audit_unavailable");
        ready() == 503
    });

    Database::of(&home.data()).execute(MEND);
    key.run("true").is("completed", 0);
    assert!(!ran.exists());
    wait_until("it is ready again", || ready() == 200);
    let integration = up.integration();
    let rows = Request::get("/api/audit-logs?action=key.refused").bearer(&integration.token);
    wait_until("what was not started is told", || {
        let page = up.send(&rows).ok();
        let rows = page["items"].as_array().unwrap().iter();
        let told = rows.filter(|row| row["detail"]["code"] == "audit_unavailable");
        let counts = told.map(|row| row["detail"]["count"].as_u64().unwrap());
        counts.sum::<u64>() >= 4
    });
    assert_eq!(home.audit("verify", &[]).code, Some(0));
}

#[test]
fn an_outcome_that_cannot_be_written_is_written_later() {
    let home = Home::with_timing(&[("inline_wait", 0.1), ("retry_delay", 0.01)]);
    let up = home.up();
    let gate = Gate::new(&home, "gate");
    let id = up.automation().start(&gate.command());
    gate.wait_for_begin();
    Database::of(&home.data()).execute(BREAK);
    gate.open();
    gate.wait_for_end();
    wait_until("the failure is logged", || {
        up.process
            .stderr()
            .contains("an outcome could not be stored yet")
    });
    assert_eq!(up.automation().operation(&id).ok()["status"], "running");
    Database::of(&home.data()).execute(MEND);
    let ended = up.automation().ended(&id);
    ended.is("completed", 0);
    assert_eq!(ended.stdout, Gate::OUTPUT);
    // With the reason, and once, however often it was tried.
    let stderr = up.process.stderr();
    let lines = stderr.lines();
    let told: Vec<_> = lines
        .filter(|line| line.contains("an outcome could not be stored yet"))
        .collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("audit_events"), "{told:?}");
    assert_eq!(home.audit("verify", &[]).code, Some(0));
}
