//! Waiting for the end of an operation.

use std::pin::{Pin, pin};
use std::time::Duration;

use futures_util::future::{join_all, poll_immediate};
use http::StatusCode;
use reoclo_domain::{Acl, Cell, OperationId, OperationKind, OperationState, Preset, Role};
use reoclo_store::KeyRef;
use serde_json::Value;

use crate::on_both_databases;
use crate::world::{Answer, World};

on_both_databases!(
    without_wait_it_is_answered_at_once,
    a_wait_says_its_bounds,
    what_runs_is_202_and_what_has_ended_200_with_its_exit_code,
    fail_makes_an_error_of_every_other_end,
    a_wait_ends_with_the_operation,
    a_wrong_wait_is_named,
    a_foreign_operation_is_not_found,
    a_wait_ends_within_seconds_of_a_revoke,
    a_wait_ends_when_the_control_plane_stops,
    more_waits_than_there_is_room_for_are_answered_at_once,
);

/// An operation that a new key has started.
async fn started(world: &World) -> (String, KeyRef, OperationId) {
    let (token, key) = world
        .automation_key(&world.ours, &[OperationKind::Exec])
        .await;
    let id = world.operation(&world.ours, key).await;
    (token, key, id)
}

/// The operation's routes, each with a key that may ask there.
async fn surfaces(world: &World, token: &str, id: OperationId) -> Vec<(String, String)> {
    let cells: Acl = [Cell::SERVERS_READ].into_iter().collect();
    let reader = world
        .integration_key(&world.ours, Preset::Custom(cells), Role::Viewer)
        .await;
    let tenant = world.ours.id;
    [
        ("/api/automation/v1/operations".to_owned(), token),
        ("/api/operations".to_owned(), &reader),
        (format!("/mcp/tenants/{tenant}/operations"), &reader),
    ]
    .into_iter()
    .flat_map(|(list, key)| ["", "/"].map(|slash| (format!("{list}/{id}{slash}"), key.to_owned())))
    .collect()
}

fn exit_code(answer: &Answer) -> Option<&str> {
    let header = answer.headers.get("reoclo-exit-code")?;
    Some(header.to_str().unwrap())
}

async fn without_wait_it_is_answered_at_once(world: &World) {
    let (token, _, id) = started(world).await;
    for (path, key) in surfaces(world, &token, id).await {
        let answer = world.get(&format!("{path}?fail=1"), Some(&key)).await;
        assert_eq!((answer.status, exit_code(&answer)), (StatusCode::OK, None));
        assert_eq!(answer.body["status"], "running");
    }
    world
        .end_with(id, b"", |outcome| outcome.exit_code = 7)
        .await;
    for (path, key) in surfaces(world, &token, id).await {
        for query in ["", "?fail=0"] {
            let answer = world.get(&format!("{path}{query}"), Some(&key)).await;
            assert_eq!(answer.status, StatusCode::OK);
            assert_eq!(exit_code(&answer), Some("7"));
            assert_eq!(answer.body["code"], Value::Null);
            assert_eq!(answer.body["result"]["exit_code"], 7);
        }
        let answer = world.get(&format!("{path}?fail=1"), Some(&key)).await;
        answer.is_error(424, "command_failed");
        assert_eq!(exit_code(&answer), Some("7"));
    }
}

async fn a_wait_says_its_bounds(world: &World) {
    let (token, _, id) = started(world).await;
    for (path, key) in surfaces(world, &token, id).await {
        for value in ["abc", "-1", "1.5", "5s", "%2B5", "0x1"] {
            let answer = world.get(&format!("{path}?wait={value}"), Some(&key)).await;
            answer.is_error(422, "invalid_request");
            let problem = "must be a whole number of seconds from 0 to 55";
            assert_eq!(answer.body["fields"]["wait"], problem);
        }
    }
    world.end(id, b"").await;
    for (path, key) in surfaces(world, &token, id).await {
        for value in ["99999999999999999999999999", "056"] {
            let answer = world.get(&format!("{path}?wait={value}"), Some(&key)).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        }
    }
}

async fn what_runs_is_202_and_what_has_ended_200_with_its_exit_code(world: &World) {
    let (token, _, id) = started(world).await;
    for (path, key) in surfaces(world, &token, id).await {
        let answer = world
            .get(&format!("{path}?wait=0&fail=1"), Some(&key))
            .await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.body);
        assert_eq!(exit_code(&answer), None);
        assert_eq!(answer.body["status"], "running");
        assert!(!answer.headers.contains_key("retry-after"));
    }
    world
        .end_with(id, b"out", |outcome| outcome.exit_code = 7)
        .await;
    for (path, key) in surfaces(world, &token, id).await {
        for query in ["wait=55", "wait=600", "wait=1&fail=0", "wait=1&fail="] {
            let answer = world.get(&format!("{path}?{query}"), Some(&key)).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
            assert_eq!(exit_code(&answer), Some("7"));
            assert_eq!(answer.body["status"], "completed");
        }
    }
}

