//! Registry credentials: kept, found, changed and removed within their organization.

use std::convert::Infallible;

use reoclo_domain::{OrganizationId, RegistryCredentialId, Secret};
use reoclo_store::{Conflict, Edited, RegistryCredentialRecord, Revision, StoreError, Touched};
use serde_json::json;

use crate::fixture::{Fixture, Team};

contract!(
    a_credential_is_kept_with_its_secret,
    the_list_is_sorted_and_the_organizations_own,
    what_a_foreign_organization_has_is_not_found,
    a_change_keeps_the_secret_unless_another_comes_with_it,
    the_log_is_told_what_each_field_was_and_is,
    a_change_that_changes_nothing_writes_nothing,
    a_change_that_the_rule_refuses_writes_nothing,
    a_removed_credential_is_gone,
    unknown_credentials_are_named,
    what_cannot_be_kept_is_refused,
    a_secret_in_another_row_does_not_open,
);

/// A credential with its secret.
type Open = (RegistryCredentialRecord, Secret);

impl Fixture {
    fn registry_credential(&self, team: Team, name: &str) -> Open {
        let now = reoclo_domain::Clock::now(&*self.clock);
        let record = RegistryCredentialRecord {
            id: RegistryCredentialId::new(&*self.clock, &*self.entropy),
            organization: team.organization,
            name: name.parse().unwrap(),
            registry_type: "docker".parse().unwrap(),
            registry_url: "https://index.docker.io/v1/".parse().unwrap(),
            username: Some("ada".into()),
            description: None,
            revision: Revision::FIRST,
            created_at: now,
            updated_at: Touched::new(now),
        };
        (record, Secret::new("pässword\nof two lines"))
    }

    async fn kept(&self, team: Team, name: &str) -> Open {
        let kept = self.registry_credential(team, name);
        self.keep(team, &kept).await.unwrap();
        kept
    }

    async fn keep(&self, team: Team, (record, secret): &Open) -> Result<(), StoreError> {
        let audit = self.audit(team, "registry_credential.create");
        let credentials = self.store.registry_credentials();
        credentials
            .create(record.clone(), Some(secret), audit)
            .await
    }

    async fn opened(&self, record: &RegistryCredentialRecord) -> Option<Open> {
        let credentials = self.store.registry_credentials();
        let opened = credentials.open(record.organization, record.id).await;
        opened.unwrap()
    }

    /// Makes the credential what `record` says. `false` when the organization has none with its
    /// id.
    async fn change(
        &self,
        team: Team,
        record: &RegistryCredentialRecord,
        secret: Option<&Secret>,
    ) -> bool {
        let (wanted, audit) = (
            record.clone(),
            self.audit(team, "registry_credential.update"),
        );
        let rule = move |_: &RegistryCredentialRecord| Ok::<_, Infallible>(wanted.clone());
        let credentials = self.store.registry_credentials();
        let changed = credentials.change((record.organization, record.id), secret, audit, rule);
        changed.await.unwrap() != Edited::Unknown
    }

    async fn remove(&self, team: Team, id: RegistryCredentialId) -> bool {
        let told = |record: &RegistryCredentialRecord| {
            Ok::<_, Infallible>(json!({ "registry_url": record.registry_url.as_str() }))
        };
        let audit = self.audit(team, "registry_credential.delete");
        let credentials = self.store.registry_credentials();
        let removed = credentials
            .remove((team.organization, id), audit, told)
            .await;
        removed.unwrap() != Edited::Unknown
    }
}

async fn a_credential_is_kept_with_its_secret(fixture: Fixture) {
    let team = fixture.team("ours").await;
    let kept = fixture.kept(team, "hub").await;
    let record = &kept.0;
    let credentials = fixture.store.registry_credentials();
    let found = credentials.find(team.organization, record.id).await;
    assert_eq!(found.unwrap().as_ref(), Some(record));
    assert_eq!(fixture.opened(record).await, Some(kept.clone()));
    let later = fixture.reopened().await;
    let credentials = later.registry_credentials();
    let found = credentials.open(team.organization, record.id).await;
    assert_eq!(found.unwrap(), Some(kept.clone()));
    assert_eq!(fixture.actions(team).await, ["registry_credential.create"]);
}

