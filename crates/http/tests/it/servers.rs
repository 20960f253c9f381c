//! Servers over REST.

use http::Method;
use reoclo_domain::{OperationKind, Preset, Role, ServerStatus};
use reoclo_store::HostFacts;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::world::World;

on_both_databases!(
    the_list_has_every_field_that_clients_read,
    both_slash_forms_answer_the_same,
    facts_show_once_a_runner_told_them,
    only_the_keys_own_organization_shows,
    a_server_is_added_shown_renamed_and_removed,
    names_and_slugs_that_cannot_be_are_refused,
    a_server_that_waits_gets_a_new_token_and_others_do_not,
);

async fn list(world: &World, path: &str) -> Value {
    let key = world
        .integration_key(&world.ours, Preset::ReadOnly, Role::Viewer)
        .await;
    let answer = world.get(path, Some(&key)).await;
    assert_eq!(answer.status, 200);
    answer.body
}

async fn the_list_has_every_field_that_clients_read(world: &World) {
    let servers = list(world, "/api/servers").await;
    let server = &servers[0];
    assert_eq!(server["id"], world.ours.server.to_string());
    assert_eq!(server["slug"], "web-1");
    assert_eq!(server["name"], "web 1 of ours");
    assert_eq!(server["hostname"], "");
    assert_eq!(server["status"], "provisioning");
    assert_eq!(server["connection_type"], "runner");
    let fields = server.as_object().unwrap();
    for field in [
        "public_ip",
        "runner_version",
        "cpu_cores",
        "ram_mb",
        "disk_gb",
    ] {
        assert!(fields[field].is_null(), "{field}");
    }
    assert!(server["created_at"].as_str().unwrap().ends_with('Z'));
}

async fn both_slash_forms_answer_the_same(world: &World) {
    assert_eq!(
        list(world, "/api/servers/").await,
        list(world, "/api/servers").await
    );
}

async fn facts_show_once_a_runner_told_them(world: &World) {
    let facts = HostFacts {
        hostname: "web-1.internal".into(),
        os: "Debian GNU/Linux 12".into(),
        kernel: "6.1".into(),
        architecture: "x86_64".into(),
        cpu_cores: 4,
        ram_mb: 8192,
        disk_gb: 80,
        docker_version: None,
    };
    let (store, server, now) = (
        world.store(),
        world.ours.server,
        world.control.clock().now(),
    );
    let ip = Some("203.0.113.7".to_owned());
    store
        .record_facts(server, facts, "0.1.0".into(), ip, now)
        .await
        .unwrap();
    store
        .set_server_status(server, ServerStatus::Active, now, Vec::new())
        .await
        .unwrap();
    let shown = list(world, "/api/servers").await;
    assert_eq!(shown[0]["status"], "active");
    assert_eq!(shown[0]["hostname"], "web-1.internal");
    assert_eq!(shown[0]["public_ip"], "203.0.113.7");
    assert_eq!(shown[0]["runner_version"], "0.1.0");
    assert_eq!(shown[0]["cpu_cores"], 4);
    assert_eq!(shown[0]["ram_mb"], 8192);
    assert_eq!(shown[0]["disk_gb"], 80);
}

async fn only_the_keys_own_organization_shows(world: &World) {
    let servers = list(world, "/api/servers").await;
    assert_eq!(servers.as_array().unwrap().len(), 1);
    assert!(
        !servers
            .to_string()
            .contains(&world.theirs.server.to_string())
    );
}

