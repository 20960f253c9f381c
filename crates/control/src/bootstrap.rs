//! The first start, and every later one (DESIGN 7).

use std::time::Duration;

use reoclo_domain::{
    AutomationKeyId, AutomationScope, DisplayName, IntegrationKeyId, KeyLife, OperationKinds,
    OrganizationId, PlainToken, Preset, Role, Scope, ServerId, Slug, TokenKind, UserId,
};
use reoclo_store::{
    AuditOutcome, AutomationKeyRecord, Bootstrap, IntegrationKeyRecord, NewAuditEvent, NewKey,
    NewOrganization, NewServer, NewSetupLink, NewUser, OrganizationRecord,
};
use serde_json::json;

use crate::audit::{Happening, resource};
use crate::{Control, Refusal};

const SETUP_LINK_LIFETIME: Duration = Duration::from_hours(24);
const DEFAULT_RATE_LIMIT: u32 = 100;

/// What a start wants.
#[derive(Clone, Debug)]
pub struct Startup {
    /// The server that stands for this machine, and its host name; none under `serve`.
    pub server: Option<(ServerId, String)>,
    /// Whether keys can be shown once; else none are made, since they would be lost.
    pub can_show_keys: bool,
}

/// What a start found or made.
#[derive(Debug)]
pub struct Bootstrapped {
    /// The organization of the bootstrap keys.
    pub organization: OrganizationRecord,
    /// The set-up link's token while the first admin has no account.
    pub setup_token: Option<PlainToken>,
    /// The two keys, when they were made now.
    pub keys: Option<MintedKeys>,
}

/// The first two keys; this is the only time that they are known.
#[derive(Debug)]
pub struct MintedKeys {
    /// Full access, within the admin's role.
    pub integration: PlainToken,
    /// Every operation, on this machine or under `serve` on every server.
    pub automation: PlainToken,
}

impl Control {
    /// Brings the database to where a start needs it: idempotent, also after a kill at any point.
    pub async fn start_up(&self, startup: &Startup) -> Result<Bootstrapped, Refusal> {
        let organizations = self.store().organizations().await?;
        match organizations
            .into_iter()
            .min_by_key(|organization| organization.created_at)
        {
            None => self.first_start(startup).await,
            Some(organization) => self.later_start(startup, organization).await,
        }
    }

    /// The organization that this machine's owner manages from its shell.
    pub async fn first_organization(&self) -> Result<OrganizationId, Refusal> {
        let oldest = self.oldest_organization().await?;
        oldest
            .map(|organization| organization.id)
            .ok_or(Refusal::NotFound("an organization"))
    }

    async fn oldest_organization(&self) -> Result<Option<OrganizationRecord>, Refusal> {
        let organizations = self.store().organizations().await?;
        Ok(organizations
            .into_iter()
            .min_by_key(|organization| organization.created_at))
    }

    async fn first_start(&self, startup: &Startup) -> Result<Bootstrapped, Refusal> {
        let organization = NewOrganization {
            id: OrganizationId::new(self.clock(), self.entropy()),
            slug: "default".into(),
            name: "Default".into(),
            created_at: self.now(),
        };
        let admin = NewUser {
            id: UserId::new(self.clock(), self.entropy()),
            email: None,
            name: None,
            password_hash: None,
            created_at: self.now(),
        };
        let (setup, setup_token) = self.new_setup_link();
        let server = startup
            .server
            .as_ref()
            .map(|(id, host)| self.local_server(*id, organization.id, host));
        let minted = startup
            .can_show_keys
            .then(|| self.mint(organization.id, admin.id, startup));
        let (keys, shown) = minted.unzip();
        let keys = keys.unwrap_or_default();

        let mut events = self.first_events(&organization);
        events.push(self.setup_link_event(organization.id, admin.id));
        events.extend(server.iter().map(|server| self.server_created(server)));
        events.extend(keys.iter().map(|key| self.key_created(key)));
        let bootstrap = Bootstrap {
            organization: organization.clone(),
            admin,
            setup,
            server,
            keys,
        };
        self.store()
            .bootstrap(bootstrap, events)
            .await
            .map_err(Refusal::of_write)?;
        Ok(Bootstrapped {
            organization,
            setup_token: Some(setup_token),
            keys: shown,
        })
    }

    async fn later_start(
        &self,
        startup: &Startup,
        organization: OrganizationRecord,
    ) -> Result<Bootstrapped, Refusal> {
        if let Some((id, host)) = &startup.server {
            self.ensure_local_server(*id, organization.id, host).await?;
        }
        let pending = self.store().pending_setup().await?;
        let Some(pending) = pending else {
            return Ok(Bootstrapped {
                organization,
                setup_token: None,
                keys: None,
            });
        };
        let (link, setup_token) = self.new_setup_link();
        let event = self.setup_link_event(pending.organization, pending.user);
        let replaced = self
            .store()
            .replace_setup_link(pending.user, link, vec![event])
            .await;
        replaced.map_err(Refusal::of_write)?;
        let keys = self
            .mint_if_none(&organization, pending.user, startup)
            .await?;
        Ok(Bootstrapped {
            organization,
            setup_token: Some(setup_token),
            keys,
        })
    }

