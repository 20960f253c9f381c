//! The page after a key was made: the only place where it is ever shown.

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use reoclo_control::{Control, MintedKey, ServerRecord};

use super::KeyPages;
use super::entry::Entry;
use super::snippets::{Snippet, snippets};
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
    Page(StatusCode::CREATED, page).into_response()
}
