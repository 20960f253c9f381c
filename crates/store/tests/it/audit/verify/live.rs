//! One organization's chain, verified beside the server that writes it.

use futures_util::future::join_all;
use reoclo_store::{Checkpoint, FaultKind};

use super::{ROWS, log, tamper};
use crate::fixture::{Fixture, Team};

contract![
    an_untouched_chain_is_intact,
    what_is_done_to_a_row_is_found,
    what_is_done_to_the_end_is_found,
    an_older_copy_is_found_by_a_checkpoint,
    a_row_below_the_first_is_found,
    another_organizations_log_does_not_matter,
    a_chain_is_verified_while_it_grows,
];

async fn verify(fixture: &Fixture, team: Team, checkpoints: &[Checkpoint]) -> (i64, Found) {
    let report = fixture
        .store
        .verify_audit(team.organization, checkpoints)
        .await
        .unwrap();
    (
        report.chain.rows,
        report.chain.fault.map(|fault| (fault.seq, fault.kind)),
    )
}

type Found = Option<(i64, FaultKind)>;

async fn an_untouched_chain_is_intact(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    assert_eq!(verify(&fixture, team, &[]).await, (0, None));
    let events = (0..401).map(|_| fixture.event(team, "touch")).collect();
    fixture.store.append_audit(events).await.unwrap();
    let checkpoints = fixture.store.checkpoints().await.unwrap();
    assert_eq!(verify(&fixture, team, &checkpoints).await, (401, None));
    let rows = fixture
        .store
        .audit_events(Some(team.organization), 400, 1)
        .await
        .unwrap();
    let report = fixture.store.verify_audit(team.organization, &[]).await;
    assert_eq!(report.unwrap().chain.head, rows[0].hash);
}

async fn what_is_done_to_a_row_is_found(fixture: Fixture) {
    let team = log(&fixture).await;
    let of_row = |seq| format!("WHERE chain = '{}' AND seq = {seq}", team.organization);
    let change = format!("UPDATE audit_events SET ip = '192.0.2.8' {}", of_row(4));
    assert_eq!(tamper(&fixture, &change).await, 1);
    let found = Some((4, FaultKind::Changed));
    assert_eq!(verify(&fixture, team, &[]).await, (3, found));
    tamper(&fixture, &format!("DELETE FROM audit_events {}", of_row(2))).await;
    let found = Some((2, FaultKind::Missing));
    assert_eq!(verify(&fixture, team, &[]).await, (1, found));
}

async fn what_is_done_to_the_end_is_found(fixture: Fixture) {
    let team = log(&fixture).await;
    let chain = team.organization;
    let cut = format!("DELETE FROM audit_events WHERE chain = '{chain}' AND seq > 3");
    tamper(&fixture, &cut).await;
    let found = Some((4, FaultKind::Missing));
    assert_eq!(verify(&fixture, team, &[]).await, (3, found));
    let rewrite = format!(
        "UPDATE audit_heads SET seq = 3, hash = (SELECT hash FROM audit_events
         WHERE chain = '{chain}' AND seq = 3) WHERE chain = '{chain}'"
    );
    tamper(&fixture, &rewrite).await;
    let found = Some((3, FaultKind::HeadChanged));
    assert_eq!(verify(&fixture, team, &[]).await, (3, found));
    tamper(
        &fixture,
        &format!("DELETE FROM audit_heads WHERE chain = '{chain}'"),
    )
    .await;
    let found = Some((3, FaultKind::HeadMissing));
    assert_eq!(verify(&fixture, team, &[]).await, (3, found));
}

async fn an_older_copy_is_found_by_a_checkpoint(fixture: Fixture) {
    let team = log(&fixture).await;
    tamper(&fixture, "CREATE TABLE older AS SELECT * FROM audit_heads").await;
    let event = fixture.event(team, "evil");
    fixture.store.append_audit(vec![event]).await.unwrap();
    let checkpoints = fixture.store.checkpoints().await.unwrap();
    tamper(&fixture, "DELETE FROM audit_heads").await;
    tamper(&fixture, "INSERT INTO audit_heads SELECT * FROM older").await;
    let cut = format!(
        "DELETE FROM audit_events WHERE chain = '{}' AND seq > {ROWS}",
        team.organization
    );
    tamper(&fixture, &cut).await;
    assert_eq!(verify(&fixture, team, &[]).await, (ROWS, None));
    let found = Some((ROWS + 1, FaultKind::Checkpoint));
    assert_eq!(verify(&fixture, team, &checkpoints).await, (ROWS, found));
}

async fn a_row_below_the_first_is_found(fixture: Fixture) {
    let team = log(&fixture).await;
    let chain = team.organization;
    let insert = format!(
        "INSERT INTO audit_events SELECT chain, -1, id, at, actor_kind, actor_id, actor_label, ip,
             user_agent, request_id, action, resource_kind, resource_id, resource_name, outcome,
             detail, prev_hash, hash, source
         FROM audit_events WHERE chain = '{chain}' AND seq = 1"
    );
    assert_eq!(tamper(&fixture, &insert).await, 1);
    let found = Some((-1, FaultKind::Extra));
    assert_eq!(verify(&fixture, team, &[]).await, (ROWS, found));
}

async fn another_organizations_log_does_not_matter(fixture: Fixture) {
    let (team, other) = (log(&fixture).await, fixture.team("ape").await);
    let event = fixture.event(other, "touch");
    fixture.store.append_audit(vec![event]).await.unwrap();
    let chain = other.organization;
    let cut = format!("DELETE FROM audit_events WHERE chain = '{chain}' OR chain = 'instance'");
    tamper(&fixture, &cut).await;
    assert_eq!(verify(&fixture, team, &[]).await, (ROWS, None));
    let found = Some((1, FaultKind::Missing));
    assert_eq!(verify(&fixture, other, &[]).await, (0, found));
}

async fn a_chain_is_verified_while_it_grows(fixture: Fixture) {
    let team = log(&fixture).await;
    let writing = async {
        for _ in 0..20 {
            let appends = (0..20).map(|_| {
                let event = fixture.event(team, "touch");
                fixture.store.append_audit(vec![event])
            });
            join_all(appends).await.into_iter().for_each(Result::unwrap);
        }
    };
    let verifying = async {
        let mut before = 0;
        for _ in 0..20 {
            let (rows, fault) = verify(&fixture, team, &[]).await;
            assert_eq!(fault, None);
            assert!(rows >= before, "{rows} after {before}");
            before = rows;
        }
    };
    tokio::join!(writing, verifying);
    assert_eq!(verify(&fixture, team, &[]).await, (ROWS + 400, None));
}
