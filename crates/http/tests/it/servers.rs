//! `GET /api/servers`.

use reoclo_domain::{Preset, Role, ServerStatus};
use reoclo_store::HostFacts;
use serde_json::Value;

use crate::on_both_databases;
use crate::world::World;

on_both_databases!(
    the_list_has_every_field_that_clients_read,
    both_slash_forms_answer_the_same,
    facts_show_once_a_runner_told_them,
    only_the_keys_own_organization_shows,
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
