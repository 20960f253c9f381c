//! Reading the audit log, writing it out and verifying it.

mod anchors;
mod export;
mod verifications;
mod verify;

use async_recursion::async_recursion as boxed;
use reoclo_store::{AuditFilter, AuditPage, AuditQuery};

use crate::core::Core;
use crate::{AuditLogsRead, Authorized, Refusal};
pub(crate) use anchors::Anchors;
use anchors::Walk;
pub use export::AuditLogExport;
pub(crate) use verifications::Verifications;
pub use verify::AuditVerification;

/// Which page of the audit log a caller asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditLogRequest {
    /// What the rows have in common.
    pub filter: AuditFilter,
    /// The page, from 1.
    pub page: i64,
    /// The most rows on a page.
    pub page_size: i64,
    /// The log as it was when this was its newest row.
    pub as_of: Option<i64>,
    /// Only rows before this one; `page` counts from there.
    pub before_seq: Option<i64>,
    /// The most rows that a filter's total counts, one more where there are more; `None` counts
    /// all, and the work grows with them.
    pub most_counted: Option<i64>,
}

/// The audit logs of organizations.
#[derive(Clone, Copy)]
pub struct AuditLogs<'c> {
    pub(crate) core: &'c Core,
    pub(crate) anchors: &'c Anchors,
    pub(crate) verifications: &'c Verifications,
}

impl AuditLogs<'_> {
    /// A page of the caller's organization's audit log, newest first.
    ///
    /// Pages fit together though rows are added meanwhile: who sends neither `as_of` nor
    /// `before_seq` with a later page gets the log as it was at the first one.
    #[boxed]
    pub async fn list(
        &self,
        proof: &Authorized<AuditLogsRead>,
        request: AuditLogRequest,
    ) -> Result<AuditPage, Refusal> {
        let caller = proof.caller();
        let walk = Walk {
            organization: caller.organization(),
            reader: caller.actor().id,
            filter: request.filter.clone(),
            page_size: request.page_size,
        };
        let is_plain = request.as_of.is_none() && request.before_seq.is_none();
        let (anchors, now) = (self.anchors, self.core.clock().monotonic());
        let as_of = if is_plain && request.page > 1 {
            anchors.find(&walk, now)
        } else {
            request.as_of
        };
        let query = query(&request, as_of);
        let page = self
            .core
            .store()
            .audit_page(caller.organization(), &query)
            .await?;
        if is_plain && request.page == 1 && page.has_more {
            anchors.set(walk, page.as_of, now);
        }
        Ok(page)
    }
}

fn query(request: &AuditLogRequest, as_of: Option<i64>) -> AuditQuery {
    AuditQuery {
        filter: request.filter.clone(),
        as_of,
        before_seq: request.before_seq,
        offset: (request.page - 1).saturating_mul(request.page_size).max(0),
        limit: request.page_size,
        most_counted: request.most_counted,
    }
}
