//! Enrolment: a token is used by one runner.

use std::time::Duration;

use reoclo_domain::{Clock, ServerId, ServerStatus, TokenHash};
use reoclo_store::{EnrolOutcome, NewEnrolment, RequestSource};

use crate::fixture::{Fixture, Team};

contract![
    an_enrolled_key_is_the_runners_identity,
    the_same_key_may_enrol_again_until_the_token_expires,
    another_key_finds_the_token_used,
    an_expired_or_unknown_token_does_nothing,
    of_two_runners_at_once_one_is_enrolled,
    a_replaced_token_is_dead,
    only_a_server_that_waits_gets_another_token,
    a_decommissioned_server_cannot_be_enrolled,
];

const KEY: &[u8] = &[1; 32];
const OTHER: &[u8] = &[2; 32];

async fn server(fixture: &Fixture) -> (Team, ServerId, NewEnrolment) {
    let team = fixture.team("zoo").await;
    let (server, enrolment) = (fixture.new_server(team, "web"), fixture.enrolment());
    let id = server.id;
    fixture
        .store
        .create_server(server, Some(enrolment), vec![])
        .await
        .unwrap();
    (team, id, enrolment)
}

async fn enrol(fixture: &Fixture, token: TokenHash, key: &[u8]) -> EnrolOutcome {
    let source = RequestSource::default();
    let enrolled = fixture
        .store
        .enrol(token, key, fixture.clock.now(), source)
        .await;
    enrolled.unwrap()
}

async fn public_key(fixture: &Fixture, server: ServerId) -> Option<Vec<u8>> {
    fixture
        .store
        .runner_identity(server)
        .await
        .unwrap()
        .unwrap()
        .public_key
}

async fn an_enrolled_key_is_the_runners_identity(fixture: Fixture) {
    let (team, server, enrolment) = server(&fixture).await;
    let enrolled = EnrolOutcome::Enrolled {
        server,
        organization: team.organization,
    };
    assert_eq!(enrol(&fixture, enrolment.token, KEY).await, enrolled);
    assert_eq!(public_key(&fixture, server).await.as_deref(), Some(KEY));
    let rows = fixture
        .store
        .audit_events(Some(team.organization), 0, 10)
        .await
        .unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].action, "runner.enrol");
    assert_eq!(rows[0].resource_id, Some(server.to_string()));
}

async fn the_same_key_may_enrol_again_until_the_token_expires(fixture: Fixture) {
    let (team, _, enrolment) = server(&fixture).await;
    let first = enrol(&fixture, enrolment.token, KEY).await;
    assert_eq!(enrol(&fixture, enrolment.token, KEY).await, first);
    fixture.clock.advance(Duration::from_hours(1));
    assert_eq!(
        enrol(&fixture, enrolment.token, KEY).await,
        EnrolOutcome::Expired
    );
    assert_eq!(fixture.actions(team).await, ["runner.enrol"]);
}

async fn another_key_finds_the_token_used(fixture: Fixture) {
    let (_, server, enrolment) = server(&fixture).await;
    enrol(&fixture, enrolment.token, KEY).await;
    assert_eq!(
        enrol(&fixture, enrolment.token, OTHER).await,
        EnrolOutcome::Used
    );
    assert_eq!(public_key(&fixture, server).await.as_deref(), Some(KEY));
}

async fn an_expired_or_unknown_token_does_nothing(fixture: Fixture) {
    let (team, server, enrolment) = server(&fixture).await;
    assert_eq!(
        enrol(&fixture, fixture.token_hash(), KEY).await,
        EnrolOutcome::Unknown
    );
    fixture.clock.advance(Duration::from_hours(1));
    assert_eq!(
        enrol(&fixture, enrolment.token, KEY).await,
        EnrolOutcome::Expired
    );
    assert_eq!(public_key(&fixture, server).await, None);
    assert_eq!(fixture.actions(team).await, [""; 0]);
}

