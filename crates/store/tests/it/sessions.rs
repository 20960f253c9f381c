//! Sessions, passwords, and from where people sign in.

use std::time::Duration;

use reoclo_domain::{Clock, PlainToken, Role, Secret, SessionId, TokenHash, TokenKind, UserId};
use reoclo_store::{
    Conflict, Edit, Edited, MemberRecord, NewPassword, NewSession, PasswordStatus,
    RefusedPasswords, SessionsEnded, StoreError,
};

use crate::fixture::{Fixture, Team};

contract![
    a_session_is_found_with_its_person_as_they_are,
    a_session_ends_alone_or_with_all_others,
    a_new_session_takes_the_place_of_an_old_one_and_of_dead_ones,
    the_last_use_only_goes_forward,
    a_new_password_ends_every_session,
    an_account_is_found_by_its_address,
    devices_are_known_to_their_person_and_the_oldest_go,
    refused_passwords_are_counted_by_day_and_address,
    people_are_listed_by_organization,
    a_person_joins_a_second_organization_once,
];

const DAY: Duration = Duration::from_hours(24);

fn session(fixture: &Fixture, team: Team, user: UserId) -> NewSession {
    let now = fixture.clock.now();
    NewSession {
        id: SessionId::new(&*fixture.clock, &*fixture.entropy),
        token: PlainToken::generate(TokenKind::Session, &*fixture.entropy).hash(),
        user,
        organization: team.organization,
        created_at: now,
        expires_at: now.plus(DAY),
        ip: Some([192, 0, 2, 7].into()),
        user_agent: Some("a browser".into()),
    }
}

async fn begin(fixture: &Fixture, team: Team, user: UserId) -> NewSession {
    let new = session(fixture, team, user);
    create(fixture, new.clone(), None).await;
    new
}

async fn create(fixture: &Fixture, new: NewSession, replaces: Option<TokenHash>) {
    let idle_since = fixture.clock.now().minus(DAY);
    fixture
        .store
        .create_session(new, replaces, idle_since, vec![])
        .await
        .unwrap();
}

async fn is_there(fixture: &Fixture, session: &NewSession) -> bool {
    let found = fixture.store.find_session(&session.token).await;
    found.unwrap().is_some()
}

async fn a_session_is_found_with_its_person_as_they_are(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let new = begin(&fixture, team, team.admin).await;
    let found = fixture.store.find_session(&new.token).await.unwrap();
    let found = found.unwrap();
    assert_eq!((found.id, found.user), (new.id, team.admin));
    assert_eq!(found.email, "admin@zoo.example");
    assert_eq!(found.organization, team.organization);
    assert_eq!(found.role, Some(Role::Admin));
    assert_eq!(found.expires_at, new.expires_at);
    assert!(!found.must_change_password && !found.may_create_organizations);

    let second = fixture.new_user("bob@zoo.example");
    let bob = second.id;
    let store = &fixture.store;
    store
        .create_user(second, team.organization, Role::Admin, vec![])
        .await
        .unwrap();
    let new = begin(&fixture, team, bob).await;
    store
        .set_role(team.organization, bob, Some(Role::Viewer), vec![])
        .await
        .unwrap();
    let may = |member: &MemberRecord| {
        let mut member = member.clone();
        member.may_create_organizations = true;
        let (record, events) = (Some(member), vec![]);
        Ok::<_, std::convert::Infallible>(Edit { record, events })
    };
    let edited = store.change_member(team.organization, bob, may).await;
    assert!(matches!(edited, Ok(Edited::Is(_))));
    let found = store.find_session(&new.token).await.unwrap().unwrap();
    assert_eq!(found.role, Some(Role::Viewer));
    assert!(found.may_create_organizations);
    store
        .set_role(team.organization, bob, None, vec![])
        .await
        .unwrap();
    let found = store.find_session(&new.token).await.unwrap().unwrap();
    assert_eq!(found.role, None);
}

