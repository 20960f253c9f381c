//! The right to begin an operation (rule 9).

use std::sync::Arc;

use reoclo_domain::{OperationKinds, OrganizationId, ServerId};
use reoclo_store::{Actor, RequestSource};

/// Makes grants. There is one of each dispatcher, and who made the dispatcher has it.
#[derive(Debug)]
pub struct Authority(());

/// The proof that somebody may begin operations of these kinds on a server; only an [`Authority`]
/// makes one.
#[derive(Clone, Debug)]
pub struct Grant(Party);

/// Who was allowed to do what, and where.
#[derive(Clone, Debug)]
pub struct Party {
    /// Whose server it is.
    pub organization: OrganizationId,
    /// The server.
    pub server: ServerId,
    /// What the server is called.
    pub server_name: Arc<str>,
    /// What may be done there.
    pub kinds: OperationKinds,
    /// Who asked for it.
    pub starter: Actor,
    /// Where the request came from.
    pub source: RequestSource,
}

impl Authority {
    pub(crate) const fn new() -> Self {
        Self(())
    }

    /// Says that this was checked.
    pub const fn grant(&self, party: Party) -> Grant {
        Grant(party)
    }
}

impl Grant {
    pub(crate) const fn party(&self) -> &Party {
        &self.0
    }

    /// The server that it is about.
    pub const fn server(&self) -> ServerId {
        self.0.server
    }
}
