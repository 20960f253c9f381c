//! Reading the audit log in pages, newest first.

mod conditions;
mod filter;

use async_recursion::async_recursion as boxed;
use reoclo_domain::OrganizationId;

use crate::audit::{ActorKind, AuditRow, Chain};
use crate::error::StoreError;
use crate::sql::{Record, Source, sql};
use crate::store::Store;
use conditions::Conditions;
pub use filter::{AuditActor, AuditFilter};

/// Which rows to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditQuery {
    /// What the rows have in common.
    pub filter: AuditFilter,
    /// The log as it was when this was its newest row; `None` is as it is now.
    pub as_of: Option<i64>,
    /// Only rows before this one. The work for a page does not depend on where it is.
    pub before_seq: Option<i64>,
    /// Newer rows to leave out; the database reads over them.
    pub offset: i64,
    /// The most rows to read.
    pub limit: i64,
    /// The most rows to count, one more where there are more; `None` counts all, and the work
    /// grows with them.
    pub most_counted: Option<i64>,
}

/// Rows of the audit log, all of it from one snapshot.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditPage {
    /// Newest first.
    pub items: Vec<AuditItem>,
    /// How many rows the filter fits, on all pages; of those that were to be counted.
    pub total: i64,
    /// The newest row that was seen, whether the filter fits it or not; 0 is none.
    pub as_of: i64,
    /// Whether older rows follow.
    pub has_more: bool,
}

/// A row, with what the database knows of its actor today.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditItem {
    /// The row.
    pub row: AuditRow,
    /// The e-mail address of the person who is its actor.
    pub actor_email: Option<String>,
    /// The server that it is about or happened on: as it was called then, or where the row does
    /// not say, as it is called now.
    pub server: Option<AuditServer>,
}

/// A server in a row of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditServer {
    /// Its id, where the row says it.
    pub id: Option<String>,
    /// Its name, unless it is of no server that there ever was here.
    pub name: Option<String>,
}

/// Earlier versions left names out that are still known: of the server that a row is about, and
/// of the one that an operation ran on.
const WITH_NAMES: &str = "
    SELECT chain, seq, audit_events.id AS id, at, actor_kind, actor_id, actor_label, ip, user_agent,
           request_id, action, resource_kind, resource_id, resource_name, outcome, detail, source,
           prev_hash, hash, users.email AS actor_email,
           (SELECT servers.name FROM servers
                WHERE resource_kind = 'server' AND servers.id = resource_id
                    AND servers.organization_id = chain) AS server_now,
           (SELECT servers.name FROM operations JOIN servers ON servers.id = operations.server_id
                WHERE resource_kind = 'operation' AND operations.id = resource_id
                    AND operations.organization_id = chain) AS operation_server_now
    FROM audit_events LEFT JOIN users ON actor_kind = 'user' AND users.id = actor_id";

/// What earlier versions called every runner.
const UNNAMED_RUNNER: &str = "runner";

/// The rows that a filter fits.
struct Extent {
    total: i64,
    oldest: i64,
    newest: i64,
}

impl Store {
    /// A page of an organization's audit log.
    #[boxed]
    pub async fn audit_page(
        &self,
        organization: OrganizationId,
        query: &AuditQuery,
    ) -> Result<AuditPage, StoreError> {
        let mut reader = self.reader().await?;
        reader.begin_snapshot().await?;
        let page = read_page(&mut reader, organization, query).await?;
        reader.end_snapshot().await?;
        Ok(page)
    }
}

async fn read_page(
    connection: &mut impl Source,
    organization: OrganizationId,
    query: &AuditQuery,
) -> Result<AuditPage, StoreError> {
    let chain = Chain::Organization(organization).to_string();
    let now = newest(connection, &chain).await?;
    let as_of = query.as_of.map_or(now, |as_of| as_of.clamp(0, now));
    let extent = match query.most_counted {
        Some(most) if !query.filter.is_empty() => {
            newest_extent(connection, &chain, as_of, &query.filter, most).await?
        }
        _ => extent(connection, &chain, as_of, &query.filter).await?,
    };
    let mut items = items(connection, &chain, &extent, organization, query).await?;
    let wanted = usize::try_from(query.limit).unwrap_or(0);
    let has_more = items.len() > wanted;
    items.truncate(wanted);
    Ok(AuditPage {
        items,
        total: extent.total,
        as_of,
        has_more,
    })
}

async fn newest(connection: &mut impl Source, chain: &str) -> Result<i64, StoreError> {
    let row = sql(
        "SELECT CAST(COALESCE(MAX(seq), 0) AS BIGINT) AS seq FROM audit_events WHERE chain = $1",
    )
    .bind(chain)
    .one(connection)
    .await?;
    row.get("seq")
}

