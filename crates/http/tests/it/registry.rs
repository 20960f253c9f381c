//! Registry credentials and logins, as far as they go without a runner.

mod connection;
mod credentials;
mod logins;

use http::Method;
use reoclo_domain::{
    AuditEventId, Clock, OrganizationId, Preset, RegistryCredentialId, Role, Secret,
};
use reoclo_store::{
    Actor, Audit, RegistryCredentialRecord, RequestSource, Revision, Store, Touched,
};
use reoclo_testkit::RealEntropy;
use serde_json::{Value, json};

use crate::world::{Answer, World};

const PATH: &str = "/api/registry-credentials";
const SECRET: &str = "pa$$word-of-the-registry";

/// Values that are no address of a registry.
fn hostile_registries() -> Vec<String> {
    let corpus = include_str!("../../../testkit/corpus/hostile_registries.json");
    serde_json::from_str(corpus).unwrap()
}

/// Somebody who may do everything.
struct Admin<'w> {
    world: &'w World,
    key: String,
}

impl<'w> Admin<'w> {
    async fn of(world: &'w World) -> Self {
        let key = world
            .integration_key(&world.ours, Preset::FullAccess, Role::Admin)
            .await;
        Self { world, key }
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.world.post(path, Some(&self.key), body).await
    }

    async fn ask(&self, method: Method, id: &str, body: Option<&Value>) -> Answer {
        let path = format!("{PATH}/{id}");
        self.world.ask(&method, &path, Some(&self.key), body).await
    }

    async fn create(&self, fields: &Value) -> Answer {
        let mut body = json!({
            "name": "hub", "registry_type": "docker_hub", "username": "ada",
            "encrypted_credential": SECRET,
        });
        let fields = fields.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(fields);
        self.post(PATH, &body).await
    }

    /// The id of a credential with these fields besides the usual ones.
    async fn created(&self, fields: &Value) -> String {
        let answer = self.create(fields).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.body["id"].as_str().unwrap().to_owned()
    }

    async fn shown(&self, id: &str) -> Value {
        let answer = self.ask(Method::GET, id, None).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }

    async fn change(&self, id: &str, change: Value) -> Answer {
        self.ask(Method::PATCH, id, Some(&change)).await
    }

    /// The secret as it is kept.
    async fn secret(&self, id: &str) -> String {
        let (organization, id) = (self.world.ours.id, id.parse().unwrap());
        let store = self.world.store();
        let open = store.registry_credentials().open(organization, id).await;
        let (_, secret) = open.unwrap().unwrap();
        secret.expose().to_owned()
    }
}

/// A credential that an organization has from the start.
pub(crate) async fn kept(
    store: &Store,
    clock: &dyn Clock,
    organization: OrganizationId,
) -> RegistryCredentialId {
    let record = RegistryCredentialRecord {
        id: RegistryCredentialId::new(clock, &RealEntropy),
        organization,
        name: "kept".parse().unwrap(),
        registry_type: "private".parse().unwrap(),
        // Not public, so that nothing leaves the machine when it is tried.
        registry_url: "127.0.0.2".parse().unwrap(),
        username: Some("ada".into()),
        description: None,
        revision: Revision::FIRST,
        created_at: clock.now(),
        updated_at: Touched::new(clock.now()),
    };
    let (id, secret) = (record.id, Secret::new("secret"));
    let audit = unlogged(clock, "registry_credential.create");
    let credentials = store.registry_credentials();
    credentials
        .create(record, Some(&secret), audit)
        .await
        .unwrap();
    id
}

/// Not in the organization's own log, in which tests count rows.
pub(crate) fn unlogged(clock: &dyn Clock, action: &'static str) -> Audit {
    Audit {
        id: AuditEventId::new(clock, &RealEntropy),
        organization: None,
        at: clock.now(),
        actor: Actor::system(),
        source: RequestSource::default(),
        action,
        detail: json!({}),
    }
}
