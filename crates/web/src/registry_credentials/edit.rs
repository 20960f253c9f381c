//! The form of a credential, new or not. What is sealed never comes back into it.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_control::{
    Authorized, Control, NewRegistryCredentialForm, RegistryCredentialChange,
    RegistryCredentialRecord, RegistryCredentialsRead, RegistryCredentialsWrite,
};
use reoclo_domain::{RegistryCredentialId, RegistryType, Secret};
use reoclo_http::{ApiError, FormFields, ItemId, PageForm};

use super::WHAT;
use super::test_connection::Tried;
use crate::form::Problems;
use crate::page::{Page, see_other};
use crate::shell::Shell;

#[derive(Template)]
#[template(path = "registry_credentials/edit.html")]
pub(super) struct Edit {
    /// None for a new one.
    id: Option<String>,
    name: String,
    kind: String,
    address: String,
    username: String,
    description: String,
    problems: Problems,
    /// What came of a login with what is in the form.
    tried: Option<Tried>,
    shell: Shell,
}

pub(super) async fn show_new(_: Authorized<RegistryCredentialsWrite>, shell: Shell) -> Response {
    let page = Edit {
        id: None,
        name: String::new(),
        kind: RegistryType::ALL[0].as_str().to_owned(),
        address: String::new(),
        username: String::new(),
        description: String::new(),
        problems: Problems::default(),
        tried: None,
        shell,
    };
    Page::ok(page).into_response()
}

pub(super) async fn create(
    proof: Authorized<RegistryCredentialsWrite>,
    shell: Shell,
    State(control): State<Control>,
    PageForm(fields): PageForm,
) -> Result<Response, ApiError> {
    let text = |name| fields.filled(name).map(str::to_owned);
    let form = NewRegistryCredentialForm {
        name: fields.text("name").to_owned(),
        registry_type: fields.text("registry_type").to_owned(),
        registry_url: text("registry_url"),
        username: text("username"),
        description: description(&fields),
        secret: secret(&fields),
    };
    match control.create_registry_credential(&proof, form).await {
        Ok(_) => Ok(see_other("/registry-credentials?notice=credential-added")),
        Err(refusal) => Ok(again(shell, None, &fields, Problems::of(refusal)?)),
    }
}

/// Looked at by those who may only read, who are offered no way to change it.
pub(super) async fn show(
    proof: Authorized<RegistryCredentialsRead>,
    shell: Shell,
    State(control): State<Control>,
    id: ItemId,
) -> Result<Response, ApiError> {
    let record = control.registry_credential(&proof, id.parse(WHAT)?).await?;
    Ok(Page::ok(of_record(record, shell)).into_response())
}

fn of_record(record: RegistryCredentialRecord, shell: Shell) -> Edit {
    Edit {
        id: Some(record.id.to_string()),
        name: record.name.to_string(),
        kind: record.registry_type.as_str().to_owned(),
        address: record.registry_url.to_string(),
        username: record.username.unwrap_or_default(),
        description: record.description.unwrap_or_default(),
        problems: Problems::default(),
        tried: None,
        shell,
    }
}

pub(super) async fn change(
    proof: Authorized<RegistryCredentialsWrite>,
    shell: Shell,
    State(control): State<Control>,
    id: ItemId,
    PageForm(fields): PageForm,
) -> Result<Response, ApiError> {
    let id: RegistryCredentialId = id.parse(WHAT)?;
    let change = RegistryCredentialChange {
        name: Some(fields.text("name").to_owned()),
        description: Some(description(&fields).unwrap_or_default()),
        ..target(&fields)
    };
    match control.update_registry_credential(&proof, id, change).await {
        Ok(_) => Ok(see_other("/registry-credentials?notice=credential-changed")),
        Err(refusal) => Ok(again(shell, Some(id), &fields, Problems::of(refusal)?)),
    }
}

/// Where and as whom the form logs in.
pub(super) fn target(fields: &FormFields) -> RegistryCredentialChange {
    RegistryCredentialChange {
        name: None,
        registry_type: Some(fields.text("registry_type").to_owned()),
        registry_url: fields.filled("registry_url").map(str::to_owned),
        username: Some(fields.text("username").trim().to_owned()),
        description: None,
        secret: secret(fields),
    }
}

/// An empty field is no secret: it is left as it is.
fn secret(fields: &FormFields) -> Option<Secret> {
    let typed = fields.text("secret");
    (!typed.is_empty()).then(|| Secret::new(typed))
}

/// Browsers end lines as mail does.
fn description(fields: &FormFields) -> Option<String> {
    let text = fields.filled("description")?;
    Some(text.replace("\r\n", "\n"))
}

/// The form as it was sent, but for the secret.
fn again(
    shell: Shell,
    id: Option<RegistryCredentialId>,
    fields: &FormFields,
    problems: Problems,
) -> Response {
    let page = Edit {
        problems,
        ..Edit::as_sent(shell, id, fields, None)
    };
    Page(page.problems.status(), page).into_response()
}

impl Edit {
    /// The form as it was sent, but for the secret, and what came of a login with it.
    pub(super) fn as_sent(
        shell: Shell,
        id: Option<RegistryCredentialId>,
        fields: &FormFields,
        tried: Option<Tried>,
    ) -> Self {
        Self {
            id: id.map(|id| id.to_string()),
            name: fields.text("name").to_owned(),
            kind: fields.text("registry_type").to_owned(),
            address: fields.text("registry_url").to_owned(),
            username: fields.text("username").to_owned(),
            description: fields.text("description").to_owned(),
            problems: Problems::default(),
            tried,
            shell,
        }
    }
}
