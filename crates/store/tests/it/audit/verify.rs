//! Whatever is done to the audit log behind the store's back is found, and the row is named.

mod columns;
mod live;

use futures_util::future::join_all;
use reoclo_domain::Clock;
use reoclo_store::{Chain, Checkpoint, FaultKind, StrangeCheckpoint, Strangeness, VerifyReport};
use sqlx::AssertSqlSafe;

use crate::fixture::{Fixture, Team};

contract![
    an_untouched_log_is_intact,
    a_removed_row_is_found,
    a_cut_tail_is_found,
    a_cut_tail_with_a_rewritten_head_is_found,
    a_log_set_back_to_an_older_copy_is_found_by_a_checkpoint,
    swapped_rows_are_found,
    a_rewritten_head_is_found,
    a_removed_chain_is_found,
    an_invented_chain_is_found,
    an_invented_row_is_found,
    a_tampered_head_is_not_appended_to,
    a_forged_or_foreign_checkpoint_is_found,
    verification_runs_beside_a_writer,
    rows_with_and_without_a_source_are_one_chain,
];

/// Rows on the team's chain.
const ROWS: i64 = 5;

async fn log(fixture: &Fixture) -> Team {
    let team = fixture.team("zoo").await;
    let events = (0..ROWS).map(|_| fixture.event(team, "touch")).collect();
    fixture.store.append_audit(events).await.unwrap();
    team
}

async fn tamper(fixture: &Fixture, statement: &str) -> u64 {
    let mut connection = fixture.database.connect().await;
    let statement = sqlx::query(AssertSqlSafe(statement.to_owned()));
    statement
        .execute(&mut connection)
        .await
        .unwrap()
        .rows_affected()
}

async fn verify(fixture: &Fixture, checkpoints: &[Checkpoint]) -> VerifyReport {
    fixture
        .audit_reader()
        .await
        .verify(checkpoints)
        .await
        .unwrap()
}

/// The first fault in the team's chain; the rest has to be sound.
fn fault(report: &VerifyReport, team: Team) -> (i64, FaultKind) {
    assert!(!report.is_intact());
    let own = Chain::Organization(team.organization);
    for chain in report.chains.iter().filter(|chain| chain.chain != own) {
        assert_eq!(chain.fault, None);
    }
    let found = report
        .chains
        .iter()
        .find(|chain| chain.chain == own)
        .unwrap();
    let fault = found.fault.clone().unwrap();
    (fault.seq, fault.kind)
}

async fn an_untouched_log_is_intact(fixture: Fixture) {
    log(&fixture).await;
    fixture.team("ape").await;
    let report = verify(&fixture, &fixture.store.checkpoints().await.unwrap()).await;
    assert!(report.is_intact(), "{report:?}");
    let rows: Vec<i64> = report.chains.iter().map(|chain| chain.rows).collect();
    assert_eq!(rows[0], 3);
    assert_eq!(rows[1..].iter().sum::<i64>(), ROWS);
}

async fn a_removed_row_is_found(fixture: Fixture) {
    let team = log(&fixture).await;
    for seq in (1..=ROWS).rev() {
        let chain = team.organization;
        tamper(
            &fixture,
            &format!("DELETE FROM audit_events WHERE chain = '{chain}' AND seq = {seq}"),
        )
        .await;
        assert_eq!(
            fault(&verify(&fixture, &[]).await, team),
            (seq, FaultKind::Missing)
        );
    }
}

async fn a_cut_tail_is_found(fixture: Fixture) {
    let team = log(&fixture).await;
    let cut = format!(
        "DELETE FROM audit_events WHERE chain = '{}' AND seq > 3",
        team.organization
    );
    tamper(&fixture, &cut).await;
    assert_eq!(
        fault(&verify(&fixture, &[]).await, team),
        (4, FaultKind::Missing)
    );
}

async fn cut_with_head(fixture: &Fixture, team: Team) {
    let chain = team.organization;
    tamper(
        fixture,
        &format!("DELETE FROM audit_events WHERE chain = '{chain}' AND seq > 3"),
    )
    .await;
    let rewrite = format!(
        "UPDATE audit_heads SET seq = 3, hash = (SELECT hash FROM audit_events
         WHERE chain = '{chain}' AND seq = 3) WHERE chain = '{chain}'"
    );
    tamper(fixture, &rewrite).await;
}

async fn a_cut_tail_with_a_rewritten_head_is_found(fixture: Fixture) {
    let team = log(&fixture).await;
    cut_with_head(&fixture, team).await;
    assert_eq!(
        fault(&verify(&fixture, &[]).await, team),
        (3, FaultKind::HeadChanged)
    );
}