async fn of_two_runners_at_once_one_is_enrolled(fixture: Fixture) {
    let (team, server, enrolment) = server(&fixture).await;
    let other = fixture.reopened().await;
    let now = fixture.clock.now();
    let (first, second) = tokio::join!(
        fixture
            .store
            .enrol(enrolment.token, KEY, now, RequestSource::default()),
        other.enrol(enrolment.token, OTHER, now, RequestSource::default()),
    );
    let (first, second) = (first.unwrap(), second.unwrap());
    let (winner, loser) = match first {
        EnrolOutcome::Used => (OTHER, first),
        _ => (KEY, second),
    };
    assert_eq!(loser, EnrolOutcome::Used);
    assert_eq!(public_key(&fixture, server).await.as_deref(), Some(winner));
    assert_eq!(fixture.actions(team).await, ["runner.enrol"]);
}

async fn only_a_server_that_waits_gets_another_token(fixture: Fixture) {
    let (team, server, first) = server(&fixture).await;
    let replace = async |organization, enrolment| {
        let event = fixture.event(team, "enrolment.create");
        let store = &fixture.store;
        store
            .replace_unused_enrolment(organization, server, enrolment, vec![event])
            .await
            .unwrap()
    };
    let (second, third) = (fixture.enrolment(), fixture.enrolment());
    let other = fixture.team("ape").await;
    assert!(!replace(other.organization, second).await);
    assert!(replace(team.organization, second).await);
    let unknown = EnrolOutcome::Unknown;
    assert_eq!(enrol(&fixture, first.token, KEY).await, unknown);
    enrol(&fixture, second.token, KEY).await;
    let now = fixture.clock.now();
    for status in [
        ServerStatus::Active,
        ServerStatus::Unreachable,
        ServerStatus::Decommissioned,
    ] {
        let store = &fixture.store;
        store
            .set_server_status(server, status, now, vec![])
            .await
            .unwrap();
        assert!(!replace(team.organization, third).await, "{status:?}");
    }
    assert_eq!(enrol(&fixture, third.token, OTHER).await, unknown);
    let actions = fixture.actions(team).await;
    assert_eq!(actions, ["enrolment.create", "runner.enrol"]);
}

async fn a_replaced_token_is_dead(fixture: Fixture) {
    let (team, server, first) = server(&fixture).await;
    enrol(&fixture, first.token, KEY).await;
    let second = fixture.enrolment();
    let event = fixture.event(team, "server.enrolment");
    let replaced = fixture
        .store
        .replace_enrolment(team.organization, server, second, vec![event]);
    assert!(replaced.await.unwrap());
    assert_eq!(
        enrol(&fixture, first.token, KEY).await,
        EnrolOutcome::Unknown
    );
    // The runner goes on until another takes its place.
    assert_eq!(public_key(&fixture, server).await.as_deref(), Some(KEY));
    enrol(&fixture, second.token, OTHER).await;
    assert_eq!(public_key(&fixture, server).await.as_deref(), Some(OTHER));
    let said = ["runner.enrol", "server.enrolment", "runner.enrol"];
    assert_eq!(fixture.actions(team).await, said);
}

async fn a_decommissioned_server_cannot_be_enrolled(fixture: Fixture) {
    let (team, server, enrolment) = server(&fixture).await;
    let now = fixture.clock.now();
    let removed = ServerStatus::Decommissioned;
    fixture
        .store
        .set_server_status(server, removed, now, vec![])
        .await
        .unwrap();
    assert_eq!(
        enrol(&fixture, enrolment.token, KEY).await,
        EnrolOutcome::Unknown
    );
    let enrolment = fixture.enrolment();
    let replaced = fixture
        .store
        .replace_enrolment(team.organization, server, enrolment, vec![]);
    assert!(!replaced.await.unwrap());
    assert_eq!(public_key(&fixture, server).await, None);
}
