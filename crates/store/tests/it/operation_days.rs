//! Operations by day.

use std::time::Duration;

use reoclo_domain::{Clock, OperationId, OperationState, Secret, ServerId, Timestamp};
use reoclo_store::{OperationDay, OperationOutcome};

use crate::fixture::{Fixture, Team};

contract![
    operations_are_counted_by_the_day_on_which_they_began,
    counting_changes_nothing_that_is_read,
    what_runs_is_counted_when_it_has_ended,
    another_organization_has_other_days,
    many_are_counted_step_by_step,
    another_exit_code_than_0_is_a_failure,
];

const DAY: Duration = Duration::from_hours(24);

async fn begin(fixture: &Fixture, team: Team, server: ServerId) -> OperationId {
    fixture.clock.advance(Duration::from_micros(1));
    let new = fixture.new_operation(team, server);
    let (id, payload) = (new.id, Secret::new("{}"));
    let begun = fixture.store.begin_operation(new, &payload, vec![]);
    begun.await.unwrap();
    id
}

async fn end(fixture: &Fixture, id: OperationId, state: OperationState) {
    let outcome = OperationOutcome {
        state,
        ..fixture.outcome()
    };
    let ended = fixture.store.finish_operation(id, outcome, vec![]);
    assert!(ended.await.unwrap());
}

async fn run(fixture: &Fixture, team: Team, server: ServerId, states: &[OperationState]) {
    for state in states {
        let id = begin(fixture, team, server).await;
        end(fixture, id, *state).await;
    }
}

async fn days(fixture: &Fixture, team: Team, first: Timestamp) -> Vec<OperationDay> {
    let days = fixture.store.operation_days(team.organization, first).await;
    days.unwrap()
}

async fn count(fixture: &Fixture) {
    let before = fixture.clock.now().plus(Duration::from_micros(1));
    fixture.store.count_operations(before).await.unwrap();
}

const fn of_day(day: Timestamp, completed: i64, failed: i64, timed_out: i64) -> OperationDay {
    OperationDay {
        day,
        completed,
        failed,
        timed_out,
    }
}

async fn operations_are_counted_by_the_day_on_which_they_began(fixture: Fixture) {
    use OperationState::{Completed, Failed, Timeout};
    let team = fixture.team("zoo").await;
    let server = fixture.server(team, "web").await;
    let first = fixture.clock.now().begin_of(DAY);
    run(&fixture, team, server, &[Completed, Completed, Failed]).await;
    let over_night = begin(&fixture, team, server).await;
    fixture.clock.advance(DAY);
    end(&fixture, over_night, Timeout).await;
    run(&fixture, team, server, &[Failed]).await;
    fixture.clock.advance(DAY * 2);
    run(&fixture, team, server, &[Completed]).await;
    let expected = [
        of_day(first, 2, 1, 1),
        of_day(first.plus(DAY), 0, 1, 0),
        of_day(first.plus(DAY * 3), 1, 0, 0),
    ];
    assert_eq!(days(&fixture, team, first).await, expected);
    count(&fixture).await;
    assert_eq!(days(&fixture, team, first).await, expected);
    assert_eq!(days(&fixture, team, first.plus(DAY)).await, expected[1..]);
    let later = first.plus(DAY + Duration::from_hours(23));
    assert_eq!(days(&fixture, team, later).await, expected[1..]);
}

async fn counting_changes_nothing_that_is_read(fixture: Fixture) {
    use OperationState::{Completed, Failed};
    let team = fixture.team("zoo").await;
    let server = fixture.server(team, "web").await;
    let first = fixture.clock.now().begin_of(DAY);
    let mut completed = 0;
    for _ in 0..3 {
        run(&fixture, team, server, &[Completed, Failed]).await;
        count(&fixture).await;
        count(&fixture).await;
        run(&fixture, team, server, &[Completed]).await;
        completed += 2;
        let expected = [of_day(first, completed, completed / 2, 0)];
        assert_eq!(days(&fixture, team, first).await, expected);
    }
    // Of two that count at once, one does.
    let other = fixture.reopened().await;
    let before = fixture.clock.now().plus(Duration::from_micros(1));
    let (one, two) = tokio::join!(
        fixture.store.count_operations(before),
        other.count_operations(before),
    );
    one.and(two).unwrap();
    let expected = [of_day(first, completed, completed / 2, 0)];
    assert_eq!(days(&fixture, team, first).await, expected);
}

