//! What servers measured, and how they are, over REST.

use std::time::Duration;

use http::Method;
use reoclo_domain::{
    HostChecks, HostSample, Metric, Preset, Resolution, Role, ServerStatus, Timestamp,
};
use reoclo_store::MetricsRow;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::world::World;

on_both_databases!(
    a_server_without_a_runner_has_nothing_to_show,
    history_is_as_fine_as_it_is_kept,
    a_finer_history_than_is_kept_is_refused,
    old_measurements_are_folded_and_then_removed,
    an_outage_shows_in_its_slots,
    a_runner_that_is_not_there_cannot_be_asked,
    an_absent_runner_is_unhealthy_once_the_start_is_over,
);

/// Asks about our server, under both of its names and on both surfaces.
async fn ask(world: &World, what: &str) -> Value {
    let key = world.integration_key(&world.ours, Preset::ReadOnly, Role::Viewer);
    let (key, id, tenant) = (key.await, world.ours.server, world.ours.id);
    let mut answers = Vec::new();
    for path in [
        format!("/api/servers/{id}/{what}"),
        format!("/mcp/tenants/{tenant}/servers/web-1/{what}"),
    ] {
        let answer = world.get(&path, Some(&key)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answers.push(answer.body);
    }
    assert_eq!(answers[0], answers[1]);
    answers.remove(0)
}

async fn refused(world: &World, what: &str, field: &str) -> String {
    let key = world.integration_key(&world.ours, Preset::ReadOnly, Role::Viewer);
    let path = format!("/api/servers/{}/{what}", world.ours.server);
    let answer = world.get(&path, Some(&key.await)).await;
    answer.is_error(422, "invalid_request");
    answer.body["fields"][field].as_str().unwrap().to_owned()
}

/// Six checks in the minute that began `minutes` ago, of which `ok` were answered.
fn minute(world: &World, minutes: u64, ok: u16, load: f64) -> MetricsRow {
    let now = world.control.clock().now();
    let at = now
        .minus(Duration::from_mins(minutes))
        .begin_of(Duration::from_mins(1));
    let sample = HostSample::default()
        .with(Metric::Load1, load)
        .with(Metric::DiskUsedMb, 95.0 * 1024.0)
        .with(Metric::DiskTotalMb, 100.0 * 1024.0);
    let points = (0..6_u16).map(|check| {
        let at = at.plus(Duration::from_secs(u64::from(check) * 10));
        if check < ok {
            HostChecks::answered(at, sample)
        } else {
            HostChecks::failed(at)
        }
    });
    MetricsRow {
        server: world.ours.server,
        resolution: Resolution::Fine,
        at,
        points: points.collect(),
    }
}

async fn set_status(world: &World, status: ServerStatus) {
    let (store, now) = (world.store(), world.control.clock().now());
    let set = store.set_server_status(world.ours.server, status, now, Vec::new());
    set.await.unwrap();
}

async fn a_server_without_a_runner_has_nothing_to_show(world: &World) {
    let metrics = ask(world, "metrics").await;
    assert_eq!(metrics["history"], json!([]));
    assert_eq!(metrics["cpu_percent"], Value::Null);
    assert_eq!(metrics["message"], Value::Null);
    let health = ask(world, "health").await;
    assert_eq!(health["status"], "unknown");
    assert_eq!(health["disk_status"], "unknown");
    assert_eq!(health["consecutive_failures"], 0);
    let uptime = ask(world, "uptime?hours=1&slot_minutes=30").await;
    assert_eq!(uptime["overall_uptime_pct"], 0.0);
    for bucket in uptime["buckets"].as_array().unwrap() {
        assert_eq!(bucket["status"], "no_data");
    }
}

async fn history_is_as_fine_as_it_is_kept(world: &World) {
    let rows = vec![minute(world, 3, 6, 1.0), minute(world, 2, 6, 3.0)];
    world.store().record_metrics(rows).await.unwrap();
    let fine = ask(world, "metrics").await;
    assert_eq!(fine["resolution"], 10);
    assert_eq!(fine["history"].as_array().unwrap().len(), 12);
    assert_eq!(fine["load_1"], 3.0);
    assert_eq!(fine["disk_percent"], 95.0);
    assert_eq!(fine["disk_total_gb"], 100.0);
    assert_eq!(fine["network_rx_bytes_per_second"], Value::Null);
    // Not folded yet, and there all the same.
    let day = ask(world, "metrics?hours=24").await;
    assert_eq!(day["resolution"], 60);
    let loads: Vec<_> = day["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|point| &point["load_1"])
        .collect();
    assert_eq!(loads, [1.0, 3.0]);
    let week = ask(world, "metrics?hours=168").await;
    assert_eq!(week["resolution"], 600);
    assert_eq!(week["history"][0]["ok_checks"], 12);
    let health = ask(world, "health").await;
    assert_eq!(health["disk_status"], "critical");
}

async fn a_finer_history_than_is_kept_is_refused(world: &World) {
    let problem = refused(world, "metrics?hours=24&resolution=10", "resolution").await;
    assert!(problem.contains("ask for 60"), "{problem}");
    refused(world, "metrics?resolution=5", "resolution").await;
    for hours in ["0", "169", "x", "-1"] {
        refused(world, &format!("metrics?hours={hours}"), "hours").await;
        refused(world, &format!("uptime?hours={hours}"), "hours").await;
    }
    refused(world, "uptime?slot_minutes=61", "slot_minutes").await;
}

async fn old_measurements_are_folded_and_then_removed(world: &World) {
    let rows: Vec<_> = (0..90).map(|ago| minute(world, ago, 6, 1.0)).collect();
    world.store().record_metrics(rows).await.unwrap();
    world.control.condense_metrics().await;
    let stored = async |resolution| {
        let (from, to) = (Timestamp::from_micros(0), world.control.clock().now());
        let (store, ours) = (world.store(), &world.ours);
        let rows = store.metrics(
            ours.id,
            ours.server,
            resolution,
            from,
            to.plus(Duration::from_hours(1)),
        );
        rows.await.unwrap().len()
    };
    assert_eq!(stored(Resolution::Fine).await, 61);
    assert_eq!(stored(Resolution::Minute).await, 8);
    let day = ask(world, "metrics?hours=24").await;
    assert_eq!(day["history"].as_array().unwrap().len(), 90);

    world.clock.advance(Duration::from_hours(24));
    world.control.condense_metrics().await;
    assert_eq!(stored(Resolution::Fine).await, 0);
    assert_eq!(stored(Resolution::TenMinutes).await, 10);
    let week = ask(world, "metrics?hours=48").await;
    assert_eq!(week["history"].as_array().unwrap().len(), 10);
    let uptime = ask(world, "uptime?hours=48&slot_minutes=60").await;
    assert_eq!(uptime["overall_uptime_pct"], 100.0);

    world.clock.advance(Duration::from_hours(7 * 24));
    world.control.condense_metrics().await;
    assert_eq!(stored(Resolution::TenMinutes).await, 0);
}

async fn an_outage_shows_in_its_slots(world: &World) {
    let rows = vec![
        minute(world, 8, 6, 1.0),
        minute(world, 6, 5, 1.0),
        minute(world, 4, 0, 0.0),
        minute(world, 2, 6, 1.0),
    ];
    world.store().record_metrics(rows).await.unwrap();
    let uptime = ask(world, "uptime?hours=1").await;
    assert_eq!(
        (&uptime["hours"], &uptime["slot_minutes"]),
        (&json!(1), &json!(2))
    );
    let buckets = uptime["buckets"].as_array().unwrap();
    let seen: Vec<_> = buckets
        .iter()
        .filter(|bucket| bucket["status"] != "no_data")
        .collect();
    let statuses: Vec<_> = seen
        .iter()
        .map(|bucket| bucket["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["healthy", "grace", "unhealthy", "healthy"]);
    assert_eq!(seen[1]["uptime_pct"], 83.33);
    assert_eq!(
        (&seen[2]["total_checks"], &seen[2]["ok_checks"]),
        (&json!(6), &json!(0))
    );
    assert_eq!(uptime["overall_uptime_pct"], 70.83);
    for pair in buckets.windows(2) {
        assert_eq!(pair[0]["slot_end"], pair[1]["slot_start"]);
    }
}

async fn a_runner_that_is_not_there_cannot_be_asked(world: &World) {
    set_status(world, ServerStatus::Unreachable).await;
    let key = world
        .integration_key(&world.ours, Preset::ReadOnly, Role::Viewer)
        .await;
    let path = format!("/api/servers/{}/ports", world.ours.server);
    let answer = world.get(&path, Some(&key)).await;
    answer.is_error(409, "server_unreachable");
    let path = format!("/mcp/tenants/{}/servers/web-1/health-check", world.ours.id);
    for body in [
        None,
        Some(json!({})),
        Some(json!({ "of": "a newer client" })),
    ] {
        let checked = world
            .ask(&Method::POST, &path, Some(&key), body.as_ref())
            .await;
        assert_eq!(checked.status, 200);
        assert_eq!(checked.body["status"], "unhealthy");
        assert_eq!(checked.body["connected"], false);
    }
}

async fn an_absent_runner_is_unhealthy_once_the_start_is_over(world: &World) {
    set_status(world, ServerStatus::Unreachable).await;
    world.control.check_absent().await;
    assert_eq!(ask(world, "health").await["consecutive_failures"], 0);
    world.clock.advance(Duration::from_mins(3));
    for _ in 0..3 {
        world.control.check_absent().await;
        world.clock.advance(Duration::from_secs(10));
    }
    let health = ask(world, "health").await;
    assert_eq!(health["consecutive_failures"], 3);
    assert!(health["last_check_at"].as_str().unwrap().ends_with('Z'));
    // Neither the memory nor the database has it twice.
    for _ in 0..2 {
        let uptime = ask(world, "uptime?hours=1&slot_minutes=60").await;
        let sum: i64 = uptime["buckets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|bucket| bucket["total_checks"].as_i64().unwrap())
            .sum();
        assert_eq!(sum, 3);
        world.clock.advance(Duration::from_mins(1));
        world.control.write_checks(false).await;
    }
}
