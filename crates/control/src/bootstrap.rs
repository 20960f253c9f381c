//! The first start, and every later one.

mod first_keys;

use std::time::Duration;

use async_recursion::async_recursion as boxed;
use reoclo_domain::{
    DisplayName, OrganizationId, PlainToken, Role, ServerId, Slug, Timestamp, TokenKind, UserId,
};
use reoclo_store::{
    AuditOutcome, Bootstrap, NewAuditEvent, NewOrganization, NewServer, NewSetupLink, NewUser,
    OrganizationRecord,
};
use serde_json::json;

use crate::Refusal;
use crate::audit::{AuditedAction, resource};
use crate::core::Core;
use crate::servers::server_created;

const SETUP_LINK_LIFETIME: Duration = Duration::from_hours(24);

pub use first_keys::MintedKeys;

/// What a start wants.
#[derive(Clone, Debug)]
pub struct Startup {
    /// The server that stands for this machine, and its host name; none under `serve`.
    pub server: Option<(ServerId, String)>,
    /// When the start began. One that began before somebody else's first start was done goes on
    /// with what that made, and leaves its set-up link good.
    pub begun: Option<Timestamp>,
}

impl Startup {
    fn is_beside(&self, organization: &OrganizationRecord) -> bool {
        self.begun
            .is_some_and(|begun| begun < organization.created_at)
    }
}

/// What a start found or made.
#[derive(Debug)]
pub struct Bootstrapped {
    /// The organization of the bootstrap keys.
    pub organization: OrganizationRecord,
    /// The set-up link's token while the first admin has no account.
    pub setup_token: Option<PlainToken>,
    /// The first admin while they have no account; the first keys are theirs.
    pub pending_admin: Option<UserId>,
}

/// The instance itself: its first start, and every later one.
#[derive(Clone, Copy)]
pub struct Instance<'c> {
    pub(crate) core: &'c Core,
}

