//! One chain, beside a server that goes on writing it.

use async_recursion::async_recursion as boxed;
use reoclo_domain::OrganizationId;

use super::walk::{Walk, at, begin};
use super::{ChainReport, FaultKind, StrangeCheckpoint, told_apart};
use crate::audit::{Chain, Checkpoint};
use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;

/// What a verification found in an organization's chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveReport {
    /// The chain.
    pub chain: ChainReport,
    /// The checkpoints that it could not be held against.
    pub strange: Vec<StrangeCheckpoint>,
}

impl Store {
    /// Verifies an organization's chain as it is when this ends, and reports the first thing that
    /// is wrong with it.
    ///
    /// Takes constant memory. A connection is held for a page of rows at a time, since rows do not
    /// change once they are there; only what was added meanwhile and the head are read in one
    /// transaction, which is short, so nobody waits and no write-ahead log grows.
    #[boxed]
    pub async fn verify_audit(
        &self,
        organization: OrganizationId,
        checkpoints: &[Checkpoint],
    ) -> Result<LiveReport, StoreError> {
        let key = self.master_key();
        let (own, strange) = told_apart(checkpoints, key, self.instance().control_plane_id);
        let walk = Walk {
            key,
            checkpoints: &own,
        };
        let chain = self.walk_live(organization, &walk).await?;
        Ok(LiveReport { chain, strange })
    }

    async fn walk_live(
        &self,
        organization: OrganizationId,
        walk: &Walk<'_>,
    ) -> Result<ChainReport, StoreError> {
        let mut report = begin(Chain::Organization(organization));
        while walk.step(&mut self.reader().await?, &mut report).await? {
            tokio::task::yield_now().await;
        }
        if report.fault.is_some() {
            return Ok(report);
        }
        let mut reader = self.reader().await?;
        reader.begin_snapshot().await?;
        let nothing = &mut |_| ();
        walk.finish(&mut reader, &mut report, nothing).await?;
        if report.fault.is_none() {
            // A walk begins with row 1 and would not see them.
            let first = sql("SELECT MIN(seq) AS seq FROM audit_events WHERE chain = $1");
            let first = first.bind(report.chain.to_string()).one(&mut reader);
            let first = first.await?.get::<Option<i64>>("seq")?;
            let extra = first.filter(|seq| *seq < 1);
            report.fault = extra.map(|seq| at(seq, FaultKind::Extra));
        }
        reader.end_snapshot().await?;
        Ok(report)
    }
}
