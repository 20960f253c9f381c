//! Reading an operation's record.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{Cell, OperationId};
use reoclo_store::{OperationFilter, OperationPage, OperationQuery, OperationRecord};

use super::Operations;
use crate::{Authorized, Caller, OwnOperations, Refusal, ServersRead};

/// Operations of one run that a key is told of.
const OWN_OF_A_RUN: i64 = 50;

/// A record as its reader may see it.
#[derive(Clone, Debug)]
pub struct SeenOperation {
    /// The record.
    pub record: OperationRecord,
    /// Whether its output was taken out, since the reader may not read logs.
    pub output_hidden: bool,
}

impl Operations<'_> {
    /// The record of an operation that this automation key started; any other is not found
    /// (rule 10).
    #[boxed]
    pub async fn show_own(
        &self,
        proof: &Authorized<OwnOperations>,
        id: OperationId,
    ) -> Result<OperationRecord, Refusal> {
        let caller = proof.caller();
        let found = self
            .core
            .store()
            .operation(caller.organization(), id)
            .await?;
        let key = caller.actor();
        found
            .filter(|record| (record.starter.kind, record.starter.id) == (key.kind, key.id))
            .ok_or(Refusal::NotFound("the operation"))
    }

    /// The newest operations of one run that this automation key started, without their output.
    /// A client whose first answer was lost finds by it what it has begun.
    #[boxed]
    pub async fn list_own(
        &self,
        proof: &Authorized<OwnOperations>,
        run_id: String,
    ) -> Result<Vec<OperationRecord>, Refusal> {
        let caller = proof.caller();
        let key = caller.actor();
        let query = OperationQuery {
            filter: OperationFilter {
                run_id: Some(run_id),
                starter: key.id,
                ..OperationFilter::default()
            },
            before: None,
            limit: OWN_OF_A_RUN,
        };
        let found = self.core.store().operations(caller.organization(), &query);
        let mut items = found.await?.items;
        items.retain(|record| (record.starter.kind, record.starter.id) == (key.kind, key.id));
        Ok(items)
    }

    /// A page of the organization's operations, newest first and without their output.
    #[boxed]
    pub async fn list(
        &self,
        proof: &Authorized<ServersRead>,
        query: &OperationQuery,
    ) -> Result<OperationPage, Refusal> {
        let organization = proof.caller().organization();
        Ok(self.core.store().operations(organization, query).await?)
    }

    /// The record of an operation; its output only for who may read logs (rule 10).
    #[boxed]
    pub async fn show(
        &self,
        proof: &Authorized<ServersRead>,
        id: OperationId,
    ) -> Result<SeenOperation, Refusal> {
        let caller = proof.caller();
        let found = self
            .core
            .store()
            .operation(caller.organization(), id)
            .await?;
        let mut record = found.ok_or(Refusal::NotFound("the operation"))?;
        let output_hidden = hides_output(caller);
        if let (true, Some(outcome)) = (output_hidden, &mut record.outcome) {
            outcome.stdout.bytes.clear();
            outcome.stderr.bytes.clear();
        }
        Ok(SeenOperation {
            record,
            output_hidden,
        })
    }
}

/// Whether the caller may see records and not what they wrote.
pub(crate) fn hides_output(caller: &Caller) -> bool {
    !caller.may(Cell::LOGS_READ)
}
