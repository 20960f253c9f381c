use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_control::{
    Authorized, Control, Ended, OperationCursor, OperationFilter, OperationQuery, ServerRecord,
    ServersRead,
};
use reoclo_domain::{OperationState, Timestamp};
use reoclo_http::{ApiError, QueryReader, QueryText};

use super::Line;
use crate::page::{Page, encoded};
use crate::shell::Shell;

const PAGE_SIZE: i64 = 50;
/// More servers than this are not offered to choose from: one types the slug.
const CHOICES: usize = 200;

#[derive(Template)]
#[template(path = "operations/list.html")]
struct List {
    operations: Vec<Line>,
    /// Slug and name, unless there are too many to choose from.
    servers: Option<Vec<(String, String)>>,
    server: String,
    /// No server has the slug that was asked for.
    is_unknown: bool,
    state: String,
    older: Option<String>,
    is_first: bool,
    shell: Shell,
}

/// What can be filtered by: a command that ended with an error is a failure, whatever the name of
/// its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    Running,
    Succeeded,
    Failed,
    TimedOut,
}

impl Choice {
    const ALL: [Self; 4] = [Self::Running, Self::Succeeded, Self::Failed, Self::TimedOut];

    /// The name that its state has on the wire, so that links of before lead here.
    const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "completed",
            Self::Failed => "failed",
            Self::TimedOut => "timeout",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::TimedOut => "Timed out",
        }
    }

    const fn state(self) -> Option<OperationState> {
        match self {
            Self::Running => Some(OperationState::Running),
            Self::TimedOut => Some(OperationState::Timeout),
            Self::Succeeded | Self::Failed => None,
        }
    }

    const fn ended(self) -> Option<Ended> {
        match self {
            Self::Succeeded => Some(Ended::Well),
            Self::Failed => Some(Ended::Badly),
            Self::Running | Self::TimedOut => None,
        }
    }
}

impl List {
    #[expect(clippy::unused_self, reason = "the template asks the page")]
    fn choices(&self) -> Vec<(&'static str, &'static str)> {
        let choices = Choice::ALL.into_iter();
        choices.map(|one| (one.name(), one.title())).collect()
    }

    fn is_server(&self, slug: &str) -> bool {
        self.server == slug
    }

    fn is_filtered(&self) -> bool {
        !self.server.is_empty() || !self.state.is_empty()
    }
}

pub(super) async fn show(
    proof: Authorized<ServersRead>,
    shell: Shell,
    State(control): State<Control>,
    query: QueryText,
) -> Result<Response, ApiError> {
    let mut reader = QueryReader::new(&query);
    let server = reader.text("server").unwrap_or_default();
    let state = reader.text("state").unwrap_or_default();
    let before = reader.text("before").and_then(|text| cursor(&text));
    let servers = control.servers(&proof).await?;
    let named = servers.iter().find(|known| known.slug == server);
    let is_unknown = named.is_none() && !server.is_empty();
    let chosen = Choice::ALL.into_iter().find(|known| known.name() == state);
    let query = OperationQuery {
        filter: OperationFilter {
            server: named.map(|server| server.id),
            state: chosen.and_then(Choice::state),
            ended: chosen.and_then(Choice::ended),
            ..OperationFilter::default()
        },
        before,
        limit: PAGE_SIZE,
    };
    let mut found = control.operations(&proof, &query).await?;
    if is_unknown {
        (found.items, found.next) = (Vec::new(), None);
    }
    let page = List {
        operations: found
            .items
            .iter()
            .map(|record| Line::of(record, &shell))
            .collect(),
        servers: (servers.len() <= CHOICES).then(|| names(servers)),
        is_unknown,
        older: found.next.map(|next| older(&server, &state, next)),
        is_first: before.is_none(),
        server,
        state,
        shell,
    };
    Ok(Page::ok(page).into_response())
}

fn names(servers: Vec<ServerRecord>) -> Vec<(String, String)> {
    let servers = servers.into_iter();
    servers.map(|server| (server.slug, server.name)).collect()
}

fn older(server: &str, state: &str, next: OperationCursor) -> String {
    let (server, state) = (encoded(server), encoded(state));
    let (at, id) = (next.created_at.as_micros(), next.id);
    format!("/operations?server={server}&state={state}&before={at}_{id}")
}

fn cursor(text: &str) -> Option<OperationCursor> {
    let (at, id) = text.split_once('_')?;
    Some(OperationCursor {
        created_at: Timestamp::from_micros(at.parse().ok()?),
        id: id.parse().ok()?,
    })
}
