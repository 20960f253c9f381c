//! People of an organization: `/api/users`, and the list as the existing clients ask for it
//! (clients.md 3.4).

mod body;

use axum::extract::State;
use reoclo_api_types::{
    AddUserRequest, AddedUserBody, ChangeUserRequest, InvitationBody, RemovedUserBody, UserBody,
    UserPage,
};
use reoclo_control::{Authorized, Control, OrganizationManage, UsersRead, UsersWrite};

use crate::answer::{Answer, Created};
use crate::body::JsonBody;
use crate::error::ApiError;
use crate::invitations;
use crate::path::ItemId;
use crate::query::{QueryReader, QueryText};
use crate::registrar::{Doc, Registrar};

const WHAT: &str = "the user";

pub(crate) fn add(registrar: Registrar) -> Registrar {
    registrar
        .tenant_get(
            "/users",
            Doc::new("The people of the organization, by name.")
                .takes_query(&[("search", "only those whose name or address contains it")]),
            list,
        )
        .get(
            "/api/users/{id}",
            Doc::new("One person of the organization."),
            show,
        )
        .post(
            "/api/users",
            Doc::new("Invite a person. They are a member when they have accepted."),
            invite,
        )
        .patch(
            "/api/users/{id}",
            Doc::new("Change a person's role, effective at their next request."),
            change,
        )
        .delete(
            "/api/users/{id}",
            Doc::new("Remove a person; the answer lists the automation keys to review."),
            remove,
        )
        .post(
            "/api/users/{id}/reset-password",
            Doc::new("Give a person a new temporary password, shown once."),
            reset_password,
        )
}

async fn list(
    proof: Authorized<UsersRead>,
    State(control): State<Control>,
    query: QueryText,
) -> Result<Answer<UserPage>, ApiError> {
    let mut reader = QueryReader::new(&query);
    let search = reader.text("search").unwrap_or_default();
    reader.finish()?;
    let users = control.users().list(&proof, search.trim()).await?;
    let items = users.into_iter().map(body::user).collect();
    Ok(Answer(UserPage { items }))
}

async fn show(
    proof: Authorized<UsersRead>,
    State(control): State<Control>,
    id: ItemId,
) -> Result<Answer<UserBody>, ApiError> {
    let user = control.users().show(&proof, id.parse(WHAT)?).await?;
    Ok(Answer(body::user(user)))
}

async fn invite(
    proof: Authorized<UsersWrite>,
    State(control): State<Control>,
    JsonBody(request): JsonBody<AddUserRequest>,
) -> Result<Created<InvitationBody>, ApiError> {
    let invited = control.invitations().invite(&proof, request, None).await?;
    Ok(Created(invitations::body(&control, invited)))
}

async fn change(
    proof: Authorized<UsersWrite>,
    State(control): State<Control>,
    id: ItemId,
    JsonBody(request): JsonBody<ChangeUserRequest>,
) -> Result<Answer<UserBody>, ApiError> {
    let user = control
        .users()
        .change(&proof, id.parse(WHAT)?, request)
        .await?;
    Ok(Answer(body::user(user)))
}

async fn remove(
    proof: Authorized<UsersWrite>,
    State(control): State<Control>,
    id: ItemId,
) -> Result<Answer<RemovedUserBody>, ApiError> {
    let removed = control.users().remove(&proof, id.parse(WHAT)?).await?;
    Ok(Answer(body::removed(removed)))
}

async fn reset_password(
    proof: Authorized<OrganizationManage>,
    State(control): State<Control>,
    id: ItemId,
) -> Result<Answer<AddedUserBody>, ApiError> {
    let added = control
        .users()
        .reset_password(&proof, id.parse(WHAT)?, None)
        .await?;
    Ok(Answer(body::added(added)))
}
