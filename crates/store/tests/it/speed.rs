//! Measurements, for `cargo test --release -p reoclo-store --test it -- --ignored speed --nocapture`.

use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reoclo_domain::{Secret, TokenHash};

use crate::fixture::Fixture;

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// What the disk itself takes for 8 KiB in a file that has its size already, as the write-ahead
/// log has.
fn fdatasync(rounds: usize) -> Duration {
    let file = tempfile::tempfile().unwrap();
    file.write_all_at(&vec![1; 8192 * 512], 0).unwrap();
    file.sync_all().unwrap();
    let times = (0..rounds).map(|round| {
        let start = Instant::now();
        let at = u64::try_from(round % 512 * 8192).unwrap();
        file.write_all_at(&[7; 8192], at).unwrap();
        file.sync_data().unwrap();
        start.elapsed()
    });
    median(times.collect())
}

#[ignore = "measures"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn speed_of_one_operation_after_the_other() {
    for (engine, fixture) in [
        ("sqlite", Fixture::sqlite().await),
        ("postgres", Fixture::postgres().await),
    ] {
        let team = fixture.team("zoo").await;
        let server = fixture.server(team, "web").await;
        let payload = Secret::new(r#"{"command":"true","env":{}}"#);
        let (mut begins, mut finishes) = (vec![], vec![]);
        for _ in 0..500 {
            let operation = fixture.new_operation(team, server);
            let (id, intent) = (operation.id, vec![fixture.event(team, "operation.start")]);
            let start = Instant::now();
            fixture
                .store
                .begin_operation(operation, &payload, intent)
                .await
                .unwrap();
            begins.push(start.elapsed());
            let end = vec![fixture.event(team, "operation.end")];
            let start = Instant::now();
            fixture
                .store
                .finish_operation(id, fixture.outcome(), end)
                .await
                .unwrap();
            finishes.push(start.elapsed());
        }
        println!(
            "{engine}: begin p50 {:?}, finish p50 {:?}, plain fdatasync p50 {:?}",
            median(begins),
            median(finishes),
            fdatasync(500)
        );
    }
}

#[ignore = "measures"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn speed_of_audit_rows() {
    for (engine, fixture) in [
        ("sqlite", Fixture::sqlite().await),
        ("postgres", Fixture::postgres().await),
    ] {
        let team = fixture.team("zoo").await;
        for writers in [1, 16, 64, 256] {
            let (rounds, before) = (20_000 / (20 + writers), fixture.store.statistics());
            let start = Instant::now();
            join_all((0..writers).map(|_| async {
                for _ in 0..rounds {
                    let event = fixture.event(team, "server.touch");
                    fixture.store.append_audit(vec![event]).await.unwrap();
                }
            }))
            .await;
            let elapsed = start.elapsed();
            let rows = writers * rounds;
            let commits = fixture.store.statistics().commits - before.commits;
            println!(
                "{engine}: {writers} writers: {:.0} rows/s durable, {:.1} rows a commit; plain fdatasync {:.0}/s",
                f64::from(rows) / elapsed.as_secs_f64(),
                f64::from(rows) / f64::from(u32::try_from(commits).unwrap()),
                1.0 / fdatasync(500).as_secs_f64()
            );
        }
    }
}

#[ignore = "measures"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn speed_of_finding_a_key() {
    let fixture = Fixture::sqlite().await;
    let team = fixture.team("zoo").await;
    let mut tokens: Vec<TokenHash> = vec![];
    for size in [10, 1000, 10_000, 100_000] {
        while tokens.len() < size {
            let batch = (tokens.len()..size)
                .take(1000)
                .map(|_| fixture.token_hash());
            let batch: Vec<TokenHash> = batch.collect();
            let created = batch.iter().map(|token| {
                fixture
                    .store
                    .create_integration_key(fixture.integration_key(team), *token, vec![])
            });
            join_all(created).await.into_iter().for_each(Result::unwrap);
            tokens.extend(batch);
        }
        let rounds = 1_000_000_u32;
        let start = Instant::now();
        for round in 0..rounds {
            let token = &tokens[usize::try_from(round).unwrap() * 7919 % tokens.len()];
            assert!(fixture.store.find_key(token).await.unwrap().is_some());
        }
        println!("{size} keys: {:?} a look-up", start.elapsed() / rounds);
    }
}
