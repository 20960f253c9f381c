use http::Request;
use reoclo_domain::{AuditEventId, Role};
use reoclo_store::{Actor, ActorKind, AuditOutcome, NewAuditEvent, RequestSource, Resource};
use reoclo_testkit::RealEntropy;
use serde_json::json;

use crate::on_both_databases;
use crate::world::{HOST, Session, World};

on_both_databases!(
    an_export_is_a_file_that_ends_with_a_checkpoint,
    an_intact_chain_is_said_to_be_so,
    a_tampered_row_is_shown,
    a_checkpoint_that_is_none_is_told_at_its_field,
    a_changed_end_is_not_exported_and_said_to_be_changed,
    keys_and_servers_are_told_apart_by_name,
    what_was_refused_is_on_the_key_s_page,
);

async fn admin(world: &World) -> Session {
    let admin = world.session(&world.ours, Role::Admin).await;
    for name in ["One", "Two", "Three"] {
        let fields = [("name", name)];
        let changed = world.submit(&admin, "/organization", &fields).await;
        changed.leads_to("/organization?notice=organization-changed");
    }
    admin
}

async fn an_export_is_a_file_that_ends_with_a_checkpoint(world: &World) {
    let viewer = world.session(&world.ours, Role::Viewer).await;
    admin(world).await;
    let log = world.look(Some(&viewer), "/audit-log").await;
    log.says(200, "href=\"/audit-log/export\"");
    let export = world.look(Some(&viewer), "/audit-log/export").await;
    assert_eq!(export.status, 200);
    assert_eq!(export.header("content-type"), "application/x-ndjson");
    let name = "attachment; filename=\"audit-log-3.jsonl\"";
    assert_eq!(export.header("content-disposition"), name);
    let lines: Vec<&str> = export.text.lines().collect();
    assert_eq!(lines.len(), 4);
    assert!(lines[3].contains("\"signature\":"));
    export.lacks(&world.theirs.id.to_string());
    let forged = lines[3].replace("\"seq\":3", "\"seq\":2");
    assert_ne!(forged, lines[3]);
    let fields = [("checkpoint", forged.as_str())];
    let refused = world.submit(&viewer, "/audit-log/verify", &fields).await;
    refused.says(200, "This checkpoint was changed.");
    refused.says(200, "The log is intact");
    refused.lacks("The log does not hold");
    refused.lacks("from your checkpoint");
    let log = world.look(Some(&viewer), "/audit-log").await;
    log.says(200, "checkpoint_changed");
    log.lacks("Failure</span>");
    // What was exported is what the log is held against.
    let fields = [("checkpoint", export.text.as_str())];
    let verified = world.submit(&viewer, "/audit-log/verify", &fields).await;
    verified.says(200, "It goes on from your checkpoint.");
    let last = [("checkpoint", lines[3])];
    let verified = world.submit(&viewer, "/audit-log/verify", &last).await;
    verified.says(200, "It goes on from your checkpoint.");
}

async fn an_intact_chain_is_said_to_be_so(world: &World) {
    let admin = admin(world).await;
    let form = world.look(Some(&admin), "/audit-log/verify").await;
    form.says(200, "Against a checkpoint");
    form.lacks("intact");
    let verified = world.submit(&admin, "/audit-log/verify", &[]).await;
    verified.says(200, "The log is intact");
    verified.says(200, "<dd>3 rows</dd>");
    verified.lacks("from your checkpoint");
    assert_eq!(verified.element("head").len(), 64);
    let log = world.look(Some(&admin), "/audit-log").await;
    log.says(200, "<code>audit_log.verify</code>");
}

async fn a_tampered_row_is_shown(world: &World) {
    let admin = admin(world).await;
    let of_row = |seq| format!("WHERE chain = '{}' AND seq = {seq}", world.ours.id);
    let change = format!("UPDATE audit_events SET detail = '{{}}' {}", of_row(2));
    assert_eq!(world.database.execute(&change).await, 1);
    let verified = world.submit(&admin, "/audit-log/verify", &[]).await;
    verified.says(200, "The log does not hold");
    verified.says(200, "Row 2 was changed.");
    verified.says(200, "<dd>1 row</dd>");
    let remove = format!("DELETE FROM audit_events {}", of_row(2));
    assert_eq!(world.database.execute(&remove).await, 1);
    let verified = world.submit(&admin, "/audit-log/verify", &[]).await;
    verified.says(200, "Row 2 is missing.");
    let theirs = world.session(&world.theirs, Role::Viewer).await;
    let verified = world.submit(&theirs, "/audit-log/verify", &[]).await;
    verified.says(200, "The log is intact");
}

