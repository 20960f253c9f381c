//! What somebody asked for, should it be refused.

use reoclo_domain::ServerId;

use crate::{Asked, Caller, Permission, Refusal, Requirement};

/// What a known holder was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attempted {
    pub(crate) permission: Requirement,
    pub(crate) asked: Asked,
    /// The server that it is about, where that was found out.
    pub(crate) server: Option<ServerId>,
}

impl Attempted {
    /// To use `P` on this server.
    pub(crate) fn of<P: Permission>(caller: &Caller, server: ServerId) -> Self {
        Self {
            permission: P::REQUIREMENT,
            asked: caller.asked().clone(),
            server: Some(server),
        }
    }

    pub(crate) fn is_told_of(&self, refusal: &Refusal) -> bool {
        refusal.denies_a_known_holder()
            || (self.permission.starts_operations() && refusal.leaves_an_operation_unstarted())
    }

    /// To change something of one's own.
    pub(crate) fn about_oneself(caller: &Caller) -> Self {
        Self {
            permission: Requirement::OwnSession,
            asked: caller.asked().clone(),
            server: None,
        }
    }
}
