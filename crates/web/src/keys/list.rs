use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_control::{Authorized, Control, KeyListRequest, KeyRef, ServersRead};
use reoclo_domain::KeyStatus;
use reoclo_http::{ApiError, QueryReader, QueryText};

use super::entry::Entry;
use super::{KeyPages, tabs};
use crate::page::{Page, encoded};
use crate::shell::Shell;

const PAGE_SIZE: u32 = 50;

#[derive(Template)]
#[template(path = "keys/list.html")]
struct List {
    tabs: Vec<(&'static str, &'static str)>,
    path: &'static str,
    name: &'static str,
    entries: Vec<Entry>,
    search: String,
    status: Option<KeyStatus>,
    older: Option<String>,
    is_filtered: bool,
    shell: Shell,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "templates pass references"
)]
impl List {
    fn is_here(&self, href: &str) -> bool {
        self.path == href
    }

    fn is_status(&self, status: &KeyStatus) -> bool {
        self.status == Some(*status)
    }

    fn is_for_automation(&self) -> bool {
        self.path.ends_with("automation")
    }
}

pub(super) async fn show<P: KeyPages>(
    proof: Authorized<P>,
    servers: Authorized<ServersRead>,
    shell: Shell,
    State(control): State<Control>,
    query: QueryText,
) -> Result<Response, ApiError> {
    let mut reader = QueryReader::new(&query);
    let search = reader.text("search").unwrap_or_default();
    let status = reader.read(&["status"], |text| Ok(status(text))).flatten();
    let before = reader.read(&["before"], |text| P::key(text).map_err(|_| String::new()));
    let request = KeyListRequest {
        status,
        search: Some(search.trim().to_owned()).filter(|search| !search.is_empty()),
        creator: None,
        before: before.map(KeyRef::as_uuid),
        limit: PAGE_SIZE,
    };
    let found = control.keys().list(&proof, request).await?;
    let servers = control.servers().list(&servers).await?;
    let last = found.keys.last().map(|key| key.key.key_ref().as_uuid());
    let entries = found.keys.iter();
    let page = List {
        tabs: tabs(&shell),
        path: P::PATH,
        name: P::NAME,
        entries: entries
            .map(|key| Entry::of::<P>(key, &servers, &shell))
            .collect(),
        older: last.filter(|_| found.has_more).map(|last| {
            let status = status.map_or("", KeyStatus::as_str);
            let search = encoded(&search);
            format!("{}?status={status}&search={search}&before={last}", P::PATH)
        }),
        is_filtered: status.is_some() || !search.is_empty() || before.is_some(),
        search,
        status,
        shell,
    };
    Ok(Page::ok(page).into_response())
}

fn status(text: &str) -> Option<KeyStatus> {
    let mut all = KeyStatus::ALL.into_iter();
    all.find(|status| status.as_str() == text)
}
