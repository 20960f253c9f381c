//! Keys of the world, of every kind and state.

use std::time::Duration;

use reoclo_domain::{
    Acl, AutomationKeyId, AutomationScope, Clock, IntegrationKeyId, KeyLife, OperationKind,
    OperationKinds, OrganizationId, PlainToken, Preset, Role, Scope, ServerId, TokenKind, UserId,
};
use reoclo_store::{AutomationKeyRecord, IntegrationKeyRecord, KeyRef};
use reoclo_testkit::RealEntropy;

use super::{Organization, World};

impl World {
    /// An integration key of somebody with `role`.
    pub(crate) async fn integration_key(
        &self,
        of: &Organization,
        preset: Preset,
        role: Role,
    ) -> String {
        let user = self.person(of, role).await;
        self.integration_key_of(of, preset, user).await.0
    }

    pub(crate) async fn integration_key_of(
        &self,
        of: &Organization,
        preset: Preset,
        creator: UserId,
    ) -> (String, KeyRef) {
        let (key, token) = integration_record(&*self.clock, of.id, preset, creator);
        let id = KeyRef::Integration(key.id);
        self.store()
            .create_integration_key(key, token.hash(), Vec::new())
            .await
            .unwrap();
        (token.expose().into(), id)
    }

    /// An automation key for all servers with `operations`.
    pub(crate) async fn automation_key(
        &self,
        of: &Organization,
        operations: &[OperationKind],
    ) -> (String, KeyRef) {
        self.automation_key_for(of, operations, Scope::All).await
    }

    pub(crate) async fn automation_key_for(
        &self,
        of: &Organization,
        operations: &[OperationKind],
        servers: Scope<ServerId>,
    ) -> (String, KeyRef) {
        let operations: OperationKinds = operations.iter().copied().collect();
        let scope = AutomationScope {
            servers,
            operations,
            registry_credentials: Scope::All,
        };
        self.automation_key_with(of, scope, &[]).await
    }

    /// A key for all servers that may ask `limit` times a minute.
    pub(crate) async fn limited_key(
        &self,
        of: &Organization,
        operations: &[OperationKind],
        limit: u32,
    ) -> String {
        let scope = AutomationScope {
            servers: Scope::All,
            operations: operations.iter().copied().collect(),
            registry_credentials: Scope::All,
        };
        self.new_automation_key(of, scope, &[], limit).await.0
    }

    pub(crate) async fn automation_key_with(
        &self,
        of: &Organization,
        scope: AutomationScope,
        ip_allowlist: &[&str],
    ) -> (String, KeyRef) {
        self.new_automation_key(of, scope, ip_allowlist, 10_000)
            .await
    }

    async fn new_automation_key(
        &self,
        of: &Organization,
        scope: AutomationScope,
        ip_allowlist: &[&str],
        rate_limit_per_minute: u32,
    ) -> (String, KeyRef) {
        let (mut key, token) = automation_record(&*self.clock, of.id, of.admin, scope);
        let networks = ip_allowlist.iter();
        key.ip_allowlist = networks.map(|network| network.parse().unwrap()).collect();
        key.rate_limit_per_minute = rate_limit_per_minute;
        let id = KeyRef::Automation(key.id);
        self.store()
            .create_automation_key(key, token.hash(), Vec::new())
            .await
            .unwrap();
        (token.expose().into(), id)
    }

    pub(crate) async fn expire(&self, of: &Organization, key: KeyRef) {
        let now = Some(self.clock.now());
        assert!(
            self.store()
                .expire_key(of.id, key, now, Vec::new())
                .await
                .unwrap()
        );
        self.clock.advance(Duration::from_secs(1));
    }

    pub(crate) async fn revoke(&self, of: &Organization, key: KeyRef) {
        let revoked = self
            .store()
            .revoke_key(of.id, key, self.clock.now(), Vec::new())
            .await;
        assert!(revoked.unwrap());
    }
}

pub(super) fn integration_record(
    clock: &dyn Clock,
    organization: OrganizationId,
    preset: Preset,
    creator: UserId,
) -> (IntegrationKeyRecord, PlainToken) {
    let token = PlainToken::generate(TokenKind::Integration, &RealEntropy);
    let key = IntegrationKeyRecord {
        id: IntegrationKeyId::new(clock, &RealEntropy),
        organization,
        label: "test".into(),
        prefix: token.display_prefix().into(),
        preset,
        creator,
        life: KeyLife::new(clock.now(), None),
        created_at: clock.now(),
    };
    (key, token)
}

pub(super) fn automation_record(
    clock: &dyn Clock,
    organization: OrganizationId,
    creator: UserId,
    scope: AutomationScope,
) -> (AutomationKeyRecord, PlainToken) {
    let token = PlainToken::generate(TokenKind::Automation, &RealEntropy);
    let key = AutomationKeyRecord {
        id: AutomationKeyId::new(clock, &RealEntropy),
        organization,
        name: "test".into(),
        prefix: token.display_prefix().into(),
        scope,
        ip_allowlist: Vec::new().into(),
        allowlist_sources: Vec::new(),
        rate_limit_per_minute: 100,
        creator,
        life: KeyLife::new(clock.now(), None),
        created_at: clock.now(),
    };
    (key, token)
}

/// Every cell but `without`.
pub(crate) fn all_but(without: reoclo_domain::Cell) -> Preset {
    Preset::Custom(Acl::all().without(without))
}
