use axum::extract::State;
use http::StatusCode;
use reoclo_api_types::{
    AddUserRequest, AddedUserBody, ChangeUserRequest, InvitationBody, RemovedUserBody, UserBody,
    UserPage,
};
use reoclo_control::{
    Authorized, Control, NewUserForm, OrganizationManage, UserChange, UsersRead, UsersWrite,
};

use super::body;
use crate::body::{JsonAnswer, JsonBody};
use crate::error::ApiError;
use crate::path::ItemId;
use crate::query::{QueryReader, QueryText};

const WHAT: &str = "the user";

pub(super) async fn list(
    proof: Authorized<UsersRead>,
    State(control): State<Control>,
    query: QueryText,
) -> Result<JsonAnswer<UserPage>, ApiError> {
    let mut reader = QueryReader::new(&query);
    let search = reader.text("search").unwrap_or_default();
    reader.finish()?;
    let users = control.users(&proof, search.trim()).await?;
    let items = users.into_iter().map(body::user).collect();
    Ok(JsonAnswer::ok(UserPage { items }))
}

pub(super) async fn show(
    proof: Authorized<UsersRead>,
    State(control): State<Control>,
    id: ItemId,
) -> Result<JsonAnswer<UserBody>, ApiError> {
    let user = control.user(&proof, id.parse(WHAT)?).await?;
    Ok(JsonAnswer::ok(body::user(user)))
}

pub(super) async fn invite(
    proof: Authorized<UsersWrite>,
    State(control): State<Control>,
    JsonBody(request): JsonBody<AddUserRequest>,
) -> Result<JsonAnswer<InvitationBody>, ApiError> {
    let form = NewUserForm {
        email: request.email,
        name: request.name,
        role: request.role,
        once: None,
    };
    let invited = control.invite_user(&proof, form).await?;
    Ok(JsonAnswer(
        StatusCode::CREATED,
        body::invited(&control, invited),
    ))
}

pub(super) async fn change(
    proof: Authorized<UsersWrite>,
    State(control): State<Control>,
    id: ItemId,
    JsonBody(request): JsonBody<ChangeUserRequest>,
) -> Result<JsonAnswer<UserBody>, ApiError> {
    let change = UserChange {
        role: request.role,
        may_create_organizations: request.may_create_organizations,
    };
    let user = control.change_user(&proof, id.parse(WHAT)?, change).await?;
    Ok(JsonAnswer::ok(body::user(user)))
}

pub(super) async fn remove(
    proof: Authorized<UsersWrite>,
    State(control): State<Control>,
    id: ItemId,
) -> Result<JsonAnswer<RemovedUserBody>, ApiError> {
    let removed = control.remove_user(&proof, id.parse(WHAT)?).await?;
    Ok(JsonAnswer::ok(body::removed(removed)))
}

pub(super) async fn reset_password(
    proof: Authorized<OrganizationManage>,
    State(control): State<Control>,
    id: ItemId,
) -> Result<JsonAnswer<AddedUserBody>, ApiError> {
    let added = control
        .reset_user_password(&proof, id.parse(WHAT)?, None)
        .await?;
    Ok(JsonAnswer::ok(body::added(added)))
}
