//! Revoking a key, after a page that says what will stop.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_control::{AddressUsage, Authorized, Control, ServersRead};
use reoclo_http::{ApiError, ItemId, PageForm};

use super::entry::Entry;
use super::people::AddedPerson;
use super::{KeyPages, key};
use crate::page::{Page, see_other};
use crate::shell::Shell;

#[derive(Template)]
#[template(path = "keys/revoke.html")]
struct Retire {
    name: &'static str,
    path: &'static str,
    entry: Entry,
    /// Addresses that used it in the last 90 days.
    addresses: Vec<String>,
    /// Whom it added: they stay.
    people: Vec<AddedPerson>,
    is_replaced: bool,
    shell: Shell,
}

pub(super) async fn show<P: KeyPages>(
    proof: Authorized<P>,
    servers: Authorized<ServersRead>,
    shell: Shell,
    State(control): State<Control>,
    id: ItemId,
) -> Result<Response, ApiError> {
    confirm(&proof, &servers, shell, &control, &id, false).await
}

/// The page that says what will stop.
pub(super) async fn confirm<P: KeyPages>(
    proof: &Authorized<P>,
    servers: &Authorized<ServersRead>,
    shell: Shell,
    control: &Control,
    id: &ItemId,
    is_replaced: bool,
) -> Result<Response, ApiError> {
    let key = key::<P>(id)?;
    let shown = control.keys().show(proof, key).await?;
    let people = control.keys().people(proof, key).await?;
    let servers = control.servers().list(servers).await?;
    let page = Retire {
        name: P::NAME,
        path: P::PATH,
        entry: Entry::of::<P>(&shown.key, &servers, &shell),
        addresses: shown.usage.iter().filter_map(address).collect(),
        people: people.into_iter().map(AddedPerson::of).collect(),
        is_replaced,
        shell,
    };
    Ok(Page::ok(page).into_response())
}

fn address(used: &AddressUsage) -> Option<String> {
    used.ip.map(|ip| ip.to_string())
}

pub(super) async fn revoke<P: KeyPages>(
    proof: Authorized<P>,
    State(control): State<Control>,
    id: ItemId,
    PageForm(_): PageForm,
) -> Result<Response, ApiError> {
    let revoked = control.keys().revoke(&proof, key::<P>(&id)?).await?;
    let id = revoked.key.key_ref().as_uuid();
    Ok(see_other(&format!("{}/{id}?notice=key-revoked", P::PATH)))
}
