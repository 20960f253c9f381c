//! Servers and enrolment.

mod enrol;

use std::convert::Infallible;
use std::time::Duration;

use reoclo_domain::{Clock, ServerId, ServerStatus};
use reoclo_store::{
    Conflict, Edited, HostFacts, NewServer, RunnerIdentity, ServerRecord, StoreError,
};

use crate::fixture::Fixture;

contract![
    a_slug_names_a_server_of_its_organization_until_it_is_removed,
    a_new_server_is_provisioning,
    servers_are_listed_by_name,
    a_slug_is_taken_within_the_organization,
    another_organization_sees_nothing,
    facts_are_kept,
    a_lost_runner_was_last_seen_when_it_was_lost,
    a_decommissioned_server_stays_so,
    the_name_of_a_server_is_known_to_its_organization_while_it_is_in_use,
    at_the_start_nothing_is_connected,
    servers_that_a_key_could_not_name_are_told_apart,
    a_server_is_called_otherwise_in_its_organization,
];

fn facts() -> HostFacts {
    HostFacts {
        hostname: "web-1".into(),
        os: "Debian 13".into(),
        kernel: "6.12".into(),
        architecture: "x86_64".into(),
        cpu_cores: 2,
        ram_mb: 4096,
        disk_gb: 40,
        docker_version: None,
    }
}

async fn a_slug_names_a_server_of_its_organization_until_it_is_removed(fixture: Fixture) {
    let (team, other) = (fixture.team("zoo").await, fixture.team("ape").await);
    let web = fixture.server(team, "web").await;
    let store = &fixture.store;
    let of = async |team: crate::fixture::Team, slug: &str| {
        let found = store.server_of_slug(team.organization, slug).await;
        found.unwrap()
    };
    assert_eq!(of(team, "web").await, Some(web));
    assert_eq!(of(team, "w'eb").await, None);
    assert_eq!(of(other, "web").await, None);
    let gone = ServerStatus::Decommissioned;
    let set = store.set_server_status(web, gone, fixture.clock.now(), vec![]);
    set.await.unwrap();
    assert_eq!(of(team, "web").await, None);
}

async fn a_new_server_is_provisioning(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let new = fixture.new_server(team, "web");
    let event = fixture.event(team, "server.create");
    fixture
        .store
        .create_server(new.clone(), None, vec![event])
        .await
        .unwrap();
    let record = ServerRecord {
        id: new.id,
        organization: team.organization,
        slug: "web".into(),
        name: "web".into(),
        status: ServerStatus::Provisioning,
        facts: None,
        public_ip: None,
        runner_version: None,
        created_at: new.created_at,
        last_seen_at: None,
    };
    let found = fixture
        .store
        .server(team.organization, new.id)
        .await
        .unwrap();
    assert_eq!(found, Some(record));
    let identity = RunnerIdentity {
        server: new.id,
        organization: team.organization,
        public_key: None,
        status: ServerStatus::Provisioning,
    };
    assert_eq!(
        fixture.store.runner_identity(new.id).await.unwrap(),
        Some(identity)
    );
    assert_eq!(fixture.actions(team).await, ["server.create"]);
}

async fn servers_are_listed_by_name(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    for slug in ["web", "db", "cache"] {
        fixture.server(team, slug).await;
    }
    let servers = fixture.store.servers(team.organization).await.unwrap();
    let names: Vec<_> = servers.iter().map(|server| server.name.as_str()).collect();
    assert_eq!(names, ["cache", "db", "web"]);
}

