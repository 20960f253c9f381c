//! Going over to another of one's organizations.

use async_recursion::async_recursion as boxed;
use reoclo_domain::Role;
use reoclo_store::{AuditOutcome, Membership};
use serde_json::json;

use super::Sessions;
use super::show::About;
use super::{SignedIn, session_token};
use crate::audit::{AuditedAction, resource};
use crate::{Authorized, OwnSession, Refusal};

impl Sessions<'_> {
    /// Begins a session in another organization in the place of the caller's, with a token of its
    /// own and the same end.
    #[boxed]
    pub async fn switch_organization(
        &self,
        proof: &Authorized<OwnSession>,
        token: &str,
        organization: &str,
    ) -> Result<SignedIn, Refusal> {
        let (caller, old) = (proof.caller(), session_token(token));
        let (Some(person), Some(old)) = (caller.person(), old) else {
            return Err(Refusal::SessionExpired);
        };
        if person.must_change_password {
            return Err(Refusal::PasswordChangeRequired);
        }
        let memberships = self.core.store().memberships(person.user).await?;
        let chosen = choose(&memberships, organization)?;
        let audited = AuditedAction {
            action: "user.switch",
            resource: resource("user", person.user, Some(&person.email)),
            outcome: AuditOutcome::Success,
            detail: json!({ "role": Role::as_str(chosen.role) }),
        };
        let source = caller.source().clone();
        let event = self
            .core
            .event(Some(chosen.organization), caller.actor(), source, audited);
        let (new, token) = self.new_session(
            person.user,
            chosen.organization,
            person.expires_at,
            caller.source(),
        );
        self.core
            .store()
            .create_session(new, Some(old.hash()), self.idle_since(), vec![event])
            .await
            .map_err(Refusal::of_write)?;
        let about = About::of(person);
        let session = about.session(chosen, memberships, token.csrf_token(), person.expires_at);
        Ok(SignedIn {
            token,
            session,
            device: None,
        })
    }
}

/// The organization with that id or slug among a person's own.
pub(super) fn choose(memberships: &[Membership], name: &str) -> Result<Membership, Refusal> {
    let name = name.trim();
    let is_meant = |membership: &&Membership| {
        membership.slug == name || name.parse() == Ok(membership.organization)
    };
    memberships.iter().find(is_meant).cloned().ok_or_else(|| {
        let slugs: Vec<_> = memberships
            .iter()
            .map(|membership| membership.slug.as_str())
            .collect();
        Refusal::field(
            "organization",
            format!("is none of yours: they are {}", slugs.join(", ")),
        )
    })
}