    /// Keys that could not be shown at the first start are made at the first one that can.
    async fn mint_if_none(
        &self,
        organization: &OrganizationRecord,
        admin: UserId,
        startup: &Startup,
    ) -> Result<Option<MintedKeys>, Refusal> {
        let none = self
            .store()
            .integration_keys(organization.id)
            .await?
            .is_empty()
            && self
                .store()
                .automation_keys(organization.id)
                .await?
                .is_empty();
        if !startup.can_show_keys || !none {
            return Ok(None);
        }
        let (keys, shown) = self.mint(organization.id, admin, startup);
        for key in keys {
            let event = vec![self.key_created(&key)];
            let created = match key {
                NewKey::Integration(record, token) => {
                    self.store()
                        .create_integration_key(record, token, event)
                        .await
                }
                NewKey::Automation(record, token) => {
                    self.store()
                        .create_automation_key(record, token, event)
                        .await
                }
            };
            created.map_err(Refusal::of_write)?;
        }
        Ok(Some(shown))
    }

    async fn ensure_local_server(
        &self,
        id: ServerId,
        organization: OrganizationId,
        host: &str,
    ) -> Result<(), Refusal> {
        if self.store().server(organization, id).await?.is_some() {
            return Ok(());
        }
        let mut server = self.local_server(id, organization, host);
        let taken = self.store().servers(organization).await?;
        let plain = server.slug.clone();
        let mut number = 2;
        while taken.iter().any(|other| other.slug == server.slug.as_str()) {
            server.slug = plain.numbered(number);
            number += 1;
        }
        let event = self.server_created(&server);
        let created = self.store().create_server(server, None, vec![event]).await;
        created.map_err(Refusal::of_write)
    }

    fn local_server(&self, id: ServerId, organization: OrganizationId, host: &str) -> NewServer {
        let slug = Slug::from_text(host);
        let name = host
            .parse::<DisplayName>()
            .or_else(|_| slug.as_str().parse());
        // A slug is always a valid name.
        let name = name.unwrap_or_else(|_| unreachable!("a slug is a name"));
        NewServer {
            id,
            organization,
            slug,
            name,
            created_at: self.now(),
        }
    }

    fn new_setup_link(&self) -> (NewSetupLink, PlainToken) {
        let token = PlainToken::generate(TokenKind::Setup, self.entropy());
        let expires_at = self.now().plus(SETUP_LINK_LIFETIME);
        (
            NewSetupLink {
                token: token.hash(),
                expires_at,
            },
            token,
        )
    }

    fn mint(
        &self,
        organization: OrganizationId,
        creator: UserId,
        startup: &Startup,
    ) -> (Vec<NewKey>, MintedKeys) {
        let integration = PlainToken::generate(TokenKind::Integration, self.entropy());
        let automation = PlainToken::generate(TokenKind::Automation, self.entropy());
        let servers = match &startup.server {
            Some((id, _)) => Scope::Only(vec![*id]),
            None => Scope::All,
        };
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
        &self,
        organization: OrganizationId,
        creator: UserId,
        token: &PlainToken,
    ) -> IntegrationKeyRecord {
        IntegrationKeyRecord {
            id: IntegrationKeyId::new(self.clock(), self.entropy()),
            organization,
            label: "First key".into(),
            prefix: token.display_prefix().to_owned(),
            preset: Preset::FullAccess,
            creator,
            life: KeyLife::new(self.now(), None),
            created_at: self.now(),
        }
    }

    fn bootstrap_automation_key(
        &self,
        organization: OrganizationId,
        creator: UserId,
        servers: Scope<ServerId>,
        token: &PlainToken,
    ) -> AutomationKeyRecord {
        AutomationKeyRecord {
            id: AutomationKeyId::new(self.clock(), self.entropy()),
            organization,
            name: "first-key".into(),
            prefix: token.display_prefix().to_owned(),
            scope: AutomationScope {
                servers,
                operations: OperationKinds::all(),
                registry_credentials: Scope::All,
            },
            ip_allowlist: Vec::new(),
            rate_limit_per_minute: DEFAULT_RATE_LIMIT,
            creator,
            life: KeyLife::new(self.now(), None),
            created_at: self.now(),
        }
    }

    fn first_events(&self, organization: &NewOrganization) -> Vec<NewAuditEvent> {
        let happening = Happening {
            action: "organization.create",
            resource: resource("organization", organization.id, Some(&organization.name)),
            outcome: AuditOutcome::Success,
            detail: json!({ "slug": organization.slug, "first_role": Role::Admin.as_str() }),
        };
        vec![self.event_by_system(Some(organization.id), happening)]
    }

    fn setup_link_event(&self, organization: OrganizationId, user: UserId) -> NewAuditEvent {
        let happening = Happening {
            action: "setup_link.create",
            resource: resource("user", user, None),
            outcome: AuditOutcome::Success,
            detail: json!({}),
        };
        self.event_by_system(Some(organization), happening)
    }

    fn key_created(&self, key: &NewKey) -> NewAuditEvent {
        let (organization, resource, detail) = match key {
            NewKey::Integration(key, _) => (
                key.organization,
                resource("integration_key", key.id, Some(&key.label)),
                json!({ "prefix": key.prefix, "preset": key.preset.as_str() }),
            ),
            NewKey::Automation(key, _) => (
                key.organization,
                resource("automation_key", key.id, Some(&key.name)),
                json!({
                    "prefix": key.prefix,
                    "operations": key.scope.operations.iter().map(reoclo_domain::OperationKind::as_str).collect::<Vec<_>>(),
                }),
            ),
        };
        let action = match key {
            NewKey::Integration(..) => "integration_key.create",
            NewKey::Automation(..) => "automation_key.create",
        };
        let happening = Happening {
            action,
            resource,
            outcome: AuditOutcome::Success,
            detail,
        };
        self.event_by_system(Some(organization), happening)
    }
}
