//! Published lists of networks: kept, refreshed, asked and removed within their organization.

use std::net::IpAddr;

use ipnet::IpNet;
use reoclo_domain::{AddressSourceId, Clock};
use reoclo_store::{AddressSourceRecord, KeyRef, RefreshedList, RemovedSource};

use crate::fixture::{Fixture, Team};

contract!(
    a_list_is_kept_and_asked_within_its_organization,
    another_list_is_in_force_at_once,
    a_failure_keeps_the_list_and_says_why,
    a_list_that_a_key_names_stays,
    lists_that_were_not_asked_for_are_found,
    a_key_has_ten_thousand_networks,
);

fn networks(texts: &[&str]) -> Vec<IpNet> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

impl Fixture {
    async fn source(&self, team: Team, texts: &[&str]) -> AddressSourceRecord {
        let now = self.clock.now();
        let record = AddressSourceRecord {
            id: AddressSourceId::new(&*self.clock, &*self.entropy),
            organization: team.organization,
            name: "runners".parse().unwrap(),
            url: "https://ci.example.com/meta".into(),
            field: Some("actions".into()),
            entries: u32::try_from(texts.len()).unwrap(),
            revision: 1,
            checked_at: now,
            fetched_at: now,
            problem: None,
            created_at: now,
        };
        let event = self.event(team, "address_source.create");
        self.store
            .create_address_source(record.clone(), networks(texts), vec![event])
            .await
            .unwrap();
        record
    }

    async fn has(&self, team: Team, source: &AddressSourceRecord, address: &str) -> bool {
        let address: IpAddr = address.parse().unwrap();
        self.store
            .is_published(team.organization, &[source.id], address)
            .await
            .unwrap()
    }

    async fn refreshed(&self, source: &AddressSourceRecord, list: RefreshedList) -> bool {
        self.store
            .refresh_address_source(
                source.organization,
                source.id,
                self.clock.now(),
                list,
                vec![],
            )
            .await
            .unwrap()
    }

    async fn kept_source(&self, source: &AddressSourceRecord) -> AddressSourceRecord {
        let found = self
            .store
            .address_source(source.organization, source.id)
            .await;
        found.unwrap().unwrap()
    }
}

async fn a_list_is_kept_and_asked_within_its_organization(fixture: Fixture) {
    let (ours, theirs) = (fixture.team("ours").await, fixture.team("theirs").await);
    let source = fixture
        .source(ours, &["192.0.2.0/24", "2001:db8::/32"])
        .await;
    assert_eq!(fixture.kept_source(&source).await, source);
    for address in ["192.0.2.9", "::ffff:192.0.2.9", "2001:db8::9"] {
        assert!(fixture.has(ours, &source, address).await, "{address}");
        assert!(!fixture.has(theirs, &source, address).await, "{address}");
    }
    assert!(!fixture.has(ours, &source, "198.51.100.1").await);
    let foreign = fixture.store.address_source(theirs.organization, source.id);
    assert_eq!(foreign.await.unwrap(), None);
    let removed = fixture
        .store
        .remove_address_source(theirs.organization, source.id, vec![]);
    assert_eq!(removed.await.unwrap(), RemovedSource::Unknown);
    let later = fixture.reopened().await;
    let address = "192.0.2.9".parse().unwrap();
    let sources = [source.id];
    let has = later.is_published(ours.organization, &sources, address);
    assert!(has.await.unwrap(), "after a start");
}

async fn another_list_is_in_force_at_once(fixture: Fixture) {
    let team = fixture.team("ours").await;
    let source = fixture.source(team, &["192.0.2.0/24"]).await;
    assert!(fixture.has(team, &source, "192.0.2.9").await);
    let list = RefreshedList::New(networks(&["198.51.100.0/24", "203.0.113.0/24"]));
    assert!(fixture.refreshed(&source, list).await);
    assert!(!fixture.has(team, &source, "192.0.2.9").await);
    assert!(fixture.has(team, &source, "203.0.113.9").await);
    let kept = fixture.kept_source(&source).await;
    assert_eq!((kept.entries, kept.revision), (2, 2));
    assert!(fixture.refreshed(&source, RefreshedList::Same).await);
    assert_eq!(fixture.kept_source(&source).await.revision, 2);
}

async fn a_failure_keeps_the_list_and_says_why(fixture: Fixture) {
    let team = fixture.team("ours").await;
    let source = fixture.source(team, &["192.0.2.0/24"]).await;
    let list = RefreshedList::Failed("the answer was 503".into());
    assert!(fixture.refreshed(&source, list).await);
    assert!(fixture.has(team, &source, "192.0.2.9").await);
    let kept = fixture.kept_source(&source).await;
    assert_eq!(kept.problem.as_deref(), Some("the answer was 503"));
    assert_eq!((kept.entries, kept.revision), (1, 1));
    assert!(fixture.refreshed(&source, RefreshedList::Same).await);
    assert_eq!(fixture.kept_source(&source).await.problem, None);
}

async fn a_list_that_a_key_names_stays(fixture: Fixture) {
    let team = fixture.team("ours").await;
    let source = fixture.source(team, &["192.0.2.0/24"]).await;
    let mut key = fixture.automation_key(team);
    key.allowlist_sources = vec![source.id];
    let (id, token) = (key.id, fixture.token_hash());
    let store = &fixture.store;
    store
        .create_automation_key(key, token, vec![])
        .await
        .unwrap();
    let removed = store.remove_address_source(team.organization, source.id, vec![]);
    assert_eq!(removed.await.unwrap(), RemovedSource::InUse(1));
    assert!(fixture.has(team, &source, "192.0.2.9").await);
    store
        .revoke_key(
            team.organization,
            KeyRef::Automation(id),
            fixture.clock.now(),
            vec![],
        )
        .await
        .unwrap();
    let removed = store.remove_address_source(team.organization, source.id, vec![]);
    assert_eq!(removed.await.unwrap(), RemovedSource::Removed);
    assert!(!fixture.has(team, &source, "192.0.2.9").await);
    assert!(!fixture.refreshed(&source, RefreshedList::Same).await);
}

async fn lists_that_were_not_asked_for_are_found(fixture: Fixture) {
    let team = fixture.team("ours").await;
    let source = fixture.source(team, &["192.0.2.0/24"]).await;
    let stale = async |moment| {
        let found = fixture.store.stale_address_sources(moment, 10).await;
        found.unwrap().len()
    };
    assert_eq!(stale(source.checked_at).await, 0);
    let later = source.checked_at.plus(std::time::Duration::from_secs(1));
    assert_eq!(stale(later).await, 1);
}

async fn a_key_has_ten_thousand_networks(fixture: Fixture) {
    let team = fixture.team("ours").await;
    let mut key = fixture.automation_key(team);
    let all = (0..10_000_u32).map(|number| {
        let address = std::net::Ipv4Addr::from_bits(0xc000_0000 + number * 512);
        format!("{address}/24").parse::<IpNet>().unwrap()
    });
    key.ip_allowlist = all.collect();
    let token = fixture.token_hash();
    let store = &fixture.store;
    store
        .create_automation_key(key.clone(), token, vec![])
        .await
        .unwrap();
    for store in [store.clone(), fixture.reopened().await] {
        for _ in 0..2 {
            let found = store.find_key(&token).await.unwrap().unwrap();
            assert_eq!(*found, reoclo_store::KeyRecord::Automation(key.clone()));
        }
    }
}
