//! A change is made whole or not at all, and the audit log tells what really was there before.

use futures_util::future::join_all;
use http::Method;
use reoclo_domain::Role;
use reoclo_store::AuditRow;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::world::{Session, World};

on_both_databases!(
    a_refused_change_of_a_person_changes_nothing,
    changes_of_an_organization_follow_on_each_other,
    changes_of_a_server_follow_on_each_other,
    changes_of_a_person_follow_on_each_other,
    changes_of_a_registry_credential_follow_on_each_other,
    what_changes_nothing_is_not_in_the_log,
    of_two_who_change_a_password_at_once_one_does,
);

async fn admin(world: &World) -> Session {
    world.session_of(&world.ours, world.ours.admin).await
}

async fn rows(world: &World, action: &str) -> Vec<AuditRow> {
    let organization = Some(world.ours.id);
    let rows = world.store().audit_events(organization, 0, 1000).await;
    let rows = rows.unwrap().into_iter();
    rows.filter(|row| row.action == action).collect()
}

/// Sends all the changes at once; every one is answered with 200.
async fn at_once(world: &World, session: &Session, path: &str, bodies: Vec<Value>) {
    let changes = bodies.iter().map(async |body| {
        let body = Some(body);
        world.ask_as(session, &Method::PATCH, path, body).await
    });
    for answer in join_all(changes).await {
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

#[track_caller]
fn assert_follow(details: &[Value], first: Value) {
    let mut last = first;
    for detail in details {
        assert_eq!(detail["from"], last, "{detail}");
        last = detail["to"].clone();
    }
}

async fn a_refused_change_of_a_person_changes_nothing(world: &World) {
    let admin = admin(world).await;
    world.let_create_organizations(admin.user).await;
    let path = format!("/api/users/{}", admin.user);
    let before = world.get_as(&admin, &path).await.body;
    let body = json!({ "role": "viewer", "may_create_organizations": false });
    let refused = world
        .ask_as(&admin, &Method::PATCH, &path, Some(&body))
        .await;
    refused.is_error(409, "conflict");
    assert_eq!(world.get_as(&admin, &path).await.body, before);
    assert!(
        rows(world, "user.may_create_organizations")
            .await
            .is_empty()
    );
    let new = json!({ "name": "The Zoo" });
    let created = world.post_as(&admin, "/api/organizations", &new).await;
    assert_eq!(created.status, 201, "{}", created.body);
}

async fn changes_of_an_organization_follow_on_each_other(world: &World) {
    let admin = admin(world).await;
    let names = (0..60).map(|number| json!({ "name": format!("Zoo {number}") }));
    at_once(world, &admin, "/api/organization", names.collect()).await;
    let rows = rows(world, "organization.update").await;
    assert_eq!(rows.len(), 60);
    let names: Vec<_> = rows.iter().map(|row| row.detail["name"].clone()).collect();
    assert_follow(&names, json!("ours"));
    let now = world.get_as(&admin, "/api/organization").await.body;
    assert_eq!(now["name"], names[59]["to"]);
}

async fn changes_of_a_server_follow_on_each_other(world: &World) {
    let admin = admin(world).await;
    let path = format!("/api/servers/{}", world.ours.server);
    let names = (0..60).map(|number| json!({ "name": format!("Web {number}") }));
    at_once(world, &admin, &path, names.collect()).await;
    let rows = rows(world, "server.update").await;
    assert_eq!(rows.len(), 60);
    let names: Vec<_> = rows.iter().map(|row| row.detail["name"].clone()).collect();
    assert_follow(&names, json!("web 1 of ours"));
    for row in &rows {
        // Only what was changed is told, and the server has the name that it had then.
        assert!(row.detail.get("slug").is_none());
        assert_eq!(json!(row.resource_name), row.detail["name"]["from"]);
    }
}

async fn changes_of_a_person_follow_on_each_other(world: &World) {
    let admin = admin(world).await;
    world.let_create_organizations(admin.user).await;
    let person = world.person(&world.ours, Role::Viewer).await;
    let roles = ["viewer", "developer", "manager", "admin"];
    let bodies = (0..60).map(|number| {
        let (role, may) = (roles[number * 7 % 4], number % 3 == 0);
        json!({ "role": role, "may_create_organizations": may })
    });
    let path = format!("/api/users/{person}");
    at_once(world, &admin, &path, bodies.collect()).await;
    let details = async |action| -> Vec<Value> {
        let rows = rows(world, action).await.into_iter();
        rows.map(|row| row.detail).collect()
    };
    let (roles, rights) = (
        details("user.role").await,
        details("user.may_create_organizations").await,
    );
    assert!(roles.len() > 20 && rights.len() > 10, "{roles:?}");
    assert_follow(&roles, json!("viewer"));
    assert_follow(&rights, json!(false));
    let now = world.get_as(&admin, &path).await.body;
    assert_eq!(now["role"], roles.last().unwrap()["to"]);
}

async fn changes_of_a_registry_credential_follow_on_each_other(world: &World) {
    let admin = admin(world).await;
    let path = format!(
        "/api/registry-credentials/{}",
        world.ours.registry_credential
    );
    let bodies = (0..60).map(|number| {
        json!({ "name": format!("Hub {number}"), "secret": format!("very-secret-{number}") })
    });
    at_once(world, &admin, &path, bodies.collect()).await;
    let rows = rows(world, "registry_credential.update").await;
    assert_eq!(rows.len(), 60);
    let names: Vec<_> = rows.iter().map(|row| row.detail["name"].clone()).collect();
    assert_follow(&names, names[0]["from"].clone());
    assert!(
        rows.iter()
            .all(|row| !row.detail.to_string().contains("very-secret"))
    );
}

async fn what_changes_nothing_is_not_in_the_log(world: &World) {
    let admin = admin(world).await;
    let server = format!("/api/servers/{}", world.ours.server);
    let person = format!("/api/users/{}", world.ours.viewer);
    at_once(
        world,
        &admin,
        "/api/organization",
        vec![json!({ "name": "ours" })],
    )
    .await;
    at_once(
        world,
        &admin,
        &server,
        vec![json!({ "name": "web 1 of ours" })],
    )
    .await;
    at_once(world, &admin, &person, vec![json!({ "role": "viewer" })]).await;
    for action in ["organization.update", "server.update", "user.role"] {
        assert!(rows(world, action).await.is_empty(), "{action}");
    }
}

async fn of_two_who_change_a_password_at_once_one_does(world: &World) {
    let session = crate::sessions::with_password(world, Role::Viewer).await;
    let change = async |new: &str| {
        let body = json!({ "current_password": crate::sessions::PASSWORD, "new_password": new });
        world.post_as(&session, "/api/auth/password", &body).await
    };
    let (one, other) = tokio::join!(
        change("amber-otter-quilt-97"),
        change("violet-heron-lamp-31")
    );
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses[0], 200, "{} {}", one.body, other.body);
    assert!(statuses[1] >= 400);
    assert_eq!(rows(world, "user.password").await.len(), 1);
}
