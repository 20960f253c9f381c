//! Registry credentials: what servers log in to container registries with.

mod test_connection;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_api_types::RegistryCredentialChangeRequest;
use reoclo_control::{
    Authorized, Control, RegistryCredentialRecord, RegistryCredentialsRead,
    RegistryCredentialsWrite,
};
use reoclo_domain::{RegistryCredentialId, RegistryType};
use reoclo_http::{ApiError, FormFields, ItemId, PageForm, Registrar};

use crate::form::Problems;
use crate::page::{Page, see_other};
use crate::pages::Pages;
use crate::shell::Shell;
use test_connection::Tried;

const WHAT: &str = "the registry credential";

pub(crate) const PAGES: Pages = Pages::of(add)
    .at::<RegistryCredentialsRead>("/registry-credentials", "Registry Credentials", "registry")
    .saying(&[
        (
            "credential-added",
            "The credential is stored. Its secret is sealed and never shown.",
        ),
        ("credential-changed", "The change is saved."),
        ("credential-removed", "The credential is removed."),
    ]);

fn add(registrar: Registrar) -> Registrar {
    let registrar = registrar
        .page("/registry-credentials", list)
        .page_post("/registry-credentials", create)
        .page("/registry-credentials/new", show_new)
        .page("/registry-credentials/{id}", show)
        .page_post("/registry-credentials/{id}", change)
        .page("/registry-credentials/{id}/remove", confirm)
        .page_post("/registry-credentials/{id}/remove", remove);
    test_connection::add(registrar)
}

#[derive(Template)]
#[template(path = "registry_credentials/list.html")]
struct List {
    credentials: Vec<RegistryCredentialRecord>,
    shell: Shell,
}

async fn list(
    proof: Authorized<RegistryCredentialsRead>,
    shell: Shell,
    State(control): State<Control>,
) -> Result<Response, ApiError> {
    let credentials = control.registry_credentials().list(&proof).await?;
    Ok(Page::ok(List { credentials, shell }).into_response())
}

/// The form of a credential, new or not. What is sealed never comes back into it.
#[derive(Template)]
#[template(path = "registry_credentials/edit.html")]
struct Edit {
    /// None for a new one.
    id: Option<RegistryCredentialId>,
    form: FormFields,
    problems: Problems,
    /// What came of a login with what is in the form.
    tried: Option<Tried>,
    shell: Shell,
}

async fn show_new(_: Authorized<RegistryCredentialsWrite>, shell: Shell) -> Response {
    let first = RegistryType::ALL[0].as_str().to_owned();
    let form = FormFields::of([("registry_type", first)]);
    Page::ok(Edit::of(shell, None, form)).into_response()
}

async fn create(
    proof: Authorized<RegistryCredentialsWrite>,
    shell: Shell,
    State(control): State<Control>,
    PageForm(form): PageForm,
) -> Result<Response, ApiError> {
    let credentials = control.registry_credentials();
    match credentials.create(&proof, request(&form)).await {
        Ok(_) => Ok(see_other("/registry-credentials?notice=credential-added")),
        Err(refusal) => Ok(Edit::of(shell, None, form).again(Problems::of(refusal)?)),
    }
}

/// Looked at by those who may only read, who are offered no way to change it.
async fn show(
    proof: Authorized<RegistryCredentialsRead>,
    shell: Shell,
    State(control): State<Control>,
    id: ItemId,
) -> Result<Response, ApiError> {
    let credentials = control.registry_credentials();
    let record = credentials.show(&proof, id.parse(WHAT)?).await?;
    let kind = record.registry_type.registry_type();
    let form = FormFields::of([
        ("name", record.name.to_string()),
        ("registry_type", kind.to_string()),
        ("registry_url", record.registry_url.to_string()),
        ("username", record.username.unwrap_or_default()),
        ("description", record.description.unwrap_or_default()),
    ]);
    Ok(Page::ok(Edit::of(shell, Some(record.id), form)).into_response())
}

async fn change(
    proof: Authorized<RegistryCredentialsWrite>,
    shell: Shell,
    State(control): State<Control>,
    id: ItemId,
    PageForm(form): PageForm,
) -> Result<Response, ApiError> {
    let (credentials, id) = (control.registry_credentials(), id.parse(WHAT)?);
    match credentials.change(&proof, id, request(&form)).await {
        Ok(_) => Ok(see_other("/registry-credentials?notice=credential-changed")),
        Err(refusal) => Ok(Edit::of(shell, Some(id), form).again(Problems::of(refusal)?)),
    }
}

#[derive(Template)]
#[template(path = "registry_credentials/remove.html")]
struct Remove {
    record: RegistryCredentialRecord,
    shell: Shell,
}

async fn confirm(
    _: Authorized<RegistryCredentialsWrite>,
    read: Authorized<RegistryCredentialsRead>,
    shell: Shell,
    State(control): State<Control>,
    id: ItemId,
) -> Result<Response, ApiError> {
    let credentials = control.registry_credentials();
    let record = credentials.show(&read, id.parse(WHAT)?).await?;
    Ok(Page::ok(Remove { record, shell }).into_response())
}

async fn remove(
    proof: Authorized<RegistryCredentialsWrite>,
    State(control): State<Control>,
    id: ItemId,
    PageForm(_): PageForm,
) -> Result<Response, ApiError> {
    let credentials = control.registry_credentials();
    credentials.remove(&proof, id.parse(WHAT)?).await?;
    Ok(see_other("/registry-credentials?notice=credential-removed"))
}

/// What the form asks for. An empty address is that of the registry's type or the one that is
/// kept, and an empty password is none: what is kept stays.
fn request(form: &FormFields) -> RegistryCredentialChangeRequest {
    RegistryCredentialChangeRequest {
        name: Some(form.text("name").to_owned()),
        registry_type: Some(form.text("registry_type").to_owned()),
        registry_url: form.filled("registry_url").map(str::to_owned),
        username: Some(form.text("username").trim().to_owned()),
        description: Some(form.lines("description")),
        encrypted_credential: None,
        password: Some(form.text("secret").to_owned()).filter(|secret| !secret.is_empty()),
    }
}

impl Edit {
    fn of(shell: Shell, id: Option<RegistryCredentialId>, form: FormFields) -> Self {
        Self {
            id,
            form,
            problems: Problems::default(),
            tried: None,
            shell,
        }
    }

    /// The form as it was sent, but for the secret.
    fn again(self, problems: Problems) -> Response {
        let page = Self { problems, ..self };
        Page(page.problems.status(), page).into_response()
    }
}
