//! The pages of what an operation has to do with, as far as they are there and its reader sees them.

use std::str::FromStr;

use reoclo_control::{
    ActorKind, Authorized, AutomationKeysManage, Control, IntegrationKeysManage, KeyRef,
    OperationRecord, Refusal, ServersRead, UsersRead,
};
use reoclo_domain::{ParseIdError, UserId};
use reoclo_http::ApiError;
use uuid::Uuid;

use crate::shell::IfHeld;

/// What whoever looks may see beyond operations.
pub(super) struct Sees {
    pub(super) servers: Authorized<ServersRead>,
    pub(super) people: IfHeld<UsersRead>,
    pub(super) integration_keys: IfHeld<IntegrationKeysManage>,
    pub(super) automation_keys: IfHeld<AutomationKeysManage>,
}

/// Where they are.
#[derive(Default)]
pub(super) struct Links {
    /// The server's slug, while it is in use.
    pub(super) server: Option<String>,
    pub(super) starter: Option<String>,
}

impl Links {
    pub(super) async fn of(
        control: &Control,
        sees: &Sees,
        record: &OperationRecord,
    ) -> Result<Self, ApiError> {
        let id = record.server.to_string();
        let server = there(control.servers().show(&sees.servers, &id).await)?;
        let starter = match record.starter.id {
            Some(id) => starter(control, sees, record.starter.kind, id).await?,
            None => None,
        };
        Ok(Self {
            server: server.map(|server| server.slug),
            starter,
        })
    }
}

async fn starter(
    control: &Control,
    sees: &Sees,
    kind: ActorKind,
    id: Uuid,
) -> Result<Option<String>, ApiError> {
    let found = match kind {
        ActorKind::User => match &sees.people.0 {
            Some(proof) => {
                let user: UserId = read(id)?;
                there(control.users().show(proof, user).await)?.map(|_| "/users")
            }
            None => None,
        },
        ActorKind::IntegrationKey => match &sees.integration_keys.0 {
            Some(proof) => {
                let key = KeyRef::Integration(read(id)?);
                there(control.keys().show(proof, key).await)?.map(|_| "/api-keys/integration")
            }
            None => None,
        },
        ActorKind::AutomationKey => match &sees.automation_keys.0 {
            Some(proof) => {
                let key = KeyRef::Automation(read(id)?);
                there(control.keys().show(proof, key).await)?.map(|_| "/api-keys/automation")
            }
            None => None,
        },
        ActorKind::Runner | ActorKind::System => None,
    };
    Ok(found.map(|path| format!("{path}/{id}")))
}

/// Any UUID is an id of any kind.
fn read<I: FromStr<Err = ParseIdError>>(id: Uuid) -> Result<I, ApiError> {
    let id = id.as_hyphenated().to_string().parse();
    id.map_err(|error| Refusal::internal(error).into())
}

/// What is not there has no page, which is no reason to refuse this one.
fn there<T>(found: Result<T, Refusal>) -> Result<Option<T>, ApiError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Refusal::NotFound(_)) => Ok(None),
        Err(refusal) => Err(refusal.into()),
    }
}
