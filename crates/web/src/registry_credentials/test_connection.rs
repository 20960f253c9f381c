//! Logging in with what is in the form, to see whether it works. Nothing is saved.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_api_types::{ConnectionTestRequest, RegistryCredentialChangeRequest};
use reoclo_control::{Authorized, ConnectionTest, Control, RegistryCredentialsWrite};
use reoclo_http::{ApiError, ItemId, PageForm, Registrar};

use super::{Edit, WHAT, request};
use crate::form::sentence;
use crate::page::Page;
use crate::shell::Shell;

pub(super) fn add(registrar: Registrar) -> Registrar {
    registrar
        .page_post("/registry-credentials/test", of_new)
        .page_post("/registry-credentials/{id}/test", of_kept)
}

/// What came of a login.
pub(super) struct Tried {
    pub(super) success: bool,
    pub(super) message: String,
    pub(super) latency: String,
}

async fn of_new(
    proof: Authorized<RegistryCredentialsWrite>,
    shell: Shell,
    State(control): State<Control>,
    PageForm(form): PageForm,
) -> Result<Response, ApiError> {
    let target = request(&form);
    let target = ConnectionTestRequest {
        registry_type: target.registry_type.unwrap_or_default(),
        registry_url: target.registry_url,
        username: target.username,
        encrypted_credential: None,
        password: target.password,
    };
    let credentials = control.registry_credentials();
    let test = credentials.test_connection(&proof, target).await?;
    let tried = Some(Tried::of(&test));
    let page = Edit::of(shell, None, form);
    Ok(Page::ok(Edit { tried, ..page }).into_response())
}

/// Without a password in the form, with the one that is kept.
async fn of_kept(
    proof: Authorized<RegistryCredentialsWrite>,
    shell: Shell,
    State(control): State<Control>,
    id: ItemId,
    PageForm(form): PageForm,
) -> Result<Response, ApiError> {
    let id = id.parse(WHAT)?;
    let target = RegistryCredentialChangeRequest {
        name: None,
        description: None,
        ..request(&form)
    };
    let credentials = control.registry_credentials();
    let test = credentials.test_kept_connection(&proof, id, target).await?;
    let tried = Some(Tried::of(&test));
    let page = Edit::of(shell, Some(id), form);
    Ok(Page::ok(Edit { tried, ..page }).into_response())
}

impl Tried {
    fn of(test: &ConnectionTest) -> Self {
        Self {
            success: test.success,
            message: sentence(&test.message),
            latency: format!("{} ms", test.latency.as_millis()),
        }
    }
}
