//! What servers measured.

use std::time::Duration;

use reoclo_domain::{
    Clock, HostChecks, HostSample, Metric, Resolution, ServerId, ServerStatus, Timestamp,
};
use reoclo_store::MetricsRow;

use crate::fixture::{Fixture, Team};

contract![
    measurements_come_back_in_their_order,
    a_server_that_answers_was_seen,
    another_organization_sees_no_measurements,
    the_replica_that_had_answers_wins,
    measurements_of_an_unknown_server_are_dropped,
    ten_minutes_are_folded_once_they_are_over,
    what_is_too_old_is_removed,
    servers_that_had_a_runner_are_monitored,
    many_servers_are_a_few_transactions,
];

/// A begin of ten minutes.
fn begin() -> Timestamp {
    Timestamp::from_micros(1_700_000_400_000_000)
}

fn after(seconds: u64) -> Timestamp {
    begin().plus(Duration::from_secs(seconds))
}

fn sample(load: f64) -> HostSample {
    HostSample::default().with(Metric::Load1, load)
}

/// A minute with two answers.
fn minute(server: ServerId, at: Timestamp, load: f64) -> MetricsRow {
    let second = at.plus(Duration::from_secs(10));
    MetricsRow {
        server,
        resolution: Resolution::Fine,
        at,
        points: vec![
            HostChecks::answered(at, sample(load)),
            HostChecks::answered(second, sample(load)),
        ],
    }
}

async fn read(
    fixture: &Fixture,
    team: Team,
    server: ServerId,
    resolution: Resolution,
) -> Vec<MetricsRow> {
    let (from, to) = (after(0), after(100_000));
    let store = &fixture.store;
    let rows = store.metrics(team.organization, server, resolution, from, to);
    rows.await.unwrap()
}

async fn measurements_come_back_in_their_order(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let server = fixture.server(team, "web").await;
    let rows = [
        minute(server, after(0), 1.0),
        minute(server, after(60), 2.0),
    ];
    let shuffled = vec![rows[1].clone(), rows[0].clone()];
    fixture.store.record_metrics(shuffled).await.unwrap();
    assert_eq!(read(&fixture, team, server, Resolution::Fine).await, rows);
    assert_eq!(read(&fixture, team, server, Resolution::Minute).await, []);
    let store = &fixture.store;
    let some = store.metrics(
        team.organization,
        server,
        Resolution::Fine,
        after(60),
        after(61),
    );
    assert_eq!(some.await.unwrap(), rows[1..]);
}

async fn a_server_that_answers_was_seen(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let store = &fixture.store;
    let (server, silent) = (
        fixture.server(team, "web").await,
        fixture.server(team, "db").await,
    );
    for server in [server, silent] {
        let active = store.set_server_status(server, ServerStatus::Active, after(0), vec![]);
        active.await.unwrap();
    }
    let seen = async |server| {
        let found = store.server(team.organization, server).await.unwrap();
        found.unwrap().last_seen_at
    };
    let mut row = minute(server, after(60), 1.0);
    row.points.push(HostChecks::failed(after(80)));
    let mut failed = minute(silent, after(60), 1.0);
    failed.points = vec![HostChecks::failed(after(60))];
    let later = minute(server, after(120), 1.0);
    let rows = vec![later, row.clone(), failed];
    store.record_metrics(rows).await.unwrap();
    assert_eq!(seen(server).await, Some(after(130)));
    assert_eq!(seen(silent).await, Some(after(0)));
    // What comes late does not turn the clock back.
    store.record_metrics(vec![row]).await.unwrap();
    assert_eq!(seen(server).await, Some(after(130)));
}

async fn another_organization_sees_no_measurements(fixture: Fixture) {
    let (ours, theirs) = (fixture.team("zoo").await, fixture.team("farm").await);
    let server = fixture.server(ours, "web").await;
    let row = minute(server, after(0), 1.0);
    fixture.store.record_metrics(vec![row]).await.unwrap();
    assert_eq!(read(&fixture, theirs, server, Resolution::Fine).await, []);
}

