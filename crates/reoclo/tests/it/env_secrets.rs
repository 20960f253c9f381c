//! Secrets given with a command never come back with its output.

use serde_json::json;

use crate::fixture::{Database, Home, leaks};

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

/// Runs `command` with `env` and gives its output, record and whole audit log, in one text.
fn everything_of(home: &Home, fields: &serde_json::Value) -> (String, String) {
    let up = home.up();
    let key = up.automation();
    let ended = key.run_with(fields);
    let record = key.operation(&ended.id).text().to_owned();
    let audit = home.audit("export", &[]).stdout;
    let all = format!(
        "{}{}{record}{audit}{}",
        ended.stdout,
        ended.stderr,
        up.process.stderr()
    );
    (ended.stdout.clone(), all)
}

#[test]
fn a_secret_is_hidden_in_whatever_form_it_is_printed() {
    let home = Home::new();
    let lines = "-----BEGIN KEY-----\nbGluZSBvbmUgb2YgdGhlIHNlY3JldA==\nc2Vjb25kIGxpbmUgb2YgaXQ=\n";
    let command = r#"
        echo "X=$(echo $API_TOKEN)"; echo "$PADDED"; echo $DEPLOY_KEY
        printf %s "$API_TOKEN" | base64; printf '{"u":"%s"}' "$PADDED" | base64 -w 0; echo
        printf %s "$DEPLOY_KEY" | base64; printf x%s "$DEPLOY_KEY" | base64 | tr '+/' '-_'
        printf %s "$PADDED" | od -An -v -tx1 | tr -d ' \n'; echo
        echo "psql $DATABASE_URL"; echo "password hunter2-of-the-db"
        echo s3cr3tvalue-123 czNjcjN0dmFsdWUtMTIz
    "#;
    let (stdout, all) = everything_of(
        &home,
        &json!({
            "command": command,
            "env": {
                "API_TOKEN": "s3cr3tvalue-123\n",
                "PADDED": "  p a s s\"word/1  ",
                "DEPLOY_KEY": lines,
                "DATABASE_URL": "postgres://app:hunter2-of-the-db@db/prod",
            },
            "mask": ["PADDED"],
        }),
    );
    assert!(stdout.starts_with("X=***\n  ***  \n***\n"), "{stdout}");
    assert!(
        stdout.contains("psql ***\npassword ***\n*** ***\n"),
        "{stdout}"
    );
    for secret in [
        "s3cr3tvalue",
        "czNjcjN0dmFsdWU",
        "p a s s",
        "IGEgcyBz",
        "BhIHMgc",
        "2061207320",
        "bGluZSBvbmUg",
        "c2Vjb25kIGxp",
        "YkdsdVpTQ",
        "hunter2",
    ] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
}

#[test]
fn what_is_within_a_secret_is_hidden_too() {
    let home = Home::new();
    let account = json!({
        "type": "service_account",
        "project_id": "project-of-ada",
        "private_key": "-----BEGIN KEY-----\nbGluZSBvbmUgb2Yga2V5\n-----END KEY-----\n",
        "client_secret": "s3cr3t-of-it",
    });
    let (stdout, all) = everything_of(
        &home,
        &json!({
            "command": "echo hunter2-db s3cr3t-of-it; echo bGluZSBvbmUgb2Yga2V5
                echo \"$B64\" | base64 -d; echo; echo project-of-ada",
            "env": {
                "GOOGLE_CREDENTIALS": account.to_string(),
                "DOTENV_SECRET": "A=1\nDB=hunter2-db",
                "B64": "YWRhOnMzY3IzdC1iNjQ=",
            },
            "mask": ["B64"],
        }),
    );
    assert_eq!(stdout, "*** ***\n***\n***\nproject-of-ada\n");
    for secret in ["hunter2", "s3cr3t", "bGluZSBvbmU"] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
}

#[test]
fn a_password_in_a_url_is_hidden_wherever_it_comes_from() {
    let home = Home::new();
    let command = "printf 'origin\\thttps://x-access-token:%s@github.com/a/b (fetch)\\n' gh''s_of_the_checkout
        printf 'remote https://%s@github.com/a\\n' gh''p_alone >&2
        : 'https://h/?page=2&access_token=s3cr3t-of-a-query' https://hooks.slack.com/services/T0/s3cr3t-of-a-hook
        echo s3cr3t-of-a-''query >&2; exit 3";
    let (stdout, all) = everything_of(&home, &json!({ "command": command, "mask": [] }));
    assert_eq!(
        stdout,
        "origin\thttps://x-access-token:***@github.com/a/b (fetch)\n"
    );
    for secret in [
        "ghs_of_the_checkout",
        "ghp_alone",
        "s3cr3t-of-a-query",
        "s3cr3t-of-a-hook",
    ] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
}

