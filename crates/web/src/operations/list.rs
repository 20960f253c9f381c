use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_control::{
    Authorized, Control, Ended, OperationCursor, OperationFilter, OperationQuery, ServersRead,
};
use reoclo_domain::{OperationState, Period, Timestamp};
use reoclo_http::{ApiError, QueryReader, QueryText};

use super::Line;
use crate::page::{Page, encoded};
use crate::servers::told_apart;
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
    asked: Asked,
    /// No server has the slug that was asked for.
    is_unknown: bool,
    /// The first day could not be read.
    is_from_odd: bool,
    older: Option<String>,
    is_first: bool,
    shell: Shell,
}

/// What the filters say, kept for the form and for the next page.
struct Asked {
    server: String,
    state: String,
    run_id: String,
    from: String,
}

impl Asked {
    fn read(query: &QueryText) -> Self {
        let mut reader = QueryReader::new(query);
        let mut text = |name| reader.text(name).unwrap_or_default().trim().to_owned();
        Self {
            server: text("server"),
            state: text("state"),
            run_id: text("run_id"),
            from: text("from"),
        }
    }

    fn pairs(&self) -> [(&'static str, &str); 4] {
        [
            ("server", &self.server),
            ("state", &self.state),
            ("run_id", &self.run_id),
            ("from", &self.from),
        ]
    }

    /// The address of the operations before this one.
    fn older(&self, next: OperationCursor) -> String {
        let mut address = String::from("/operations?");
        for (name, value) in self.pairs() {
            if !value.is_empty() {
                address.push_str(&format!("{name}={}&", encoded(value)));
            }
        }
        format!(
            "{address}before={}_{}",
            next.created_at.as_micros(),
            next.id
        )
    }
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
        self.asked.server == slug
    }

    fn is_filtered(&self) -> bool {
        let mut pairs = self.asked.pairs().into_iter();
        pairs.any(|(_, value)| !value.is_empty())
    }
}

pub(super) async fn show(
    proof: Authorized<ServersRead>,
    shell: Shell,
    State(control): State<Control>,
    query: QueryText,
) -> Result<Response, ApiError> {
    let asked = Asked::read(&query);
    let before = QueryReader::new(&query).text("before");
    let before = before.and_then(|text| cursor(&text));
    let servers = control.servers().list(&proof).await?;
    let named = servers.iter().find(|known| known.slug == asked.server);
    let is_unknown = named.is_none() && !asked.server.is_empty();
    let state = |known: &Choice| known.name() == asked.state;
    let chosen = Choice::ALL.into_iter().find(state);
    let from: Option<Period> = asked.from.parse().ok();
    let query = OperationQuery {
        filter: OperationFilter {
            server: named.map(|server| server.id),
            state: chosen.and_then(Choice::state),
            ended: chosen.and_then(Choice::ended),
            run_id: Some(asked.run_id.clone()).filter(|run| !run.is_empty()),
            from: from.map(|period| period.first),
            ..OperationFilter::default()
        },
        before,
        limit: PAGE_SIZE,
    };
    let mut found = control.operations().list(&proof, &query).await?;
    if is_unknown {
        (found.items, found.next) = (Vec::new(), None);
    }
    let page = List {
        operations: found
            .items
            .iter()
            .map(|record| Line::of(record, &shell))
            .collect(),
        servers: (servers.len() <= CHOICES).then(|| told_apart(&servers)),
        is_unknown,
        older: found.next.map(|next| asked.older(next)),
        is_first: before.is_none(),
        is_from_odd: from.is_none() && !asked.from.is_empty(),
        asked,
        shell,
    };
    Ok(Page::ok(page).into_response())
}

fn cursor(text: &str) -> Option<OperationCursor> {
    let (at, id) = text.split_once('_')?;
    Some(OperationCursor {
        created_at: Timestamp::from_micros(at.parse().ok()?),
        id: id.parse().ok()?,
    })
}
