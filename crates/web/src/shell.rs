//! What stands around the pages of somebody who is signed in.

use axum::extract::FromRequestParts;
use http::request::Parts;
use reoclo_control::{
    AuditLogsRead, Authorized, AutomationKeysManage, Control, IntegrationKeysManage,
    OrganizationManage, OwnSession, Permission, RegistryCredentialsRead, RegistryCredentialsWrite,
    ServersExecute, ServersRead, ServersWrite, SessionView, UsersRead, UsersWrite,
};
use reoclo_domain::{Role, Timestamp};
use reoclo_http::{ApiError, AppState, QueryReader, QueryText, RefusedRequest};
use uuid::Uuid;

use crate::assets::{LIVE_PARTS, LIVE_SCRIPT};
use crate::look::Look;
use crate::moment::Moment;

/// The frame of a page: who looks at it, and where they may go.
#[derive(Clone, Debug)]
pub(crate) struct Shell {
    /// Who is signed in, and where.
    pub(crate) session: SessionView,
    /// What was just done, on the page that a form leads to.
    pub(crate) notice: Option<&'static str>,
    /// The moment for which the page is made.
    pub(crate) now: Timestamp,
    /// The mark of a form on this page that is to be taken once.
    pub(crate) once: String,
    path: String,
    look: Look,
}

/// The proof of a permission, for whoever's role has it. Nobody is refused for what they did not
/// ask for: a page shows what it can.
pub(crate) struct IfHeld<P>(pub(crate) Option<Authorized<P>>);

impl<P: Permission> FromRequestParts<AppState> for IfHeld<P> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let own = Authorized::<OwnSession>::from_request_parts(parts, state).await?;
        Ok(Self(own.held()))
    }
}

/// Names one form among all.
fn mark(control: &Control) -> String {
    let mut bytes = [0; 16];
    control.entropy().fill(&mut bytes);
    Uuid::from_bytes(bytes).simple().to_string()
}

/// A place in the navigation.
pub(crate) struct Entry {
    pub(crate) href: &'static str,
    pub(crate) name: &'static str,
    pub(crate) icon: &'static str,
}

impl FromRequestParts<AppState> for Shell {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let proof = Authorized::<OwnSession>::from_request_parts(parts, state).await?;
        let query = QueryText::from_request_parts(parts, state).await?;
        let control = state.control();
        Ok(Self {
            session: control.sessions().show(&proof).await?,
            notice: notice(&query),
            now: control.clock().now(),
            once: mark(control),
            path: parts.uri.path().to_owned(),
            look: Look::of(&parts.headers),
        })
    }
}

impl Shell {
    /// The frame of a page that says why there is none.
    pub(crate) fn around(session: SessionView, refused: &RefusedRequest<'_>) -> Self {
        let (path, _) = refused
            .target
            .split_once('?')
            .unwrap_or((refused.target, ""));
        Self {
            session,
            notice: None,
            now: refused.control().clock().now(),
            once: mark(refused.control()),
            path: path.to_owned(),
            look: Look::of(refused.headers),
        }
    }

    /// Where this person may go.
    pub(crate) fn navigation(&self) -> Vec<Entry> {
        let entry = |href, name, icon| Entry { href, name, icon };
        NAVIGATION
            .iter()
            .filter(|(_, _, _, is_offered)| is_offered(self))
            .map(|(href, name, icon, _)| entry(*href, *name, *icon))
            .collect()
    }

    /// Whether the page is that entry's or below it.
    pub(crate) fn is_at(&self, href: &str) -> bool {
        if href == "/" {
            return self.path == "/";
        }
        let rest = self.path.strip_prefix(href);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The hidden field of every form.
    pub(crate) fn csrf(&self) -> &str {
        self.session.csrf_token.expose()
    }

    /// A moment as people read it.
    pub(crate) const fn moment(&self, at: Timestamp) -> Moment {
        Moment { at, now: self.now }
    }

    pub(crate) const fn role(&self) -> Role {
        self.session.current.role
    }

    fn may<P: Permission>(&self) -> bool {
        P::REQUIREMENT.met_by_role(self.role())
    }

    pub(crate) fn reads_servers(&self) -> bool {
        self.may::<ServersRead>()
    }

    pub(crate) fn writes_servers(&self) -> bool {
        self.may::<ServersWrite>()
    }

    pub(crate) fn manages_integration_keys(&self) -> bool {
        self.may::<IntegrationKeysManage>()
    }

    pub(crate) fn manages_automation_keys(&self) -> bool {
        self.may::<AutomationKeysManage>()
    }

    pub(crate) fn reads_users(&self) -> bool {
        self.may::<UsersRead>()
    }

    pub(crate) fn writes_users(&self) -> bool {
        self.may::<UsersWrite>()
    }

    pub(crate) fn reads_audit_log(&self) -> bool {
        self.may::<AuditLogsRead>()
    }

    pub(crate) fn manages_organization(&self) -> bool {
        self.may::<OrganizationManage>()
    }

    pub(crate) const fn theme(&self) -> Option<&'static str> {
        self.look.theme()
    }

