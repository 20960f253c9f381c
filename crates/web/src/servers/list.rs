use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_control::{Authorized, Control, ServerRecord, ServersRead};
use reoclo_domain::{ServerStatus, counted};
use reoclo_http::{ApiError, QueryReader, QueryText};

use crate::moment::Moment;
use crate::page::{Page, encoded};
use crate::shell::Shell;
use crate::words::{Badge, server_status};

/// Servers on one page.
const PAGE_SIZE: usize = 100;

#[derive(Template)]
#[template(path = "servers/list.html")]
struct List {
    servers: Vec<Line>,
    /// How many fit, on all pages.
    total: usize,
    /// The first page is 0.
    page: usize,
    search: String,
    status: String,
    shell: Shell,
}

impl List {
    fn is_filtered(&self) -> bool {
        !self.search.is_empty() || !self.status.is_empty()
    }

    /// The pages before and behind this one.
    fn neighbours(&self) -> (Option<String>, Option<String>) {
        let pages = self.total.div_ceil(PAGE_SIZE);
        let next = (self.page + 1 < pages).then(|| self.href(self.page + 1));
        (self.page.checked_sub(1).map(|page| self.href(page)), next)
    }

    fn href(&self, page: usize) -> String {
        let (search, status) = (encoded(&self.search), encoded(&self.status));
        format!("/servers?search={search}&status={status}&page={}", page + 1)
    }

    /// The numbers of the first and the last server of the page.
    fn span(&self) -> (usize, usize) {
        let before = self.page * PAGE_SIZE;
        (before + 1, before + self.servers.len())
    }

    /// Each status that a server of the list may have, and its name.
    fn statuses(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> + '_ {
        let title = |status| server_status(status).text;
        let statuses = ServerStatus::ALL.into_iter();
        let listed = statuses.filter(|one| *one != ServerStatus::Decommissioned);
        listed.map(move |one| (one.as_str(), title(one), one.as_str() == self.status))
    }
}

struct Line {
    slug: String,
    name: String,
    status: Badge,
    system: String,
    size: String,
    runner: String,
    last_seen: Option<Moment>,
}

pub(super) async fn show(
    proof: Authorized<ServersRead>,
    shell: Shell,
    State(control): State<Control>,
    query: QueryText,
) -> Result<Response, ApiError> {
    let mut reader = QueryReader::new(&query);
    let search = reader.text("search").unwrap_or_default().trim().to_owned();
    let status = reader.text("status").unwrap_or_default();
    let page = reader.text("page").and_then(|page| page.parse().ok());
    let mut servers = control.servers().list(&proof).await?;
    servers.retain(|server| fits(server, &search, &status));
    let total = servers.len();
    // A page that is not there any more, since servers went, is the last one.
    let last = total.saturating_sub(1) / PAGE_SIZE;
    let page = page.unwrap_or(1_usize).saturating_sub(1).min(last);
    let servers = servers.into_iter().skip(page * PAGE_SIZE).take(PAGE_SIZE);
    let page = List {
        servers: servers.map(|server| line(server, &shell)).collect(),
        total,
        page,
        search,
        status,
        shell,
    };
    Ok(Page::ok(page).into_response())
}

fn fits(server: &ServerRecord, search: &str, status: &str) -> bool {
    let search = search.to_lowercase();
    let is_named = server.slug.contains(&search) || server.name.to_lowercase().contains(&search);
    is_named && (status.is_empty() || server.status.as_str() == status)
}

fn line(server: ServerRecord, shell: &Shell) -> Line {
    let (system, size) = match &server.facts {
        Some(facts) => (facts.os.clone(), size(facts.cpu_cores, facts.ram_mb)),
        None => (String::new(), String::new()),
    };
    Line {
        status: server_status(server.status),
        system,
        size,
        runner: server.runner_version.unwrap_or_default(),
        last_seen: server.last_seen_at.map(|at| shell.moment(at)),
        slug: server.slug,
        name: server.name,
    }
}

/// Processors and memory in a few words.
fn size(cpu_cores: i64, ram_mb: i64) -> String {
    let cores = counted(cpu_cores, "core");
    format!("{cores}, {}", super::show::memory(ram_mb))
}
