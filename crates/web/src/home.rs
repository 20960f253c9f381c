//! The home page: what there is, and what needs somebody.

mod days;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_control::{
    AuditFilter, AuditLogRequest, AuditLogsRead, Authorized, AutomationKeysManage, Control,
    IntegrationKeysManage, Member, OwnSession, ServersRead, UsersRead,
};
use reoclo_domain::ServerStatus;
use reoclo_http::{ApiError, Registrar};

use self::days::DayPlot;
use crate::audit_logs::Line;
use crate::keys::{Entry, KeyPages};
use crate::page::Page;
use crate::pages::Pages;
use crate::servers::told_apart;
use crate::shell::{IfHeld, Shell};

const RECENT: i64 = 12;
const DAYS: u32 = 14;
/// Servers that are down and named; of more, only the number is told.
const NAMED: usize = 5;

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    servers: usize,
    active_servers: usize,
    unreachable: Vec<(String, String)>,
    more_unreachable: usize,
    integration_keys: Option<String>,
    automation_keys: Option<String>,
    expiring: Vec<Entry>,
    people: usize,
    days: DayPlot,
    recent: Vec<Line>,
    shell: Shell,
}

/// What the page shows of each kind of thing, to whom.
struct Proofs {
    servers: Authorized<ServersRead>,
    people: Authorized<UsersRead>,
    log: Authorized<AuditLogsRead>,
}

pub(crate) const PAGES: Pages = Pages::of(add).at::<OwnSession>("/", "Home", "home");

fn add(registrar: Registrar) -> Registrar {
    registrar.page("/", show)
}

async fn show(
    _: Authorized<Member>,
    (servers, people, log): (
        Authorized<ServersRead>,
        Authorized<UsersRead>,
        Authorized<AuditLogsRead>,
    ),
    IfHeld(integration): IfHeld<IntegrationKeysManage>,
    IfHeld(automation): IfHeld<AutomationKeysManage>,
    shell: Shell,
    State(control): State<Control>,
) -> Result<Response, ApiError> {
    let integration = Keys::of(&control, integration.as_ref(), &shell).await?;
    let automation = Keys::of(&control, automation.as_ref(), &shell).await?;
    let proofs = Proofs {
        servers,
        people,
        log,
    };
    let page = home(&control, &proofs, shell, integration, automation).await?;
    Ok(Page::ok(page).into_response())
}

async fn home(
    control: &Control,
    proofs: &Proofs,
    shell: Shell,
    integration: Keys,
    automation: Keys,
) -> Result<Home, ApiError> {
    let servers = control.servers().list(&proofs.servers).await?;
    let with = |status| servers.iter().filter(move |server| server.status == status);
    let request = AuditLogRequest {
        filter: AuditFilter::default(),
        page: 1,
        page_size: RECENT,
        as_of: None,
        before_seq: None,
        most_counted: Some(0),
    };
    let recent = control.audit_logs().list(&proofs.log, request).await?.items;
    let recent = recent.into_iter().map(|item| Line::of(item, &shell));
    let days = control.operations().days(&proofs.servers, DAYS).await?;
    let mut expiring = integration.expiring;
    expiring.extend(automation.expiring);
    Ok(Home {
        servers: servers.len(),
        active_servers: with(ServerStatus::Active).count(),
        unreachable: told_apart(&servers)
            .into_iter()
            .zip(&servers)
            .filter(|(_, server)| server.status == ServerStatus::Unreachable)
            .map(|(called, _)| called)
            .take(NAMED)
            .collect(),
        more_unreachable: with(ServerStatus::Unreachable).skip(NAMED).count(),
        integration_keys: integration.count,
        automation_keys: automation.count,
        expiring,
        days: DayPlot::of(&days),
        people: control.users().list(&proofs.people, "").await?.len(),
        recent: recent.collect(),
        shell,
    })
}

/// The active keys of one kind, for whoever manages them.
#[derive(Default)]
struct Keys {
    count: Option<String>,
    expiring: Vec<Entry>,
}

impl Keys {
    async fn of<P: KeyPages>(
        control: &Control,
        proof: Option<&Authorized<P>>,
        shell: &Shell,
    ) -> Result<Self, ApiError> {
        let Some(proof) = proof else {
            return Ok(Self::default());
        };
        let found = control.keys().active(proof).await?;
        let expiring = found.expiring.iter();
        Ok(Self {
            count: Some(found.count.to_string()),
            expiring: expiring
                .map(|key| Entry::of::<P>(key, &[], shell))
                .collect(),
        })
    }
}
