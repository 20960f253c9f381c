//! Pages of operations.

use std::time::Duration;

use reoclo_domain::AutomationKeyId;
use reoclo_domain::{OperationId, OperationKind, OperationState, Secret, ServerId};
use reoclo_store::{
    Actor, ActorKind, Ended, NewOperation, OperationFilter, OperationOutcome, OperationPage,
    OperationQuery, OperationRecord,
};
use reoclo_testkit::RealEntropy;
use sqlx::Row;

use crate::fixture::{Fixture, Team};

contract![
    pages_are_newest_first_and_end,
    pages_stay_right_while_operations_are_added,
    every_filter_takes_its_operations_and_no_others,
    filters_narrow_each_other,
    another_exit_code_than_0_is_a_failure,
    another_organization_has_other_operations,
    records_of_a_page_have_no_output,
];

fn all(limit: i64) -> OperationQuery {
    OperationQuery {
        filter: OperationFilter::default(),
        before: None,
        limit,
    }
}

async fn page(fixture: &Fixture, team: Team, query: &OperationQuery) -> OperationPage {
    let page = fixture.store.operations(team.organization, query).await;
    page.unwrap()
}

fn ids(page: &OperationPage) -> Vec<OperationId> {
    page.items.iter().map(|record| record.id).collect()
}

async fn begin(fixture: &Fixture, new: NewOperation) -> OperationId {
    let id = new.id;
    let payload = Secret::new("{}");
    let begun = fixture.store.begin_operation(new, &payload, vec![]);
    begun.await.unwrap();
    id
}

/// So many operations, each a microsecond after the one before it.
async fn begin_many(fixture: &Fixture, team: Team, server: ServerId, n: usize) -> Vec<OperationId> {
    let mut ids = Vec::new();
    for _ in 0..n {
        fixture.clock.advance(Duration::from_micros(1));
        ids.push(begin(fixture, fixture.new_operation(team, server)).await);
    }
    ids
}

async fn pages_are_newest_first_and_end(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let server = fixture.server(team, "web").await;
    assert_eq!(page(&fixture, team, &all(5)).await.items, []);
    let mut begun = begin_many(&fixture, team, server, 5).await;
    // Two of the same moment: the id decides.
    begun.push(begin(&fixture, fixture.new_operation(team, server)).await);
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let found = page(&fixture, team, &OperationQuery { before, ..all(2) }).await;
        assert_eq!(found.items.len(), 2);
        seen.extend(ids(&found));
        before = found.next;
        if before.is_none() {
            break;
        }
    }
    begun[4..].sort_by_key(ToString::to_string);
    begun.reverse();
    assert_eq!(seen, begun);
    assert_eq!(ids(&page(&fixture, team, &all(200)).await), begun);
}

async fn pages_stay_right_while_operations_are_added(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let server = fixture.server(team, "web").await;
    let mut begun = begin_many(&fixture, team, server, 9).await;
    begun.reverse();
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let found = page(&fixture, team, &OperationQuery { before, ..all(2) }).await;
        seen.extend(ids(&found));
        begin_many(&fixture, team, server, 3).await;
        before = found.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen, begun);
}

fn key() -> Actor {
    Actor {
        kind: ActorKind::AutomationKey,
        id: Some(
            AutomationKeyId::new(&reoclo_testkit::RealClock::default(), &RealEntropy).as_uuid(),
        ),
        label: "ci".into(),
    }
}

/// Operations that differ in everything that can be filtered by.
struct Several {
    team: Team,
    plain: NewOperation,
    elsewhere: NewOperation,
    reboot: NewOperation,
    by_key: NewOperation,
    of_run: NewOperation,
    failed: NewOperation,
    timeout: NewOperation,
}

