use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_control::{
    Authorized, AutomationKeysManage, Control, Member, RegistryCredentialsRead, ServersRead,
};
use reoclo_domain::{Lifetime, OperationKind};
use reoclo_http::{ApiError, FormFields};

use super::create::{lifetimes, usual_lifetime};
use crate::form::Problems;
use crate::page::Page;
use crate::shell::Shell;
use crate::words;

const RATE_LIMIT: &str = "100";

/// The form that makes an automation key.
#[derive(Template)]
#[template(path = "keys/new_automation.html")]
pub(super) struct NewAutomation {
    choices: Choices,
    name: String,
    servers: String,
    server_ids: Vec<String>,
    operations: Vec<String>,
    credentials: Vec<String>,
    lifetimes: Vec<(Lifetime, bool)>,
    expires_in: String,
    ip_allowlist: String,
    rate_limit: String,
    problems: Problems,
    shell: Shell,
}

/// What can be chosen, whatever was typed.
pub(super) struct Choices {
    pub(super) maximum_days: Option<u32>,
    /// Id, name, and what the status says.
    pub(super) servers: Vec<(String, String, &'static str)>,
    /// Id, name and address.
    pub(super) credentials: Vec<(String, String, String)>,
}

/// What the choices are read with.
pub(super) struct Proofs {
    pub(super) member: Authorized<Member>,
    pub(super) servers: Authorized<ServersRead>,
    pub(super) credentials: Authorized<RegistryCredentialsRead>,
}

pub(super) async fn show(
    _: Authorized<AutomationKeysManage>,
    (member, servers, credentials): (
        Authorized<Member>,
        Authorized<ServersRead>,
        Authorized<RegistryCredentialsRead>,
    ),
    shell: Shell,
    State(control): State<Control>,
) -> Result<Response, ApiError> {
    let proofs = Proofs {
        member,
        servers,
        credentials,
    };
    let choices = Choices::of(&control, &proofs).await?;
    let page = NewAutomation::empty(choices, shell);
    Ok(Page::ok(page).into_response())
}

impl Choices {
    pub(super) async fn of(control: &Control, proofs: &Proofs) -> Result<Self, ApiError> {
        let servers = control.servers(&proofs.servers).await?.into_iter();
        let organization = control.own_organization(&proofs.member).await?;
        let credentials = control.registry_credentials(&proofs.credentials).await?;
        Ok(Self {
            maximum_days: organization.max_key_lifetime_days,
            servers: servers
                .map(|server| {
                    let status = words::server_status(server.status).text;
                    (server.id.to_string(), server.name, status)
                })
                .collect(),
            credentials: credentials
                .into_iter()
                .map(|record| {
                    let (name, address) = (record.name, record.registry_url);
                    (record.id.to_string(), name.to_string(), address.to_string())
                })
                .collect(),
        })
    }
}

impl NewAutomation {
    fn empty(choices: Choices, shell: Shell) -> Self {
        let lifetimes = lifetimes(choices.maximum_days);
        Self {
            name: String::new(),
            servers: "some".into(),
            server_ids: Vec::new(),
            operations: vec![OperationKind::Exec.as_str().into()],
            credentials: Vec::new(),
            expires_in: usual_lifetime(&lifetimes).to_owned(),
            lifetimes,
            ip_allowlist: String::new(),
            rate_limit: RATE_LIMIT.into(),
            problems: Problems::default(),
            choices,
            shell,
        }
    }

    /// The form as it was sent, with what is wrong with it.
    pub(super) fn again(
        choices: Choices,
        shell: Shell,
        fields: &FormFields,
        problems: Problems,
    ) -> Page<Self> {
        let page = Self {
            name: fields.text("name").to_owned(),
            servers: fields.text("servers").to_owned(),
            server_ids: fields.all("server_ids"),
            operations: fields.all("operations"),
            credentials: fields.all("registry_credential_ids"),
            expires_in: fields.text("expires_in").to_owned(),
            ip_allowlist: fields.text("ip_allowlist").to_owned(),
            rate_limit: fields.text("rate_limit_per_minute").to_owned(),
            problems,
            ..Self::empty(choices, shell)
        };
        Page(page.problems.status(), page)
    }

    #[expect(clippy::unused_self, reason = "the template asks the page")]
    fn kinds(&self) -> Vec<(&'static str, &'static str, bool)> {
        let line = |kind| {
            let (sentence, is_built) = (words::operation_sentence(kind), words::is_built(kind));
            (kind.as_str(), sentence, is_built)
        };
        OperationKind::ALL.map(line).into()
    }

    fn does(&self, operation: &str) -> bool {
        self.operations.iter().any(|chosen| chosen == operation)
    }

    fn has_credential(&self, credential: &str) -> bool {
        self.credentials.iter().any(|chosen| chosen == credential)
    }

    fn is_on(&self, server: &str) -> bool {
        self.server_ids.iter().any(|chosen| chosen == server)
    }

    /// The folded part is open when something in it is wrong.
    fn is_unfolded(&self) -> bool {
        ["expires_in", "ip_allowlist", "rate_limit_per_minute"]
            .iter()
            .any(|name| self.problems.has(name))
    }
}
