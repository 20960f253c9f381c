//! Logging a server's Docker in to a registry and out of it (clients.md 2.3).

use std::collections::BTreeMap;

use axum::extract::State;
use reoclo_api_types::{
    RegistryAuthAnswer, RegistryLoginDirectRequest, RegistryLoginRequest, RegistryLogoutRequest,
};
use reoclo_control::{
    Authorized, Control, DirectLogin, Refusal, RegistryAuth, RegistryLogin, RegistryLogout, RunNote,
};
use reoclo_domain::{Secret, ServerId};

use super::result::result;
use crate::answer::Answer;
use crate::body::JsonBody;
use crate::error::ApiError;

/// Always 200 once the login was accepted: its end is told by `status` and `exit_code`.
pub(crate) async fn login(
    proof: Authorized<RegistryLogin>,
    State(control): State<Control>,
    JsonBody(request): JsonBody<RegistryLoginRequest>,
) -> Result<Answer<RegistryAuthAnswer>, ApiError> {
    let server = server(&request.server_id)?;
    let credential = request
        .credential_id
        .parse()
        .map_err(|problem| Refusal::field("credential_id", format!("{problem}")))?;
    let run = run_note(request.run_id, request.run_context);
    let auth = control
        .operations()
        .registry_login(proof, server, credential, run)
        .await?;
    Ok(Answer(answer(&auth)))
}

pub(crate) async fn login_direct(
    proof: Authorized<RegistryLogin>,
    State(control): State<Control>,
    JsonBody(request): JsonBody<RegistryLoginDirectRequest>,
) -> Result<Answer<RegistryAuthAnswer>, ApiError> {
    let server = server(&request.server_id)?;
    let form = DirectLogin {
        registry_url: request.registry_url,
        username: request.username,
        access_token: request.access_token.map(Secret::new),
    };
    let run = run_note(request.run_id, request.run_context);
    let auth = control
        .operations()
        .registry_login_direct(proof, server, form, run)
        .await?;
    Ok(Answer(answer(&auth)))
}

pub(crate) async fn logout(
    proof: Authorized<RegistryLogout>,
    State(control): State<Control>,
    JsonBody(request): JsonBody<RegistryLogoutRequest>,
) -> Result<Answer<RegistryAuthAnswer>, ApiError> {
    let server = server(&request.server_id)?;
    let run = run_note(request.run_id, request.run_context);
    let auth = control
        .operations()
        .registry_logout(proof, server, request.registry_url, run)
        .await?;
    let outcome = auth.executed.outcome.as_deref();
    let still_held = outcome.map(|outcome| outcome.still_held);
    Ok(Answer(RegistryAuthAnswer {
        still_held,
        ..answer(&auth)
    }))
}

pub(super) fn server(text: &str) -> Result<ServerId, Refusal> {
    text.parse()
        .map_err(|problem| Refusal::field("server_id", format!("{problem}")))
}

pub(super) fn run_note(
    run_id: Option<String>,
    context: Option<BTreeMap<String, Option<String>>>,
) -> RunNote {
    let context = context.unwrap_or_default().into_iter();
    RunNote {
        run_id,
        run_context: context
            .filter_map(|(name, text)| Some((name, text?)))
            .collect(),
    }
}

fn answer(auth: &RegistryAuth) -> RegistryAuthAnswer {
    let outcome = auth.executed.outcome.as_deref();
    let status = outcome.map_or("running", |outcome| outcome.state.as_str());
    let result = outcome.map(result);
    RegistryAuthAnswer {
        operation_id: auth.executed.operation.to_string(),
        status: status.into(),
        registry_url: auth.registry_url.to_string(),
        registry_type: auth.registry_type.to_string(),
        exit_code: result.as_ref().map(|result| result.exit_code),
        duration_ms: result.as_ref().map(|result| result.duration_ms),
        stdout: result.as_ref().map(|result| result.stdout.clone()),
        stderr: result.map(|result| result.stderr),
        still_held: None,
        code: outcome.and_then(|outcome| outcome.code.clone()),
        message: outcome.and_then(|outcome| outcome.message.clone()),
    }
}
