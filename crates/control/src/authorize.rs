//! The check, and the proof that it was made (rules 7 and 9).

use std::marker::PhantomData;
use std::sync::Arc;

use reoclo_domain::{Acl, ServerId};

use crate::authenticate::Presented;
use crate::refused_use::Wanted;
use crate::{Caller, Control, Permission, Principal, Refusal, Requirement};

/// The proof that a caller was checked to have `P`. Only [`Control::authorize`] makes one.
#[derive(Debug)]
pub struct Authorized<P> {
    caller: Caller,
    permission: PhantomData<fn() -> P>,
}

/// The proof that a caller who has `P` may use it on this server.
#[derive(Debug)]
pub struct Allowed<P> {
    caller: Caller,
    server: ServerId,
    server_name: Arc<str>,
    permission: PhantomData<fn() -> P>,
}

impl Control {
    /// Authenticates and checks for `P`; nothing has an effect before this.
    pub async fn authorize<P: Permission>(
        &self,
        presented: Presented<'_>,
    ) -> Result<Authorized<P>, Refusal> {
        let wanted = Wanted {
            permission: P::REQUIREMENT,
            asked: presented.asked.clone(),
            server: None,
        };
        let caller = self.authenticate(presented, &wanted).await?;
        check(P::REQUIREMENT, &caller)
            .inspect_err(|refusal| self.note_refusal_of(&caller, refusal, &wanted))?;
        Ok(Authorized {
            caller,
            permission: PhantomData,
        })
    }

    pub(crate) fn note_refusal_of(&self, caller: &Caller, refusal: &Refusal, wanted: &Wanted) {
        self.note_refusal(refusal, caller.known_holder(), caller.source(), wanted);
    }
}

fn check(requirement: Requirement, caller: &Caller) -> Result<(), Refusal> {
    if !requirement.takes(caller.credential_kind()) {
        let needed = requirement.made_for();
        return Err(Refusal::WrongKeyType { needed });
    }
    let operations = caller
        .automation_key()
        .map(|key| key.scope.operations)
        .unwrap_or_default();
    let (power, met) = match caller.principal() {
        Principal::IntegrationKey { effective, .. } => {
            (*effective, requirement.met_by_acl(*effective))
        }
        Principal::AutomationKey(..) => (Acl::empty(), requirement.met_by_operations(operations)),
        Principal::Person(person) => (person.role.acl(), requirement.met_by_role(person.role)),
    };
    if met {
        return Ok(());
    }
    Err(
        match (
            requirement,
            requirement.missing_from(power),
            caller.person(),
        ) {
            (_, Some(missing), _) => Refusal::PermissionDenied { missing },
            (Requirement::Operation(operation), ..) => Refusal::OperationNotAllowed {
                operation,
                allowed: operations,
            },
            (Requirement::Person(needed), _, Some(person)) => Refusal::RoleInsufficient {
                needed,
                role: person.role,
            },
            // Every credential that is taken meets the others.
            _ => Refusal::WrongKeyType {
                needed: requirement.made_for(),
            },
        },
    )
}

impl<P> Authorized<P> {
    /// Who was checked.
    pub const fn caller(&self) -> &Caller {
        &self.caller
    }
}

impl<P: Permission> Authorized<P> {
    /// Narrows the proof to one server: it exists in the organization (404), then it is in the
    /// scope of an automation key (403). Any other caller has the cell for every server.
    pub(crate) async fn on_server(
        self,
        control: &Control,
        id: ServerId,
    ) -> Result<Allowed<P>, Refusal> {
        let caller = self.caller;
        let server_name = name_in_scope(control, &caller, id)
            .await
            .inspect_err(|refusal| {
                let wanted = Wanted::of::<P>(&caller, id);
                control.note_refusal_of(&caller, refusal, &wanted);
            })?;
        Ok(Allowed {
            caller,
            server: id,
            server_name,
            permission: PhantomData,
        })
    }
}

async fn name_in_scope(
    control: &Control,
    caller: &Caller,
    id: ServerId,
) -> Result<Arc<str>, Refusal> {
    let found = control
        .store()
        .server_name(caller.organization(), id)
        .await?;
    let name = found.ok_or(Refusal::NotFound("the server"))?;
    let key = caller.automation_key();
    if key.is_some_and(|key| !key.scope.servers.contains(&id)) {
        return Err(Refusal::ServerNotInScope);
    }
    Ok(name)
}

impl<P> Allowed<P> {
    /// Who was checked.
    pub const fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The server that it is about.
    pub const fn server(&self) -> ServerId {
        self.server
    }

    /// The server's name.
    pub fn server_name(&self) -> &str {
        &self.server_name
    }
}