async fn a_server_is_added_shown_renamed_and_removed(world: &World) {
    let session = world.session(&world.ours, Role::Manager).await;
    let new = json!({ "name": "Web 9" });
    let added = world.post_as(&session, "/api/servers", &new).await;
    assert_eq!(added.status, 201, "{}", added.body);
    let server = &added.body["server"];
    assert_eq!(server["slug"], "web-9");
    assert_eq!(server["status"], "provisioning");
    let token = added.body["enrolment_token"].as_str().unwrap();
    assert!(
        added.body["install_command"]
            .as_str()
            .unwrap()
            .contains(token)
    );

    let id = server["id"].as_str().unwrap();
    let of_tenant = format!("/mcp/tenants/{}/servers", world.ours.id);
    let key = world
        .integration_key(&world.ours, Preset::FullAccess, Role::Admin)
        .await;
    let slug = json!({ "slug": "shop", "region": "of a newer client" });
    let path = format!("{of_tenant}/{id}");
    let changed = world
        .ask(&Method::PATCH, &path, Some(&key), Some(&slug))
        .await;
    assert_eq!(changed.body["slug"], "shop", "{}", changed.body);
    for reference in [id, "shop"] {
        let shown = world
            .get(&format!("{of_tenant}/{reference}/"), Some(&key))
            .await;
        assert_eq!(shown.body, changed.body);
    }

    let (automation, _) = world
        .automation_key(&world.ours, &[OperationKind::Exec])
        .await;
    let path = format!("/api/servers/{id}");
    let removed = world.ask_as(&session, &Method::DELETE, &path, None).await;
    assert_eq!(removed.status, 204);
    for path in [path, "/api/servers/shop".into()] {
        world
            .get_as(&session, &path)
            .await
            .is_error(404, "not_found");
        world
            .ask_as(&session, &Method::DELETE, &path, None)
            .await
            .is_error(404, "not_found");
    }
    let exec = json!({ "server_id": id, "command": "true" });
    world
        .post("/api/automation/v1/exec", Some(&automation), &exec)
        .await
        .is_error(404, "not_found");
    let enrol = json!({
        "token": token,
        "public_key": format!("{}=", "A".repeat(43)),
        "hostname": "web-9",
        "version": "0.1.0",
    });
    let enrolled = world.post("/runner/v1/enrol", None, &enrol).await;
    enrolled.is_error(422, "invalid_request");

    let log = world.get_as(&session, "/api/audit-logs").await;
    let items = log.body["items"].as_array().unwrap();
    let actions: Vec<_> = items
        .iter()
        .map(|item| item["action"].as_str().unwrap())
        .collect();
    assert_eq!(
        actions,
        ["server.decommission", "server.update", "server.create"]
    );
    assert!(!log.body.to_string().contains(token));
}

async fn names_and_slugs_that_cannot_be_are_refused(world: &World) {
    let session = world.session(&world.ours, Role::Manager).await;
    for (field, value) in [
        ("name", ""),
        ("name", "a\u{202e}b"),
        ("slug", "Web 1"),
        ("slug", ""),
    ] {
        let mut new = json!({ "name": "web" });
        new[field] = json!(value);
        let answer = world.post_as(&session, "/api/servers", &new).await;
        answer.is_error(422, "invalid_request");
        assert!(answer.body["fields"][field].is_string(), "{}", answer.body);
    }
    let taken = json!({ "name": "web", "slug": "web-1" });
    let answer = world.post_as(&session, "/api/servers", &taken).await;
    answer.is_error(409, "conflict");
    let path = format!("/api/servers/{}", world.ours.server);
    let nothing = world
        .ask_as(&session, &Method::PATCH, &path, Some(&json!({})))
        .await;
    nothing.is_error(422, "invalid_request");
}

async fn a_server_that_waits_gets_a_new_token_and_others_do_not(world: &World) {
    let key = world
        .integration_key(&world.ours, Preset::FullAccess, Role::Manager)
        .await;
    let body = json!({ "name": "Web 2" });
    let added = world.post("/api/servers", Some(&key), &body).await.body;
    let path = "/api/servers/web-2/enrolment-token";
    let renewed = world.post(path, Some(&key), &Value::Null).await;
    assert_eq!(renewed.status, 201, "{}", renewed.body);
    assert_eq!(renewed.body["server"]["id"], added["server"]["id"]);
    let token = renewed.body["enrolment_token"].as_str().unwrap();
    assert_ne!(renewed.body["enrolment_token"], added["enrolment_token"]);
    let command = renewed.body["install_command"].as_str().unwrap();
    assert!(command.ends_with(&format!("--token {token}")));
    let log = world.get("/api/audit-logs?limit=1", Some(&key)).await.body;
    assert_eq!(log["items"][0]["action"], "enrolment.create");
    assert_eq!(log["items"][0]["actor_type"], "integration_key");
    assert!(!log.to_string().contains(token));

    let id = added["server"]["id"].as_str().unwrap().parse().unwrap();
    let now = world.control.clock().now();
    for (status, says) in [
        (ServerStatus::Active, "install.sh there without a token"),
        (ServerStatus::Unreachable, "systemctl start reoclo-runner"),
    ] {
        let store = world.store();
        store
            .set_server_status(id, status, now, Vec::new())
            .await
            .unwrap();
        let refused = world.post(path, Some(&key), &Value::Null).await;
        refused.is_error(409, "conflict");
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(detail.contains(says), "{detail}");
    }
    let foreign = format!("/api/servers/{}/enrolment-token", world.theirs.server);
    world
        .post(&foreign, Some(&key), &Value::Null)
        .await
        .is_error(404, "not_found");
}