/// Also the head of the older copy is authentic; only what was kept elsewhere tells.
async fn a_log_set_back_to_an_older_copy_is_found_by_a_checkpoint(fixture: Fixture) {
    let team = log(&fixture).await;
    let chain = team.organization;
    let keep = format!("CREATE TABLE older AS SELECT * FROM audit_heads WHERE chain = '{chain}'");
    tamper(&fixture, &keep).await;
    fixture
        .store
        .append_audit(vec![fixture.event(team, "evil")])
        .await
        .unwrap();
    let checkpoints = fixture.store.checkpoints().await.unwrap();
    tamper(
        &fixture,
        &format!("DELETE FROM audit_heads WHERE chain = '{chain}'"),
    )
    .await;
    tamper(&fixture, "INSERT INTO audit_heads SELECT * FROM older").await;
    let cut = format!("DELETE FROM audit_events WHERE chain = '{chain}' AND seq > {ROWS}");
    tamper(&fixture, &cut).await;
    assert!(verify(&fixture, &[]).await.is_intact());
    let found = fault(&verify(&fixture, &checkpoints).await, team);
    assert_eq!(found, (ROWS + 1, FaultKind::Checkpoint));
    // And when the log goes on from there, the row is another one.
    fixture
        .store
        .append_audit(vec![fixture.event(team, "good")])
        .await
        .unwrap();
    let found = fault(&verify(&fixture, &checkpoints).await, team);
    assert_eq!(found, (ROWS + 1, FaultKind::Checkpoint));
}

async fn swapped_rows_are_found(fixture: Fixture) {
    let team = log(&fixture).await;
    for (from, to) in [(2, 99), (3, 2), (99, 3)] {
        let chain = team.organization;
        let renumber =
            format!("UPDATE audit_events SET seq = {to} WHERE chain = '{chain}' AND seq = {from}");
        tamper(&fixture, &renumber).await;
    }
    assert_eq!(
        fault(&verify(&fixture, &[]).await, team),
        (2, FaultKind::Changed)
    );
}

async fn a_rewritten_head_is_found(fixture: Fixture) {
    let team = log(&fixture).await;
    let chain = team.organization;
    let changes = [
        ("seq = 4", (4, FaultKind::HeadChanged)),
        ("seq = 6", (6, FaultKind::HeadChanged)),
        ("hash = prev_hash", (5, FaultKind::HeadChanged)),
        ("mac = hash", (5, FaultKind::HeadChanged)),
    ];
    tamper(&fixture, "CREATE TABLE older AS SELECT * FROM audit_heads").await;
    for (change, expected) in changes {
        let change = change.replace(
            "prev_hash",
            &format!("(SELECT prev_hash FROM audit_events WHERE chain = '{chain}' AND seq = 2)"),
        );
        tamper(
            &fixture,
            &format!("UPDATE audit_heads SET {change} WHERE chain = '{chain}'"),
        )
        .await;
        assert_eq!(fault(&verify(&fixture, &[]).await, team), expected);
        tamper(&fixture, "DELETE FROM audit_heads").await;
        tamper(&fixture, "INSERT INTO audit_heads SELECT * FROM older").await;
    }
    tamper(
        &fixture,
        &format!("DELETE FROM audit_heads WHERE chain = '{chain}'"),
    )
    .await;
    let report = verify(&fixture, &[]).await;
    assert_eq!(fault(&report, team), (5, FaultKind::HeadMissing));
}

async fn a_removed_chain_is_found(fixture: Fixture) {
    let team = log(&fixture).await;
    let chain = team.organization;
    tamper(
        &fixture,
        &format!("DELETE FROM audit_events WHERE chain = '{chain}'"),
    )
    .await;
    tamper(
        &fixture,
        &format!("DELETE FROM audit_heads WHERE chain = '{chain}'"),
    )
    .await;
    let report = verify(&fixture, &[]).await;
    assert_eq!(fault(&report, team), (0, FaultKind::HeadMissing));

    tamper(&fixture, "DELETE FROM audit_events").await;
    tamper(&fixture, "DELETE FROM audit_heads").await;
    let report = verify(&fixture, &[]).await;
    assert_eq!(
        report.chains[0].fault.clone().unwrap().kind,
        FaultKind::HeadMissing
    );
}

async fn an_invented_chain_is_found(fixture: Fixture) {
    log(&fixture).await;
    let invent = "INSERT INTO audit_heads SELECT 'invented', seq, hash, mac FROM audit_heads
                  WHERE chain = 'instance'";
    tamper(&fixture, invent).await;
    let report = verify(&fixture, &[]).await;
    assert_eq!(report.unknown_chains, ["invented"]);
    assert!(!report.is_intact());
}

async fn an_invented_row_is_found(fixture: Fixture) {
    let team = log(&fixture).await;
    let chain = team.organization;
    let insert = |chain: String, seq: i64| {
        format!(
            "INSERT INTO audit_events SELECT '{chain}', {seq}, id, at, actor_kind, actor_id,
             actor_label, ip, user_agent, request_id, action, resource_kind, resource_id,
             resource_name, outcome, detail, prev_hash, hash, source
             FROM audit_events WHERE chain = 'instance' AND seq = 1"
        )
    };
    tamper(&fixture, &insert("invented".into(), 1)).await;
    assert_eq!(verify(&fixture, &[]).await.unknown_rows, 1);
    tamper(&fixture, &insert(chain.to_string(), -1)).await;
    assert_eq!(verify(&fixture, &[]).await.unknown_rows, 2);
    tamper(&fixture, &insert(chain.to_string(), ROWS + 1)).await;
    assert_eq!(
        fault(&verify(&fixture, &[]).await, team),
        (ROWS + 1, FaultKind::Changed)
    );
}