async fn the_list_is_sorted_and_the_organizations_own(fixture: Fixture) {
    let (ours, theirs) = (fixture.team("ours").await, fixture.team("theirs").await);
    for name in ["b", "a", "c"] {
        fixture.kept(ours, name).await;
    }
    fixture.kept(theirs, "d").await;
    let names = async |organization: OrganizationId| {
        let list = fixture
            .store
            .registry_credentials()
            .list(organization)
            .await;
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
    let (foreign, id) = (theirs.organization, kept.0.id);
    let credentials = fixture.store.registry_credentials();
    assert_eq!(credentials.find(foreign, id).await.unwrap(), None);
    assert_eq!(credentials.open(foreign, id).await.unwrap(), None);
    let stolen = RegistryCredentialRecord {
        organization: foreign,
        ..kept.0.clone()
    };
    let secret = Secret::new("other");
    assert!(!fixture.change(theirs, &stolen, Some(&secret)).await);
    assert!(!fixture.remove(theirs, id).await);
    assert_eq!(fixture.opened(&kept.0).await, Some(kept));
    assert_eq!(fixture.actions(theirs).await, [""; 0]);
}

async fn a_change_keeps_the_secret_unless_another_comes_with_it(fixture: Fixture) {
    let team = fixture.team("ours").await;
    let (kept, kept_secret) = fixture.kept(team, "hub").await;
    fixture.clock.advance(std::time::Duration::from_secs(5));
    let wanted = RegistryCredentialRecord {
        name: "renamed".parse().unwrap(),
        registry_type: "private".parse().unwrap(),
        registry_url: "localhost:5000".parse().unwrap(),
        username: None,
        description: Some("for tests".into()),
        ..kept.clone()
    };
    assert!(fixture.change(team, &wanted, None).await);
    let (changed, secret) = fixture.opened(&wanted).await.unwrap();
    let now = reoclo_domain::Clock::now(&*fixture.clock);
    let expected = RegistryCredentialRecord {
        revision: changed.revision,
        updated_at: Touched::new(now),
        ..wanted
    };
    assert_eq!((&changed, &secret), (&expected, &kept_secret));
    assert!(changed.revision > kept.revision);

    let secret = Secret::new("another");
    assert!(fixture.change(team, &changed, Some(&secret)).await);
    assert_eq!(fixture.opened(&changed).await.unwrap().1, secret);
    assert_eq!(fixture.actions(team).await.len(), 3);
}

async fn the_log_is_told_what_each_field_was_and_is(fixture: Fixture) {
    let team = fixture.team("ours").await;
    let (kept, _) = fixture.kept(team, "hub").await;
    let wanted = RegistryCredentialRecord {
        name: "renamed".parse().unwrap(),
        username: None,
        ..kept.clone()
    };
    let secret = Secret::new("another");
    assert!(fixture.change(team, &wanted, Some(&secret)).await);
    assert!(fixture.remove(team, kept.id).await);
    let organization = Some(team.organization);
    let rows = fixture.store.audit_events(organization, 1, 10).await;
    let rows = rows.unwrap();
    let expected = json!({
        "changed": ["username", "encrypted_credential", "name"],
        "name": { "from": "hub", "to": "renamed" },
        "username": { "from": "ada", "to": null },
    });
    assert_eq!(rows[0].detail, expected);
    assert_eq!(rows[0].resource_name.as_deref(), Some("hub"));
    // Of what was removed, as it was at that moment.
    assert_eq!(rows[1].resource_name.as_deref(), Some("renamed"));
    let url = json!({ "registry_url": "https://index.docker.io/v1/" });
    assert_eq!(rows[1].detail, url);
}

async fn a_change_that_changes_nothing_writes_nothing(fixture: Fixture) {
    let team = fixture.team("ours").await;
    let kept = fixture.kept(team, "hub").await;
    fixture.clock.advance(std::time::Duration::from_secs(5));
    assert!(fixture.change(team, &kept.0, None).await);
    assert_eq!(fixture.opened(&kept.0).await, Some(kept));
    assert_eq!(fixture.actions(team).await.len(), 1);
}

async fn a_change_that_the_rule_refuses_writes_nothing(fixture: Fixture) {
    let team = fixture.team("ours").await;
    let kept = fixture.kept(team, "hub").await;
    let (id, secret) = (kept.0.id, Secret::new("another"));
    let (rule, audit) = (
        |_: &_| Err("no"),
        fixture.audit(team, "registry_credential.update"),
    );
    let credentials = fixture.store.registry_credentials();
    let changed = credentials.change((team.organization, id), Some(&secret), audit, rule);
    assert_eq!(changed.await.unwrap(), Edited::Refused("no"));
    let (told, audit) = (
        |_: &_| Err("no"),
        fixture.audit(team, "registry_credential.delete"),
    );
    let removed = credentials
        .remove((team.organization, id), audit, told)
        .await;
    assert_eq!(removed.unwrap(), Edited::Refused("no"));
    assert_eq!(fixture.opened(&kept.0).await, Some(kept));
    assert_eq!(fixture.actions(team).await.len(), 1);
}

async fn a_removed_credential_is_gone(fixture: Fixture) {
    let team = fixture.team("ours").await;
    let (record, _) = fixture.kept(team, "hub").await;
    assert!(fixture.remove(team, record.id).await);
    assert_eq!(fixture.opened(&record).await, None);
    assert!(!fixture.remove(team, record.id).await);
    assert!(!fixture.change(team, &record, None).await);
    assert_eq!(fixture.actions(team).await.len(), 2);
}

async fn unknown_credentials_are_named(fixture: Fixture) {
    let (ours, theirs) = (fixture.team("ours").await, fixture.team("theirs").await);
    let first = fixture.kept(ours, "a").await.0.id;
    let second = fixture.kept(ours, "b").await.0.id;
    let foreign = fixture.kept(theirs, "c").await.0.id;
    let unknown = RegistryCredentialId::new(&*fixture.clock, &*fixture.entropy);
    let unknown_of = async |ids: &[RegistryCredentialId]| {
        let credentials = fixture.store.registry_credentials();
        credentials.unknown(ours.organization, ids).await.unwrap()
    };
    assert_eq!(unknown_of(&[]).await, []);
    assert_eq!(unknown_of(&[second, first]).await, []);
    let some = unknown_of(&[foreign, first, unknown]).await;
    assert_eq!(some, [foreign, unknown]);
}

async fn what_cannot_be_kept_is_refused(fixture: Fixture) {
    let team = fixture.team("ours").await;
    let kept = fixture.kept(team, "hub").await;
    let twice = fixture.keep(team, &kept).await.unwrap_err();
    assert!(matches!(twice, StoreError::Conflict(Conflict::Exists)));
    let mut homeless = fixture.registry_credential(team, "x");
    homeless.0.organization = OrganizationId::new(&*fixture.clock, &*fixture.entropy);
    let homeless = fixture.keep(team, &homeless).await.unwrap_err();
    assert!(matches!(homeless, StoreError::Conflict(Conflict::Missing)));
    let mut nul = fixture.registry_credential(team, "y");
    nul.0.username = Some("a\0b".into());
    let nul = fixture.keep(team, &nul).await.unwrap_err();
    assert!(matches!(nul, StoreError::NulInText));
}

async fn a_secret_in_another_row_does_not_open(fixture: Fixture) {
    let team = fixture.team("ours").await;
    let first = fixture.kept(team, "a").await.0;
    let second = fixture.kept(team, "b").await.0;
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
    let credentials = fixture.store.registry_credentials();
    let opened = credentials.open(team.organization, second.id).await;
    assert!(matches!(opened, Err(StoreError::Corrupt(_))));
}
