//! Making an automation key.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_control::{
    Authorized, AutomationKeysManage, Control, Member, NewAutomationKeyForm,
    RegistryCredentialsRead, ServersRead,
};
use reoclo_domain::{Lifetime, OperationKind};
use reoclo_http::{ApiError, FormFields, PageForm};

use super::create::{lifetimes, once, usual_lifetime};
use super::created::{self, Occasion};
use crate::form::Problems;
use crate::page::Page;
use crate::shell::Shell;
use crate::words;

const RATE_LIMIT: &str = "100";

/// The form that makes an automation key.
#[derive(Template)]
#[template(path = "keys/create_automation.html")]
pub(super) struct NewAutomation {
    choices: Choices,
    name: String,
    servers: String,
    server_ids: Vec<String>,
    operations: Vec<String>,
    /// `all`, or only those that are ticked.
    credentials: String,
    credential_ids: Vec<String>,
    lifetimes: Vec<(Lifetime, bool)>,
    expires_in: String,
    ip_allowlist: String,
    list_ids: Vec<String>,
    rate_limit: String,
    problems: Problems,
    shell: Shell,
}

/// What can be chosen, whatever was typed.
pub(super) struct Choices {
    pub(super) maximum_days: Option<u32>,
    pub(super) servers: Vec<ServerChoice>,
    /// Id, name and address.
    pub(super) credentials: Vec<(String, String, String)>,
    /// Id and name of each published address list, and how many networks are in it.
    pub(super) lists: Vec<(String, String, u32)>,
}

/// A server that can be ticked.
pub(super) struct ServerChoice {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) slug: String,
    /// What its status says.
    pub(super) status: &'static str,
}

/// What the choices are read with.
pub(super) struct Proofs {
    pub(super) member: Authorized<Member>,
    pub(super) servers: Authorized<ServersRead>,
    pub(super) credentials: Authorized<RegistryCredentialsRead>,
}

pub(super) async fn show(
    proof: Authorized<AutomationKeysManage>,
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
    let choices = Choices::of(&control, &proof, &proofs).await?;
    let page = NewAutomation::empty(choices, shell);
    Ok(Page::ok(page).into_response())
}

impl Choices {
    pub(super) async fn of(
        control: &Control,
        proof: &Authorized<AutomationKeysManage>,
        proofs: &Proofs,
    ) -> Result<Self, ApiError> {
        let lists = control.address_sources().list(proof).await?.into_iter();
        let servers = control.servers().list(&proofs.servers).await?.into_iter();
        let organization = control.organizations().show(&proofs.member).await?;
        let credentials = control
            .registry_credentials()
            .list(&proofs.credentials)
            .await?;
        Ok(Self {
            maximum_days: organization.max_key_lifetime_days,
            servers: servers
                .map(|server| ServerChoice {
                    id: server.id.to_string(),
                    status: words::server_status(server.status).text,
                    slug: server.slug,
                    name: server.name,
                })
                .collect(),
            credentials: credentials
                .into_iter()
                .map(|record| {
                    let (name, address) = (record.name, record.registry_url);
                    (record.id.to_string(), name.to_string(), address.to_string())
                })
                .collect(),
            lists: lists
                .map(|list| (list.id.to_string(), list.name.to_string(), list.entries))
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
            credentials: "some".into(),
            credential_ids: Vec::new(),
            expires_in: usual_lifetime(&lifetimes).to_owned(),
            lifetimes,
            ip_allowlist: String::new(),
            list_ids: Vec::new(),
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
            credentials: fields.text("credentials").to_owned(),
            credential_ids: fields.all("registry_credential_ids"),
            list_ids: fields.all("ip_allowlist_source_ids"),
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
        self.credential_ids
            .iter()
            .any(|chosen| chosen == credential)
    }

    fn names_list(&self, list: &str) -> bool {
        self.list_ids.iter().any(|chosen| chosen == list)
    }

    fn is_on(&self, server: &str) -> bool {
        self.server_ids.iter().any(|chosen| chosen == server)
    }

    /// The folded part is open when something in it is wrong.
    fn is_unfolded(&self) -> bool {
        [
            "expires_in",
            "ip_allowlist",
            "ip_allowlist_source_ids",
            "rate_limit_per_minute",
        ]
        .iter()
        .any(|name| self.problems.has(name))
    }
}

pub(super) async fn create(
    proof: Authorized<AutomationKeysManage>,
    (member, servers, credentials): (
        Authorized<Member>,
        Authorized<ServersRead>,
        Authorized<RegistryCredentialsRead>,
    ),
    shell: Shell,
    State(control): State<Control>,
    PageForm(fields): PageForm,
) -> Result<Response, ApiError> {
    let proofs = Proofs {
        member,
        servers,
        credentials,
    };
    if let Some(page) = created::before(&shell, &control, &proof, &fields).await? {
        return Ok(page);
    }
    let form = automation_form(&fields);
    match control.keys().create_automation(&proof, form).await {
        Ok(minted) => {
            let servers = control.servers().list(&proofs.servers).await?;
            Ok(created::show::<AutomationKeysManage>(
                shell,
                &control,
                &minted,
                Occasion::Created,
                &servers,
            ))
        }
        Err(refusal) => {
            if let Some(page) = created::before(&shell, &control, &proof, &fields).await? {
                return Ok(page);
            }
            let problems = Problems::of(refusal)?;
            let choices = Choices::of(&control, &proof, &proofs).await?;
            Ok(NewAutomation::again(choices, shell, &fields, problems).into_response())
        }
    }
}

fn automation_form(fields: &FormFields) -> NewAutomationKeyForm {
    let all_servers = fields.text("servers") == "all";
    let rate_limit = fields.filled("rate_limit_per_minute");
    let operations = fields.all("operations");
    // Hidden with the operation that they are for, and then not meant.
    let logs_in = operations.iter().any(|name| name == "registry_login");
    let lists_credentials = logs_in && fields.text("credentials") != "all";
    let lines = fields.text("ip_allowlist").lines().map(str::trim);
    NewAutomationKeyForm {
        name: fields.text("name").to_owned(),
        all_servers,
        server_ids: if all_servers {
            Vec::new()
        } else {
            fields.all("server_ids")
        },
        operations,
        lists_registry_credentials: lists_credentials,
        registry_credential_ids: if lists_credentials {
            fields.all("registry_credential_ids")
        } else {
            Vec::new()
        },
        expires_in: fields.filled("expires_in").map(str::to_owned),
        ip_allowlist_source_ids: fields.all("ip_allowlist_source_ids"),
        ip_allowlist: lines
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect(),
        // What is no number is as wrong as one that is too small.
        rate_limit_per_minute: rate_limit.map(|limit| limit.parse().unwrap_or(0)),
        once: once(fields),
    }
}
