//! Organizations.

use reoclo_domain::Role;
use reoclo_store::{Conflict, OrganizationRecord, StoreError};

use crate::fixture::{Fixture, Team};

contract![
    an_organization_is_found,
    a_slug_is_taken_once,
    the_instance_records_every_new_chain,
    text_with_nul_is_refused,
    an_organization_changes_only_where_it_is_told,
    trusted_networks_are_kept_in_their_order,
    somebody_makes_an_organization_of_their_own,
];

type Change = Box<dyn Fn(&mut OrganizationRecord) + Send + Sync>;

async fn edit(fixture: &Fixture, team: Team, change: Change) {
    let rule = move |before: &OrganizationRecord| {
        let mut record = before.clone();
        change(&mut record);
        Ok::<_, std::convert::Infallible>(record)
    };
    let audit = fixture.audit(team, "organization.update");
    let store = &fixture.store;
    let edited = store.change_organization(team.organization, audit, rule);
    edited.await.unwrap();
}

async fn an_organization_is_found(fixture: Fixture) {
    let store = &fixture.store;
    let [zoo, ape] = ["zoo", "ape"].map(|slug| fixture.new_organization(slug));
    store
        .create_organization(zoo.clone(), vec![])
        .await
        .unwrap();
    store
        .create_organization(ape.clone(), vec![])
        .await
        .unwrap();
    assert_eq!(
        store.organization(zoo.id).await.unwrap(),
        Some(zoo.clone().into())
    );
    assert_eq!(
        store.organizations().await.unwrap(),
        [ape.into(), zoo.into()]
    );
}

async fn a_slug_is_taken_once(fixture: Fixture) {
    let store = &fixture.store;
    store
        .create_organization(fixture.new_organization("zoo"), vec![])
        .await
        .unwrap();
    let second = fixture.new_organization("zoo");
    let refused = store.create_organization(second.clone(), vec![]).await;
    assert!(matches!(
        refused,
        Err(StoreError::Conflict(Conflict::Taken {
            table: "organizations",
            column: "slug"
        }))
    ));
    assert_eq!(store.organization(second.id).await.unwrap(), None);
    let chain = store.audit_events(Some(second.id), 0, 10).await.unwrap();
    assert_eq!(chain, []);
}

async fn the_instance_records_every_new_chain(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let rows = fixture.store.audit_events(None, 0, 10).await.unwrap();
    let said: Vec<_> = rows
        .iter()
        .map(|row| (row.seq, row.action.as_str()))
        .collect();
    assert_eq!(said, [(1, "instance.create"), (2, "audit.chain.create")]);
    assert_eq!(rows[1].resource_id, Some(team.organization.to_string()));
}

async fn text_with_nul_is_refused(fixture: Fixture) {
    let mut organization = fixture.new_organization("zoo");
    organization.name = "a\0b".into();
    let refused = fixture
        .store
        .create_organization(organization, vec![])
        .await;
    assert!(matches!(refused, Err(StoreError::NulInText)));
    assert_eq!(fixture.store.organizations().await.unwrap(), []);
}

async fn an_organization_changes_only_where_it_is_told(fixture: Fixture) {
    let (zoo, ape) = (fixture.team("zoo").await, fixture.team("ape").await);
    let store = &fixture.store;
    let change = async |change| {
        edit(&fixture, zoo, change).await;
        let found = store.organization(zoo.organization).await.unwrap().unwrap();
        (found.name, found.max_key_lifetime_days)
    };
    let name = |name: &str| -> Change {
        let name = name.to_owned();
        Box::new(move |record| record.name.clone_from(&name))
    };
    let days = |days| -> Change { Box::new(move |record| record.max_key_lifetime_days = days) };
    assert_eq!(change(name("Zoo")).await, ("Zoo".into(), None));
    assert_eq!(change(days(Some(90))).await, ("Zoo".into(), Some(90)));
    assert_eq!(change(name("Park")).await, ("Park".into(), Some(90)));
    assert_eq!(change(days(None)).await, ("Park".into(), None));
    let other = store.organization(ape.organization).await.unwrap().unwrap();
    assert_eq!(other.max_key_lifetime_days, None);
    assert_eq!(fixture.actions(zoo).await, ["organization.update"; 4]);
}

async fn trusted_networks_are_kept_in_their_order(fixture: Fixture) {
    let (zoo, ape) = (fixture.team("zoo").await, fixture.team("ape").await);
    let store = &fixture.store;
    let networks = ["192.168.7.0/24", "10.0.0.5/32", "fd12:3456::/32"];
    let networks: Vec<_> = networks.map(|network| network.parse().unwrap()).into();
    let trusted = async |team: Team, trusted: Option<&Vec<_>>| {
        let (id, trusted) = (team.organization, trusted.cloned());
        let change: Change = Box::new(move |record| {
            if let Some(trusted) = &trusted {
                record.trusted_networks.clone_from(trusted);
            }
        });
        edit(&fixture, team, change).await;
        store
            .organization(id)
            .await
            .unwrap()
            .unwrap()
            .trusted_networks
    };
    assert_eq!(trusted(zoo, None).await, []);
    assert_eq!(trusted(zoo, Some(&networks)).await, networks);
    assert_eq!(trusted(zoo, None).await, networks);
    assert_eq!(trusted(ape, None).await, []);
    assert_eq!(trusted(zoo, Some(&vec![])).await, []);
}

async fn somebody_makes_an_organization_of_their_own(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let new = fixture.new_organization("ape");
    let id = new.id;
    let store = &fixture.store;
    store
        .create_organization_with_admin(new, team.admin, vec![])
        .await
        .unwrap();
    let role = store.role_of(id, team.admin).await.unwrap();
    assert_eq!(role, Some(Role::Admin));
    // Its audit chain is a chain like any other.
    let mut reader = fixture.audit_reader().await;
    assert!(reader.verify(&[]).await.unwrap().is_intact());
}
