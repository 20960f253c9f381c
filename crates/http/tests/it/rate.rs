//! The rate limit of automation keys (rule 12).

use reoclo_domain::{OperationKind, Preset, Role};
use serde_json::json;

use crate::on_both_databases;
use crate::world::{Answer, World};

on_both_databases!(
    an_integration_key_has_no_limit,
    the_limit_is_exact_under_concurrency,
    polling_is_not_counted_and_refusals_are,
    keys_have_windows_of_their_own,
    a_key_beyond_its_limit_is_told_in_the_log,
);

const LIMIT: u32 = 20;

async fn exec(world: &World, key: &str) -> Answer {
    let body = json!({ "server_id": world.ours.server.to_string(), "command": "true" });
    world
        .post("/api/automation/v1/exec", Some(key), &body)
        .await
}

async fn limited_key(world: &World, operations: &[OperationKind]) -> String {
    world.limited_key(&world.ours, operations, LIMIT).await
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers[name].to_str().unwrap()
}

async fn the_limit_is_exact_under_concurrency(world: &World) {
    let key = limited_key(world, &[OperationKind::Exec]).await;
    let asked = (0..3 * LIMIT).map(|_| exec(world, &key));
    let answers = futures_util::future::join_all(asked).await;
    let (passed, refused): (Vec<_>, Vec<_>) = answers
        .into_iter()
        .partition(|answer| answer.code() == "server_unreachable");
    assert_eq!(passed.len(), LIMIT as usize);
    for answer in &passed {
        assert_eq!(header(answer, "ratelimit-policy"), "\"key\";q=20;w=60");
        assert!(header(answer, "ratelimit").starts_with("\"key\";r="));
    }
    for answer in &refused {
        answer.is_error(429, "rate_limited");
        assert!(header(answer, "ratelimit").starts_with("\"key\";r=0;t="));
        let seconds: u64 = header(answer, "retry-after").parse().unwrap();
        assert!((1..=61).contains(&seconds));
        assert_eq!(answer.body["retry_after"], seconds);
    }
}

async fn polling_is_not_counted_and_refusals_are(world: &World) {
    let key = limited_key(world, &[OperationKind::Deploy]).await;
    for _ in 0..LIMIT {
        let poll = format!("/api/automation/v1/operations/{}", world.ours.server);
        let answer = world.get(&poll, Some(&key)).await;
        answer.is_error(404, "not_found");
        assert!(!answer.headers.contains_key("ratelimit"));
        exec(world, &key)
            .await
            .is_error(403, "operation_not_allowed");
    }
    exec(world, &key).await.is_error(429, "rate_limited");
    let poll = format!("/api/automation/v1/operations/{}", world.ours.server);
    world
        .get(&poll, Some(&key))
        .await
        .is_error(404, "not_found");
}

async fn keys_have_windows_of_their_own(world: &World) {
    let (first, second) = (
        limited_key(world, &[OperationKind::Exec]).await,
        limited_key(world, &[OperationKind::Exec]).await,
    );
    for _ in 0..LIMIT {
        exec(world, &first)
            .await
            .is_error(409, "server_unreachable");
    }
    exec(world, &first).await.is_error(429, "rate_limited");
    exec(world, &second)
        .await
        .is_error(409, "server_unreachable");
}

async fn a_key_beyond_its_limit_is_told_in_the_log(world: &World) {
    let key = limited_key(world, &[OperationKind::Exec]).await;
    for _ in 0..LIMIT + 5 {
        exec(world, &key).await;
    }
    world.control.write_refused_uses(true).await;
    let rows = world.store().audit_events(Some(world.ours.id), 0, 1000);
    let mut rows = rows.await.unwrap();
    // No runner is connected, so those within the limit are told too.
    rows.retain(|row| row.action == "key.refused" && row.detail["code"] != "server_unreachable");
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].detail["code"], "rate_limited");
    assert_eq!(rows[0].detail["permission"], "operation:exec");
    assert_eq!(rows[0].detail["count"], 5);
}

/// On SQLite the window follows the clock that the tests move.
#[tokio::test]
async fn sqlite_a_minute_of_rest_gives_everything_back() {
    let world = World::on(reoclo_testkit::database::sqlite()).await;
    let key = limited_key(&world, &[OperationKind::Exec]).await;
    for _ in 0..2 {
        for _ in 0..LIMIT {
            exec(&world, &key).await.is_error(409, "server_unreachable");
        }
        exec(&world, &key).await.is_error(429, "rate_limited");
        world.clock.advance(std::time::Duration::from_secs(61));
    }
}

/// Two replicas on one database share the window.
#[tokio::test]
async fn postgres_replicas_share_a_limit() {
    let database = reoclo_testkit::database::postgres().await;
    let (here, there) = (database.open().await, database.open().await);
    let key = reoclo_domain::AutomationKeyId::new(
        &reoclo_testkit::RealClock::default(),
        &reoclo_testkit::RealEntropy,
    );
    let asked = (0..60).map(|n| if n % 2 == 0 { &here } else { &there });
    let verdicts = asked.map(|store| store.admit_request(key, LIMIT));
    let verdicts = futures_util::future::join_all(verdicts).await;
    let allowed = verdicts
        .into_iter()
        .filter(|verdict| verdict.as_ref().unwrap().allowed);
    assert_eq!(allowed.count(), LIMIT as usize);
}

async fn an_integration_key_has_no_limit(world: &World) {
    let key = world
        .integration_key(&world.ours, Preset::ReadOnly, Role::Viewer)
        .await;
    for _ in 0..150 {
        let answer = world.get("/api/servers", Some(&key)).await;
        assert_eq!(answer.status, 200);
        assert!(!answer.headers.contains_key("ratelimit"));
    }
}