async fn a_slug_is_taken_within_the_organization(fixture: Fixture) {
    let (team, other) = (fixture.team("zoo").await, fixture.team("ape").await);
    let first = fixture.server(team, "web").await;
    fixture.server(other, "web").await;
    let create = || {
        let event = fixture.event(team, "server.create");
        fixture
            .store
            .create_server(fixture.new_server(team, "web"), None, vec![event])
    };
    assert!(matches!(
        create().await,
        Err(StoreError::Conflict(Conflict::Taken {
            table: "servers",
            column: "slug"
        }))
    ));
    // Another slug would not help here, and whoever asks is told so.
    let again = NewServer {
        id: first,
        ..fixture.new_server(team, "db")
    };
    let event = fixture.event(team, "server.create");
    let again = fixture.store.create_server(again, None, vec![event]).await;
    assert!(matches!(again, Err(StoreError::Conflict(Conflict::Exists))));
    assert_eq!(fixture.actions(team).await, [""; 0]);
    // A removed server leaves its slug.
    let now = fixture.clock.now();
    let removed = ServerStatus::Decommissioned;
    fixture
        .store
        .set_server_status(first, removed, now, vec![])
        .await
        .unwrap();
    create().await.unwrap();
}

async fn another_organization_sees_nothing(fixture: Fixture) {
    let (team, other) = (fixture.team("zoo").await, fixture.team("ape").await);
    let server = fixture.server(team, "web").await;
    assert_eq!(
        fixture
            .store
            .server(other.organization, server)
            .await
            .unwrap(),
        None
    );
    assert_eq!(fixture.store.servers(other.organization).await.unwrap(), []);
    let enrolment = fixture.enrolment();
    let replaced = fixture
        .store
        .replace_enrolment(other.organization, server, enrolment, vec![]);
    assert!(!replaced.await.unwrap());
    let unknown = ServerId::new(&*fixture.clock, &*fixture.entropy);
    assert_eq!(fixture.store.runner_identity(unknown).await.unwrap(), None);
}

async fn facts_are_kept(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let server = fixture.server(team, "web").await;
    let with_docker = HostFacts {
        docker_version: Some("28.1".into()),
        ..facts()
    };
    for facts in [facts(), with_docker] {
        let (version, ip) = ("0.1.0".to_owned(), Some("192.0.2.9".to_owned()));
        let now = fixture.clock.now();
        let recorded = fixture
            .store
            .record_facts(server, facts.clone(), version, ip, now);
        recorded.await.unwrap();
        let found = fixture
            .store
            .server(team.organization, server)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.facts, Some(facts));
        assert_eq!(found.runner_version.as_deref(), Some("0.1.0"));
        assert_eq!(found.public_ip.as_deref(), Some("192.0.2.9"));
        assert_eq!(found.last_seen_at, Some(now));
    }
}

async fn a_lost_runner_was_last_seen_when_it_was_lost(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let server = fixture.server(team, "web").await;
    let steps = [
        (ServerStatus::Active, 0),
        (ServerStatus::Unreachable, 1),
        (ServerStatus::Unreachable, 1),
        (ServerStatus::Active, 3),
    ];
    let start = fixture.clock.now();
    for (status, last_seen) in steps {
        let event = fixture.event(team, "server.status");
        let now = fixture.clock.now();
        fixture
            .store
            .set_server_status(server, status, now, vec![event])
            .await
            .unwrap();
        let found = fixture
            .store
            .server(team.organization, server)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.status, status);
        assert_eq!(
            found.last_seen_at,
            Some(start.plus(Duration::from_secs(last_seen)))
        );
        fixture.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(fixture.actions(team).await, ["server.status"; 4]);
}

async fn the_name_of_a_server_is_known_to_its_organization_while_it_is_in_use(fixture: Fixture) {
    let (ours, theirs) = (fixture.team("ours").await, fixture.team("theirs").await);
    let server = fixture.new_server(ours, "web-1");
    let (id, name) = (server.id, server.name.to_string());
    let store = &fixture.store;
    assert_eq!(
        store.server_name(ours.organization, id).await.unwrap(),
        None
    );
    store.create_server(server, None, vec![]).await.unwrap();
    for store in [store, &fixture.reopened().await] {
        let known = store.server_name(ours.organization, id).await.unwrap();
        assert_eq!(known.as_deref(), Some(name.as_str()));
        assert_eq!(
            store.server_name(theirs.organization, id).await.unwrap(),
            None
        );
    }
    let (gone, now) = (ServerStatus::Decommissioned, fixture.clock.now());
    store
        .set_server_status(id, gone, now, vec![])
        .await
        .unwrap();
    assert_eq!(
        store.server_name(ours.organization, id).await.unwrap(),
        None
    );
}