async fn the_replica_that_had_answers_wins(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let server = fixture.server(team, "web").await;
    let answered = minute(server, after(0), 1.0);
    let failed = MetricsRow {
        points: vec![HostChecks::failed(after(0)); 6],
        ..answered.clone()
    };
    for row in [&failed, &answered, &failed] {
        fixture
            .store
            .record_metrics(vec![row.clone()])
            .await
            .unwrap();
    }
    assert_eq!(
        read(&fixture, team, server, Resolution::Fine).await,
        [answered]
    );
}

async fn measurements_of_an_unknown_server_are_dropped(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let known = fixture.server(team, "web").await;
    let unknown = ServerId::new(&*fixture.clock, &*fixture.entropy);
    let rows = vec![minute(unknown, after(0), 1.0), minute(known, after(0), 2.0)];
    fixture.store.record_metrics(rows).await.unwrap();
    assert_eq!(read(&fixture, team, known, Resolution::Fine).await.len(), 1);
    assert_eq!(read(&fixture, team, unknown, Resolution::Fine).await, []);
}

async fn ten_minutes_are_folded_once_they_are_over(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let (one, other) = (
        fixture.server(team, "a").await,
        fixture.server(team, "b").await,
    );
    let rows = vec![
        minute(one, after(0), 1.0),
        minute(one, after(60), 3.0),
        minute(other, after(540), 5.0),
        minute(one, after(600), 9.0),
    ];
    let store = &fixture.store;
    store.record_metrics(rows).await.unwrap();
    assert_eq!(store.fold_metrics(None, after(599)).await.unwrap(), None);
    for _ in 0..2 {
        let folded = store.fold_metrics(None, after(600)).await.unwrap();
        // Later it is found in the database that this was done.
        assert!(folded.is_none_or(|at| at == begin()));
    }
    let minutes = read(&fixture, team, one, Resolution::Minute).await;
    assert_eq!(minutes.len(), 1);
    let loads: Vec<_> = minutes[0]
        .points
        .iter()
        .map(|point| (point.at, point.total, point.sample.get(Metric::Load1)))
        .collect();
    assert_eq!(loads, [(after(0), 2, Some(1.0)), (after(60), 2, Some(3.0))]);
    let whole = read(&fixture, team, one, Resolution::TenMinutes).await;
    let [point] = whole[0].points[..] else {
        panic!("one for all");
    };
    assert_eq!((point.total, point.ok), (4, 4));
    assert_eq!(point.sample.get(Metric::Load1), Some(2.0));
    assert_eq!(
        read(&fixture, team, other, Resolution::TenMinutes)
            .await
            .len(),
        1
    );

    let next = store
        .fold_metrics(Some(begin()), after(1200))
        .await
        .unwrap();
    assert_eq!(next, Some(after(600)));
}

async fn what_is_too_old_is_removed(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let server = fixture.server(team, "web").await;
    let rows: Vec<_> = (0..5).map(|n| minute(server, after(n * 60), 1.0)).collect();
    let store = &fixture.store;
    store.record_metrics(rows.clone()).await.unwrap();
    let before = after(180);
    store
        .prune_metrics(Resolution::Minute, before)
        .await
        .unwrap();
    store.prune_metrics(Resolution::Fine, before).await.unwrap();
    assert_eq!(
        read(&fixture, team, server, Resolution::Fine).await,
        rows[3..]
    );
}

async fn servers_that_had_a_runner_are_monitored(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let store = &fixture.store;
    let mut ids = Vec::new();
    for status in ServerStatus::ALL {
        let server = fixture.server(team, status.as_str()).await;
        let now = fixture.clock.now();
        store
            .set_server_status(server, status, now, vec![])
            .await
            .unwrap();
        if matches!(status, ServerStatus::Active | ServerStatus::Unreachable) {
            ids.push(server);
        }
    }
    ids.sort();
    let mut monitored = store.monitored_servers().await.unwrap();
    monitored.sort();
    assert_eq!(monitored, ids);
}

async fn many_servers_are_a_few_transactions(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let server = fixture.server(team, "web").await;
    let store = &fixture.store;
    let rows: Vec<_> = (0..2500)
        .map(|n| minute(server, after(n * 60), 1.0))
        .collect();
    let before = store.statistics().commits;
    store.record_metrics(rows).await.unwrap();
    assert_eq!(store.statistics().commits - before, 3);
}
