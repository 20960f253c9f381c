//! Signing out, here or everywhere.

use async_recursion::async_recursion as boxed;
use reoclo_store::{AuditOutcome, SessionsEnded};
use serde_json::json;

use super::Sessions;
use crate::audit::{AuditedAction, resource};
use crate::{Authorized, OwnSession, Refusal};

impl Sessions<'_> {
    /// Ends the caller's session, or with `everywhere` all of the person's; no request that comes
    /// with one of them later is accepted.
    #[boxed]
    pub async fn sign_out(
        &self,
        proof: &Authorized<OwnSession>,
        everywhere: bool,
    ) -> Result<(), Refusal> {
        let caller = proof.caller();
        let person = caller.person().ok_or(Refusal::SessionExpired)?;
        let ended = if everywhere {
            SessionsEnded::All
        } else {
            SessionsEnded::One(person.session)
        };
        let audited = AuditedAction {
            action: "user.sign_out",
            resource: resource("user", person.user, Some(&person.email)),
            outcome: AuditOutcome::Success,
            detail: json!({ "everywhere": everywhere }),
        };
        let event = self.core.event_by(caller, audited);
        let done = self
            .core
            .store()
            .end_sessions(person.user, ended, vec![event]);
        done.await.map_err(Refusal::of_write)
    }
}
