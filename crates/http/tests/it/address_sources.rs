//! Published lists of networks, and keys that name them.

use http::Method;
use reoclo_domain::{AddressSourceId, Clock, OrganizationId, Role};
use reoclo_store::{AddressSourceRecord, RefreshedList, Store};
use reoclo_testkit::RealEntropy;
use serde_json::json;

use crate::keys_integration::{made, text};
use crate::on_both_databases;
use crate::world::World;

const LISTS: &str = "/api/address-sources";
const KEYS: &str = "/api/automation-keys";
const EXEC: &str = "/api/automation/v1/exec";

on_both_databases!(
    a_key_is_used_from_the_lists_that_it_names,
    what_is_no_list_is_refused,
    a_list_that_cannot_be_fetched_now_stays_and_says_so,
    a_list_in_use_is_not_removed,
    ten_thousand_networks_are_taken,
);

/// Keeps a list of the organization.
pub(crate) async fn kept(
    store: &Store,
    clock: &dyn Clock,
    organization: OrganizationId,
    networks: &[&str],
) -> AddressSourceId {
    let id = AddressSourceId::new(clock, &RealEntropy);
    let record = AddressSourceRecord {
        id,
        organization,
        name: "runners".parse().unwrap(),
        // Nobody listens there.
        url: "https://127.0.0.1:1/meta".into(),
        field: None,
        entries: u32::try_from(networks.len()).unwrap(),
        revision: 1,
        checked_at: clock.now(),
        fetched_at: clock.now(),
        problem: None,
        created_at: clock.now(),
    };
    let networks = networks.iter().map(|text| text.parse().unwrap());
    store
        .create_address_source(record, networks.collect(), vec![])
        .await
        .unwrap();
    id
}

async fn list(world: &World, networks: &[&str]) -> AddressSourceId {
    kept(
        world.control.store(),
        &*world.clock,
        world.ours.id,
        networks,
    )
    .await
}

async fn a_key_is_used_from_the_lists_that_it_names(world: &World) {
    let session = world.session(&world.ours, Role::Manager).await;
    let here = list(world, &["127.0.0.0/8"]).await;
    let elsewhere = list(world, &["192.0.2.0/24"]).await;
    let server = world.ours.server.to_string();
    let key_with = async |lists: &[AddressSourceId], own: &[&str]| {
        let form = json!({
            "name": "ci", "server_ids": [server], "operations": ["exec"], "ip_allowlist": own,
            "ip_allowlist_source_ids": lists.iter().map(ToString::to_string).collect::<Vec<_>>(),
        });
        made(world.post_as(&session, KEYS, &form).await)
    };
    let body = json!({ "server_id": server, "command": "true" });
    for (lists, own, is_allowed) in [
        (vec![here], vec![], true),
        (vec![elsewhere], vec![], false),
        (vec![elsewhere, here], vec![], true),
        (vec![elsewhere], vec!["127.0.0.1"], true),
        (vec![elsewhere], vec!["192.0.2.1"], false),
    ] {
        let key = key_with(&lists, &own).await;
        let answer = world.post(EXEC, Some(text(&key["token"])), &body).await;
        if is_allowed {
            answer.is_error(409, "server_unreachable");
        } else {
            answer.is_error(403, "ip_not_allowed");
        }
    }
    let key = key_with(&[here], &[]).await;
    assert_eq!(key["ip_allowlist"], json!([]));
    assert_eq!(key["ip_allowlist_source_ids"], json!([here.to_string()]));
    // Another list is in force for the key with the next request.
    let store = world.control.store();
    let list = RefreshedList::New(vec!["192.0.2.0/24".parse().unwrap()]);
    store
        .refresh_address_source(world.ours.id, here, world.clock.now(), list, vec![])
        .await
        .unwrap();
    let answer = world.post(EXEC, Some(text(&key["token"])), &body).await;
    answer.is_error(403, "ip_not_allowed");
}

