//! Logging in with what is in the form, to see whether it works. Nothing is saved.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_control::{
    Authorized, ConnectionForm, ConnectionTest, Control, RegistryCredentialsWrite,
};
use reoclo_domain::RegistryCredentialId;
use reoclo_http::{ApiError, ItemId, PageForm};

use super::WHAT;
use super::edit::{Edit, target};
use crate::form::sentence;
use crate::page::Page;
use crate::shell::Shell;

/// What came of a login.
pub(super) struct Tried {
    pub(super) success: bool,
    pub(super) message: String,
    pub(super) latency: String,
}

pub(super) async fn of_new(
    proof: Authorized<RegistryCredentialsWrite>,
    shell: Shell,
    State(control): State<Control>,
    PageForm(fields): PageForm,
) -> Result<Response, ApiError> {
    let target = target(&fields);
    let form = ConnectionForm {
        registry_type: target.registry_type.unwrap_or_default(),
        registry_url: target.registry_url,
        username: target.username,
        secret: target.secret,
    };
    let tried = control.test_registry_connection(&proof, form).await?;
    let page = Edit::as_sent(shell, None, &fields, Some(Tried::of(&tried)));
    Ok(Page::ok(page).into_response())
}

/// Without a password in the form, with the one that is kept.
pub(super) async fn of_kept(
    proof: Authorized<RegistryCredentialsWrite>,
    shell: Shell,
    State(control): State<Control>,
    id: ItemId,
    PageForm(fields): PageForm,
) -> Result<Response, ApiError> {
    let id: RegistryCredentialId = id.parse(WHAT)?;
    let tried = control
        .test_kept_registry_connection(&proof, id, target(&fields))
        .await?;
    let page = Edit::as_sent(shell, Some(id), &fields, Some(Tried::of(&tried)));
    Ok(Page::ok(page).into_response())
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
