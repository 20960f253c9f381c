//! What is in memory is what is in the database, whatever happened before.

use proptest::prelude::*;
use reoclo_domain::{Role, Timestamp};
use reoclo_store::{KeyRef, NewKey, Revoked};

use crate::fixture::Fixture;

#[derive(Clone, Debug)]
enum Step {
    CreateIntegration,
    CreateAutomation,
    Revoke(usize),
    Replace(usize),
    Expire(usize, Option<i64>),
    Role(Option<Role>),
}

fn step() -> impl Strategy<Value = Step> {
    let role = prop::option::of(prop::sample::select(Role::ALL.to_vec()));
    prop_oneof![
        Just(Step::CreateIntegration),
        Just(Step::CreateAutomation),
        any::<usize>().prop_map(Step::Revoke),
        any::<usize>().prop_map(Step::Replace),
        (any::<usize>(), any::<Option<i64>>()).prop_map(|(key, at)| Step::Expire(key, at)),
        role.prop_map(Step::Role),
    ]
}

async fn run(steps: Vec<Step>) {
    let fixture = Fixture::sqlite().await;
    let team = fixture.team("zoo").await;
    let store = &fixture.store;
    let user = fixture.new_user("bob@zoo.example");
    let person = user.id;
    store
        .create_user(user, team.organization, Role::Viewer, vec![])
        .await
        .unwrap();
    let mut keys = vec![];
    for step in steps {
        let pick = |at: usize| keys.get(at % keys.len().max(1)).copied();
        match step {
            Step::CreateIntegration => {
                let (key, token) = (fixture.integration_key(team), fixture.token_hash());
                keys.push((KeyRef::Integration(key.id), token));
                store
                    .create_integration_key(key, token, vec![])
                    .await
                    .unwrap();
            }
            Step::CreateAutomation => {
                let (key, token) = (fixture.automation_key(team), fixture.token_hash());
                keys.push((KeyRef::Automation(key.id), token));
                store
                    .create_automation_key(key, token, vec![])
                    .await
                    .unwrap();
            }
            Step::Revoke(at) => {
                if let Some((key, _)) = pick(at) {
                    let now = Timestamp::from_micros(1);
                    assert!(
                        store
                            .revoke_key(team.organization, key, now, vec![])
                            .await
                            .unwrap()
                    );
                }
            }
            Step::Replace(at) => {
                if let Some((old, _)) = pick(at) {
                    let (key, token) = (fixture.integration_key(team), fixture.token_hash());
                    let new = KeyRef::Integration(key.id);
                    let now = Timestamp::from_micros(1);
                    let key = NewKey::Integration(key, token);
                    let replaced =
                        store.replace_key(team.organization, old, now, key, None, vec![]);
                    if replaced.await.unwrap() == Revoked::Now {
                        keys.push((new, token));
                    }
                }
            }
            Step::Expire(at, expires_at) => {
                if let Some((key, _)) = pick(at) {
                    let expires_at = expires_at.map(Timestamp::from_micros);
                    let changed = store.expire_key(team.organization, key, expires_at, vec![]);
                    assert!(changed.await.unwrap());
                }
            }
            Step::Role(role) => {
                let there = store.role_of(team.organization, person).await.unwrap();
                let done = match (there, role) {
                    (None, None) => continue,
                    (None, Some(role)) => {
                        store
                            .create_member(team.organization, person, role, vec![])
                            .await
                    }
                    (Some(_), role) => {
                        store
                            .set_role(team.organization, person, role, vec![])
                            .await
                    }
                };
                done.unwrap();
            }
        }
    }
    let fresh = fixture.reopened().await;
    for (_, token) in &keys {
        assert_eq!(
            store.find_key(token).await.unwrap(),
            fresh.find_key(token).await.unwrap()
        );
    }
    assert_eq!(
        store.statistics().cached_keys,
        fresh.statistics().cached_keys
    );
    let role = store.role_of(team.organization, person).await.unwrap();
    assert_eq!(
        role,
        fresh.role_of(team.organization, person).await.unwrap()
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn sqlite_memory_equals_the_database(steps in prop::collection::vec(step(), 1..30)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(run(steps));
    }
}