async fn a_session_ends_alone_or_with_all_others(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let mut sessions = vec![];
    for _ in 0..3 {
        sessions.push(begin(&fixture, team, team.admin).await);
    }
    let end = |ended| {
        let event = fixture.event(team, "user.sign_out");
        fixture.store.end_sessions(team.admin, ended, vec![event])
    };
    end(SessionsEnded::One(sessions[0].id)).await.unwrap();
    assert!(!is_there(&fixture, &sessions[0]).await);
    assert!(is_there(&fixture, &sessions[1]).await);
    end(SessionsEnded::All).await.unwrap();
    for session in &sessions {
        assert!(!is_there(&fixture, session).await);
    }
    assert_eq!(fixture.actions(team).await, ["user.sign_out"; 2]);
}

async fn a_new_session_takes_the_place_of_an_old_one_and_of_dead_ones(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let old = begin(&fixture, team, team.admin).await;
    let new = session(&fixture, team, team.admin);
    create(&fixture, new.clone(), Some(old.token)).await;
    assert!(!is_there(&fixture, &old).await);
    assert!(is_there(&fixture, &new).await);
    fixture.clock.advance(DAY);
    let other = begin(&fixture, team, team.admin).await;
    assert!(!is_there(&fixture, &new).await, "it was over");
    assert!(is_there(&fixture, &other).await);
}

async fn the_last_use_only_goes_forward(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let session = begin(&fixture, team, team.admin).await;
    let begun = session.created_at;
    let at = |seconds| begun.plus(Duration::from_secs(seconds));
    for (seen, expected) in [(at(60), at(60)), (at(30), at(60)), (at(90), at(90))] {
        let store = &fixture.store;
        store
            .touch_sessions(vec![(session.id, seen)])
            .await
            .unwrap();
        let found = store.find_session(&session.token).await.unwrap().unwrap();
        assert_eq!(found.last_seen_at, expected);
    }
}

async fn a_new_password_ends_every_session(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let old = begin(&fixture, team, team.admin).await;
    let new = session(&fixture, team, team.admin);
    let store = &fixture.store;
    let until = fixture.clock.now().plus(DAY);
    let password = NewPassword {
        hash: Secret::new("$argon2id$new"),
        temporary_until: Some(until),
        replaces: None,
    };
    let set = store.set_password(team.admin, password.clone(), Some(new.clone()), vec![]);
    set.await.unwrap();
    assert!(!is_there(&fixture, &old).await);
    let found = store.find_session(&new.token).await.unwrap().unwrap();
    assert!(found.must_change_password);
    let account = store.account_of(team.admin).await.unwrap().unwrap();
    assert_eq!(account.password_hash.unwrap().expose(), "$argon2id$new");
    assert_eq!(account.temporary_until, Some(until));
    let overtaken = NewPassword {
        hash: Secret::new("$argon2id$later"),
        temporary_until: None,
        replaces: Some(Secret::new("$argon2id$old")),
    };
    let refused = store.set_password(team.admin, overtaken.clone(), None, vec![]);
    assert!(matches!(
        refused.await,
        Err(StoreError::Conflict(Conflict::Changed))
    ));
    let right = NewPassword {
        replaces: Some(Secret::new("$argon2id$new")),
        ..overtaken
    };
    let set = store.set_password(team.admin, right, None, vec![]).await;
    set.unwrap();
    let nobody = UserId::new(&*fixture.clock, &*fixture.entropy);
    let refused = store.set_password(nobody, password, None, vec![]).await;
    assert!(matches!(
        refused,
        Err(StoreError::Conflict(Conflict::Missing))
    ));
}

async fn an_account_is_found_by_its_address(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let store = &fixture.store;
    for address in ["admin@zoo.example", "ADMIN@zoo.example"] {
        let account = store.account(address).await.unwrap().unwrap();
        assert_eq!(account.user.id, team.admin);
    }
    assert!(store.account("admin@ape.example").await.unwrap().is_none());
    let memberships = store.memberships(team.admin).await.unwrap();
    assert_eq!(memberships.len(), 1);
    assert_eq!(memberships[0].slug, "zoo");
    assert_eq!(memberships[0].role, Role::Admin);
}

