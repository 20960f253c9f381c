use axum::extract::State;
use http::StatusCode;
use reoclo_api_types::{ChangeOrganizationRequest, NewOrganizationRequest, OrganizationBody};
use reoclo_control::{
    Authorized, Control, Member, NewOrganizationForm, OrganizationForm, OrganizationManage,
};

use super::body;
use crate::body::{JsonAnswer, JsonBody};
use crate::error::ApiError;

pub(super) async fn show(
    proof: Authorized<Member>,
    State(control): State<Control>,
) -> Result<JsonAnswer<OrganizationBody>, ApiError> {
    let record = control.own_organization(&proof).await?;
    Ok(JsonAnswer::ok(body::organization(record)))
}

pub(super) async fn change(
    proof: Authorized<OrganizationManage>,
    State(control): State<Control>,
    JsonBody(request): JsonBody<ChangeOrganizationRequest>,
) -> Result<JsonAnswer<OrganizationBody>, ApiError> {
    let form = OrganizationForm {
        name: request.name,
        max_key_lifetime_days: request.max_key_lifetime_days,
        trusted_networks: request.trusted_networks,
    };
    let record = control.change_organization(&proof, form).await?;
    Ok(JsonAnswer::ok(body::organization(record)))
}

pub(super) async fn create(
    proof: Authorized<Member>,
    State(control): State<Control>,
    JsonBody(request): JsonBody<NewOrganizationRequest>,
) -> Result<JsonAnswer<OrganizationBody>, ApiError> {
    let form = NewOrganizationForm {
        name: request.name,
        slug: request.slug,
    };
    let record = control.create_organization(&proof, form).await?;
    Ok(JsonAnswer(StatusCode::CREATED, body::organization(record)))
}
