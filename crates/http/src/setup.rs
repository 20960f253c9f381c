//! `/api/auth/setup`: the account of the first admin.

use axum::extract::State;
use reoclo_api_types::{SetupAnswer, SetupRequest};
use reoclo_control::{Control, SetupForm};
use reoclo_domain::Secret;

use crate::answer::Created;
use crate::body::JsonBody;
use crate::edge::{SameSite, Source};
use crate::error::ApiError;
use crate::public::Public;
use crate::registrar::{Doc, Registrar};

pub(crate) fn add(registrar: Registrar) -> Registrar {
    registrar.post(
        "/api/auth/setup",
        Doc::new("Complete the first admin's account with the one-time set-up link."),
        complete,
    )
}

async fn complete(
    _: Public,
    _: SameSite,
    State(control): State<Control>,
    Source(source): Source,
    JsonBody(request): JsonBody<SetupRequest>,
) -> Result<Created<SetupAnswer>, ApiError> {
    let form = SetupForm {
        token: Secret::new(request.token),
        name: request.name,
        email: request.email,
        password: Secret::new(request.password),
    };
    let (user, organization) = control.setup().complete(form, source).await?;
    let answer = SetupAnswer {
        user_id: user.to_string(),
        organization_id: organization.to_string(),
    };
    Ok(Created(answer))
}