#[test]
fn what_is_stored_beside_the_command_is_masked_too() {
    let home = Home::new();
    let up = home.up();
    let key = up.automation();
    let token = &key.token;
    let fields = json!({
        "command": "true",
        "env": { "PASSWORD": "hunter2-and-more", format!("A_{token}"): "x" },
        "run_id": format!("run {token}"),
        "run_context": {
            "actor": token,
            "repository": "https://x:ghs_secret1@host/r",
            "note": "it is hunter2-and-more",
            "encoded": "aHVudGVyMi1hbmQtbW9yZQ==",
        },
        "working_directory": format!("/nowhere/{token}/hunter2-and-more"),
    });
    key.exec(&fields);
    key.exec(&json!({
        "command": "true",
        "run_id": format!("run {token}"),
        "run_context": { format!("key {token}"): "x", "actor": token },
    }))
    .ok();
    let ada = up.set_up();
    let renamed = ada.post("/api/servers", &json!({ "name": format!("web {token}") }));
    renamed.refused(422, "invalid_request");
    let shown = [
        up.integration().get("/api/operations").text().to_owned(),
        home.audit("export", &[]).stdout,
        up.process.stderr(),
    ];
    for text in shown {
        for secret in [token, "ghs_secret1", "hunter2", "aHVudGVyMi1h"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
    assert_eq!(
        leaks(&home.data(), &[token.as_str(), "hunter2-and-more"]),
        Vec::<String>::new()
    );
}

#[test]
fn a_secret_of_one_letter_holds_nobody_up() {
    let home = Home::new();
    let up = home.up();
    let key = up.automation();
    let ended = key.run_with(&json!({
        "command": "head -c 3600000 /dev/zero | tr '\\0' a; echo; head -c 70000 /dev/zero | tr '\\0' a >&2",
        "env": { "TOKEN": "a".repeat(60_000) },
        "timeout_seconds": 60,
    }));
    ended.is("completed", 0);
    assert_eq!(ended.stdout, "***\n");
    assert_eq!(ended.stderr, "***");
}

#[test]
fn what_older_versions_stored_is_found_and_taken_out_of_operations() {
    let home = Home::new();
    let up = home.up();
    let key = up.automation();
    let long = key.run("head -c 600000 /dev/zero | tr '\\0' x; echo out; echo err >&2");
    let plain = key.run("echo nothing");
    let token = key.token.clone();
    let mut database = Database::of(&home.data());
    let url = "https://u:hunter2@host/?page=2&api_key=hunter2";
    database.execute(&format!(
        "UPDATE operations SET command = 'curl {url}', run_id = '{token}',
             run_context = '{{\"actor\":\"{token}\"}}', message = 'at {url} it failed',
             stdout = CAST('clone {url} done' AS BLOB)
         WHERE id = '{}'",
        long.id
    ));
    // A log whose secret is cut by the end of a chunk.
    database.execute(&format!(
        "UPDATE operation_logs SET bytes = CAST(substr(CAST(bytes AS TEXT), 1, length - 4) || ' rca' AS BLOB)
         WHERE operation_id = '{}' AND position = 0",
        long.id
    ));
    let second = format!(
        "SELECT MIN(position) FROM operation_logs WHERE operation_id = '{}' AND position > 0",
        long.id
    );
    let second = database.number(&second);
    let rest = token.strip_prefix("rca").unwrap();
    database.execute(&format!(
        "UPDATE operation_logs
         SET bytes = CAST('{rest} ' || substr(CAST(bytes AS TEXT), {}) AS BLOB)
         WHERE operation_id = '{}' AND position = {second}",
        rest.len() + 2,
        long.id
    ));
    let before = key.log(&long.id, "stdout", 0).text().to_owned();
    let audit_row = "UPDATE audit_events SET detail = replace(detail, '\"echo nothing\"', '\"curl https://u:hunter2@host\"')";
    assert!(database.execute(audit_row) > 0);

    let data = home.data();
    let mask = |more: &[&str]| {
        let mut arguments = vec![
            "admin",
            "mask-stored",
            "--output",
            "json",
            "--data-dir",
            data.to_str().unwrap(),
        ];
        arguments.extend(more);
        let finished = home.run(&arguments);
        let report: serde_json::Value = serde_json::from_str(&finished.stdout).unwrap();
        (finished.code.unwrap(), report)
    };
    let (code, report) = mask(&[]);
    assert_eq!(code, 1);
    assert_eq!(report["operations"], json!([long.id]));
    assert_eq!(
        report["audit_rows"].as_array().unwrap().len(),
        1,
        "{report}"
    );
    assert!(
        key.operation(&long.id).text().contains("hunter2"),
        "a look changes nothing"
    );

    let (code, report) = mask(&["--apply"]);
    assert_eq!((code, &report["operations"]), (1, &json!([long.id])));
    let (_, report) = mask(&[]);
    assert_eq!(report["operations"], json!([]));
    let record = key.operation(&long.id);
    for secret in ["hunter2", token.as_str()] {
        assert!(!record.text().contains(secret), "{}", record.text());
    }
    let log = key.log(&long.id, "stdout", 0);
    assert!(
        !log.text().contains(rest),
        "the log is masked over the end of a chunk"
    );
    assert_eq!(log.text().len(), before.len(), "and nothing moved");
    assert_eq!(key.operation(&plain.id).ok()["command"], "echo nothing");
    assert!(home.audit("export", &[]).stdout.contains("operations.mask"));
}
