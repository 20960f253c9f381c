//! Managing keys over REST, which takes a signed-in person (rule 3).

mod body;
mod create;
mod list;
pub(crate) mod scope;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use reoclo_api_types::{KeyPersonBody, KeyUsageBody};
use reoclo_control::{
    Authorized, AutomationKeysManage, Control, IntegrationKeysManage, KeyRef, ManagedKey,
    ManagesKeys, MintedKey, Refusal,
};
use reoclo_domain::PlainToken;
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer::{Answer, Created};
use crate::body::NoBody;
use crate::error::ApiError;
use crate::registrar::{Doc, Registrar};

/// What is only in some answers about a key.
#[derive(Default)]
struct Extras {
    token: Option<PlainToken>,
    usage: Option<Vec<KeyUsageBody>>,
    people: Option<Vec<KeyPersonBody>>,
}

/// Keys of one kind, as they are shown.
trait ShowsKeys: ManagesKeys {
    /// One of them.
    type Body: Serialize + ToSchema;

    /// A key of this kind; of another there is none.
    fn body(key: &ManagedKey, extras: Extras) -> Option<Self::Body>;
}

/// Where the routes of one kind are.
struct Paths {
    all: &'static str,
    one: &'static str,
    revoke: &'static str,
    duplicate: &'static str,
    replace: &'static str,
}

const INTEGRATION: Paths = Paths {
    all: "/api/integration-keys",
    one: "/api/integration-keys/{id}",
    revoke: "/api/integration-keys/{id}/revoke",
    duplicate: "/api/integration-keys/{id}/duplicate",
    replace: "/api/integration-keys/{id}/replace",
};

const AUTOMATION: Paths = Paths {
    all: "/api/automation-keys",
    one: "/api/automation-keys/{id}",
    revoke: "/api/automation-keys/{id}/revoke",
    duplicate: "/api/automation-keys/{id}/duplicate",
    replace: "/api/automation-keys/{id}/replace",
};

pub(crate) fn add(registrar: Registrar) -> Registrar {
    let registrar = registrar
        .post(
            INTEGRATION.all,
            Doc::new("Create an integration key of your own. Its token is in this answer only."),
            create::integration,
        )
        .post(
            AUTOMATION.all,
            Doc::new("Create an automation key. Its token is in this answer only."),
            create::automation,
        );
    let registrar = add_kind::<IntegrationKeysManage>(registrar, &INTEGRATION);
    add_kind::<AutomationKeysManage>(registrar, &AUTOMATION)
}

fn add_kind<P: ShowsKeys>(registrar: Registrar, paths: &Paths) -> Registrar {
    registrar
        .get(
            paths.all,
            Doc::new("List the keys that you manage, newest first.")
                .takes_query(list::PARAMETERS),
            list::list::<P>,
        )
        .get(
            paths.one,
            Doc::new("Show a key, with the addresses that used it in the last 90 days."),
            show::<P>,
        )
        .post(
            paths.revoke,
            Doc::new("Revoke a key: no request that arrives after the answer is accepted. The people whom it added stay, and are listed."),
            revoke::<P>,
        )
        .post(
            paths.duplicate,
            Doc::new("Create a key with the permissions and the lifetime of another one."),
            duplicate::<P>,
        )
        .post(
            paths.replace,
            Doc::new("Revoke a key and create its duplicate, in one step."),
            replace::<P>,
        )
}

async fn show<P: ShowsKeys>(
    proof: Authorized<P>,
    State(control): State<Control>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Answer<P::Body>, ApiError> {
    let key = key::<P>(id)?;
    let found = control.keys().show(&proof, key).await?;
    let extras = Extras {
        usage: Some(found.usage.into_iter().map(body::usage).collect()),
        people: people(&control, &proof, key).await?,
        ..Extras::default()
    };
    Ok(Answer(shown::<P>(&found.key, extras)?))
}

async fn revoke<P: ShowsKeys>(
    proof: Authorized<P>,
    State(control): State<Control>,
    id: Result<Path<String>, PathRejection>,
    _: NoBody,
) -> Result<Answer<P::Body>, ApiError> {
    let key = key::<P>(id)?;
    let revoked = control.keys().revoke(&proof, key).await?;
    let extras = Extras {
        people: people(&control, &proof, key).await?,
        ..Extras::default()
    };
    Ok(Answer(shown::<P>(&revoked, extras)?))
}

async fn duplicate<P: ShowsKeys>(
    proof: Authorized<P>,
    State(control): State<Control>,
    id: Result<Path<String>, PathRejection>,
    _: NoBody,
) -> Result<Created<P::Body>, ApiError> {
    created::<P>(
        control
            .keys()
            .duplicate(&proof, key::<P>(id)?, None)
            .await?,
    )
}

async fn replace<P: ShowsKeys>(
    proof: Authorized<P>,
    State(control): State<Control>,
    id: Result<Path<String>, PathRejection>,
    _: NoBody,
) -> Result<Created<P::Body>, ApiError> {
    let key = key::<P>(id)?;
    let minted = control.keys().replace(&proof, key, None).await?;
    let extras = Extras {
        people: people(&control, &proof, key).await?,
        ..Extras::default()
    };
    created_with::<P>(minted, extras)
}

/// The answer with a new key, the only one that has its token.
fn created<P: ShowsKeys>(minted: MintedKey) -> Result<Created<P::Body>, ApiError> {
    created_with::<P>(minted, Extras::default())
}

fn created_with<P: ShowsKeys>(
    minted: MintedKey,
    extras: Extras,
) -> Result<Created<P::Body>, ApiError> {
    let extras = Extras {
        token: Some(minted.token),
        ..extras
    };
    let body = shown::<P>(&minted.key, extras)?;
    Ok(Created(body))
}

/// The people whom a key added, for the answers that name them.
async fn people<P: ShowsKeys>(
    control: &Control,
    proof: &Authorized<P>,
    key: KeyRef,
) -> Result<Option<Vec<KeyPersonBody>>, Refusal> {
    let people = control.keys().people(proof, key).await?;
    Ok(Some(people.into_iter().map(body::person).collect()))
}

fn shown<P: ShowsKeys>(key: &ManagedKey, extras: Extras) -> Result<P::Body, Refusal> {
    P::body(key, extras).ok_or(Refusal::NotFound("the key"))
}

/// The key that the path names; what is no id is not found.
fn key<P: ManagesKeys>(id: Result<Path<String>, PathRejection>) -> Result<KeyRef, Refusal> {
    let id = id.ok().map(|Path(id)| id);
    let key = id.and_then(|id| P::key(&id).ok());
    key.ok_or(Refusal::NotFound("the key"))
}
