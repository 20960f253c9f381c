//! Registry credentials: kept, found, changed and removed within their organization.

use reoclo_domain::{OrganizationId, RegistryCredentialId, Secret};
use reoclo_store::{
    Conflict, Edit, Edited, NewAuditEvent, OpenRegistryCredential, RegistryCredentialRecord, Store,
    StoreError,
};

use crate::fixture::{Fixture, Team};

contract!(
    a_credential_is_kept_with_its_secret,
    the_list_is_sorted_and_the_organizations_own,
    what_a_foreign_organization_has_is_not_found,
    a_change_keeps_the_secret_unless_another_comes_with_it,
    a_change_that_the_rule_refuses_writes_nothing,
    a_removed_credential_is_gone,
    unknown_credentials_are_named,
    what_cannot_be_kept_is_refused,
    a_secret_in_another_row_does_not_open,
);

impl Fixture {
    fn registry_credential(&self, team: Team, name: &str) -> OpenRegistryCredential {
        OpenRegistryCredential {
            record: RegistryCredentialRecord {
                id: RegistryCredentialId::new(&*self.clock, &*self.entropy),
                organization: team.organization,
                name: name.parse().unwrap(),
                registry_type: "docker".parse().unwrap(),
                registry_type_name: "docker".into(),
                registry_url: "https://index.docker.io/v1/".parse().unwrap(),
                username: Some("ada".into()),
                description: None,
                revision: 1,
                created_at: reoclo_domain::Clock::now(&*self.clock),
                updated_at: reoclo_domain::Clock::now(&*self.clock),
            },
            secret: Secret::new("pässword\nof two lines"),
        }
    }

    async fn kept(&self, team: Team, name: &str) -> OpenRegistryCredential {
        let credential = self.registry_credential(team, name);
        let events = vec![self.event(team, "registry_credential.create")];
        self.store
            .create_registry_credential(credential.clone(), events)
            .await
            .unwrap();
        credential
    }

    async fn opened(&self, record: &RegistryCredentialRecord) -> Option<OpenRegistryCredential> {
        self.store
            .open_registry_credential(record.organization, record.id)
            .await
            .unwrap()
    }
}

/// Makes the credential what `record` says. `false` when the organization has none with its id.
async fn update(
    store: &Store,
    record: RegistryCredentialRecord,
    secret: Option<Secret>,
    events: Vec<NewAuditEvent>,
) -> Result<bool, StoreError> {
    let (organization, id) = (record.organization, record.id);
    let rule = move |_: &RegistryCredentialRecord| {
        let (record, events) = (record.clone(), events.clone());
        Ok::<_, std::convert::Infallible>(Edit { record, events })
    };
    let edited = store.edit_registry_credential(organization, id, secret, rule);
    Ok(edited.await? != Edited::Unknown)
}

async fn a_credential_is_kept_with_its_secret(fixture: Fixture) {
    let team = fixture.team("ours").await;
    let kept = fixture.kept(team, "hub").await;
    let record = &kept.record;
    let found = fixture
        .store
        .registry_credential(team.organization, record.id);
    assert_eq!(found.await.unwrap().as_ref(), Some(record));
    assert_eq!(fixture.opened(record).await, Some(kept.clone()));
    let later = fixture.reopened().await;
    let found = later.open_registry_credential(team.organization, record.id);
    assert_eq!(found.await.unwrap(), Some(kept));
    assert_eq!(fixture.actions(team).await, ["registry_credential.create"]);
}

