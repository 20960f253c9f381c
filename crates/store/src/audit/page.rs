//! Reading the audit log in pages, newest first.

mod conditions;
mod filter;

use reoclo_domain::OrganizationId;

use crate::audit::{AuditRow, Chain};
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
}

const WITH_EMAIL: &str = "
    SELECT chain, seq, audit_events.id AS id, at, actor_kind, actor_id, actor_label, ip, user_agent,
           request_id, action, resource_kind, resource_id, resource_name, outcome, detail,
           prev_hash, hash, users.email AS actor_email
    FROM audit_events LEFT JOIN users ON actor_kind = 'user' AND users.id = actor_id";

/// The rows that a filter fits.
struct Extent {
    total: i64,
    oldest: i64,
    newest: i64,
}

impl Store {
    /// A page of an organization's audit log.
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
    row.integer("seq")
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
        let oldest = row.integer_or_null("oldest")?.unwrap_or(1);
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
        total: row.integer("total")?,
        oldest: row.integer_or_null("oldest")?.unwrap_or(1),
        newest: row.integer_or_null("newest")?.unwrap_or(0),
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
    let total = row.integer("total")?;
    let oldest = row.integer_or_null("oldest")?.unwrap_or(1);
    Ok(Extent {
        total,
        // Further ones may be anywhere before.
        oldest: if total > most { 1 } else { oldest },
        newest: row.integer_or_null("newest")?.unwrap_or(0),
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
        .newest_first(WITH_EMAIL, query.limit.saturating_add(1), query.offset)
        .all(connection, |row| AuditItem::read(row, organization))
        .await
}

impl AuditItem {
    fn read(row: &Record, organization: OrganizationId) -> Result<Self, StoreError> {
        Ok(Self {
            row: AuditRow::read(row, Some(organization))?,
            actor_email: row.text_or_null("actor_email")?,
        })
    }
}
