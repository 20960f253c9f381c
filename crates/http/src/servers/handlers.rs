use axum::extract::State;
use http::StatusCode;
use reoclo_api_types::{
    AddServerRequest, AddedServerBody, ChangeServerRequest, ChooseMachineRequest, ServerBody,
};
use reoclo_control::{
    Authorized, Control, NewServerForm, OrganizationManage, ServerForm, ServersRead, ServersWrite,
};

use super::body;
use crate::body::{JsonAnswer, JsonBody};
use crate::error::ApiError;
use crate::path::ItemId;

pub(super) async fn list(
    proof: Authorized<ServersRead>,
    State(control): State<Control>,
) -> Result<JsonAnswer<Vec<ServerBody>>, ApiError> {
    let servers = control.servers(&proof).await?;
    Ok(JsonAnswer::ok(
        servers
            .into_iter()
            .map(|server| body::with_machines(&control, server))
            .collect(),
    ))
}

pub(super) async fn show(
    proof: Authorized<ServersRead>,
    State(control): State<Control>,
    ItemId(id): ItemId,
) -> Result<JsonAnswer<ServerBody>, ApiError> {
    let server = control.server(&proof, &id).await?;
    Ok(JsonAnswer::ok(body::with_machines(&control, server)))
}

pub(super) async fn choose_machine(
    proof: Authorized<OrganizationManage>,
    State(control): State<Control>,
    ItemId(id): ItemId,
    JsonBody(request): JsonBody<ChooseMachineRequest>,
) -> Result<StatusCode, ApiError> {
    control.choose_machine(&proof, &id, &request.keep).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn add(
    proof: Authorized<ServersWrite>,
    State(control): State<Control>,
    JsonBody(request): JsonBody<AddServerRequest>,
) -> Result<JsonAnswer<AddedServerBody>, ApiError> {
    let form = NewServerForm {
        name: request.name,
        slug: request.slug,
        once: None,
    };
    let (added, record) = control.add_own_server(&proof, form).await?;
    Ok(JsonAnswer(StatusCode::CREATED, body::added(&added, record)))
}

pub(super) async fn renew_enrolment(
    proof: Authorized<ServersWrite>,
    State(control): State<Control>,
    ItemId(id): ItemId,
) -> Result<JsonAnswer<AddedServerBody>, ApiError> {
    let (renewed, record) = control.renew_own_enrolment(&proof, &id, None).await?;
    let body = body::added(&renewed, record);
    Ok(JsonAnswer(StatusCode::CREATED, body))
}

pub(super) async fn change(
    proof: Authorized<ServersWrite>,
    State(control): State<Control>,
    ItemId(id): ItemId,
    JsonBody(request): JsonBody<ChangeServerRequest>,
) -> Result<JsonAnswer<ServerBody>, ApiError> {
    let form = ServerForm {
        name: request.name,
        slug: request.slug,
    };
    let server = control.change_server(&proof, &id, form).await?;
    Ok(JsonAnswer::ok(body::server(server)))
}

pub(super) async fn remove(
    proof: Authorized<ServersWrite>,
    State(control): State<Control>,
    ItemId(id): ItemId,
) -> Result<StatusCode, ApiError> {
    control.decommission_server(&proof, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
