//! Secrets given with a command never come back with its output.

use serde_json::json;

use crate::fixture::Home;

const SECRET: &str = "hunter2-and-more";

#[test]
fn a_secret_is_masked_in_output_and_record() {
    let home = Home::new();
    let up = home.up();
    let key = up.automation();
    let ended = key.run_with(&json!({
        "command": format!(
            "echo \"$API_TOKEN\"; echo \"$API_TOKEN\" >&2; printf hunter2-; sleep 0.3; echo and-more;
             echo $NODE_ENV; echo {SECRET}; echo https://x:ghs_secret1@host/r"
        ),
        "env": { "API_TOKEN": SECRET, "NODE_ENV": "production" },
    }));
    ended.is("completed", 0);
    assert_eq!(
        ended.stdout,
        "***\n***\nproduction\n***\nhttps://x:***@host/r\n"
    );
    assert_eq!(ended.stderr, "***\n");
    let record = key.operation(&ended.id);
    let command = record.ok()["command"].as_str().unwrap().to_owned();
    assert!(
        command.contains("echo ***; echo https://x:***@host/r"),
        "{command}"
    );
    for text in [
        record.text(),
        &home.audit("export", &[]).stdout,
        &up.process.stderr(),
    ] {
        assert!(
            !text.contains(SECRET) && !text.contains("ghs_secret1"),
            "{text}"
        );
    }
    assert!(
        home.audit("export", &[]).stdout.contains("API_TOKEN"),
        "names are audited"
    );
}

#[test]
fn a_request_may_name_what_is_masked_or_that_nothing_is() {
    let home = Home::new();
    let up = home.up();
    let run = |mask: serde_json::Value| {
        let env = json!({ "PLACE": "somewhere", "PASSWORD": SECRET, "SHORT_KEY": "abc" });
        let command = "echo $PLACE $PASSWORD $SHORT_KEY";
        up.automation()
            .run_with(&json!({ "command": command, "env": env, "mask": mask }))
            .stdout
    };
    assert_eq!(run(json!(null)), "somewhere *** abc\n");
    assert_eq!(run(json!(["PLACE"])), "*** *** abc\n");
    assert_eq!(run(json!([])), format!("somewhere {SECRET} abc\n"));
}

#[test]
fn our_own_tokens_are_always_masked() {
    let home = Home::new();
    let up = home.up();
    let token = up.automation().token;
    let fields = json!({ "command": format!("echo '{token}'"), "mask": [] });
    assert_eq!(up.automation().run_with(&fields).stdout, "***\n");
}