async fn devices_are_known_to_their_person_and_the_oldest_go(fixture: Fixture) {
    let (team, other) = (fixture.team("zoo").await, fixture.team("ape").await);
    let store = &fixture.store;
    for number in 0..60_u64 {
        let at = fixture.clock.now().plus(Duration::from_secs(number));
        let devices = vec![format!("device:{number:02}")];
        store
            .remember_devices(team.admin, devices, at)
            .await
            .unwrap();
    }
    let known = store.known_devices(team.admin).await.unwrap();
    assert_eq!(known.len(), 50);
    assert_eq!(known[0].0, "device:10");
    assert_eq!(store.known_devices(other.admin).await.unwrap(), []);
}

async fn refused_passwords_are_counted_by_day_and_address(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let store = &fixture.store;
    let refused = |number: u32, tries: u32| RefusedPasswords {
        user: team.admin,
        at: fixture.clock.now(),
        ip: Some(number.to_be_bytes().into()),
        tries,
    };
    let many: Vec<_> = (0..150).map(|number| refused(number, 1)).collect();
    let event = fixture.event(team, "user.sign_in");
    store
        .record_refused_passwords(many, vec![event])
        .await
        .unwrap();
    store
        .record_refused_passwords(vec![refused(1, 4)], vec![])
        .await
        .unwrap();
    let shown = store.refused_passwords(team.admin).await.unwrap();
    assert_eq!(shown.len(), 20);
    assert_eq!((shown[0].ip, shown[0].tries), (None, 50));
    let of_one = shown.iter().find(|one| one.ip == refused(1, 1).ip);
    assert_eq!(of_one.unwrap().tries, 5);
    assert_eq!(fixture.actions(team).await, ["user.sign_in"]);
}

async fn people_are_listed_by_organization(fixture: Fixture) {
    let (zoo, ape) = (fixture.team("zoo").await, fixture.team("ape").await);
    let store = &fixture.store;
    let bob = fixture.new_user("bob@zoo.example");
    let id = bob.id;
    store
        .create_user(bob, zoo.organization, Role::Viewer, vec![])
        .await
        .unwrap();
    let members = store.members(zoo.organization, "").await.unwrap();
    assert_eq!(members.len(), 2);
    let found = store.members(zoo.organization, "BOB@").await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].id, found[0].role), (id, Role::Viewer));
    assert!(found[0].is_only_here);
    assert_eq!(
        store.member(zoo.organization, id).await.unwrap().as_ref(),
        Some(&found[0])
    );
    assert_eq!(store.member(ape.organization, id).await.unwrap(), None);
    assert_ne!(found[0].password, PasswordStatus::Temporary);
}

async fn a_person_joins_a_second_organization_once(fixture: Fixture) {
    let (zoo, ape) = (fixture.team("zoo").await, fixture.team("ape").await);
    let store = &fixture.store;
    let join = async |user| {
        let event = fixture.event(ape, "user.add");
        store
            .create_member(ape.organization, user, Role::Viewer, vec![event])
            .await
    };
    join(zoo.admin).await.unwrap();
    assert!(matches!(
        join(zoo.admin).await,
        Err(StoreError::Conflict(Conflict::Exists))
    ));
    let nobody = UserId::new(&*fixture.clock, &*fixture.entropy);
    assert!(matches!(
        join(nobody).await,
        Err(StoreError::Conflict(Conflict::Missing))
    ));
    let role = store.role_of(ape.organization, zoo.admin).await.unwrap();
    assert_eq!(role, Some(Role::Viewer));
    let both = store.member(ape.organization, zoo.admin).await.unwrap();
    assert!(!both.unwrap().is_only_here);
    assert_eq!(fixture.actions(ape).await, ["user.add"]);
}
