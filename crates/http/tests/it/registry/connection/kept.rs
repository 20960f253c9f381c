//! Credentials that are kept, and networks that an organization trusts.

use http::Method;
use reoclo_domain::{Preset, Role};
use reoclo_testkit::database;
use serde_json::{Value, json};

use super::{Admin, Kind, PASSWORD, Registry, failed};
use crate::on_both_databases;
use crate::world::World;

on_both_databases!(
    a_kept_credential_is_tried_as_it_is_kept,
    a_trusted_network_is_reached_by_its_organization_alone,
);

async fn a_kept_credential_is_tried_as_it_is_kept(world: &World) {
    let admin = Admin::of(world).await;
    let registry = Registry::start(Kind::Basic).await;
    let fields = |secret: &str| json!({ "registry_type": "private", "registry_url": registry.url(), "encrypted_credential": secret });
    for (secret, works) in [(PASSWORD, true), ("wrong-password", false)] {
        let id = admin.created(&fields(secret)).await;
        let path = format!("/api/registry-credentials/{id}/test-connection");
        let answer = admin.post(&path, &json!({})).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.body["success"], works, "{}", answer.body);
        assert!(answer.body["latency_ms"].is_i64());
        let log = world.get("/api/audit-logs?limit=1", Some(&admin.key)).await;
        let item = &log.body["items"][0];
        assert_eq!(item["action"], "registry_credential.test");
        assert_eq!(
            (&item["resource_id"], &item["resource_name"]),
            (&json!(id), &json!("hub"))
        );
        assert!(!item.to_string().contains(secret));
    }
    let foreign = world.theirs.registry_credential;
    let path = format!("/api/registry-credentials/{foreign}/test-connection");
    admin
        .post(&path, &json!({}))
        .await
        .is_error(404, "not_found");
}

/// Nothing answers there, which is another answer than that it must not be asked.
async fn a_trusted_network_is_reached_by_its_organization_alone(world: &World) {
    let admin = Admin::of(world).await;
    let person = world.session_of(&world.ours, world.ours.admin).await;
    let trust = async |networks: Value| {
        let body = json!({ "trusted_networks": networks });
        let path = "/api/organization";
        world
            .ask_as(&person, &Method::PATCH, path, Some(&body))
            .await
    };
    let private = "http://[fd12:3456::1]:9";
    let refused = "an admin can trust its network under Settings";
    failed(&admin.try_registry(private, PASSWORD).await, refused);
    let answer = trust(json!(["fd12:3456::/32"])).await;
    assert_eq!(answer.body["trusted_networks"], json!(["fd12:3456::/32"]));
    let answer = admin.try_registry(private, PASSWORD).await;
    assert_eq!(answer["success"], false);
    assert!(
        !answer["message"].as_str().unwrap().contains("Settings"),
        "{}",
        answer
    );
    failed(
        &admin
            .try_registry("http://[fd12:3457::1]:9", PASSWORD)
            .await,
        refused,
    );
    let key = world
        .integration_key(&world.theirs, Preset::FullAccess, Role::Admin)
        .await;
    let theirs = Admin { world, key };
    failed(&theirs.try_registry(private, PASSWORD).await, refused);
    for never in ["127.0.0.2", "169.254.169.254", "[::1]"] {
        let answer = admin.try_registry(never, PASSWORD).await;
        failed(
            &answer,
            "only whoever runs it can allow that, with --allow-outbound",
        );
    }
}

#[tokio::test]
async fn whoever_runs_it_can_keep_organizations_from_trusting_networks() {
    let world = World::with(database::sqlite(), |settings| {
        settings.organization_networks = false;
    });
    let world = world.await;
    let trusted = vec!["fd12:3456::/32".parse().unwrap()];
    world
        .change_organization(move |record| record.trusted_networks.clone_from(&trusted))
        .await;
    let admin = Admin::of(&world).await;
    let answer = admin
        .try_registry("http://[fd12:3456::1]:9", PASSWORD)
        .await;
    failed(&answer, "only whoever runs it can allow that");

    let person = world.session_of(&world.ours, world.ours.admin).await;
    let change = async |networks: Value| {
        let body = json!({ "trusted_networks": networks });
        let path = "/api/organization";
        let method = Method::PATCH;
        world.ask_as(&person, &method, path, Some(&body)).await
    };
    let refused = change(json!(["10.0.0.0/8"])).await;
    refused.is_error(422, "invalid_request");
    let problem = refused.body["fields"]["trusted_networks"].as_str().unwrap();
    assert!(problem.contains("turned off"), "{problem}");
    assert_eq!(change(json!([])).await.body["trusted_networks"], json!([]));
}