async fn a_checkpoint_that_is_none_is_told_at_its_field(world: &World) {
    let admin = admin(world).await;
    let fields = [("checkpoint", "<b>none</b>")];
    let refused = world.submit(&admin, "/audit-log/verify", &fields).await;
    refused.says(
        422,
        "This is no checkpoint: send the last line of an export",
    );
    refused.lacks("<b>none");
    let theirs = world.session(&world.theirs, Role::Viewer).await;
    let foreign = world.look(Some(&theirs), "/audit-log/export").await;
    let fields = [("checkpoint", foreign.text.as_str())];
    let refused = world.submit(&admin, "/audit-log/verify", &fields).await;
    refused.says(422, "This is of another audit log");
}

async fn a_changed_end_is_not_exported_and_said_to_be_changed(world: &World) {
    let admin = admin(world).await;
    let chain = world.ours.id;
    let change = format!("UPDATE audit_heads SET seq = 2 WHERE chain = '{chain}'");
    assert_eq!(world.database.execute(&change).await, 1);
    let refused = world.look(Some(&admin), "/audit-log/export").await;
    refused.says(409, "verify the chain");
    let verified = world.submit(&admin, "/audit-log/verify", &[]).await;
    verified.says(200, "The end of the log was changed at row 2.");
}

/// An operation's row as earlier versions wrote it, and as it is written now.
async fn keys_and_servers_are_told_apart_by_name(world: &World) {
    let viewer = world.session(&world.ours, Role::Viewer).await;
    let row = |key: &str, server: Option<&str>| NewAuditEvent {
        id: AuditEventId::new(&*world.clock, &RealEntropy),
        organization: Some(world.ours.id),
        at: world.control.clock().now(),
        actor: Actor {
            kind: ActorKind::AutomationKey,
            id: Some(world.ours.id.as_uuid()),
            label: key.to_owned(),
        },
        source: RequestSource {
            via: Some("mcp".parse().unwrap()),
            ..RequestSource::default()
        },
        action: "operation.end",
        resource: Resource {
            kind: "operation",
            id: Some(world.ours.id.to_string()),
            name: server.map(str::to_owned),
        },
        outcome: AuditOutcome::Success,
        detail: json!({ "operation": "exec" }),
    };
    let rows = vec![row("deploys", Some("db-1")), row("nightly", None)];
    world.store().append_audit(rows).await.unwrap();
    let log = world.look(Some(&viewer), "/audit-log").await;
    log.says(200, "deploys<span class=\"sub\">automation key");
    log.says(200, "nightly<span class=\"sub\">automation key");
    log.says(200, "exec on db-1");
    log.says(200, "<dt>Source</dt><dd><code>mcp</code>");
}

async fn what_was_refused_is_on_the_key_s_page(world: &World) {
    let admin = world.session(&world.ours, Role::Admin).await;
    let fields = [
        ("label", "reader"),
        ("preset", "read_only"),
        ("expires_in", "90d"),
    ];
    let made = world.submit(&admin, "/api-keys/integration", &fields).await;
    made.says(201, "Store it now");
    let key = made.element("token");
    let path = format!("/api/servers/{}/exec", world.ours.server);
    for _ in 0..2 {
        let request = Request::builder()
            .method("POST")
            .uri(&path)
            .header("host", HOST)
            .header("authorization", format!("Bearer {key}"));
        let refused = request.body(axum::body::Body::empty()).unwrap();
        assert_eq!(world.answer(refused).await.status, 403);
    }
    world.control.write_refused_uses(true).await;
    let told = "POST /api/servers/{id}/exec on Web 1 of ours: the permission is missing, 2 times";
    let (_, rest) = made
        .text
        .split_once("href=\"/api-keys/integration/0")
        .unwrap();
    let (rest, _) = rest.split_once('"').unwrap();
    let page = format!("/api-keys/integration/0{rest}");
    world.look(Some(&admin), &page).await.says(200, told);
    world.look(Some(&admin), "/audit-log").await.says(200, told);
}
