//! Output as it comes, from the real processes.

use serde_json::json;

use crate::fixture::{Event, Gate, Home, text_of};

fn id_of(event: &Event) -> String {
    event.id.clone().expect("an id")
}

#[test]
fn output_comes_while_the_command_runs_and_then_its_end() {
    let home = Home::with_timing(&[("inline_wait", 0.1)]);
    let up = home.up();
    let gate = Gate::new(&home, "gate");
    let command = format!("echo € >&2; {}exit 3", gate.command());
    let id = up.automation().start(&command);
    gate.wait_for_begin();
    for key in [up.automation(), up.integration()] {
        let mut events = key.events(&id, None);
        let status = events.wait_for("status");
        assert_eq!(status.data["status"], "running");
        let mut seen = vec![events.wait_for("output")];
        while text_of(&seen, "stdout") != "first\n" || text_of(&seen, "stderr") != "€\n" {
            seen.push(events.wait_for("output"));
        }
    }
    let mut events = up.automation().events(&id, None);
    let mut seen = vec![events.wait_for("status")];
    gate.open();
    seen.extend(events.rest());
    assert_eq!(text_of(&seen, "stdout"), Gate::OUTPUT);
    assert_eq!(text_of(&seen, "stderr"), "€\n");
    let end = seen.last().unwrap();
    assert_eq!(end.name, "end");
    assert_eq!(end.data["status"], "completed");
    assert_eq!(end.data["exit_code"], 3);

    // Of one that has ended, from the beginning and from the end.
    let again = up.integration().events(&id, None).rest();
    assert_eq!(text_of(&again, "stdout"), Gate::OUTPUT);
    assert_eq!(again.last().unwrap().name, "end");
    let nothing = up.automation().events(&id, Some(&id_of(end))).rest();
    let names: Vec<_> = nothing.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["end"]);
}

#[test]
fn who_comes_back_after_a_crash_misses_nothing() {
    let home = Home::with_timing(&[("inline_wait", 0.1)]);
    let mut up = home.up();
    let token = up.automation().token;
    let gate = Gate::new(&home, "gate");
    let command = format!("seq 1 200000; {}seq 1 200000; echo ende", gate.command());
    let id = up.automation().start(&command);
    gate.wait_for_begin();
    let mut events = up.automation().events(&id, None);
    let mut seen = Vec::new();
    while text_of(&seen, "stdout").len() < 500_000 {
        seen.push(events.wait_for("output"));
    }
    up.process.kill();
    // What was on its way may still come, and then the connection is over.
    seen.extend(events.rest());
    let last = id_of(seen.last().unwrap());

    let up = home.up();
    let mut events = up.key(&token).events(&id, Some(&last));
    seen.push(events.wait_for("status"));
    gate.open();
    seen.extend(events.rest());
    assert_eq!(seen.last().unwrap().name, "end");
    let text = text_of(&seen, "stdout");
    let numbers: Vec<_> = (1..=200_000)
        .map(|number: u32| number.to_string())
        .collect();
    let numbers = numbers.join("\n") + "\n";
    assert!(
        text == format!("{numbers}{}{numbers}ende\n", Gate::OUTPUT),
        "{}",
        text.len()
    );
}

#[test]
fn a_reader_that_does_not_read_holds_nothing_up_and_finds_a_gap() {
    let home = Home::with_timing(&[("inline_wait", 0.0)]);
    let up = home.up();
    let key = up.automation();
    let gate = Gate::new(&home, "gate");
    let command = format!("{}seq 1 6000000", gate.command());
    let answer = key.exec(&json!({ "command": command, "timeout_seconds": 300 }));
    let id = answer.ok()["operation_id"].as_str().unwrap().to_owned();
    gate.wait_for_begin();
    let mut events = key.events(&id, None);
    let first = events.wait_for("output");
    gate.open();
    key.ended(&id).is("completed", 0);

    // Every position is told of, as text or as a gap.
    let mut at = first.data["text"].as_str().unwrap().len() as u64;
    let mut gaps = 0;
    for event in events.rest() {
        match event.name.as_str() {
            "output" => {
                assert_eq!(event.data["offset"], at);
                at += event.data["text"].as_str().unwrap().len() as u64;
            }
            "gap" => {
                assert_eq!(event.data["offset"], at);
                at = event.data["next_offset"].as_u64().unwrap();
                gaps += 1;
            }
            "end" => assert_eq!(event.data["stdout_bytes"], at),
            _ => {}
        }
    }
    assert!(gaps > 0);
}

#[test]
fn a_process_that_stops_ends_the_stream_and_the_next_goes_on() {
    let home = Home::with_timing(&[("inline_wait", 0.1)]);
    let mut up = home.up();
    let token = up.automation().token;
    let gate = Gate::new(&home, "gate");
    let id = up.automation().start(&gate.command());
    gate.wait_for_begin();
    let mut events = up.automation().events(&id, None);
    let first = events.wait_for("output");
    up.process.stop();
    assert!(events.rest().iter().all(|event| event.name != "end"));
    let up = home.up();
    let events = up.key(&token).events(&id, Some(&id_of(&first)));
    gate.open();
    let rest = events.rest();
    let outputs: Vec<_> = rest.iter().filter(|event| event.name == "output").collect();
    let text: String = outputs
        .iter()
        .map(|event| event.data["text"].as_str().unwrap())
        .collect();
    assert_eq!(text, "last\n");
    assert_eq!(rest.last().unwrap().name, "end");
}