impl Instance<'_> {
    /// Brings the database to where a start needs it: idempotent, also after a kill at any point.
    #[boxed]
    pub async fn start_up(&self, startup: &Startup) -> Result<Bootstrapped, Refusal> {
        match self.oldest_organization().await? {
            None => match self.first_start(startup).await {
                // Of several first starts at once, one is first, and what it showed stays good.
                Err(Refusal::Conflict(_) | Refusal::Taken { .. }) => {
                    self.start_beside(startup).await
                }
                started => started,
            },
            Some(organization) if startup.is_beside(&organization) => {
                self.start_beside(startup).await
            }
            Some(organization) => self.later_start(startup, organization).await,
        }
    }

    /// The organization that this machine's owner manages from its shell.
    #[boxed]
    pub async fn first_organization(&self) -> Result<OrganizationId, Refusal> {
        let oldest = self.oldest_organization().await?;
        oldest
            .map(|organization| organization.id)
            .ok_or(Refusal::NotFound("an organization"))
    }

    async fn oldest_organization(self) -> Result<Option<OrganizationRecord>, Refusal> {
        let organizations = self.core.store().organizations().await?;
        Ok(organizations
            .into_iter()
            .min_by_key(|organization| organization.created_at))
    }

    async fn first_start(self, startup: &Startup) -> Result<Bootstrapped, Refusal> {
        let organization = NewOrganization {
            id: OrganizationId::new(self.core.clock(), self.core.entropy()),
            slug: "default".into(),
            name: "Default".into(),
            created_at: self.core.now(),
        };
        let admin = NewUser {
            id: UserId::new(self.core.clock(), self.core.entropy()),
            email: None,
            name: None,
            password_hash: None,
            temporary_until: None,
            created_at: self.core.now(),
        };
        let admin_id = admin.id;
        let (setup, setup_token) = self.new_setup_link();
        let server = startup
            .server
            .as_ref()
            .map(|(id, host)| self.local_server(*id, organization.id, host));

        let mut events = self.first_events(&organization);
        events.push(self.setup_link_event(organization.id, admin.id));
        events.extend(
            server
                .iter()
                .map(|server| server_created(self.core, server, None)),
        );
        let bootstrap = Bootstrap {
            organization: organization.clone(),
            admin,
            setup,
            server,
        };
        self.core
            .store()
            .bootstrap(bootstrap, events)
            .await
            .map_err(Refusal::of_write)?;
        Ok(Bootstrapped {
            organization: organization.into(),
            setup_token: Some(setup_token),
            pending_admin: Some(admin_id),
        })
    }

    async fn later_start(
        self,
        startup: &Startup,
        organization: OrganizationRecord,
    ) -> Result<Bootstrapped, Refusal> {
        if let Some((id, host)) = &startup.server {
            self.ensure_local_server(*id, organization.id, host).await?;
        }
        let pending = self.core.store().pending_setup().await?;
        let Some(pending) = pending else {
            return Ok(Bootstrapped {
                organization,
                setup_token: None,
                pending_admin: None,
            });
        };
        let (link, setup_token) = self.new_setup_link();
        let event = self.setup_link_event(pending.organization, pending.user);
        let replaced = self
            .core
            .store()
            .replace_setup_link(pending.user, link, vec![event])
            .await;
        replaced.map_err(Refusal::of_write)?;
        Ok(Bootstrapped {
            organization,
            setup_token: Some(setup_token),
            pending_admin: Some(pending.user),
        })
    }

    /// Goes on with what another start has just made.
    async fn start_beside(self, startup: &Startup) -> Result<Bootstrapped, Refusal> {
        let found = self.oldest_organization().await?;
        let organization = found.ok_or(Refusal::NotFound("an organization"))?;
        if let Some((id, host)) = &startup.server {
            self.ensure_local_server(*id, organization.id, host).await?;
        }
        tracing::info!("another start has set up this database: its set-up link is the good one");
        Ok(Bootstrapped {
            organization,
            setup_token: None,
            pending_admin: None,
        })
    }

    async fn ensure_local_server(
        self,
        id: ServerId,
        organization: OrganizationId,
        host: &str,
    ) -> Result<(), Refusal> {
        if self.core.store().server(organization, id).await?.is_some() {
            return Ok(());
        }
        let mut server = self.local_server(id, organization, host);
        let taken = self.core.store().servers(organization).await?;
        let plain = server.slug.clone();
        let mut number = 2;
        while taken.iter().any(|other| other.slug == server.slug.as_str()) {
            server.slug = plain.numbered(number);
            number += 1;
        }
        let event = server_created(self.core, &server, None);
        let created = self
            .core
            .store()
            .create_server(server, None, vec![event])
            .await;
        created.map_err(Refusal::of_write)
    }

    fn local_server(self, id: ServerId, organization: OrganizationId, host: &str) -> NewServer {
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
            created_at: self.core.now(),
        }
    }

    fn new_setup_link(self) -> (NewSetupLink, PlainToken) {
        let token = PlainToken::generate(TokenKind::Setup, self.core.entropy());
        let expires_at = self.core.now().plus(SETUP_LINK_LIFETIME);
        (
            NewSetupLink {
                token: token.hash(),
                expires_at,
            },
            token,
        )
    }

    fn first_events(self, organization: &NewOrganization) -> Vec<NewAuditEvent> {
        let audited = AuditedAction {
            action: "organization.create",
            resource: resource("organization", organization.id, Some(&organization.name)),
            outcome: AuditOutcome::Success,
            detail: json!({ "slug": organization.slug, "first_role": Role::Admin.as_str() }),
        };
        vec![self.core.event_by_system(Some(organization.id), audited)]
    }

    fn setup_link_event(self, organization: OrganizationId, user: UserId) -> NewAuditEvent {
        let audited = AuditedAction {
            action: "setup_link.create",
            resource: resource("user", user, None),
            outcome: AuditOutcome::Success,
            detail: json!({}),
        };
        self.core.event_by_system(Some(organization), audited)
    }
}
