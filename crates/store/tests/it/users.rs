//! People and roles.

use reoclo_domain::{OrganizationId, Role, UserId};
use reoclo_store::{Conflict, StoreError, UserRecord};

use crate::fixture::Fixture;

contract![
    a_person_has_a_role_in_one_organization,
    an_email_address_is_taken_once_whatever_its_case,
    a_role_changes_and_ends,
    the_last_admin_stays,
    unknown_people_and_organizations_are_refused,
];

async fn a_person_has_a_role_in_one_organization(fixture: Fixture) {
    let (zoo, ape) = (fixture.team("zoo").await, fixture.team("ape").await);
    let store = &fixture.store;
    let user = fixture.new_user("bob@zoo.example");
    let event = fixture.event(zoo, "user.create");
    store
        .create_user(user.clone(), zoo.organization, Role::Developer, vec![event])
        .await
        .unwrap();
    let role = |organization| store.role_of(organization, user.id);
    assert_eq!(role(zoo.organization).await.unwrap(), Some(Role::Developer));
    assert_eq!(role(ape.organization).await.unwrap(), None);
    let found = UserRecord {
        id: user.id,
        email: user.email.clone(),
        name: user.name.clone(),
        created_at: user.created_at,
    };
    assert_eq!(store.user(user.id).await.unwrap(), Some(found));
    assert_eq!(fixture.actions(zoo).await, ["user.create"]);
}

async fn an_email_address_is_taken_once_whatever_its_case(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let second = fixture.new_user("ADMIN@zoo.example");
    let id = second.id;
    let refused = fixture
        .store
        .create_user(second, team.organization, Role::Viewer, vec![])
        .await;
    assert!(matches!(
        refused,
        Err(StoreError::Conflict(Conflict::Taken {
            table: "users",
            column: "email"
        }))
    ));
    assert_eq!(fixture.store.user(id).await.unwrap(), None);
    assert_eq!(
        fixture.store.role_of(team.organization, id).await.unwrap(),
        None
    );
}

async fn a_role_changes_and_ends(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let store = &fixture.store;
    let user = fixture.new_user("bob@zoo.example");
    let id = user.id;
    store
        .create_user(user, team.organization, Role::Viewer, vec![])
        .await
        .unwrap();
    for role in [
        Some(Role::Manager),
        Some(Role::Admin),
        Some(Role::Viewer),
        None,
    ] {
        let event = fixture.event(team, "user.role");
        store
            .set_role(team.organization, id, role, vec![event])
            .await
            .unwrap();
        assert_eq!(store.role_of(team.organization, id).await.unwrap(), role);
        assert_eq!(
            fixture
                .reopened()
                .await
                .role_of(team.organization, id)
                .await
                .unwrap(),
            role
        );
    }
    assert_eq!(fixture.actions(team).await, ["user.role"; 4]);
}

async fn the_last_admin_stays(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let store = &fixture.store;
    for role in [None, Some(Role::Manager)] {
        let event = fixture.event(team, "user.role");
        let refused = store
            .set_role(team.organization, team.admin, role, vec![event])
            .await;
        assert!(matches!(
            refused,
            Err(StoreError::Conflict(Conflict::LastAdmin))
        ));
    }
    let admin = store.role_of(team.organization, team.admin).await.unwrap();
    assert_eq!(admin, Some(Role::Admin));
    assert_eq!(fixture.actions(team).await, [""; 0]);

    let second = fixture.new_user("bob@zoo.example");
    let id = second.id;
    store
        .create_user(second, team.organization, Role::Admin, vec![])
        .await
        .unwrap();
    store
        .set_role(team.organization, team.admin, None, vec![])
        .await
        .unwrap();
    let refused = store.set_role(team.organization, id, None, vec![]).await;
    assert!(matches!(
        refused,
        Err(StoreError::Conflict(Conflict::LastAdmin))
    ));
}

async fn unknown_people_and_organizations_are_refused(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let store = &fixture.store;
    let nobody = UserId::new(&*fixture.clock, &*fixture.entropy);
    let nowhere = OrganizationId::new(&*fixture.clock, &*fixture.entropy);
    for (organization, user) in [(team.organization, nobody), (nowhere, team.admin)] {
        let refused = store
            .set_role(organization, user, Some(Role::Admin), vec![])
            .await;
        assert!(matches!(
            refused,
            Err(StoreError::Conflict(Conflict::Missing))
        ));
        assert_eq!(store.role_of(organization, user).await.unwrap(), None);
    }
    let user = fixture.new_user("bob@zoo.example");
    let refused = store.create_user(user, nowhere, Role::Viewer, vec![]).await;
    assert!(matches!(
        refused,
        Err(StoreError::Conflict(Conflict::Missing))
    ));
    assert_eq!(store.user(nobody).await.unwrap(), None);
}
