//! Operations.

use std::fs;
use std::time::Duration;

use reoclo_domain::{Clock, OperationId, OperationState, Secret, TokenKind};
use reoclo_store::{
    Conflict, NewEnrolment, OperationOutcome, OperationRecord, RunningOperation, StoreError, Tail,
};
use sqlx::Row;

use crate::fixture::Fixture;

mod cancel;
mod log;
mod page;
mod prune;
mod queue;

contract![
    an_operation_runs_until_it_is_finished,
    an_operation_is_finished_once,
    an_operation_is_begun_once,
    an_operation_needs_a_server_of_its_organization,
    another_organization_sees_no_operation,
    running_operations_come_back_with_their_payloads,
    an_acknowledged_payload_is_gone,
    a_finished_payload_is_gone,
    a_payload_moved_to_another_row_does_not_open,
];

const PAYLOAD: &str = r#"{"command":"echo hunter2hunter2","env":{}}"#;

fn payload() -> Secret {
    Secret::new(PAYLOAD)
}

async fn an_operation_runs_until_it_is_finished(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let server = fixture.server(team, "web").await;
    let new = fixture.new_operation(team, server);
    let intent = vec![fixture.event(team, "operation.start")];
    fixture
        .store
        .begin_operation(new.clone(), &payload(), intent)
        .await
        .unwrap();
    let mut record = OperationRecord {
        id: new.id,
        organization: new.organization,
        server,
        server_name: "web".into(),
        kind: new.kind,
        starter: new.starter,
        via: new.via,
        command: new.command,
        timeout_seconds: 60,
        run_id: new.run_id,
        run_context: new.run_context,
        boot_id: new.boot_id,
        instance_id: new.instance_id,
        created_at: new.created_at,
        state: OperationState::Running,
        outcome: None,
        is_queued: false,
        cancel_requested_at: None,
    };
    let found = || fixture.store.operation(team.organization, new.id);
    assert_eq!(found().await.unwrap(), Some(record.clone()));

    let outcome = OperationOutcome {
        state: OperationState::Failed,
        code: Some("lost".into()),
        message: Some("nobody reported".into()),
        exit_code: 255,
        signal: Some(9),
        stderr: Tail {
            bytes: vec![0; 65_536],
            total: 70_000,
            truncated: true,
        },
        ..fixture.outcome()
    };
    let end = vec![fixture.event(team, "operation.end")];
    assert!(
        fixture
            .store
            .finish_operation(new.id, outcome.clone(), end)
            .await
            .unwrap()
    );
    record.state = OperationState::Failed;
    record.outcome = Some(outcome);
    assert_eq!(found().await.unwrap(), Some(record));
    assert_eq!(
        fixture.actions(team).await,
        ["operation.start", "operation.end"]
    );
}

async fn an_operation_is_finished_once(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let server = fixture.server(team, "web").await;
    let new = fixture.new_operation(team, server);
    let store = &fixture.store;
    store
        .begin_operation(new.clone(), &payload(), vec![])
        .await
        .unwrap();
    let late = OperationOutcome {
        state: OperationState::Timeout,
        exit_code: 124,
        ..fixture.outcome()
    };
    let event = |action| vec![fixture.event(team, action)];
    assert!(
        store
            .finish_operation(new.id, fixture.outcome(), event("end"))
            .await
            .unwrap()
    );
    assert!(
        !store
            .finish_operation(new.id, late.clone(), event("late"))
            .await
            .unwrap()
    );
    let found = store
        .operation(team.organization, new.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.outcome, Some(fixture.outcome()));
    assert_eq!(fixture.actions(team).await, ["end"]);
    let unknown = OperationId::new(&*fixture.clock, &*fixture.entropy);
    assert!(!store.finish_operation(unknown, late, vec![]).await.unwrap());
}

async fn an_operation_is_begun_once(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let server = fixture.server(team, "web").await;
    let new = fixture.new_operation(team, server);
    let event = || vec![fixture.event(team, "operation.start")];
    fixture
        .store
        .begin_operation(new.clone(), &payload(), event())
        .await
        .unwrap();
    let again = fixture
        .store
        .begin_operation(new, &payload(), event())
        .await;
    assert!(matches!(again, Err(StoreError::Conflict(Conflict::Exists))));
    assert_eq!(fixture.actions(team).await, ["operation.start"]);
}

async fn an_operation_needs_a_server_of_its_organization(fixture: Fixture) {
    let (team, other) = (fixture.team("zoo").await, fixture.team("ape").await);
    let foreign = fixture.server(other, "web").await;
    let new = fixture.new_operation(team, foreign);
    let refused = fixture.store.begin_operation(new, &payload(), vec![]).await;
    assert!(matches!(
        refused,
        Err(StoreError::Conflict(Conflict::Missing))
    ));
    assert_eq!(fixture.store.running_operations().await.unwrap(), []);
}

