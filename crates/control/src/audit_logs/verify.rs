//! Verifying an organization's audit log.

use std::time::Duration;

use async_recursion::async_recursion as boxed;
use reoclo_domain::OrganizationId;
use reoclo_store::{AuditOutcome, Chain, ChainReport, Checkpoint, Checkpoints, Strangeness};
use serde_json::json;

use super::AuditLogs;
use super::export::own_log;
use crate::audit::AuditedAction;
use crate::{AuditLogsRead, Authorized, Caller, Refusal};

const FIELD: &str = "checkpoint";

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditVerification {
    /// The rows that are good, the last of them, and the first thing that is wrong.
    pub chain: ChainReport,
    /// How many checkpoints the log was held against.
    pub checkpoints: usize,
    /// Why it could not be held against what was given, or not against all of it.
    pub strange: Option<Strangeness>,
    /// How long it took.
    pub took: Duration,
}

impl AuditLogs<'_> {
    /// Verifies the caller's organization's audit log, and holds it against the checkpoints in
    /// `checkpoints` if that is not blank: lines of an export, of which the last will do. What is
    /// wrong with the log is an answer and no refusal, and is audited as well. So is a checkpoint
    /// that was changed, beside which the log is verified all the same.
    #[boxed]
    pub async fn verify(
        &self,
        proof: &Authorized<AuditLogsRead>,
        checkpoints: &str,
    ) -> Result<AuditVerification, Refusal> {
        let caller = proof.caller();
        let organization = caller.organization();
        let given = read(checkpoints, organization)?;
        let _turn = self.verifications.take(organization)?;
        let begun = self.core.clock().monotonic();
        let found = self
            .core
            .store()
            .verify_audit(organization, &given.read)
            .await?;
        let unreadable = (given.unreadable > 0).then_some(Strangeness::Changed);
        let verification = AuditVerification {
            checkpoints: given.read.len() - found.strange.len(),
            strange: found.strange.first().map(|made| made.why).or(unreadable),
            chain: found.chain,
            took: self.core.clock().monotonic().saturating_sub(begun),
        };
        self.note_verification(caller, &verification).await;
        Ok(verification)
    }

    /// To a log whose end was changed nothing can be added, and who asked is told all the same.
    async fn note_verification(self, caller: &Caller, verification: &AuditVerification) {
        let chain = &verification.chain;
        let fault = chain.fault.as_ref();
        if let Some(fault) = fault {
            tracing::error!(
                chain = %chain.chain, seq = fault.seq, problem = %fault.kind,
                "an audit log does not hold"
            );
        }
        let audited = AuditedAction {
            action: "audit_log.verify",
            resource: own_log(),
            // A checkpoint can be anybody's: what is wrong with it is no failure of the log.
            outcome: match (fault, verification.strange) {
                (Some(_), _) => AuditOutcome::Failure,
                (None, Some(_)) => AuditOutcome::Refused,
                (None, None) => AuditOutcome::Success,
            },
            detail: json!({
                "code": verification.strange.map(|why| format!("checkpoint_{}", why.as_str())),
                "rows": chain.rows,
                "checkpoints": verification.checkpoints,
                "fault": fault.map(|fault| json!({
                    "seq": fault.seq, "kind": fault.kind.as_str(),
                })),
            }),
        };
        let event = self.core.event_by(caller, audited);
        if let Err(error) = self.core.store().append_audit(vec![event]).await {
            tracing::warn!(%error, "that an audit log was verified could not be added to it");
        }
    }
}

/// The organization's checkpoints in a text of JSON lines; other lines are rows of an export.
fn read(text: &str, organization: OrganizationId) -> Result<Checkpoints, Refusal> {
    if text.trim().is_empty() {
        return Ok(Checkpoints::default());
    }
    let mut given = Checkpoint::among(text);
    if given.is_empty() {
        let problem = "is no checkpoint: send the last line of an export, all of it";
        return Err(Refusal::field(FIELD, problem));
    }
    let own = Chain::Organization(organization);
    given.read.retain(|made| made.chain == own);
    if given.is_empty() {
        let problem = "is of another audit log: send one of this organization's";
        return Err(Refusal::field(FIELD, problem));
    }
    Ok(given)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_checkpoint_is_named_as_such() {
        let organization = "0190b6f2-6f0c-7cc3-98c5-d1a0c3b1f2aa".parse().unwrap();
        assert!(read(" \n", organization).unwrap().is_empty());
        for wrong in ["x", "{}", "{\"seq\": 1}"] {
            let refused = read(wrong, organization).unwrap_err();
            assert!(refused.to_string().contains("is no checkpoint"), "{wrong}");
        }
    }
}
