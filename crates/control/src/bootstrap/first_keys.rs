//! The two keys of the first start.

use super::Bootstrapped;
use super::Instance;
use crate::Refusal;
use crate::audit::{AuditedAction, resource};
use crate::keys::describe;
use async_recursion::async_recursion as boxed;
use reoclo_domain::{
    Allowlist, AutomationKeyId, AutomationScope, IntegrationKeyId, KeyLife, OperationKinds,
    OrganizationId, PlainToken, Preset, Scope, ServerId, TokenKind, UserId,
};
use reoclo_store::{
    AuditOutcome, AutomationKeyRecord, IntegrationKeyRecord, KeyRecord, NewAuditEvent, NewKey,
};

/// The first key is for trying things out, and a limit that is met then only puzzles.
const FIRST_KEY_RATE_LIMIT: u32 = 10_000;

/// The first two keys; this is the only time that they are known.
#[derive(Debug)]
pub struct MintedKeys {
    /// Full access, within the admin's role.
    pub integration: PlainToken,
    /// Every operation, on this machine or under `serve` on every server.
    pub automation: PlainToken,
}

impl Instance<'_> {
    /// Makes the first two keys while the first admin has no account and there are none.
    ///
    /// Call this last, when they can be shown at once: nobody can see them later. The automation
    /// key is for `server`, or for every one.
    #[boxed]
    pub async fn mint_first_keys(
        &self,
        found: &Bootstrapped,
        server: Option<ServerId>,
    ) -> Result<Option<MintedKeys>, Refusal> {
        let organization = found.organization.id;
        let Some(admin) = found.pending_admin else {
            return Ok(None);
        };
        if self.has_keys(organization).await? {
            return Ok(None);
        }
        let (keys, minted) = self.mint(organization, admin, server);
        let events = keys.iter().map(|key| self.key_created(key)).collect();
        self.core
            .store()
            .create_keys(keys, events)
            .await
            .map_err(Refusal::of_write)?;
        Ok(Some(minted))
    }

    async fn has_keys(self, organization: OrganizationId) -> Result<bool, Refusal> {
        let integration = self.core.store().integration_keys(organization).await?;
        let automation = self.core.store().automation_keys(organization).await?;
        Ok(!integration.is_empty() || !automation.is_empty())
    }

    fn mint(
        self,
        organization: OrganizationId,
        creator: UserId,
        server: Option<ServerId>,
    ) -> (Vec<NewKey>, MintedKeys) {
        let integration = PlainToken::generate(TokenKind::Integration, self.core.entropy());
        let automation = PlainToken::generate(TokenKind::Automation, self.core.entropy());
        let servers = server.map_or(Scope::All, |server| Scope::Only(vec![server]));
        let keys = vec![
            NewKey::Integration(
                self.bootstrap_integration_key(organization, creator, &integration),
                integration.hash(),
            ),
            NewKey::Automation(
                self.bootstrap_automation_key(organization, creator, servers, &automation),
                automation.hash(),
            ),
        ];
        (
            keys,
            MintedKeys {
                integration,
                automation,
            },
        )
    }

    fn bootstrap_integration_key(
        self,
        organization: OrganizationId,
        creator: UserId,
        token: &PlainToken,
    ) -> IntegrationKeyRecord {
        IntegrationKeyRecord {
            id: IntegrationKeyId::new(self.core.clock(), self.core.entropy()),
            organization,
            label: "First key".into(),
            prefix: token.display_prefix().to_owned(),
            preset: Preset::FullAccess,
            creator,
            life: KeyLife::new(self.core.now(), None),
            created_at: self.core.now(),
        }
    }

    fn bootstrap_automation_key(
        self,
        organization: OrganizationId,
        creator: UserId,
        servers: Scope<ServerId>,
        token: &PlainToken,
    ) -> AutomationKeyRecord {
        AutomationKeyRecord {
            id: AutomationKeyId::new(self.core.clock(), self.core.entropy()),
            organization,
            name: "first-key".into(),
            prefix: token.display_prefix().to_owned(),
            scope: AutomationScope {
                servers,
                operations: OperationKinds::all(),
                registry_credentials: Scope::All,
            },
            ip_allowlist: Allowlist::default(),
            allowlist_sources: Vec::new(),
            rate_limit_per_minute: FIRST_KEY_RATE_LIMIT,
            creator,
            life: KeyLife::new(self.core.now(), None),
            created_at: self.core.now(),
        }
    }

    fn key_created(self, key: &NewKey) -> NewAuditEvent {
        let record = match key.clone() {
            NewKey::Integration(key, _) => KeyRecord::Integration(key),
            NewKey::Automation(key, _) => KeyRecord::Automation(key),
        };
        let (id, label) = (record.key_ref().as_uuid(), record.label());
        let audited = AuditedAction {
            action: "key.create",
            resource: resource(record.kind().as_str(), id, Some(label)),
            outcome: AuditOutcome::Success,
            detail: describe(&record),
        };
        self.core
            .event_by_system(Some(record.organization()), audited)
    }
}