async fn what_is_no_list_is_refused(world: &World) {
    let session = world.session(&world.ours, Role::Manager).await;
    for (url, problem) in [
        ("http://ci.example.com/", "must be an https:// address"),
        (
            "https://ada:secret@ci.example.com/",
            "must be an https:// address",
        ),
        ("ci.example.com", "must be an https:// address"),
        ("", "must be an https:// address"),
        ("https://127.0.0.1:1/meta", "cannot connect"),
        (
            "https://169.254.169.254/latest/meta-data",
            "is not on the public network",
        ),
        ("https://[::ffff:10.0.0.1]/", "is not on the public network"),
    ] {
        let form = json!({ "name": "runners", "url": url });
        let refused = world.post_as(&session, LISTS, &form).await;
        refused.is_error(422, "invalid_request");
        let said = refused.body["fields"]["url"].as_str().unwrap().to_owned();
        assert!(said.contains(problem), "{url}: {said}");
    }
    let lists = world.get_as(&session, LISTS).await.body;
    assert_eq!(lists.as_array().unwrap().len(), 1, "the world's own");
    let foreign = world.theirs.address_source.to_string();
    for id in [foreign.as_str(), "runners", &world.ours.server.to_string()] {
        let form = json!({
            "name": "ci", "all_servers": true, "operations": ["exec"],
            "ip_allowlist_source_ids": [id],
        });
        let refused = world.post_as(&session, KEYS, &form).await;
        refused.is_error(422, "invalid_request");
        assert!(refused.body["fields"]["ip_allowlist_source_ids[0]"].is_string());
    }
}

async fn a_list_that_cannot_be_fetched_now_stays_and_says_so(world: &World) {
    let session = world.session(&world.ours, Role::Manager).await;
    let id = list(world, &["192.0.2.0/24"]).await;
    let path = format!("{LISTS}/{id}/refresh");
    let refreshed = world.post_as(&session, &path, &json!({})).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.body);
    assert_eq!(refreshed.body["entries"], 1);
    let problem = refreshed.body["problem"].as_str().unwrap();
    assert!(problem.contains("cannot connect"), "{problem}");
}

async fn a_list_in_use_is_not_removed(world: &World) {
    let session = world.session(&world.ours, Role::Manager).await;
    let id = list(world, &["127.0.0.0/8"]).await;
    let form = json!({
        "name": "ci", "all_servers": true, "operations": ["exec"],
        "ip_allowlist_source_ids": [id.to_string()],
    });
    let key = made(world.post_as(&session, KEYS, &form).await);
    let path = format!("{LISTS}/{id}");
    let refused = world.ask_as(&session, &Method::DELETE, &path, None).await;
    refused.is_error(409, "conflict");
    let revoke = format!("{KEYS}/{}/revoke", text(&key["id"]));
    world.post_as(&session, &revoke, &json!({})).await;
    let removed = world.ask_as(&session, &Method::DELETE, &path, None).await;
    assert_eq!(removed.status, 204);
    let gone = world.get_as(&session, &path).await;
    gone.is_error(404, "not_found");
}

async fn ten_thousand_networks_are_taken(world: &World) {
    let session = world.session(&world.ours, Role::Manager).await;
    let mut networks: Vec<String> = (0..9_999_u32)
        .map(|number| format!("192.{}.{}.0/24", number / 256, number % 256))
        .collect();
    networks.push("127.0.0.0/8".into());
    let form = json!({
        "name": "ci", "all_servers": true, "operations": ["exec"], "ip_allowlist": networks,
    });
    let key = made(world.post_as(&session, KEYS, &form).await);
    assert_eq!(key["ip_allowlist"].as_array().unwrap().len(), 10_000);
    let body = json!({ "server_id": world.ours.server.to_string(), "command": "true" });
    let answer = world.post(EXEC, Some(text(&key["token"])), &body).await;
    answer.is_error(409, "server_unreachable");
    let listed = world.get_as(&session, KEYS).await.body;
    let listed = listed.as_array().unwrap().iter();
    let mut listed = listed.filter(|listed| listed["id"] == key["id"]);
    let listed = listed.next().unwrap();
    assert_eq!(listed["ip_allowlist_entries"], 10_000);
    assert_eq!(listed["ip_allowlist"].as_array().unwrap().len(), 100);
    let shown = format!("{KEYS}/{}", text(&key["id"]));
    let shown = world.get_as(&session, &shown).await.body;
    assert_eq!(shown["ip_allowlist"].as_array().unwrap().len(), 10_000);
}