async fn a_decommissioned_server_stays_so(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let server = fixture.server(team, "web").await;
    for status in [
        ServerStatus::Decommissioned,
        ServerStatus::Unreachable,
        ServerStatus::Active,
    ] {
        let event = fixture.event(team, status.as_str());
        let now = fixture.clock.now();
        fixture
            .store
            .set_server_status(server, status, now, vec![event])
            .await
            .unwrap();
    }
    let found = fixture
        .store
        .server(team.organization, server)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.status, ServerStatus::Decommissioned);
    assert_eq!(fixture.store.servers(team.organization).await.unwrap(), []);
    assert_eq!(fixture.actions(team).await, ["decommissioned"]);
}

async fn at_the_start_nothing_is_connected(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let (active, new) = (
        fixture.server(team, "a").await,
        fixture.server(team, "b").await,
    );
    let now = fixture.clock.now();
    fixture
        .store
        .set_server_status(active, ServerStatus::Active, now, vec![])
        .await
        .unwrap();
    fixture.store.mark_all_unreachable().await.unwrap();
    for (server, status) in [
        (active, ServerStatus::Unreachable),
        (new, ServerStatus::Provisioning),
    ] {
        let found = fixture
            .store
            .server(team.organization, server)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.status, status);
    }
}

async fn servers_that_a_key_could_not_name_are_told_apart(fixture: Fixture) {
    let (team, other) = (fixture.team("zoo").await, fixture.team("ape").await);
    let (ours, gone) = (
        fixture.server(team, "web").await,
        fixture.server(team, "gone").await,
    );
    let foreign = fixture.server(other, "web").await;
    let unknown = ServerId::new(&*fixture.clock, &*fixture.entropy);
    let (store, now) = (&fixture.store, fixture.clock.now());
    let removed = store.set_server_status(gone, ServerStatus::Decommissioned, now, vec![]);
    removed.await.unwrap();
    let asked = [foreign, ours, gone, unknown];
    let found = store.unknown_servers(team.organization, &asked).await;
    assert_eq!(found.unwrap(), [foreign, gone, unknown]);
    let found = store.unknown_servers(team.organization, &[ours]).await;
    assert_eq!(found.unwrap(), []);
}

async fn a_server_is_called_otherwise_in_its_organization(fixture: Fixture) {
    let (zoo, ape) = (fixture.team("zoo").await, fixture.team("ape").await);
    let server = fixture.server(zoo, "web").await;
    fixture.server(zoo, "shop").await;
    let change = async |team: crate::fixture::Team, slug: &str, name: Option<&str>| {
        let audit = fixture.audit(team, "server.update");
        let (slug, name) = (slug.to_owned(), name.map(str::to_owned));
        let rule = move |before: &ServerRecord| {
            let mut record = before.clone();
            record.slug.clone_from(&slug);
            record.name = name.clone().unwrap_or(record.name);
            Ok::<_, Infallible>(record)
        };
        let store = &fixture.store;
        let edited = store.change_server(team.organization, server, audit, rule);
        Ok::<_, StoreError>(edited.await? != Edited::Unknown)
    };
    assert!(change(zoo, "web-2", Some("Web 2")).await.unwrap());
    let name = fixture.store.server_name(zoo.organization, server).await;
    assert_eq!(name.unwrap().as_deref(), Some("Web 2"));
    assert!(!change(ape, "mine", None).await.unwrap());
    assert!(matches!(
        change(zoo, "shop", Some("Shop")).await,
        Err(StoreError::Conflict(Conflict::Taken {
            table: "servers",
            column: "slug"
        }))
    ));
    let found = fixture.store.server(zoo.organization, server).await;
    let found = found.unwrap().unwrap();
    assert_eq!(
        (found.slug.as_str(), found.name.as_str()),
        ("web-2", "Web 2")
    );
    assert_eq!(fixture.actions(zoo).await, ["server.update"]);
    assert_eq!(fixture.actions(ape).await, [""; 0]);
}