async fn another_organization_sees_no_operation(fixture: Fixture) {
    let (team, other) = (fixture.team("zoo").await, fixture.team("ape").await);
    let server = fixture.server(team, "web").await;
    let new = fixture.new_operation(team, server);
    let id = new.id;
    fixture
        .store
        .begin_operation(new, &payload(), vec![])
        .await
        .unwrap();
    assert_eq!(
        fixture
            .store
            .operation(other.organization, id)
            .await
            .unwrap(),
        None
    );
}

async fn running_operations_come_back_with_their_payloads(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let server = fixture.server(team, "web").await;
    let [waiting, acknowledged, ended] = [(); 3].map(|()| {
        fixture.clock.advance(Duration::from_millis(1));
        fixture.new_operation(team, server)
    });
    for new in [&waiting, &acknowledged, &ended] {
        fixture
            .store
            .begin_operation(new.clone(), &payload(), vec![])
            .await
            .unwrap();
    }
    fixture.store.operation_acknowledged(vec![]).await.unwrap();
    fixture
        .store
        .operation_acknowledged(vec![acknowledged.id])
        .await
        .unwrap();
    fixture
        .store
        .finish_operation(ended.id, fixture.outcome(), vec![])
        .await
        .unwrap();
    let running = fixture.reopened().await.running_operations().await.unwrap();
    let expected = [
        RunningOperation {
            operation: waiting,
            payload: Some(payload()),
            acknowledged: false,
            dequeued_at: None,
            is_cancelled: false,
        },
        RunningOperation {
            operation: acknowledged,
            payload: None,
            acknowledged: true,
            dequeued_at: None,
            is_cancelled: false,
        },
    ];
    assert_eq!(running, expected);
}

/// The sealed payload as it stands in the row.
async fn sealed(fixture: &Fixture, id: OperationId) -> Option<Vec<u8>> {
    let mut connection = fixture.database.connect().await;
    let row = sqlx::query("SELECT sealed_payload FROM operations WHERE id = $1")
        .bind(id.to_string())
        .fetch_one(&mut connection)
        .await;
    row.unwrap().get(0)
}

async fn an_acknowledged_payload_is_gone(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let server = fixture.server(team, "web").await;
    let new = fixture.new_operation(team, server);
    let id = new.id;
    fixture
        .store
        .begin_operation(new, &payload(), vec![])
        .await
        .unwrap();
    let before = sealed(&fixture, id).await.unwrap();
    assert!(!contains(&before, b"hunter2"));
    fixture
        .store
        .operation_acknowledged(vec![id])
        .await
        .unwrap();
    assert_eq!(sealed(&fixture, id).await, None);
}

async fn a_finished_payload_is_gone(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let server = fixture.server(team, "web").await;
    let new = fixture.new_operation(team, server);
    let id = new.id;
    fixture
        .store
        .begin_operation(new, &payload(), vec![])
        .await
        .unwrap();
    fixture
        .store
        .finish_operation(id, fixture.outcome(), vec![])
        .await
        .unwrap();
    assert_eq!(sealed(&fixture, id).await, None);
}

async fn a_payload_moved_to_another_row_does_not_open(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let server = fixture.server(team, "web").await;
    for _ in 0..2 {
        let new = fixture.new_operation(team, server);
        fixture
            .store
            .begin_operation(new, &payload(), vec![])
            .await
            .unwrap();
    }
    let swap = "UPDATE operations SET sealed_payload = (SELECT other.sealed_payload
                FROM operations AS other WHERE other.id <> operations.id)";
    sqlx::query(swap)
        .execute(&mut fixture.database.connect().await)
        .await
        .unwrap();
    let refused = fixture.store.running_operations().await;
    assert!(matches!(refused, Err(StoreError::Corrupt(_))));
}

pub(crate) fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

#[tokio::test]
async fn sqlite_files_hold_no_token_and_no_payload() {
    let fixture = Fixture::sqlite().await;
    let team = fixture.team("zoo").await;
    let kinds = [
        TokenKind::Integration,
        TokenKind::Automation,
        TokenKind::Enrolment,
    ];
    let [integration, automation, enrolment] = kinds.map(|kind| fixture.token(kind));
    let store = &fixture.store;
    let key = fixture.integration_key(team);
    store
        .create_integration_key(key, integration.hash(), vec![])
        .await
        .unwrap();
    let key = fixture.automation_key(team);
    store
        .create_automation_key(key, automation.hash(), vec![])
        .await
        .unwrap();
    let server = fixture.new_server(team, "web");
    let id = server.id;
    let new_enrolment = NewEnrolment {
        token: enrolment.hash(),
        expires_at: fixture.clock.now(),
    };
    store
        .create_server(server, Some(new_enrolment), vec![])
        .await
        .unwrap();
    let operation = fixture.new_operation(team, id);
    store
        .begin_operation(operation, &payload(), vec![])
        .await
        .unwrap();

    let file = fixture.database.file().unwrap();
    let mut bytes = fs::read(file).unwrap();
    bytes.extend(fs::read(file.with_extension("db-wal")).unwrap());
    assert!(contains(&bytes, integration.hash().as_bytes()));
    for token in [&integration, &automation, &enrolment] {
        assert!(!contains(&bytes, &token.expose().as_bytes()[12..]));
    }
    assert!(!contains(&bytes, b"hunter2"));
}
