//! Refused uses of keys, counted to the end of the process.

use serde_json::Value;

use crate::fixture::{ControlPlane, Home, Request, wait_until};

const REFUSALS: u64 = 25;

fn refusals(up: &ControlPlane, integration_key: &str) -> Vec<Value> {
    let request = Request::get("/api/audit-logs?action=key.refused").bearer(integration_key);
    let page = up.send(&request).ok();
    page["items"].as_array().unwrap().clone()
}

fn refuse(up: &ControlPlane, automation_key: &str) {
    let refused = up.send(&Request::get("/api/servers").bearer(automation_key));
    assert_eq!(refused.status, 403);
}

#[test]
fn the_first_refusal_has_its_row_at_once_and_a_stop_loses_none() {
    let home = Home::new();
    let mut up = home.up();
    let (integration, automation) = (up.integration().token, up.automation().token);
    refuse(&up, &automation);
    wait_until("the first refusal has its row", || {
        !refusals(&up, &integration).is_empty()
    });
    for _ in 1..REFUSALS {
        refuse(&up, &automation);
    }
    assert!(up.process.stop().success());

    let later = home.up();
    let rows = refusals(&later, &integration);
    assert_eq!(rows.len(), 2);
    let counted = |row: &Value| row["detail"]["count"].as_u64().unwrap();
    assert_eq!(rows.iter().map(counted).sum::<u64>(), REFUSALS);
    for row in rows {
        assert_eq!(row["actor_type"], "automation_key");
        assert_eq!(row["detail"]["code"], "wrong_key_type");
        assert_eq!(row["outcome"], "refused");
    }
}