async fn what_runs_is_counted_when_it_has_ended(fixture: Fixture) {
    use OperationState::{Completed, Timeout};
    let team = fixture.team("zoo").await;
    let server = fixture.server(team, "web").await;
    let first = fixture.clock.now().begin_of(DAY);
    run(&fixture, team, server, &[Completed]).await;
    let slow = begin(&fixture, team, server).await;
    run(&fixture, team, server, &[Completed]).await;
    count(&fixture).await;
    assert_eq!(days(&fixture, team, first).await, [of_day(first, 2, 0, 0)]);
    end(&fixture, slow, Timeout).await;
    assert_eq!(days(&fixture, team, first).await, [of_day(first, 2, 0, 1)]);
    count(&fixture).await;
    assert_eq!(days(&fixture, team, first).await, [of_day(first, 2, 0, 1)]);
}

async fn another_organization_has_other_days(fixture: Fixture) {
    use OperationState::{Completed, Failed};
    let (zoo, ape) = (fixture.team("zoo").await, fixture.team("ape").await);
    let first = fixture.clock.now().begin_of(DAY);
    let server = fixture.server(zoo, "web").await;
    run(&fixture, zoo, server, &[Completed]).await;
    assert_eq!(days(&fixture, ape, first).await, []);
    let server = fixture.server(ape, "web").await;
    run(&fixture, ape, server, &[Failed, Failed]).await;
    for _ in 0..2 {
        assert_eq!(days(&fixture, zoo, first).await, [of_day(first, 1, 0, 0)]);
        assert_eq!(days(&fixture, ape, first).await, [of_day(first, 0, 2, 0)]);
        count(&fixture).await;
    }
}

/// More than are read at a time, and more than are looked at when they are not counted.
async fn many_are_counted_step_by_step(fixture: Fixture) {
    const MANY: i64 = 12_000;
    let team = fixture.team("zoo").await;
    let server = fixture.server(team, "web").await;
    let first = fixture.clock.now().begin_of(DAY);
    run(&fixture, team, server, &[OperationState::Completed]).await;
    // The column that differs is the one that orders them.
    let copy = format!(
        "INSERT INTO operations (id, organization_id, server_id, kind, starter_kind, starter_label,
             timeout_seconds, boot_id, instance_id, created_at, state)
         WITH RECURSIVE numbers (number) AS (
             SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < {MANY}
         )
         SELECT id || '-' || number, organization_id, server_id, kind, starter_kind,
             starter_label, timeout_seconds, boot_id, instance_id, created_at + number, state
         FROM operations JOIN numbers ON 1 = 1"
    );
    let copied = fixture.database.execute(&copy).await;
    assert_eq!(copied, u64::try_from(MANY).unwrap());
    fixture.clock.advance(Duration::from_secs(1));
    // The newest are looked at, whatever there is.
    assert_eq!(
        days(&fixture, team, first).await,
        [of_day(first, 10_000, 0, 0)]
    );
    count(&fixture).await;
    assert_eq!(
        days(&fixture, team, first).await,
        [of_day(first, MANY + 1, 0, 0)]
    );
}

async fn another_exit_code_than_0_is_a_failure(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let server = fixture.server(team, "web").await;
    let first = fixture.clock.now().begin_of(DAY);
    for (state, exit_code) in [
        (OperationState::Completed, 0),
        (OperationState::Completed, 7),
        (OperationState::Completed, 137),
        (OperationState::Failed, 125),
        (OperationState::Timeout, 124),
    ] {
        let id = begin(&fixture, team, server).await;
        let outcome = OperationOutcome {
            state,
            exit_code,
            ..fixture.outcome()
        };
        let ended = fixture.store.finish_operation(id, outcome, vec![]);
        assert!(ended.await.unwrap());
    }
    let expected = [of_day(first, 1, 3, 1)];
    assert_eq!(days(&fixture, team, first).await, expected);
    count(&fixture).await;
    assert_eq!(days(&fixture, team, first).await, expected);
}
