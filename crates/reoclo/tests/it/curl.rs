//! What a person does first: paste the two commands that `up` shows.

use std::process::Stdio;

use serde_json::Value;

use crate::fixture::{Home, Terminal};

#[test]
fn both_printed_commands_work_when_pasted() {
    let home = Home::new();
    let mut terminal = Terminal::new();
    let arguments = ["up", "--listen", "127.0.0.1:0"];
    let mut up = home.command(&arguments);
    up.stdin(Stdio::null())
        .stdout(terminal.stdio())
        .stderr(Stdio::null());
    let mut up = up.spawn().unwrap();

    let shown = terminal.shows("Create the admin's account");
    let commands: Vec<&str> = shown
        .split("\n\n")
        .filter(|part| part.trim_start().starts_with("curl"))
        .collect();
    let [list, run] = commands[..] else {
        panic!("two commands: {shown}");
    };
    let servers = paste(&home, list);
    assert_eq!(servers[0]["status"], "active", "{servers}");
    assert!(servers[0]["cpu_cores"].as_i64() > Some(0), "{servers}");

    let answer = paste(&home, run);
    assert_eq!(answer["status"], "completed", "{answer}");
    assert_eq!(answer["exit_code"], 0);
    assert_eq!(answer["stderr"], "");
    let stdout = answer["stdout"].as_str().unwrap();
    assert!(stdout.starts_with("Linux "), "{stdout}");
    assert!(answer["operation_id"].is_string() && answer["duration_ms"].is_u64());

    assert!(
        home.path(".reoclo/reoclo.db").exists(),
        "kept where it was started"
    );
    up.kill().unwrap();
    up.wait().unwrap();
}

/// Runs what was printed in a shell, as it stands there.
fn paste(home: &Home, printed: &str) -> Value {
    let pasted = home.spawn(home.shell(printed)).finished();
    assert_eq!(
        pasted.code,
        Some(0),
        "curl is needed here: {}",
        pasted.stderr
    );
    serde_json::from_str(&pasted.stdout).unwrap()
}
