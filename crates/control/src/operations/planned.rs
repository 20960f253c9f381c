//! Operations that keys can carry and that are not run yet: every check is made, then the answer
//! says so.

use std::convert::Infallible;

use reoclo_domain::{RegistryCredentialId, Scope, ServerId};

use crate::authorize::Allowed;
use crate::refused_use::Wanted;
use crate::{Authorized, Control, Permission, Refusal, Requirement};

/// What an operation logs in to a registry with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// The operation takes none.
    None,
    /// A stored one.
    Stored(RegistryCredentialId),
    /// One that comes with the request.
    Direct,
}

impl Control {
    /// Checks everything that `P` demands, and then refuses: running it is not built.
    pub async fn planned_operation<P: Permission>(
        &self,
        proof: Authorized<P>,
        server: ServerId,
        credential: Credential,
    ) -> Result<Infallible, Refusal> {
        let allowed = proof.on_server(self, server).await?;
        self.check_credential(&allowed, credential)?;
        Err(match P::REQUIREMENT {
            Requirement::Operation(kind) => Refusal::NotImplemented(kind),
            _ => Refusal::NotFound("the operation"),
        })
    }

    /// No credential can be stored yet, so none is found. A key with a list never uses one of the
    /// request's own (DESIGN rule 4).
    fn check_credential<P: Permission>(
        &self,
        allowed: &Allowed<P>,
        credential: Credential,
    ) -> Result<(), Refusal> {
        let caller = allowed.caller();
        let scope = caller
            .automation_key()
            .map(|key| &key.scope.registry_credentials);
        match credential {
            Credential::None => Ok(()),
            Credential::Stored(_) => Err(Refusal::NotFound("the registry credential")),
            Credential::Direct if scope == Some(&Scope::All) => Ok(()),
            Credential::Direct => {
                let wanted = Wanted {
                    permission: P::REQUIREMENT,
                    server: Some(allowed.server()),
                };
                self.note_refusal_of(caller, &Refusal::CredentialNotInScope, wanted);
                Err(Refusal::CredentialNotInScope)
            }
        }
    }
}
