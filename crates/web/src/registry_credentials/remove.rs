use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_control::{
    Authorized, Control, RegistryCredentialRecord, RegistryCredentialsRead,
    RegistryCredentialsWrite,
};
use reoclo_http::{ApiError, ItemId, PageForm};

use super::WHAT;
use crate::page::{Page, see_other};
use crate::shell::Shell;

#[derive(Template)]
#[template(path = "registry_credentials/remove.html")]
struct Remove {
    record: RegistryCredentialRecord,
    shell: Shell,
}

pub(super) async fn confirm(
    _: Authorized<RegistryCredentialsWrite>,
    read: Authorized<RegistryCredentialsRead>,
    shell: Shell,
    State(control): State<Control>,
    id: ItemId,
) -> Result<Response, ApiError> {
    let record = control.registry_credential(&read, id.parse(WHAT)?).await?;
    Ok(Page::ok(Remove { record, shell }).into_response())
}

pub(super) async fn remove(
    proof: Authorized<RegistryCredentialsWrite>,
    State(control): State<Control>,
    id: ItemId,
    PageForm(_): PageForm,
) -> Result<Response, ApiError> {
    control
        .delete_registry_credential(&proof, id.parse(WHAT)?)
        .await?;
    Ok(see_other("/registry-credentials?notice=credential-removed"))
}
