//! `reoclo audit`, beside the live server and against somebody who writes the database.

use std::fs;

use serde_json::Value;

use crate::fixture::{Database, Home};

fn lines(export: &str) -> Vec<Value> {
    export
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn verify_and_export_run_beside_the_live_server() {
    let home = Home::new();
    let up = home.up();
    let ended = up.automation().run("echo audited");
    let verified = home.audit("verify", &[]);
    assert_eq!(
        verified.code,
        Some(0),
        "{}{}",
        verified.stdout,
        verified.stderr
    );
    assert!(verified.stdout.contains("intact"));
    let verified = home.audit("verify", &["--output", "json"]);
    let report: Value = serde_json::from_str(&verified.stdout).unwrap();
    assert_eq!(report["intact"], true);

    let exported = home.audit("export", &[]);
    assert_eq!(exported.code, Some(0), "{}", exported.stderr);
    let lines = lines(&exported.stdout);
    let find = |action: &str| lines.iter().find(|line| line["action"] == action);
    for action in ["organization.create", "server.create", "key.create"] {
        assert!(find(action).is_some(), "{action}");
    }
    let (begun, over) = (
        find("operation.start").unwrap(),
        find("operation.end").unwrap(),
    );
    assert_eq!(begun["outcome"], "intent");
    assert_eq!(begun["detail"]["command"], "echo audited");
    assert_eq!(begun["actor_kind"], "automation_key");
    assert_eq!(begun["ip"], "127.0.0.1");
    assert_eq!(over["outcome"], "success");
    for event in [begun, over] {
        assert_eq!(event["resource_id"], ended.id);
    }
    let checkpoints = lines.iter().filter(|line| line.get("signature").is_some());
    assert_eq!(
        checkpoints.count(),
        2,
        "the instance's and the organization's"
    );
}

#[test]
fn a_changed_row_is_found() {
    let home = Home::new();
    let up = home.up();
    up.automation().run("true").is("completed", 0);
    let changed = Database::of(&home.data())
        .execute("UPDATE audit_events SET actor_label = 'nobody' WHERE action = 'operation.start'");
    assert_eq!(changed, 1);
    let verified = home.audit("verify", &[]);
    assert_eq!(verified.code, Some(1), "{}", verified.stderr);
    assert!(
        verified.stdout.contains("BROKEN at row"),
        "{}",
        verified.stdout
    );
    let verified = home.audit("verify", &["--output", "json"]);
    assert_eq!(verified.code, Some(1));
    let report: Value = serde_json::from_str(&verified.stdout).unwrap();
    assert_eq!(report["intact"], false);
}

#[test]
fn a_row_that_was_taken_out_and_a_tail_that_was_cut_off_are_found() {
    let home = Home::new();
    let mut up = home.up();
    up.automation().run("true").is("completed", 0);
    assert!(up.process.stop().success());
    let mut database = Database::of(&home.data());
    database.execute("CREATE TABLE kept AS SELECT * FROM audit_events");
    for taken in [
        "action = 'operation.start'",
        "action = 'operation.end'",
        "1 = 1",
    ] {
        assert!(database.execute(&format!("DELETE FROM audit_events WHERE {taken}")) > 0);
        assert_eq!(home.audit("verify", &[]).code, Some(1), "{taken}");
        database.execute("DELETE FROM audit_events");
        database.execute("INSERT INTO audit_events SELECT * FROM kept");
        assert_eq!(home.audit("verify", &[]).code, Some(0));
    }
}

#[test]
fn a_tail_that_was_cut_off_with_its_head_put_back_is_found_by_a_checkpoint() {
    let home = Home::new();
    let mut up = home.up();
    let chain = up.line["organization"]["id"].as_str().unwrap().to_owned();
    up.automation().run("true").is("completed", 0);
    assert!(up.process.stop().success());
    // What somebody has who copied the database at this moment.
    let mut database = Database::of(&home.data());
    database.execute("CREATE TABLE old_heads AS SELECT * FROM audit_heads");
    drop(database);

    let mut later = home.up();
    later
        .key(&up.automation().token)
        .run("rm -rf evidence")
        .is("completed", 0);
    assert!(later.process.stop().success());
    let checkpoint = home.path("checkpoint.jsonl");
    fs::write(&checkpoint, home.audit("export", &[]).stdout).unwrap();
    let with_checkpoint = ["--checkpoint", checkpoint.to_str().unwrap()];
    assert_eq!(home.audit("verify", &with_checkpoint).code, Some(0));

    let mut database = Database::of(&home.data());
    let cut = "DELETE FROM audit_events WHERE seq >
        (SELECT seq FROM old_heads WHERE old_heads.chain = audit_events.chain)";
    assert!(database.execute(cut) > 0);
    database.execute("DELETE FROM audit_heads");
    database.execute("INSERT INTO audit_heads SELECT * FROM old_heads");
    drop(database);
    assert_eq!(
        home.audit("verify", &[]).code,
        Some(0),
        "the database alone is consistent"
    );
    let verified = home.audit("verify", &with_checkpoint);
    assert_eq!(
        verified.code,
        Some(1),
        "{}{}",
        verified.stdout,
        verified.stderr
    );
    assert!(
        verified.stdout.contains(&format!("{chain}: BROKEN")),
        "{}",
        verified.stdout
    );
}

#[test]
fn a_checkpoint_file_that_is_none_is_refused() {
    let home = Home::new();
    let _serve = home.serve_with(&[]);
    for file in ["reoclo.toml", "absent"] {
        let verified = home.audit("verify", &["--checkpoint", file]);
        assert_eq!(verified.code, Some(2), "{}", verified.stderr);
        assert!(verified.stderr.contains(file));
    }
}

#[test]
fn a_checkpoint_of_another_installation_or_a_changed_one_is_no_tampering() {
    let (home, other) = (Home::new(), Home::new());
    let (_up, _other) = (home.up(), other.up());
    let own = home.audit("export", &[]).stdout;
    let changed = own.replace("\"at\":\"20", "\"at\":\"19");
    assert_ne!(own, changed);
    let cut = own.replace("\"public_key\":\"", "\"public_key\":\"zz");
    let files = [
        (
            "other",
            other.audit("export", &[]).stdout,
            "is of another audit log",
        ),
        ("changed", changed, "was changed"),
        ("cut", cut, "was changed"),
    ];
    for (name, export, told) in files {
        let file = home.path(name);
        fs::write(&file, export).unwrap();
        let with = ["--checkpoint", file.to_str().unwrap()];
        let verified = home.audit("verify", &with);
        assert_eq!(
            verified.code,
            Some(4),
            "{}{}",
            verified.stdout,
            verified.stderr
        );
        let conclusion = format!("This checkpoint {told}. The log itself is intact.");
        assert!(verified.stdout.contains(&conclusion), "{}", verified.stdout);
        assert!(!verified.stdout.contains("BROKEN"), "{}", verified.stdout);
        let json = home.audit("verify", &[&with[..], &["--output", "json"]].concat());
        let report: Value = serde_json::from_str(&json.stdout).unwrap();
        assert_eq!(
            (&report["intact"], &report["log_intact"]),
            (&false.into(), &true.into())
        );
        assert!(report["chains"][0]["rows"].as_u64().unwrap() > 0);
    }
    let file = home.path("other");
    let with = ["--checkpoint", file.to_str().unwrap()];
    let tamper = "UPDATE audit_events SET actor_label = 'nobody' WHERE seq = 1";
    Database::of(&home.data()).execute(tamper);
    let verified = home.audit("verify", &with);
    assert_eq!(verified.code, Some(1), "{}", verified.stdout);
    let conclusion = "This checkpoint is of another audit log. The log itself is BROKEN.";
    assert!(verified.stdout.contains(conclusion), "{}", verified.stdout);
}

#[test]
fn a_damaged_database_is_no_missing_one() {
    let home = Home::new();
    let mut up = home.up();
    assert!(up.process.stop().success());
    let file = home.data().join("reoclo.db");
    let whole = fs::read(&file).unwrap();
    // Its beginning, and all that comes behind the first page.
    for (from, to) in [(0, 100), (4096, whole.len())] {
        let mut damaged = whole.clone();
        damaged[from..to].fill(b'x');
        fs::write(&file, &damaged).unwrap();
        let verified = home.audit("verify", &[]);
        assert_ne!(verified.code, Some(0), "{}", verified.stdout);
        assert!(
            verified.stderr.contains("is damaged"),
            "{}",
            verified.stderr
        );
        assert!(
            !verified.stderr.contains("there is no"),
            "{}",
            verified.stderr
        );
    }
    fs::remove_file(&file).unwrap();
    let verified = home.audit("verify", &[]);
    let said = format!("there is no Reoclo database at {}", file.display());
    assert!(verified.stderr.contains(&said), "{}", verified.stderr);
    assert_eq!(verified.code, Some(2));
    fs::write(&file, whole).unwrap();
    assert_eq!(home.audit("verify", &[]).code, Some(0));
    fs::remove_file(home.data().join("master.key")).unwrap();
    let verified = home.audit("verify", &[]);
    assert!(
        verified.stderr.contains("--data-dir"),
        "{}",
        verified.stderr
    );
    assert_eq!(verified.code, Some(2));
}
