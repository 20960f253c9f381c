//! The API Keys page: its two tabs, and what people do with keys.

mod create;
mod create_automation;
mod create_integration;
mod created;
mod duplicate;
mod entry;
mod list;
mod people;
mod replace;
mod revoke;
mod show;
mod snippets;

use axum::response::Response;
use reoclo_control::{
    Authorized, AutomationKeysManage, IntegrationKeysManage, KeyRef, ManagesKeys, Member, Refusal,
};
use reoclo_domain::Lifetime;
use reoclo_http::{ItemId, Registrar};

use crate::page::see_other;
use crate::pages::Pages;
use crate::shell::Shell;
pub(crate) use entry::Entry;

pub(crate) const PAGES: Pages = Pages::of(add)
    .at::<IntegrationKeysManage>("/api-keys", "API Keys", "keys")
    .saying(&[(
        "key-revoked",
        "The key is revoked: no request with it is accepted any more.",
    )]);

fn add(registrar: Registrar) -> Registrar {
    let registrar = registrar
        .page("/api-keys", lead)
        .page("/api-keys/integration", list::show::<IntegrationKeysManage>)
        .page_post("/api-keys/integration", create_integration::create)
        .page("/api-keys/integration/new", create_integration::show)
        .page("/api-keys/automation", list::show::<AutomationKeysManage>)
        .page_post("/api-keys/automation", create_automation::create)
        .page("/api-keys/automation/new", create_automation::show);
    let registrar = add_verbs::<IntegrationKeysManage>(registrar, INTEGRATION);
    add_verbs::<AutomationKeysManage>(registrar, AUTOMATION)
}

/// The paths of one key's pages.
#[derive(Clone, Copy)]
struct Paths {
    show: &'static str,
    revoke: &'static str,
    replace: &'static str,
    duplicate: &'static str,
}

const INTEGRATION: Paths = Paths {
    show: "/api-keys/integration/{id}",
    revoke: "/api-keys/integration/{id}/revoke",
    replace: "/api-keys/integration/{id}/replace",
    duplicate: "/api-keys/integration/{id}/duplicate",
};

const AUTOMATION: Paths = Paths {
    show: "/api-keys/automation/{id}",
    revoke: "/api-keys/automation/{id}/revoke",
    replace: "/api-keys/automation/{id}/replace",
    duplicate: "/api-keys/automation/{id}/duplicate",
};

fn add_verbs<P: KeyPages>(registrar: Registrar, paths: Paths) -> Registrar {
    registrar
        .page(paths.show, show::show::<P>)
        .page(paths.revoke, revoke::show::<P>)
        .page_post(paths.revoke, revoke::revoke::<P>)
        .page(paths.replace, replace::show::<P>)
        .page_post(paths.replace, replace::replace::<P>)
        .page_post(paths.duplicate, duplicate::duplicate::<P>)
}

/// The permission to manage the keys of one tab.
pub(crate) trait KeyPages: ManagesKeys {
    /// Where the tab is.
    const PATH: &'static str;
    /// What one of them is called.
    const NAME: &'static str;
}

impl KeyPages for IntegrationKeysManage {
    const PATH: &'static str = "/api-keys/integration";
    const NAME: &'static str = "Integration Key";
}

impl KeyPages for AutomationKeysManage {
    const PATH: &'static str = "/api-keys/automation";
    const NAME: &'static str = "Automation Key";
}

/// The key that the path names; an id that is none finds nothing.
fn key<P: ManagesKeys>(ItemId(id): &ItemId) -> Result<KeyRef, Refusal> {
    P::key(id).map_err(|_| Refusal::NotFound("the key"))
}

async fn lead(_: Authorized<Member>) -> Response {
    see_other("/api-keys/integration")
}

/// What a lifetime is called.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "templates pass references"
)]
pub(crate) const fn lifetime_title(lifetime: &Lifetime) -> &'static str {
    match lifetime {
        Lifetime::Month => "30 days",
        Lifetime::Quarter => "90 days",
        Lifetime::Year => "1 year",
        Lifetime::Never => "Never",
    }
}

/// The id of the element with that snippet's text.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "templates pass references"
)]
pub(crate) fn snippet_id(position: &usize) -> String {
    format!("snippet-text-{position}")
}

/// The tabs that the person may open.
fn tabs(shell: &Shell) -> Vec<(&'static str, &'static str)> {
    let mut tabs = vec![(IntegrationKeysManage::PATH, "Integration Keys")];
    if shell.manages_automation_keys() {
        tabs.push((AutomationKeysManage::PATH, "Automation Keys"));
    }
    tabs
}