async fn a_tampered_head_is_not_appended_to(fixture: Fixture) {
    let team = log(&fixture).await;
    cut_with_head(&fixture, team).await;
    let refused = fixture
        .store
        .append_audit(vec![fixture.event(team, "touch")])
        .await;
    assert!(matches!(refused, Err(reoclo_store::StoreError::Corrupt(_))));
    assert_eq!(
        fault(&verify(&fixture, &[]).await, team),
        (3, FaultKind::HeadChanged)
    );
}

async fn a_forged_or_foreign_checkpoint_is_found(fixture: Fixture) {
    let team = log(&fixture).await;
    let checkpoints = fixture.store.checkpoints().await.unwrap();
    let own = Chain::Organization(team.organization);
    let made = checkpoints.iter().find(|made| made.chain == own).unwrap();
    let later = made.at.plus(std::time::Duration::from_secs(1));
    let forgeries = [
        Checkpoint {
            seq: 4,
            ..made.clone()
        },
        Checkpoint {
            hash: [1; 32],
            ..made.clone()
        },
        Checkpoint {
            at: later,
            ..made.clone()
        },
        Checkpoint {
            public_key: [1; 32],
            ..made.clone()
        },
        Checkpoint {
            signature: [1; 64],
            ..made.clone()
        },
        Checkpoint {
            control_plane_id: team.admin.as_uuid(),
            ..made.clone()
        },
    ];
    for forged in forgeries {
        let report = verify(&fixture, std::slice::from_ref(&forged)).await;
        assert!(report.is_intact(), "the log has nothing to do with it");
        let strange: Vec<_> = report
            .strange
            .iter()
            .map(|made| (made.chain, made.seq, made.why))
            .collect();
        assert_eq!(strange, [(own, forged.seq, Strangeness::Changed)]);
    }
    let another = reoclo_testkit::database::sqlite();
    let theirs = another.open().await.checkpoints().await.unwrap();
    let report = verify(&fixture, &theirs).await;
    assert!(report.is_intact());
    assert_eq!(report.strange.len(), theirs.len());
    let is_foreign = |made: &StrangeCheckpoint| made.why == Strangeness::OfAnotherLog;
    assert!(!theirs.is_empty() && report.strange.iter().all(is_foreign));
    // What is wrong with the log is told all the same.
    tamper(
        &fixture,
        "UPDATE audit_events SET actor_label = 'x' WHERE chain = 'instance' AND seq = 1",
    )
    .await;
    let report = verify(&fixture, &theirs).await;
    assert!(!report.is_intact() && report.strange.len() == theirs.len());
    assert!(fixture.clock.now() >= made.at);
}

#[tokio::test]
async fn sqlite_is_verified_when_the_server_is_stopped() {
    let fixture = Fixture::sqlite().await;
    log(&fixture).await;
    fixture.store.close().await;
    assert!(verify(&fixture, &[]).await.is_intact());
}

async fn verification_runs_beside_a_writer(fixture: Fixture) {
    let team = log(&fixture).await;
    let mut reader = fixture.audit_reader().await;
    let writing = async {
        for _ in 0..20 {
            let appends = (0..20).map(|_| {
                fixture
                    .store
                    .append_audit(vec![fixture.event(team, "touch")])
            });
            join_all(appends).await.into_iter().for_each(Result::unwrap);
        }
    };
    let verifying = async {
        for _ in 0..20 {
            let report = reader.verify(&[]).await.unwrap();
            assert!(report.is_intact(), "{report:?}");
        }
    };
    tokio::join!(writing, verifying);
}

/// Rows of earlier versions have no source; what is added to one of them is found.
async fn rows_with_and_without_a_source_are_one_chain(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    for via in [None, Some("mcp"), None, Some("cli")] {
        let mut event = fixture.event(team, "touch");
        event.source.via = via.map(|via| via.parse().unwrap());
        fixture.store.append_audit(vec![event]).await.unwrap();
    }
    assert!(verify(&fixture, &[]).await.is_intact());
    let chain = team.organization;
    for (seq, before, after) in [(1, "NULL", "'mcp'"), (2, "'mcp'", "NULL")] {
        let set = |source| {
            format!(
                "UPDATE audit_events SET source = {source} WHERE chain = '{chain}' AND seq = {seq}"
            )
        };
        assert_eq!(tamper(&fixture, &set(after)).await, 1);
        let found = fault(&verify(&fixture, &[]).await, team);
        assert_eq!(found, (seq, FaultKind::Changed));
        tamper(&fixture, &set(before)).await;
    }
    assert!(verify(&fixture, &[]).await.is_intact());
}
