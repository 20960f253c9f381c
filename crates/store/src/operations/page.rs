//! Reading operations in pages, newest first.

mod conditions;
mod query;

use async_recursion::async_recursion as boxed;
use reoclo_domain::OrganizationId;

use super::OperationRecord;
use super::find::Output;
use crate::error::StoreError;
use crate::store::Store;
use conditions::Conditions;
pub use query::{Ended, OperationCursor, OperationFilter, OperationQuery};

/// Operations, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationPage {
    /// The records, without their output.
    pub items: Vec<OperationRecord>,
    /// Where the next page begins, if there is one.
    pub next: Option<OperationCursor>,
}

/// Everything but the output and the sealed payload.
const WITHOUT_OUTPUT: &str = "
    SELECT operations.id AS id, operations.organization_id AS organization_id, server_id, kind,
           starter_kind, starter_id, starter_label, command, timeout_seconds, run_id, run_context,
           boot_id, instance_id, operations.created_at AS created_at, state, code, message,
           exit_code, signal, duration_us, left_running, still_held, stdout_total,
           stdout_truncated, stderr_total, stderr_truncated, completed_at, queued_at, dequeued_at,
           cancel_requested_at, source, servers.name AS server_name
    FROM operations JOIN servers ON servers.id = operations.server_id";

impl Store {
    /// A page of an organization's operations. The work for it does not depend on how many there
    /// are, nor on where the page is.
    #[boxed]
    pub async fn operations(
        &self,
        organization: OrganizationId,
        query: &OperationQuery,
    ) -> Result<OperationPage, StoreError> {
        let mut items = Conditions::new(organization, query)
            .newest_first(WITHOUT_OUTPUT, query.limit.saturating_add(1))
            .all(&mut self.reader().await?, |row| {
                OperationRecord::read(row, Output::LeftOut)
            })
            .await?;
        let wanted = usize::try_from(query.limit).unwrap_or(0);
        let has_more = items.len() > wanted;
        items.truncate(wanted);
        let next = items
            .last()
            .filter(|_| has_more)
            .map(|last| OperationCursor {
                created_at: last.created_at,
                id: last.id,
            });
        Ok(OperationPage { items, next })
    }
}
