//! One chain from its first row to its head.

use super::{ChainReport, Fault, FaultKind};
use crate::audit::entry::{self, LinkedEntry, NO_HASH};
use crate::audit::{Chain, Checkpoint, head};
use crate::error::StoreError;
use crate::master_key::MasterKey;
use crate::organizations::CHAIN_CREATED;
use crate::sql::Source;

/// Rows read at a time: bounds the memory.
const PAGE: i64 = 200;

/// What a chain is held against.
pub(super) struct Walk<'a> {
    pub(super) key: &'a MasterKey,
    /// Those that this instance signed.
    pub(super) checkpoints: &'a [Checkpoint],
}

/// How a walk ends early.
enum Stop {
    At(Fault),
    Failed(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::At(fault)
    }
}

impl Walk<'_> {
    /// Walks a chain, telling `created` of every chain that it says was created.
    pub(super) async fn chain(
        &self,
        connection: &mut impl Source,
        chain: Chain,
        created: &mut (impl FnMut(Chain) + Send),
    ) -> Result<ChainReport, StoreError> {
        let mut report = begin(chain);
        self.finish(connection, &mut report, created).await?;
        Ok(report)
    }

    /// Walks over the next rows, at most a page of them; `false` at the end, or at a fault.
    pub(super) async fn step(
        &self,
        connection: &mut impl Source,
        report: &mut ChainReport,
    ) -> Result<bool, StoreError> {
        if report.fault.is_some() {
            return Ok(false);
        }
        let walked = self.walk_page(connection, report, &mut |_| ()).await;
        Ok(noted(report, walked)?.unwrap_or(false))
    }

    /// Walks from where the report is to the end, in a transaction that sees one state.
    pub(super) async fn finish(
        &self,
        connection: &mut impl Source,
        report: &mut ChainReport,
        created: &mut (impl FnMut(Chain) + Send),
    ) -> Result<(), StoreError> {
        if report.fault.is_some() {
            return Ok(());
        }
        let walked = self.walk(connection, report, created).await;
        noted(report, walked).map(|_| ())
    }

    async fn walk(
        &self,
        connection: &mut impl Source,
        report: &mut ChainReport,
        created: &mut (impl FnMut(Chain) + Send),
    ) -> Result<(), Stop> {
        while self.walk_page(connection, report, created).await? {}
        self.check_head(connection, report).await?;
        self.check_nothing_was_cut(report)
    }

    async fn walk_page(
        &self,
        connection: &mut impl Source,
        report: &mut ChainReport,
        created: &mut (impl FnMut(Chain) + Send),
    ) -> Result<bool, Stop> {
        let page = page(connection, report).await?;
        for row in &page {
            check_row(row, report)?;
            self.check_against_checkpoints(row, report.chain)?;
            if row.entry.action == CHAIN_CREATED {
                let id = row.entry.resource_id.as_deref();
                id.and_then(|id| id.parse().ok())
                    .into_iter()
                    .for_each(&mut *created);
            }
        }
        Ok(!page.is_empty())
    }

    fn of(&self, chain: Chain) -> impl Iterator<Item = &Checkpoint> {
        self.checkpoints
            .iter()
            .filter(move |made| made.chain == chain)
    }

    fn check_against_checkpoints(&self, row: &LinkedEntry, chain: Chain) -> Result<(), Fault> {
        let contradicts = |made: &Checkpoint| made.seq == row.entry.seq && made.hash != row.hash;
        if self.of(chain).any(contradicts) {
            return Err(of_row(row, FaultKind::Checkpoint));
        }
        Ok(())
    }

    /// The stored head has to be authentic and to name the last row.
    async fn check_head(
        &self,
        connection: &mut impl Source,
        report: &ChainReport,
    ) -> Result<(), Stop> {
        let last = report.rows;
        let stored = match head::find(connection, &report.chain.to_string()).await {
            Ok(Some(stored)) => stored,
            Ok(None) => return Err(at(last, FaultKind::HeadMissing).into()),
            Err(StoreError::Corrupt(_)) => return Err(at(last, FaultKind::HeadChanged).into()),
            Err(error) => return Err(error.into()),
        };
        let (seq, hash) = (stored.head.seq, stored.head.hash);
        if !stored.is_authentic(self.key) {
            Err(at(seq, FaultKind::HeadChanged).into())
        } else if seq > last {
            Err(at(last + 1, FaultKind::Missing).into())
        } else if seq < last {
            Err(at(seq + 1, FaultKind::BehindHead).into())
        } else if hash != report.head {
            Err(at(last, FaultKind::HeadChanged).into())
        } else {
            Ok(())
        }
    }

    /// The rows and the head may both be from an older copy; a checkpoint tells.
    fn check_nothing_was_cut(&self, report: &ChainReport) -> Result<(), Stop> {
        let latest = self.of(report.chain).map(|made| made.seq).max();
        match latest.filter(|seq| *seq > report.rows) {
            Some(seq) => Err(at(seq, FaultKind::Checkpoint).into()),
            None => Ok(()),
        }
    }
}

/// Before the first row.
pub(super) const fn begin(chain: Chain) -> ChainReport {
    ChainReport {
        chain,
        rows: 0,
        head: NO_HASH,
        fault: None,
    }
}

/// Puts what is wrong into the report.
fn noted<T>(report: &mut ChainReport, walked: Result<T, Stop>) -> Result<Option<T>, StoreError> {
    match walked {
        Ok(value) => Ok(Some(value)),
        Err(Stop::At(fault)) => {
            report.fault = Some(fault);
            Ok(None)
        }
        Err(Stop::Failed(error)) => Err(error),
    }
}

/// The next rows. When one of them does not decode, those before it are read one by one.
async fn page(
    connection: &mut impl Source,
    report: &ChainReport,
) -> Result<Vec<LinkedEntry>, Stop> {
    let chain = report.chain.to_string();
    let mut last = None;
    for limit in [PAGE, 1] {
        let rows = entry::after(&chain, report.rows, limit);
        match rows.all(connection, LinkedEntry::read).await {
            Err(StoreError::Corrupt(_)) => last = Some(at(report.rows + 1, FaultKind::Unreadable)),
            rows => return Ok(rows?),
        }
    }
    last.map_or(Ok(Vec::new()), |fault| Err(fault.into()))
}

fn check_row(row: &LinkedEntry, report: &mut ChainReport) -> Result<(), Fault> {
    let expected = report.rows + 1;
    if row.entry.seq != expected {
        return Err(at(expected, FaultKind::Missing));
    }
    if row.prev_hash != report.head || row.hash != row.entry.hash(&report.head) {
        return Err(of_row(row, FaultKind::Changed));
    }
    (report.rows, report.head) = (expected, row.hash);
    Ok(())
}

pub(super) fn at(seq: i64, kind: FaultKind) -> Fault {
    Fault {
        seq,
        id: None,
        kind,
    }
}

fn of_row(row: &LinkedEntry, kind: FaultKind) -> Fault {
    let id = Some(row.entry.id.clone());
    Fault {
        id,
        ..at(row.entry.seq, kind)
    }
}
