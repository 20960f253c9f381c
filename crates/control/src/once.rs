//! Forms that show something once. Loading their page again, going back and forth or pressing
//! twice does nothing a second time.

use std::fmt;

use async_recursion::async_recursion as boxed;
use reoclo_domain::{InvitationId, UserId};
use reoclo_store::{FormMark, Store, TakenForm};
use uuid::Uuid;

use crate::{Authorized, Core, Permission, Refusal};

/// What a form does: the marks of one page's forms do not get into each other's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnceForm {
    /// Adds a server.
    AddServer,
    /// Gets a new enrolment token for a server.
    RenewEnrolment,
    /// Invites a person.
    Invite,
    /// Gets a new link for an invitation.
    RenewInvitation(InvitationId),
    /// Gives a person a new password.
    ResetPassword(UserId),
}

impl fmt::Display for OnceForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddServer => f.write_str("server.add"),
            Self::RenewEnrolment => f.write_str("server.enrol"),
            Self::Invite => f.write_str("user.invite"),
            Self::RenewInvitation(id) => write!(f, "invitation.renew:{id}"),
            Self::ResetPassword(user) => write!(f, "user.reset:{user}"),
        }
    }
}

/// Forms that show something once.
#[derive(Clone, Copy, Debug)]
pub struct Forms<'c>(pub(crate) &'c Core);

impl Forms<'_> {
    /// What the form with this mark did when it was sent before.
    #[boxed]
    pub async fn taken<P: Permission>(
        &self,
        proof: &Authorized<P>,
        form: OnceForm,
        mark: &str,
    ) -> Result<Option<TakenForm>, Refusal> {
        let Some(mark) = marked(Some(mark.to_owned())) else {
            return Ok(None);
        };
        let organization = proof.caller().organization();
        let mark = format!("{form}:{mark}");
        Ok(self.0.store().taken_form(organization, &mark).await?)
    }
}

impl Core {
    /// The store for the change of a form that has a mark, which makes or changes `subject`.
    pub(crate) fn store_for<P>(
        &self,
        proof: &Authorized<P>,
        form: OnceForm,
        mark: Option<&str>,
        subject: Uuid,
    ) -> Store {
        let Some(mark) = marked(mark.map(str::to_owned)) else {
            return self.store().clone();
        };
        self.store().for_form(FormMark {
            organization: proof.caller().organization(),
            mark: format!("{form}:{mark}"),
            subject,
            at: self.now(),
        })
    }
}

/// The mark of a form; what cannot be one of ours is none.
pub(crate) fn marked(mark: Option<String>) -> Option<String> {
    mark.filter(|mark| {
        (16..=64).contains(&mark.len()) && mark.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}