    pub(crate) fn style(&self) -> &'static str {
        self.look.style()
    }

    pub(crate) fn script(&self) -> &'static str {
        self.look.script()
    }

    /// Follows an operation.
    #[expect(clippy::unused_self, reason = "templates ask the page for it")]
    pub(crate) fn live_script(&self) -> &'static str {
        &LIVE_SCRIPT.path
    }

    /// What that script imports.
    #[expect(clippy::unused_self, reason = "templates ask the page for it")]
    pub(crate) fn live_parts(&self) -> impl Iterator<Item = &'static str> {
        LIVE_PARTS.iter().map(|(_, part)| part.path.as_str())
    }

    pub(crate) fn executes_on_servers(&self) -> bool {
        self.may::<ServersExecute>()
    }

    pub(crate) fn reads_registry_credentials(&self) -> bool {
        self.may::<RegistryCredentialsRead>()
    }

    pub(crate) fn writes_registry_credentials(&self) -> bool {
        self.may::<RegistryCredentialsWrite>()
    }

    pub(crate) fn icon(&self) -> &'static str {
        self.look.icon()
    }
}

type Offered = fn(&Shell) -> bool;

/// Every place, and to whom it is offered.
const NAVIGATION: &[(&str, &str, &str, Offered)] = &[
    ("/", "Home", "home", |_| true),
    ("/servers", "Servers", "servers", Shell::reads_servers),
    (
        "/operations",
        "Operations",
        "operations",
        Shell::reads_servers,
    ),
    (
        "/api-keys",
        "API Keys",
        "keys",
        Shell::manages_integration_keys,
    ),
    (
        "/registry-credentials",
        "Registry Credentials",
        "registry",
        Shell::reads_registry_credentials,
    ),
    ("/users", "Users", "users", Shell::reads_users),
    ("/audit-log", "Audit Log", "audit", Shell::reads_audit_log),
    ("/organization", "Settings", "settings", |_| true),
];

/// What was just done. Only these texts are shown, whatever the address says.
const NOTICES: &[(&str, &str)] = &[
    ("operation-cancelled", "The operation is asked to end."),
    (
        "credential-added",
        "The credential is stored. Its secret is sealed and never shown.",
    ),
    ("credential-changed", "The change is saved."),
    (
        "address-list-added",
        "The list is fetched and in force for keys that name it.",
    ),
    (
        "address-list-refreshed",
        "The list is as it is published now.",
    ),
    (
        "address-list-kept",
        "No usable list came: the one before it stays in force.",
    ),
    ("address-list-removed", "The list is removed."),
    ("credential-removed", "The credential is removed."),
    ("server-changed", "The server is renamed."),
    (
        "server-decommissioned",
        "The server is decommissioned: its runner's identity is dead.",
    ),
    ("user-changed", "The change is saved."),
    (
        "invitation-withdrawn",
        "The invitation is withdrawn: its link is dead.",
    ),
    ("joined", "You have joined: sign in to go on."),
    ("organization-changed", "The settings are saved."),
    (
        "key-revoked",
        "The key is revoked: no request with it is accepted any more.",
    ),
    ("signed-up", "Your account is ready: sign in with it."),
    ("signed-out", "You are signed out."),
    ("signed-out-everywhere", "You are signed out everywhere."),
    (
        "organization-created",
        "The organization is created: switch to it to work in it.",
    ),
    (
        "machine-chosen",
        "It is decided which machine this server is. The runners of the others end when they try again.",
    ),
    (
        "password-changed",
        "Your password is changed. Every other session of yours has ended.",
    ),
];

/// What the address says was just done.
pub(crate) fn notice(query: &QueryText) -> Option<&'static str> {
    let mut reader = QueryReader::new(query);
    let name = reader.text("notice")?;
    let found = NOTICES.iter().find(|(known, _)| *known == name);
    found.map(|(_, text)| *text)
}
