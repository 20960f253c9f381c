//! The check, and the proof that it was made (rules 7 and 9).

use std::marker::PhantomData;
use std::sync::Arc;

use reoclo_dispatch::{Authority, Grant, Party};
use reoclo_domain::{Acl, ServerId};

use crate::attempted::Attempted;
use crate::authenticate::Gate;
use crate::core::Core;
use crate::presented::Presented;
use crate::refused_use::Refusals;
use crate::{Caller, Permission, Principal, Refusal, Requirement};

/// The proof that a caller was checked to have `P`. Only [`Caller::prove`] makes one.
#[derive(Debug)]
pub struct Authorized<P> {
    caller: Arc<Caller>,
    permission: PhantomData<fn() -> P>,
}

/// The proof that a caller who has `P` may use it on this server.
#[derive(Debug)]
pub struct Allowed<P> {
    caller: Arc<Caller>,
    server: ServerId,
    server_name: Arc<str>,
    permission: PhantomData<fn() -> P>,
}

impl Gate<'_> {
    /// Authenticates and checks for `P`; nothing has an effect before this.
    pub(crate) async fn authorize<P: Permission>(
        self,
        presented: Presented<'_>,
    ) -> Result<Authorized<P>, Refusal> {
        let caller = self.identify(presented, P::REQUIREMENT).await?;
        self.prove(&caller)
    }

    /// Says who makes a request, which demands this first: once a request, whatever else is then
    /// proven of the same caller.
    pub(crate) async fn identify(
        self,
        presented: Presented<'_>,
        demanded: Requirement,
    ) -> Result<Arc<Caller>, Refusal> {
        let wanted = Attempted {
            permission: demanded,
            asked: presented.asked.clone(),
            server: None,
        };
        self.authenticate(presented, &wanted).await.map(Arc::new)
    }

    /// Checks a caller for `P`, and notes it when they are refused.
    pub(crate) fn prove<P: Permission>(
        self,
        caller: &Arc<Caller>,
    ) -> Result<Authorized<P>, Refusal> {
        caller.prove().inspect_err(|refusal| {
            let wanted = Attempted {
                permission: P::REQUIREMENT,
                asked: caller.asked().clone(),
                server: None,
            };
            self.refusals.note_of(caller, refusal, &wanted);
        })
    }
}

impl Caller {
    /// The proof that the caller has `P`: a pure check of what is known of them. Nobody hears of a
    /// refusal, so it is for what nobody asked for; otherwise there is [`Control::prove`](crate::Control::prove).
    pub fn prove<P: Permission>(self: &Arc<Self>) -> Result<Authorized<P>, Refusal> {
        check(P::REQUIREMENT, self)?;
        Ok(Authorized {
            caller: Arc::clone(self),
            permission: PhantomData,
        })
    }
}

/// A route asks for what does not count, and then for what does.
#[derive(Debug, thiserror::Error)]
#[error("the request was not counted, and {0} counts: the route has to demand that first")]
struct Uncounted(String);

fn check(requirement: Requirement, caller: &Caller) -> Result<(), Refusal> {
    let must_change = caller
        .person()
        .is_some_and(|person| person.must_change_password);
    if must_change && requirement != Requirement::OwnSession {
        return Err(Refusal::PasswordChangeRequired);
    }
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
    if met && requirement.is_counted() && !caller.is_counted() {
        return Err(Refusal::internal(Uncounted(requirement.name())));
    }
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
    pub fn caller(&self) -> &Arc<Caller> {
        &self.caller
    }

    /// The proof that the same caller has `Q` as well, if they do: a page shows what it can.
    pub fn held<Q: Permission>(&self) -> Option<Authorized<Q>> {
        self.caller.prove().ok()
    }
}

impl<P: Permission> Authorized<P> {
    /// Narrows the proof to one server: it exists in the organization (404), then it is in the
    /// scope of an automation key (403). Any other caller has the cell for every server.
    pub(crate) async fn on_server(
        self,
        refusals: Refusals<'_>,
        id: ServerId,
    ) -> Result<Allowed<P>, Refusal> {
        let caller = self.caller;
        let server_name = name_in_scope(refusals.core, &caller, id)
            .await
            .inspect_err(|refusal| {
                let wanted = Attempted::of::<P>(&caller, id);
                refusals.note_of(&caller, refusal, &wanted);
            })?;
        Ok(Allowed {
            caller,
            server: id,
            server_name,
            permission: PhantomData,
        })
    }
}

async fn name_in_scope(core: &Core, caller: &Caller, id: ServerId) -> Result<Arc<str>, Refusal> {
    let found = core.store().server_name(caller.organization(), id).await?;
    let name = found.ok_or(Refusal::NotFound("the server"))?;
    let key = caller.automation_key();
    if key.is_some_and(|key| !key.scope.servers.contains(&id)) {
        return Err(Refusal::ServerNotInScope);
    }
    Ok(name)
}

impl<P> Allowed<P> {
    /// Who was checked.
    pub fn caller(&self) -> &Caller {
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

/// Makes the grants with which operations are begun. Only this file can use it.
#[derive(Debug)]
pub(crate) struct Granting(Authority);

impl Granting {
    pub(crate) const fn new(authority: Authority) -> Self {
        Self(authority)
    }
}

impl<P: Permission> Allowed<P> {
    /// What the dispatcher wants to see before it begins an operation.
    pub(crate) fn grant(&self, granting: &Granting) -> Grant {
        granting.0.grant(Party {
            organization: self.caller.organization(),
            server: self.server,
            server_name: Arc::clone(&self.server_name),
            kinds: P::REQUIREMENT.operations(),
            starter: self.caller.actor(),
            source: self.caller.source().clone(),
        })
    }
}
