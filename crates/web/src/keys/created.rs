//! The page after a key was made: the only place where it is ever shown.

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use reoclo_control::{Authorized, Control, MintedKey, Refusal, ServerRecord, ServersRead};
use reoclo_http::{ApiError, FormFields};

use super::KeyPages;
use super::entry::Entry;
use super::snippets::{Snippet, snippets};
use crate::moment::Moment;
use crate::page::Page;
use crate::shell::Shell;

/// How a key came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    Created,
    Duplicated,
    Replaced,
}

#[derive(Template)]
#[template(path = "keys/created.html")]
struct Created {
    name: &'static str,
    occasion: Occasion,
    entry: Entry,
    token: String,
    snippets: Vec<Snippet>,
    path: &'static str,
    shell: Shell,
}

/// The answer to a form that is sent again.
#[derive(Template)]
#[template(path = "keys/made_before.html")]
struct MadeBefore {
    name: &'static str,
    path: &'static str,
    label: String,
    href: String,
    created: Moment,
    shell: Shell,
}

/// What a form is answered with that has made its key already: the page was loaded again, or the
/// button pressed twice.
pub(super) async fn before<P: KeyPages>(
    shell: &Shell,
    control: &Control,
    proof: &Authorized<P>,
    fields: &FormFields,
) -> Result<Option<Response>, ApiError> {
    let Some(once) = fields.filled("once") else {
        return Ok(None);
    };
    let Some(key) = control.keys().of_form(proof, once).await? else {
        return Ok(None);
    };
    let page = MadeBefore {
        name: P::NAME,
        path: P::PATH,
        label: key.key.label().to_owned(),
        href: format!("{}/{}", P::PATH, key.key.key_ref().as_uuid()),
        created: shell.moment(key.key.created_at()),
        shell: shell.clone(),
    };
    Ok(Some(Page::ok(page).into_response()))
}

/// The answer to a form that makes a key of another one: the key, or that the form has made it
/// already, from another tab.
pub(super) async fn answer<P: KeyPages>(
    shell: Shell,
    control: &Control,
    proof: &Authorized<P>,
    servers: &Authorized<ServersRead>,
    fields: &FormFields,
    minted: Result<MintedKey, Refusal>,
    occasion: Occasion,
) -> Result<Response, ApiError> {
    let minted = match minted {
        Ok(minted) => minted,
        Err(refusal) => {
            let page = before(&shell, control, proof, fields).await?;
            return page.ok_or_else(|| refusal.into());
        }
    };
    let servers = control.servers().list(servers).await?;
    Ok(show::<P>(shell, control, &minted, occasion, &servers))
}

/// Shows the key in the answer to the form itself: it is kept nowhere to be fetched from.
pub(super) fn show<P: KeyPages>(
    shell: Shell,
    control: &Control,
    minted: &MintedKey,
    occasion: Occasion,
    servers: &[ServerRecord],
) -> Response {
    let token = minted.token.expose().to_owned();
    let url = control.settings().public_url.trim_end_matches('/');
    let page = Created {
        name: P::NAME,
        occasion,
        entry: Entry::of::<P>(&minted.key, servers, &shell),
        snippets: snippets(&minted.key.key, url, &token, servers),
        token,
        path: P::PATH,
        shell,
    };
    Page(StatusCode::CREATED.into(), page).into_response()
}