impl Several {
    async fn begin(fixture: &Fixture) -> Self {
        let team = fixture.team("zoo").await;
        let server = fixture.server(team, "web").await;
        let other = fixture.server(team, "db").await;
        let new = |change: &dyn Fn(&mut NewOperation)| {
            fixture.clock.advance(Duration::from_secs(1));
            let mut new = fixture.new_operation(team, server);
            new.run_id = None;
            change(&mut new);
            new
        };
        let several = Self {
            team,
            plain: new(&|_| {}),
            elsewhere: new(&|new| new.server = other),
            reboot: new(&|new| new.kind = OperationKind::Reboot),
            by_key: new(&|new| new.starter = key()),
            of_run: new(&|new| new.run_id = Some("'; DROP TABLE operations; --".into())),
            failed: new(&|_| {}),
            timeout: new(&|_| {}),
        };
        for new in several.all() {
            begin(fixture, new.clone()).await;
        }
        for (new, state) in [
            (&several.plain, OperationState::Completed),
            (&several.failed, OperationState::Failed),
            (&several.timeout, OperationState::Timeout),
        ] {
            let outcome = OperationOutcome {
                state,
                ..fixture.outcome()
            };
            let finished = fixture.store.finish_operation(new.id, outcome, vec![]);
            assert!(finished.await.unwrap());
        }
        several
    }

    /// Oldest first.
    fn all(&self) -> [&NewOperation; 7] {
        [
            &self.plain,
            &self.elsewhere,
            &self.reboot,
            &self.by_key,
            &self.of_run,
            &self.failed,
            &self.timeout,
        ]
    }
}

fn newest_first<'a>(operations: impl IntoIterator<Item = &'a NewOperation>) -> Vec<OperationId> {
    let mut ids: Vec<_> = operations.into_iter().map(|new| new.id).collect();
    ids.reverse();
    ids
}

async fn every_filter_takes_its_operations_and_no_others(fixture: Fixture) {
    let several = Several::begin(&fixture).await;
    let expect = async |filter: OperationFilter, fits: &dyn Fn(&NewOperation) -> bool| {
        let query = OperationQuery {
            filter: filter.clone(),
            ..all(50)
        };
        let found = page(&fixture, several.team, &query).await;
        let fitting = several.all().into_iter().filter(|new| fits(new));
        assert_eq!(ids(&found), newest_first(fitting), "{filter:?}");
    };
    let of = OperationFilter::default;
    for server in [several.plain.server, several.elsewhere.server] {
        let filter = OperationFilter {
            server: Some(server),
            ..of()
        };
        expect(filter, &|new| new.server == server).await;
    }
    for kind in OperationKind::ALL {
        let filter = OperationFilter {
            kind: Some(kind),
            ..of()
        };
        expect(filter, &|new| new.kind == kind).await;
    }
    for state in OperationState::ALL {
        let filter = OperationFilter {
            state: Some(state),
            ..of()
        };
        let state_of = |new: &NewOperation| match new.id {
            id if id == several.plain.id => OperationState::Completed,
            id if id == several.failed.id => OperationState::Failed,
            id if id == several.timeout.id => OperationState::Timeout,
            _ => OperationState::Running,
        };
        expect(filter, &|new| state_of(new) == state).await;
    }
    for (ended, fits) in [
        (Ended::Well, vec![several.plain.id]),
        (Ended::Badly, vec![several.failed.id, several.timeout.id]),
    ] {
        let filter = OperationFilter {
            ended: Some(ended),
            ..of()
        };
        expect(filter, &|new| fits.contains(&new.id)).await;
    }
    let starter = several.by_key.starter.id;
    expect(OperationFilter { starter, ..of() }, &|new| {
        new.starter.id == starter
    })
    .await;
    let run_id = several.of_run.run_id.clone();
    let filter = OperationFilter {
        run_id: run_id.clone(),
        ..of()
    };
    expect(filter, &|new| new.run_id == run_id).await;
    let middle = several.by_key.created_at;
    expect(
        OperationFilter {
            from: Some(middle),
            ..of()
        },
        &|new| new.created_at >= middle,
    )
    .await;
    expect(
        OperationFilter {
            to: Some(middle),
            ..of()
        },
        &|new| new.created_at <= middle,
    )
    .await;
}