async fn the_list_is_sorted_and_the_organizations_own(fixture: Fixture) {
    let (ours, theirs) = (fixture.team("ours").await, fixture.team("theirs").await);
    for name in ["b", "a", "c"] {
        fixture.kept(ours, name).await;
    }
    fixture.kept(theirs, "d").await;
    let names = async |organization: OrganizationId| {
        let list = fixture.store.registry_credentials(organization).await;
        let names = list.unwrap().into_iter();
        names
            .map(|record| record.name.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(ours.organization).await, ["a", "b", "c"]);
    assert_eq!(names(theirs.organization).await, ["d"]);
}

async fn what_a_foreign_organization_has_is_not_found(fixture: Fixture) {
    let (ours, theirs) = (fixture.team("ours").await, fixture.team("theirs").await);
    let kept = fixture.kept(ours, "hub").await;
    let (foreign, id) = (theirs.organization, kept.record.id);
    let store = &fixture.store;
    assert_eq!(store.registry_credential(foreign, id).await.unwrap(), None);
    let opened = store.open_registry_credential(foreign, id).await.unwrap();
    assert_eq!(opened, None);
    let stolen = RegistryCredentialRecord {
        organization: foreign,
        ..kept.record.clone()
    };
    let events = || vec![fixture.event(theirs, "x")];
    let secret = Some(Secret::new("other"));
    let updated = update(store, stolen, secret, events());
    assert!(!updated.await.unwrap());
    let deleted = store.delete_registry_credential(foreign, id, events());
    assert!(!deleted.await.unwrap());
    assert_eq!(fixture.opened(&kept.record).await, Some(kept));
    assert_eq!(fixture.actions(theirs).await, [""; 0]);
}

async fn a_change_keeps_the_secret_unless_another_comes_with_it(fixture: Fixture) {
    let team = fixture.team("ours").await;
    let kept = fixture.kept(team, "hub").await;
    let mut record = RegistryCredentialRecord {
        name: "renamed".parse().unwrap(),
        registry_type: "private".parse().unwrap(),
        registry_type_name: "private".into(),
        registry_url: "localhost:5000".parse().unwrap(),
        username: None,
        description: Some("for tests".into()),
        updated_at: record_time(&kept),
        ..kept.record.clone()
    };
    let events = vec![fixture.event(team, "registry_credential.update")];
    let store = &fixture.store;
    let updated = update(store, record.clone(), None, events);
    assert!(updated.await.unwrap());
    record.revision += 1;
    let changed = fixture.opened(&record).await.unwrap();
    assert_eq!((&changed.record, &changed.secret), (&record, &kept.secret));

    let secret = Secret::new("another");
    let updated = update(store, record.clone(), Some(secret.clone()), vec![]);
    assert!(updated.await.unwrap());
    assert_eq!(fixture.opened(&record).await.unwrap().secret, secret);
    assert_eq!(fixture.actions(team).await.len(), 2);
}

fn record_time(credential: &OpenRegistryCredential) -> reoclo_domain::Timestamp {
    let later = std::time::Duration::from_secs(5);
    credential.record.updated_at.plus(later)
}

async fn a_change_that_the_rule_refuses_writes_nothing(fixture: Fixture) {
    let team = fixture.team("ours").await;
    let kept = fixture.kept(team, "hub").await;
    let (id, secret) = (kept.record.id, Some(Secret::new("another")));
    let rule = |_: &RegistryCredentialRecord| Err::<Edit<_>, _>("no");
    let store = &fixture.store;
    let edited = store.edit_registry_credential(team.organization, id, secret, rule);
    assert_eq!(edited.await.unwrap(), Edited::Refused("no"));
    assert_eq!(fixture.opened(&kept.record).await, Some(kept));
    assert_eq!(fixture.actions(team).await.len(), 1);
}

async fn a_removed_credential_is_gone(fixture: Fixture) {
    let team = fixture.team("ours").await;
    let record = fixture.kept(team, "hub").await.record;
    let store = &fixture.store;
    let delete = || {
        let events = vec![fixture.event(team, "registry_credential.delete")];
        store.delete_registry_credential(team.organization, record.id, events)
    };
    assert!(delete().await.unwrap());
    assert_eq!(fixture.opened(&record).await, None);
    assert!(!delete().await.unwrap());
    let updated = update(store, record.clone(), None, vec![]);
    assert!(!updated.await.unwrap());
    assert_eq!(fixture.actions(team).await.len(), 2);
}

async fn unknown_credentials_are_named(fixture: Fixture) {
    let (ours, theirs) = (fixture.team("ours").await, fixture.team("theirs").await);
    let first = fixture.kept(ours, "a").await.record.id;
    let second = fixture.kept(ours, "b").await.record.id;
    let foreign = fixture.kept(theirs, "c").await.record.id;
    let unknown = RegistryCredentialId::new(&*fixture.clock, &*fixture.entropy);
    let unknown_of = async |ids: &[RegistryCredentialId]| {
        let found = fixture
            .store
            .unknown_registry_credentials(ours.organization, ids);
        found.await.unwrap()
    };
    assert_eq!(unknown_of(&[]).await, []);
    assert_eq!(unknown_of(&[second, first]).await, []);
    let some = unknown_of(&[foreign, first, unknown]).await;
    assert_eq!(some, [foreign, unknown]);
}

async fn what_cannot_be_kept_is_refused(fixture: Fixture) {
    let team = fixture.team("ours").await;
    let kept = fixture.kept(team, "hub").await;
    let twice = fixture
        .store
        .create_registry_credential(kept.clone(), vec![]);
    let twice = twice.await.unwrap_err();
    assert!(matches!(twice, StoreError::Conflict(Conflict::Exists)));
    let mut homeless = fixture.registry_credential(team, "x");
    homeless.record.organization = OrganizationId::new(&*fixture.clock, &*fixture.entropy);
    let homeless = fixture.store.create_registry_credential(homeless, vec![]);
    let homeless = homeless.await.unwrap_err();
    assert!(matches!(homeless, StoreError::Conflict(Conflict::Missing)));
    let mut nul = fixture.registry_credential(team, "y");
    nul.record.username = Some("a\0b".into());
    let nul = fixture.store.create_registry_credential(nul, vec![]);
    assert!(matches!(nul.await.unwrap_err(), StoreError::NulInText));
}

async fn a_secret_in_another_row_does_not_open(fixture: Fixture) {
    let team = fixture.team("ours").await;
    let first = fixture.kept(team, "a").await.record;
    let second = fixture.kept(team, "b").await.record;
    sqlx::query(
        "UPDATE registry_credentials SET sealed_secret =
             (SELECT sealed_secret FROM registry_credentials WHERE id = $1)
         WHERE id = $2",
    )
    .bind(first.id.to_string())
    .bind(second.id.to_string())
    .execute(&mut fixture.database.connect().await)
    .await
    .unwrap();
    let opened = fixture
        .store
        .open_registry_credential(team.organization, second.id);
    assert!(matches!(opened.await, Err(StoreError::Corrupt(_))));
}