/// Without a filter, this follows from the ends of the chain, which has no gaps.
async fn extent(
    connection: &mut impl Source,
    chain: &str,
    as_of: i64,
    filter: &AuditFilter,
) -> Result<Extent, StoreError> {
    if filter.is_empty() {
        let row = sql("SELECT MIN(seq) AS oldest FROM audit_events WHERE chain = $1")
            .bind(chain)
            .one(connection)
            .await?;
        let oldest = row.get::<Option<i64>>("oldest")?.unwrap_or(1);
        return Ok(Extent {
            total: (as_of - oldest + 1).max(0),
            oldest,
            newest: as_of,
        });
    }
    let row = Conditions::new(chain, as_of, filter)
        .statement(
            "SELECT COUNT(*) AS total, MIN(seq) AS oldest, MAX(seq) AS newest FROM audit_events",
        )
        .one(connection)
        .await?;
    Ok(Extent {
        total: row.get("total")?,
        oldest: row.get::<Option<i64>>("oldest")?.unwrap_or(1),
        newest: row.get::<Option<i64>>("newest")?.unwrap_or(0),
    })
}

/// Counts the newest rows alone, and one more than `most`.
async fn newest_extent(
    connection: &mut impl Source,
    chain: &str,
    as_of: i64,
    filter: &AuditFilter,
    most: i64,
) -> Result<Extent, StoreError> {
    let row = Conditions::new(chain, as_of, filter)
        .counted("SELECT seq FROM audit_events", most.saturating_add(1))
        .one(connection)
        .await?;
    let total = row.get("total")?;
    let oldest = row.get::<Option<i64>>("oldest")?.unwrap_or(1);
    Ok(Extent {
        total,
        // Further ones may be anywhere before.
        oldest: if total > most { 1 } else { oldest },
        newest: row.get::<Option<i64>>("newest")?.unwrap_or(0),
    })
}

/// One row more than is wanted, where there is one.
async fn items(
    connection: &mut impl Source,
    chain: &str,
    extent: &Extent,
    organization: OrganizationId,
    query: &AuditQuery,
) -> Result<Vec<AuditItem>, StoreError> {
    let before = query.before_seq.unwrap_or(i64::MAX);
    let newest = extent.newest.min(before.saturating_sub(1));
    Conditions::new(chain, newest, &query.filter)
        .and("seq >=", extent.oldest)
        .newest_first(WITH_NAMES, query.limit.saturating_add(1), query.offset)
        .all(connection, |row| AuditItem::read(row, organization))
        .await
}

impl AuditItem {
    /// The name of whoever did it: a person's e-mail address, or what the key or the server was
    /// called then. A name that looks like an address says what it is of, so that nobody is taken
    /// for somebody else.
    pub fn actor_called(&self) -> Option<String> {
        let actor = &self.row.actor;
        let label = Some(actor.label.clone()).filter(|label| !label.is_empty());
        let kind = match actor.kind {
            ActorKind::User => return self.actor_email.clone().or(label),
            ActorKind::IntegrationKey => "integration key",
            ActorKind::AutomationKey => "automation key",
            ActorKind::Runner => "server",
            ActorKind::System => return label,
        };
        let server = self.server.as_ref().and_then(|server| server.name.clone());
        let is_unnamed = actor.kind == ActorKind::Runner && actor.label == UNNAMED_RUNNER;
        let name = if is_unnamed { server.or(label) } else { label }?;
        Some(if name.contains('@') {
            format!("{name} ({kind})")
        } else {
            name
        })
    }

    fn read(row: &Record, organization: OrganizationId) -> Result<Self, StoreError> {
        let found = AuditRow::read(row, Some(organization))?;
        let now = match row.get("server_now")? {
            None => row.get("operation_server_now")?,
            now => now,
        };
        Ok(Self {
            actor_email: row.get("actor_email")?,
            server: AuditServer::of(&found, now),
            row: found,
        })
    }
}

impl AuditServer {
    /// The server of a row, which is called `now` by now.
    fn of(row: &AuditRow, now: Option<String>) -> Option<Self> {
        let in_detail = |name: &str| row.detail.get(name)?.as_str().map(str::to_owned);
        let (id, name) = if row.resource_kind == "server" {
            (row.resource_id.clone(), row.resource_name.clone())
        } else {
            (in_detail("server_id"), in_detail("server_name"))
        };
        let is_operation = row.resource_kind == "operation";
        let name = name.or_else(|| row.resource_name.clone().filter(|_| is_operation));
        let name = name.or(now);
        (id.is_some() || name.is_some()).then_some(Self { id, name })
    }
}