async fn another_exit_code_than_0_is_a_failure(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let server = fixture.server(team, "web").await;
    let mut begun = Vec::new();
    for exit_code in [0, 7] {
        let id = begin(&fixture, fixture.new_operation(team, server)).await;
        let outcome = OperationOutcome {
            exit_code,
            ..fixture.outcome()
        };
        let finished = fixture.store.finish_operation(id, outcome, vec![]);
        assert!(finished.await.unwrap());
        begun.push(id);
    }
    let _running = begin(&fixture, fixture.new_operation(team, server)).await;
    for (ended, id) in [(Ended::Well, begun[0]), (Ended::Badly, begun[1])] {
        let filter = OperationFilter {
            ended: Some(ended),
            ..OperationFilter::default()
        };
        let query = OperationQuery { filter, ..all(50) };
        assert_eq!(ids(&page(&fixture, team, &query).await), [id]);
    }
}

async fn filters_narrow_each_other(fixture: Fixture) {
    let several = Several::begin(&fixture).await;
    let filter = OperationFilter {
        server: Some(several.plain.server),
        kind: Some(OperationKind::Exec),
        state: Some(OperationState::Running),
        starter: several.by_key.starter.id,
        ..OperationFilter::default()
    };
    let query = OperationQuery {
        filter: filter.clone(),
        ..all(50)
    };
    assert_eq!(
        ids(&page(&fixture, several.team, &query).await),
        [several.by_key.id]
    );
    let filter = OperationFilter {
        server: Some(several.elsewhere.server),
        ..filter
    };
    let query = OperationQuery { filter, ..all(50) };
    assert_eq!(page(&fixture, several.team, &query).await.items, []);
}

async fn another_organization_has_other_operations(fixture: Fixture) {
    let several = Several::begin(&fixture).await;
    let other = fixture.team("park").await;
    assert_eq!(page(&fixture, other, &all(50)).await.items, []);
    let filter = OperationFilter {
        server: Some(several.plain.server),
        ..OperationFilter::default()
    };
    let query = OperationQuery { filter, ..all(50) };
    assert_eq!(page(&fixture, other, &query).await.items, []);
}

async fn records_of_a_page_have_no_output(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let server = fixture.server(team, "web").await;
    let id = begin(&fixture, fixture.new_operation(team, server)).await;
    let outcome = fixture.outcome();
    let finished = fixture.store.finish_operation(id, outcome, vec![]);
    assert!(finished.await.unwrap());
    let whole = fixture.store.operation(team.organization, id).await;
    let whole = whole.unwrap().unwrap();
    let mut outcome = whole.outcome.clone().unwrap();
    assert!(!outcome.stdout.bytes.is_empty());
    outcome.stdout.bytes.clear();
    let expected = OperationRecord {
        outcome: Some(outcome),
        ..whole
    };
    assert_eq!(page(&fixture, team, &all(1)).await.items, [expected]);
}

/// What the database would do, for each filter that a list can have: it never sorts and never
/// reads the whole table.
#[tokio::test]
async fn sqlite_reads_every_list_from_an_index() {
    let fixture = Fixture::sqlite().await;
    let mut connection = fixture.database.connect().await;
    for (condition, index) in [
        ("", "operations_newest"),
        ("AND server_id = 'x'", "operations_server"),
        ("AND starter_id = 'x'", "operations_starter"),
        ("AND run_id = 'x'", "operations_run"),
        (
            "AND kind = 'reboot' AND kind <> 'exec'",
            "operations_rare_kind",
        ),
        ("AND state = 'running'", "operations_running"),
        (
            "AND state = 'failed' AND state IN ('failed', 'timeout')",
            "operations_rare_state",
        ),
        (
            "AND (state IN ('failed', 'timeout') OR exit_code <> 0)",
            "operations_failure",
        ),
    ] {
        let text = format!(
            "EXPLAIN QUERY PLAN SELECT id FROM operations WHERE organization_id = 'o' {condition}
             AND (created_at, id) < (5, 'x') ORDER BY created_at DESC, id DESC LIMIT 5"
        );
        let plan = sqlx::query(sqlx::AssertSqlSafe(text))
            .fetch_all(&mut connection)
            .await
            .unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
        assert_eq!(plan.len(), 1, "{condition}: {plan:?}");
        assert!(plan[0].starts_with("SEARCH"), "{condition}: {plan:?}");
        assert!(plan[0].contains(index), "{condition}: {plan:?}");
    }
}
