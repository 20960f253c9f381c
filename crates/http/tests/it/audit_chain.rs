//! `GET /api/audit-logs/export` and `POST /api/audit-logs/verify`.

use http::Method;
use http_body_util::BodyExt;
use reoclo_domain::{Preset, Role};
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::world::{Organization, World, request_with_body};

const EXPORT: &str = "/api/audit-logs/export";
const VERIFY: &str = "/api/audit-logs/verify";

on_both_databases!(
    an_export_is_the_organizations_own_log_and_a_checkpoint,
    an_intact_log_is_verified_and_held_against_an_export,
    a_tampered_row_is_found_and_told,
    what_is_no_checkpoint_of_this_log_is_refused,
    a_changed_end_is_not_signed,
);

async fn reader(world: &World, of: &Organization) -> String {
    world
        .integration_key(of, Preset::ReadOnly, Role::Viewer)
        .await
}

/// Rows that something left in the log: one for each change of the organization's name.
async fn rows(world: &World, of: &Organization, count: usize) {
    let session = world.session_of(of, of.admin).await;
    for number in 0..count {
        let body = json!({ "name": format!("name {number}") });
        let answer = world
            .ask_as(&session, &Method::PATCH, "/api/organization", Some(&body))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

async fn export(world: &World, key: &str) -> Vec<Value> {
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", bearer.as_str())];
    let request = request_with_body(&Method::GET, EXPORT, &headers, None);
    let answer = world.open(request).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/x-ndjson");
    let file = answer.headers()["content-disposition"].to_str().unwrap();
    assert!(file.starts_with("attachment; filename=\"audit-log-"));
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

async fn an_export_is_the_organizations_own_log_and_a_checkpoint(world: &World) {
    rows(world, &world.ours, 3).await;
    rows(world, &world.theirs, 2).await;
    let key = reader(world, &world.ours).await;
    let lines = export(world, &key).await;
    let (checkpoint, rows) = lines.split_last().unwrap();
    assert!(rows.len() >= 3);
    let own = world.ours.id.to_string();
    for (row, number) in rows.iter().zip(1..) {
        assert_eq!(row["chain"], own);
        assert_eq!(row["seq"], number);
    }
    assert_eq!(checkpoint["chain"], own);
    assert_eq!(checkpoint["seq"], rows.len());
    assert_eq!(checkpoint["hash"], rows.last().unwrap()["hash"]);
    assert!(checkpoint["signature"].is_string());
    // That it was taken is the next row.
    let page = world.get("/api/audit-logs?limit=1", Some(&key)).await.body;
    let item = &page["items"][0];
    assert_eq!(item["action"], "audit_log.export");
    assert_eq!(item["detail"]["rows"], rows.len());
}

async fn an_intact_log_is_verified_and_held_against_an_export(world: &World) {
    rows(world, &world.ours, 3).await;
    let key = reader(world, &world.ours).await;
    let lines = export(world, &key).await;
    let checkpoint = lines.last().unwrap();
    let against = json!({ "checkpoint": checkpoint });
    for (body, checkpoints) in [(json!({}), 0), (against, 1)] {
        let answer = world.post(VERIFY, Some(&key), &body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.body["intact"], true);
        assert_eq!(answer.body["checkpoints"], checkpoints);
        assert!(answer.body["rows"].as_u64().unwrap() >= lines.len() as u64);
        assert_eq!(answer.body["head"].as_str().unwrap().len(), 64);
        assert!(answer.body["fault"].is_null());
    }
    let page = world.get("/api/audit-logs?limit=1", Some(&key)).await.body;
    assert_eq!(page["items"][0]["action"], "audit_log.verify");
    assert_eq!(page["items"][0]["outcome"], "success");
}

async fn a_tampered_row_is_found_and_told(world: &World) {
    rows(world, &world.ours, 4).await;
    let ours = &world.ours;
    let change = format!(
        "UPDATE audit_events SET actor_label = 'mallory' WHERE chain = '{}' AND seq = 3",
        ours.id
    );
    assert_eq!(world.database.execute(&change).await, 1);
    let key = reader(world, ours).await;
    let body = world.post(VERIFY, Some(&key), &json!({})).await.body;
    assert_eq!((&body["intact"], &body["rows"]), (&json!(false), &json!(2)));
    let fault = &body["fault"];
    assert_eq!(
        (&fault["seq"], &fault["kind"]),
        (&json!(3), &json!("changed"))
    );
    assert_eq!(fault["message"], "the row was changed");
    assert!(fault["id"].is_string());
    let page = world.get("/api/audit-logs?limit=1", Some(&key)).await.body;
    assert_eq!(page["items"][0]["outcome"], "failure");
    assert_eq!(page["items"][0]["detail"]["fault"]["seq"], 3);
    // The other organization's log has nothing to do with it.
    let theirs = reader(world, &world.theirs).await;
    let body = world.post(VERIFY, Some(&theirs), &json!({})).await.body;
    assert_eq!(body["intact"], true);
}

async fn what_is_no_checkpoint_of_this_log_is_refused(world: &World) {
    rows(world, &world.ours, 1).await;
    rows(world, &world.theirs, 1).await;
    let (ours, theirs) = (
        reader(world, &world.ours).await,
        reader(world, &world.theirs).await,
    );
    let foreign = export(world, &theirs).await;
    let foreign = foreign.last().unwrap();
    for wrong in [foreign, &json!({}), &json!("x")] {
        let body = json!({ "checkpoint": wrong });
        let answer = world.post(VERIFY, Some(&ours), &body).await;
        answer.is_error(422, "invalid_request");
        assert!(answer.body["fields"]["checkpoint"].is_string());
    }
    let mut forged = export(world, &ours).await.pop().unwrap();
    forged["at"] = "2026-01-02T00:00:00Z".into();
    let body = json!({ "checkpoint": forged });
    let body = world.post(VERIFY, Some(&ours), &body).await.body;
    assert_eq!(body["checkpoint_fault"]["kind"], "changed");
    let message = "this checkpoint was changed after it was signed";
    assert_eq!(body["checkpoint_fault"]["message"], message);
    assert_eq!(
        (&body["intact"], &body["fault"]),
        (&json!(false), &Value::Null)
    );
    assert_eq!(body["checkpoints"], 0);
    assert!(body["rows"].as_u64().unwrap() > 0, "the log was read");
    let page = world.get("/api/audit-logs?limit=1", Some(&ours)).await.body;
    let row = &page["items"][0];
    assert_eq!(
        (&row["action"], &row["outcome"]),
        (&json!("audit_log.verify"), &json!("refused"))
    );
    assert_eq!(row["detail"]["code"], "checkpoint_changed");
    // One that cannot even be read was changed as well.
    let mut cut = export(world, &ours).await.pop().unwrap();
    cut["hash"] = "ab".into();
    let answer = world
        .post(VERIFY, Some(&ours), &json!({ "checkpoint": cut }))
        .await;
    assert_eq!(answer.body["checkpoint_fault"]["kind"], "changed");
    let unknown = json!({ "checkpiont": null });
    let answer = world.post(VERIFY, Some(&ours), &unknown).await;
    answer.is_error(422, "invalid_request");
}

async fn a_changed_end_is_not_signed(world: &World) {
    rows(world, &world.ours, 2).await;
    let key = reader(world, &world.ours).await;
    let change = format!(
        "UPDATE audit_heads SET seq = 1 WHERE chain = '{}'",
        world.ours.id
    );
    assert_eq!(world.database.execute(&change).await, 1);
    world
        .get(EXPORT, Some(&key))
        .await
        .is_error(409, "conflict");
    // Nothing can be added to such a log, and who asks is told all the same.
    let answer = world.post(VERIFY, Some(&key), &json!({})).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.body["fault"]["kind"], "head_changed");
}
