//! Who may cancel what.

use reoclo_domain::{
    AutomationScope, Cell, OperationId, OperationKind, OperationKinds, Preset, Role, Scope,
    ServerId,
};
use reoclo_store::KeyRef;

use crate::on_both_databases;
use crate::world::{Answer, World};

on_both_databases!(
    the_wish_is_stored_while_the_server_is_away,
    what_has_ended_is_a_conflict_that_says_how,
    a_key_cancels_what_it_started_and_still_may_start,
    others_need_servers_execute,
);

async fn cancel(world: &World, id: OperationId, token: &str) -> Answer {
    let surface = if token.starts_with("rca_") {
        "/api/automation/v1"
    } else {
        "/api"
    };
    let path = format!("{surface}/operations/{id}/cancel");
    world
        .ask(&http::Method::POST, &path, Some(token), None)
        .await
}

async fn started_by(
    world: &World,
    operations: &[OperationKind],
    servers: Scope<ServerId>,
) -> (String, KeyRef, OperationId) {
    let scope = AutomationScope {
        servers,
        operations: operations.iter().copied().collect::<OperationKinds>(),
        registry_credentials: Scope::All,
    };
    let (token, key) = world.automation_key_with(&world.ours, scope, &[]).await;
    let id = world.operation(&world.ours, key).await;
    (token, key, id)
}

async fn the_wish_is_stored_while_the_server_is_away(world: &World) {
    let (token, _, id) = started_by(world, &[OperationKind::Exec], Scope::All).await;
    for _ in 0..2 {
        let answer = cancel(world, id, &token).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.body["operation_id"], id.to_string());
        assert_eq!(answer.body["status"], "running");
        assert_eq!(answer.body["delivered"], false);
    }
    let record = world.store().operation(world.ours.id, id).await.unwrap();
    assert!(record.unwrap().cancel_requested_at.is_some());
    assert!(world.store().running_operations().await.unwrap()[0].is_cancelled);
    let organization = Some(world.ours.id);
    let rows = world.store().audit_events(organization, 0, 100).await;
    let rows = rows.unwrap();
    let cancels = rows.iter().filter(|row| row.action == "operation.cancel");
    assert_eq!(cancels.count(), 2);
}

async fn what_has_ended_is_a_conflict_that_says_how(world: &World) {
    let (token, _, id) = started_by(world, &[OperationKind::Exec], Scope::All).await;
    world.end(id, b"").await;
    let answer = cancel(world, id, &token).await;
    answer.is_error(409, "conflict");
    assert!(
        answer.body["detail"]
            .as_str()
            .unwrap()
            .contains("completed")
    );
}

async fn a_key_cancels_what_it_started_and_still_may_start(world: &World) {
    let (_, _, id) = started_by(world, &[OperationKind::Exec], Scope::All).await;
    let (other, _) = world.automation_key(&world.ours, &OperationKind::ALL).await;
    cancel(world, id, &other).await.is_error(404, "not_found");

    let (token, _, id) = started_by(world, &[OperationKind::Deploy], Scope::All).await;
    let answer = cancel(world, id, &token).await;
    answer.is_error(403, "operation_not_allowed");
    let elsewhere = Scope::Only(vec![world.theirs.server]);
    let (token, _, id) = started_by(world, &[OperationKind::Exec], elsewhere).await;
    let answer = cancel(world, id, &token).await;
    answer.is_error(403, "server_not_in_scope");
    let record = world.store().operation(world.ours.id, id).await.unwrap();
    assert_eq!(record.unwrap().cancel_requested_at, None);
}

async fn others_need_servers_execute(world: &World) {
    let (_, _, id) = started_by(world, &[OperationKind::Exec], Scope::All).await;
    let execute = Preset::Custom([Cell::SERVERS_EXECUTE].into_iter().collect());
    let may = world
        .integration_key(&world.ours, execute, Role::Manager)
        .await;
    let demoted = world
        .integration_key(&world.ours, execute, Role::Developer)
        .await;
    let foreign = world
        .integration_key(&world.theirs, execute, Role::Admin)
        .await;
    cancel(world, id, &demoted)
        .await
        .is_error(403, "permission_denied");
    cancel(world, id, &foreign).await.is_error(404, "not_found");
    assert_eq!(cancel(world, id, &may).await.status, 200);
}