async fn fail_makes_an_error_of_every_other_end(world: &World) {
    let (token, key, _) = started(world).await;
    for (state, exit_code_of, own, expected) in [
        (OperationState::Completed, 0, None, None),
        (OperationState::Completed, 7, None, Some("7")),
        (OperationState::Timeout, 124, None, Some("124")),
        (OperationState::Failed, 255, Some("lost"), Some("255")),
        (OperationState::Failed, 0, Some("not_run"), Some("1")),
    ] {
        let id = world.operation(&world.ours, key).await;
        world
            .end_with(id, b"out", |outcome| {
                outcome.state = state;
                outcome.exit_code = exit_code_of;
                outcome.code = own.map(str::to_owned);
                outcome.message = own.map(|_| "the server was lost".to_owned());
            })
            .await;
        for (path, asker) in surfaces(world, &token, id).await {
            let answer = world
                .get(&format!("{path}?wait=5&fail=1"), Some(&asker))
                .await;
            assert_eq!(exit_code(&answer), Some(expected.unwrap_or("0")));
            assert_eq!(answer.body["operation_id"], id.to_string());
            assert_eq!(answer.body["status"], state.as_str());
            if expected.is_none() {
                assert_eq!(answer.status, StatusCode::OK);
                continue;
            }
            answer.is_error(424, "command_failed");
            assert_eq!(answer.body["operation_code"].as_str(), own);
            let detail = answer.body["detail"].as_str().unwrap();
            assert_eq!(detail.contains("the server was lost"), own.is_some());
        }
    }
}

async fn a_wait_ends_with_the_operation(world: &World) {
    let (token, _, id) = started(world).await;
    let path = own(id, "wait=50&fail=1");
    let asked = world.get(&path, Some(&token));
    let mut asked = pin!(asked);
    assert!(poll_immediate(asked.as_mut()).await.is_none());
    world
        .end_with(id, b"", |outcome| outcome.exit_code = 3)
        .await;
    let answer = asked.await;
    answer.is_error(424, "command_failed");
    assert_eq!(exit_code(&answer), Some("3"));

    let id = world
        .operation(&world.ours, key_of(&token, world).await)
        .await;
    let answer = world.get(&own(id, "wait=1"), Some(&token)).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
}

/// Who the key is, as the record of an operation names it.
async fn key_of(token: &str, world: &World) -> KeyRef {
    let token = reoclo_domain::PlainToken::parse(token).unwrap();
    let found = world.store().find_key(&token.hash()).await.unwrap();
    found.unwrap().key_ref()
}

fn own(id: OperationId, query: &str) -> String {
    format!("/api/automation/v1/operations/{id}?{query}")
}

async fn a_wrong_wait_is_named(world: &World) {
    let (token, _, id) = started(world).await;
    for (field, value) in [
        ("wait", "-1"),
        ("wait", "1.5"),
        ("wait", "soon"),
        ("fail", "2"),
        ("fail", "yes"),
    ] {
        for (path, key) in surfaces(world, &token, id).await {
            let path = format!("{path}?{field}={value}");
            let answer = world.get(&path, Some(&key)).await;
            answer.is_error(422, "invalid_request");
            assert!(answer.body["fields"][field].is_string(), "{}", answer.body);
        }
    }
}

async fn a_foreign_operation_is_not_found(world: &World) {
    let (token, key, _) = started(world).await;
    let theirs = world.operation(&world.theirs, key).await;
    let (_, _, of_another_key) = started(world).await;
    let nobodys: OperationId = "0190b6f2-6f0c-7cc3-98c5-d1a0c3b1f2aa".parse().unwrap();
    for id in [theirs, of_another_key, nobodys] {
        let answer = world.get(&own(id, "wait=30&fail=1"), Some(&token)).await;
        answer.is_error(404, "not_found");
    }
    for (path, asker) in surfaces(world, &token, theirs).await {
        let answer = world.get(&format!("{path}?wait=30"), Some(&asker)).await;
        answer.is_error(404, "not_found");
    }
}

async fn a_wait_ends_within_seconds_of_a_revoke(world: &World) {
    let (token, key, id) = started(world).await;
    let path = own(id, "wait=50");
    let asked = world.get(&path, Some(&token));
    let mut asked = pin!(asked);
    assert!(poll_immediate(asked.as_mut()).await.is_none());
    world.revoke(&world.ours, key).await;
    let answer = tokio::time::timeout(Duration::from_secs(20), asked).await;
    answer.unwrap().is_error(401, "key_revoked");
}

async fn a_wait_ends_when_the_control_plane_stops(world: &World) {
    let (token, _, id) = started(world).await;
    let path = own(id, "wait=50&fail=1");
    let asked = world.get(&path, Some(&token));
    let mut asked = pin!(asked);
    assert!(poll_immediate(asked.as_mut()).await.is_none());
    world.control.drain().begin();
    let answer = tokio::time::timeout(Duration::from_secs(20), asked).await;
    assert_eq!(answer.unwrap().status, StatusCode::ACCEPTED);
}

async fn more_waits_than_there_is_room_for_are_answered_at_once(world: &World) {
    let (token, _, id) = started(world).await;
    let path = own(id, "wait=50");
    let mut held: Vec<_> = (0..64)
        .map(|_| Box::pin(world.get(&path, Some(&token))))
        .collect();
    all_wait(world, &mut held).await;
    let answer = world.get(&path, Some(&token)).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(answer.headers["retry-after"], "5");
    // Another key has room of its own.
    let (other, _, theirs) = started(world).await;
    let answer = world.get(&own(theirs, "wait=1"), Some(&other)).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert!(!answer.headers.contains_key("retry-after"));
    // Whoever hangs up leaves room.
    held.pop();
    assert_eq!(world.control.statistics().waiting_clients, 63);
    held.push(Box::pin(world.get(&path, Some(&token))));
    all_wait(world, &mut held).await;
    world.end(id, b"").await;
    for answer in join_all(held).await {
        assert_eq!(answer.status, StatusCode::OK);
    }
    assert_eq!(world.control.statistics().waiting_clients, 0);
}

/// Until every one of them has its place.
async fn all_wait(world: &World, held: &mut [Pin<Box<impl Future<Output = Answer>>>]) {
    while world.control.statistics().waiting_clients < held.len() {
        for wait in &mut *held {
            assert!(poll_immediate(wait.as_mut()).await.is_none());
        }
        tokio::task::yield_now().await;
    }
}
