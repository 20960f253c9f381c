//! Clients that wait for the end of an operation and go away before.

use serde_json::json;

use crate::fixture::{Client, Home, Request, free_port, wait_until};

#[test]
fn a_client_that_hangs_up_frees_its_place() {
    let home = Home::with_timing(&[("inline_wait", 0.1)]);
    let metrics = format!("127.0.0.1:{}", free_port());
    let control_plane = home.up_with(&["--metrics-listen", &metrics]);
    let metrics = Client::new(&format!("http://{metrics}"));
    let wait_for = |number: usize| {
        wait_until(&format!("{number} clients wait"), || {
            let answer = metrics.send(&Request::get("/metrics"));
            let line = format!("\nreoclo_waiting_clients {number}\n");
            answer.text().contains(&line)
        });
    };
    let key = control_plane.automation();
    let begun = key.exec(&json!({ "command": "sleep 600" })).ok();
    let id = begun["operation_id"].as_str().unwrap();
    let path = format!("{}/{id}?wait=50&fail=1", key.operations());
    let waiting: Vec<_> = (0..3).map(|_| key.begin(Request::get(&path))).collect();
    wait_for(3);
    drop(waiting);
    wait_for(0);

    let waiting = key.begin(Request::get(&path));
    wait_for(1);
    key.cancel(id).ok();
    let answer = crate::fixture::read_answer(Vec::new(), waiting);
    answer.refused(424, "command_failed");
    assert_eq!(answer.header("Reoclo-Exit-Code"), Some("130"));
    wait_for(0);
}
