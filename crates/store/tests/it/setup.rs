//! The first start and the set-up link.

use std::time::Duration;

use reoclo_domain::{Clock, Role, Secret, TokenHash};
use reoclo_store::{
    Bootstrap, Conflict, NewSetupLink, NewUser, PendingSetup, Profile, RequestSource, SetupOutcome,
    StoreError,
};

use crate::fixture::{Fixture, Team};

contract![
    bootstrap_makes_everything_at_once,
    only_one_bootstrap_succeeds,
    a_set_up_link_works_once,
    a_replaced_or_expired_link_does_not_work,
    set_up_refuses_a_taken_address,
];

/// What the first start makes, and the team that it will be.
fn bootstrap(fixture: &Fixture, slug: &str) -> (Bootstrap, Team) {
    let organization = fixture.new_organization(slug);
    let admin = NewUser {
        email: None,
        name: None,
        ..fixture.new_user("")
    };
    let team = Team {
        organization: organization.id,
        admin: admin.id,
    };
    let bootstrap = Bootstrap {
        organization,
        admin,
        setup: link(fixture),
        server: Some(fixture.new_server(team, "this-machine")),
    };
    (bootstrap, team)
}

fn link(fixture: &Fixture) -> NewSetupLink {
    NewSetupLink {
        token: fixture.token_hash(),
        expires_at: fixture.clock.now().plus(Duration::from_mins(1)),
    }
}

fn profile() -> Profile {
    Profile {
        name: "Ada".into(),
        email: "ada@zoo.example".into(),
        password_hash: Secret::new("$argon2id$…"),
    }
}

async fn complete(fixture: &Fixture, link: TokenHash) -> Result<SetupOutcome, StoreError> {
    let source = RequestSource::default();
    fixture
        .store
        .complete_setup(link, fixture.clock.now(), profile(), source)
        .await
}

async fn is_open(fixture: &Fixture, link: TokenHash) -> bool {
    let (store, now) = (&fixture.store, fixture.clock.now());
    store.setup_link_is_open(link, now).await.unwrap()
}

async fn bootstrap_makes_everything_at_once(fixture: Fixture) {
    let (new, team) = bootstrap(&fixture, "default");
    let store = &fixture.store;
    store
        .bootstrap(
            new.clone(),
            vec![fixture.event(team, "organization.create")],
        )
        .await
        .unwrap();
    assert_eq!(
        store.organizations().await.unwrap(),
        [new.organization.into()]
    );
    let pending = PendingSetup {
        user: team.admin,
        organization: team.organization,
    };
    assert_eq!(store.pending_setup().await.unwrap(), Some(pending));
    let role = store.role_of(team.organization, team.admin).await.unwrap();
    assert_eq!(role, Some(Role::Admin));
    assert_eq!(store.servers(team.organization).await.unwrap().len(), 1);
    assert_eq!(fixture.actions(team).await, ["organization.create"]);
}

async fn only_one_bootstrap_succeeds(fixture: Fixture) {
    let (first, _) = bootstrap(&fixture, "one");
    let (second, _) = bootstrap(&fixture, "two");
    let other = fixture.reopened().await;
    let (first, second) = tokio::join!(
        fixture.store.bootstrap(first, vec![]),
        other.bootstrap(second, vec![])
    );
    assert!(first.is_ok() != second.is_ok());
    let refused = first.and(second);
    assert!(matches!(
        refused,
        Err(StoreError::Conflict(Conflict::AlreadySetUp))
    ));
    assert_eq!(fixture.store.organizations().await.unwrap().len(), 1);
}

async fn a_set_up_link_works_once(fixture: Fixture) {
    let (new, team) = bootstrap(&fixture, "default");
    let token = new.setup.token;
    fixture.store.bootstrap(new, vec![]).await.unwrap();
    let completed = SetupOutcome::Completed {
        user: team.admin,
        organization: team.organization,
    };
    assert!(is_open(&fixture, token).await);
    assert_eq!(complete(&fixture, token).await.unwrap(), completed);
    assert!(!is_open(&fixture, token).await);
    assert_eq!(
        complete(&fixture, token).await.unwrap(),
        SetupOutcome::Unknown
    );
    assert_eq!(fixture.store.pending_setup().await.unwrap(), None);
    let user = fixture.store.user(team.admin).await.unwrap().unwrap();
    assert_eq!(user.email.as_deref(), Some("ada@zoo.example"));
    assert_eq!(fixture.actions(team).await, ["user.setup"]);
}

async fn a_replaced_or_expired_link_does_not_work(fixture: Fixture) {
    let (new, team) = bootstrap(&fixture, "default");
    let first = new.setup.token;
    fixture.store.bootstrap(new, vec![]).await.unwrap();
    let second = link(&fixture);
    let event = fixture.event(team, "user.setup_link");
    fixture
        .store
        .replace_setup_link(team.admin, second, vec![event])
        .await
        .unwrap();
    assert_eq!(
        complete(&fixture, first).await.unwrap(),
        SetupOutcome::Unknown
    );
    assert!(!is_open(&fixture, first).await);
    assert!(is_open(&fixture, second.token).await);
    fixture.clock.advance(Duration::from_mins(1));
    assert!(!is_open(&fixture, second.token).await);
    assert_eq!(
        complete(&fixture, second.token).await.unwrap(),
        SetupOutcome::Expired
    );
    assert!(fixture.store.pending_setup().await.unwrap().is_some());
    assert_eq!(fixture.actions(team).await, ["user.setup_link"]);

    let nobody = fixture.new_user("").id;
    let refused = fixture
        .store
        .replace_setup_link(nobody, second, vec![])
        .await;
    assert!(matches!(
        refused,
        Err(StoreError::Conflict(Conflict::Missing | Conflict::Exists))
    ));
}

async fn set_up_refuses_a_taken_address(fixture: Fixture) {
    let (new, team) = bootstrap(&fixture, "default");
    let token = new.setup.token;
    fixture.store.bootstrap(new, vec![]).await.unwrap();
    let other = fixture.new_user("ADA@zoo.example");
    fixture
        .store
        .create_user(other, team.organization, Role::Viewer, vec![])
        .await
        .unwrap();
    let refused = complete(&fixture, token).await;
    assert!(matches!(
        refused,
        Err(StoreError::Conflict(Conflict::Taken {
            table: "users",
            column: "email"
        }))
    ));
    assert!(fixture.store.pending_setup().await.unwrap().is_some());
    assert_eq!(fixture.actions(team).await, [""; 0]);
}
