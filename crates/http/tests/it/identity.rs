//! A key asks what it is (clients.md 1.6).

use reoclo_domain::{AutomationScope, OperationKind, OperationKinds, Preset, Role, Scope};
use serde_json::json;

use crate::on_both_databases;
use crate::world::World;

on_both_databases!(
    every_prefix_says_who_is_calling,
    capabilities_are_empty_so_that_the_server_decides,
    an_integration_key_is_told_its_power_of_this_moment,
    an_automation_key_is_told_its_scope_but_not_its_addresses,
    asking_is_not_counted,
);

const PREFIXES: [&str; 3] = ["/api", "/mcp", "/api/automation/v1"];

async fn every_prefix_says_who_is_calling(world: &World) {
    let integration = world
        .integration_key(&world.ours, Preset::ReadOnly, Role::Developer)
        .await;
    let (automation, _) = world
        .automation_key(&world.ours, &[OperationKind::Exec])
        .await;
    for prefix in PREFIXES {
        for (key, role) in [(&integration, "developer"), (&automation, "automation")] {
            let me = world.get(&format!("{prefix}/auth/me"), Some(key)).await;
            assert_eq!(me.status, 200);
            assert_eq!(me.body["tenant_id"], world.ours.id.to_string());
            assert_eq!(me.body["tenant_slug"], "ours");
            assert!(me.body["id"].is_string() && me.body["email"].is_string());
            assert_eq!(me.body["memberships"][0]["role"], role);
            assert_eq!(me.body["memberships"].as_array().unwrap().len(), 1);
        }
    }
}

async fn capabilities_are_empty_so_that_the_server_decides(world: &World) {
    let (key, _) = world.automation_key(&world.ours, &[]).await;
    for prefix in PREFIXES {
        let answer = world
            .get(&format!("{prefix}/auth/me/capabilities"), Some(&key))
            .await;
        assert_eq!(answer.body, json!({ "capabilities": [], "grants": [] }));
    }
}

async fn an_integration_key_is_told_its_power_of_this_moment(world: &World) {
    let user = world.person(&world.ours, Role::Manager).await;
    let preset = Preset::Custom(
        "users:write servers:read servers:execute"
            .split(' ')
            .map(|cell| cell.parse().unwrap())
            .collect(),
    );
    let (key, _) = world.integration_key_of(&world.ours, preset, user).await;
    let own = world.get("/api/keys/self", Some(&key)).await.body;
    assert_eq!(own["kind"], "integration_key");
    assert_eq!(own["preset"], "custom");
    assert_eq!(own["prefix"], &key[..12]);
    assert_eq!(
        own["effective_permissions"],
        json!({ "servers": ["read", "execute"] })
    );
    assert!(own.get("scope").is_none());
    let acl = world.get("/mcp/auth/me/acl", Some(&key)).await.body;
    assert_eq!(acl["permissions"], own["effective_permissions"]);

    world
        .store()
        .set_role(world.ours.id, user, Some(Role::Viewer), vec![])
        .await
        .unwrap();
    let own = world.get("/api/keys/self", Some(&key)).await.body;
    assert_eq!(own["effective_permissions"], json!({ "servers": ["read"] }));
}

async fn an_automation_key_is_told_its_scope_but_not_its_addresses(world: &World) {
    let scope = AutomationScope {
        servers: Scope::Only(vec![world.ours.server]),
        operations: [OperationKind::Exec, OperationKind::Reboot]
            .into_iter()
            .collect::<OperationKinds>(),
        registry_credentials: Scope::All,
    };
    let (key, _) = world
        .automation_key_with(&world.ours, scope, &["127.0.0.0/8"])
        .await;
    let own = world.get("/api/keys/self", Some(&key)).await.body;
    assert_eq!(own["kind"], "automation_key");
    assert_eq!(
        own["scope"],
        json!({
            "all_servers": false,
            "server_ids": [world.ours.server.to_string()],
            "operations": ["exec", "reboot"],
            "all_registry_credentials": true,
            "registry_credential_ids": [],
            "ip_restricted": true,
            "rate_limit_per_minute": 10_000,
        })
    );
    assert!(!own.to_string().contains("127.0.0"));
}

async fn asking_is_not_counted(world: &World) {
    let key = world
        .limited_key(&world.ours, &[OperationKind::Exec], 1)
        .await;
    for _ in 0..5 {
        let answer = world.get("/api/automation/v1/auth/me", Some(&key)).await;
        assert!(answer.status == 200 && !answer.headers.contains_key("ratelimit"));
    }
}
