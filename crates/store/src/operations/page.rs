//! Reading operations in pages, newest first.

mod conditions;

use reoclo_domain::{
    OperationId, OperationKind, OperationState, OrganizationId, ServerId, Timestamp,
};
use uuid::Uuid;

use super::OperationRecord;
use super::find::Output;
use crate::error::StoreError;
use crate::store::Store;
use conditions::Conditions;

/// What operations have in common; `None` is anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperationFilter {
    /// Where it ran.
    pub server: Option<ServerId>,
    /// What was done.
    pub kind: Option<OperationKind>,
    /// Where it stands.
    pub state: Option<OperationState>,
    /// How it ended, as people see it.
    pub ended: Option<Ended>,
    /// The CI run that it belongs to.
    pub run_id: Option<String>,
    /// The key or person that started it.
    pub starter: Option<Uuid>,
    /// The earliest begin.
    pub from: Option<Timestamp>,
    /// The latest begin.
    pub to: Option<Timestamp>,
}

/// How an operation ended, whatever its state is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Ran to its end, with exit code 0.
    Well,
    /// Any other way: another exit code, not run, cancelled, lost, or over its time limit.
    Badly,
}

/// A place in the list: right behind this operation, whether it is still there or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperationCursor {
    /// When it was begun.
    pub created_at: Timestamp,
    /// Its id.
    pub id: OperationId,
}

/// Which operations to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationQuery {
    /// What they have in common.
    pub filter: OperationFilter,
    /// Only those before this place.
    pub before: Option<OperationCursor>,
    /// The most to read.
    pub limit: i64,
}

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
