use axum::extract::State;
use axum::response::Response;
use reoclo_api_types::ChangeUserRequest;
use reoclo_control::{Authorized, Control, UsersRead, UsersWrite};
use reoclo_domain::UserId;
use reoclo_http::{ApiError, ItemId, PageForm};

use super::{WHAT, show};
use crate::form::Problems;
use crate::page::see_other;
use crate::shell::Shell;

pub(super) async fn change(
    proof: Authorized<UsersWrite>,
    read: Authorized<UsersRead>,
    shell: Shell,
    State(control): State<Control>,
    id: ItemId,
    PageForm(fields): PageForm,
) -> Result<Response, ApiError> {
    let user: UserId = id.parse(WHAT)?;
    let may_name = shell.session.may_create_organizations;
    let change = ChangeUserRequest {
        role: fields.filled("role").map(str::to_owned),
        may_create_organizations: may_name.then(|| fields.is_set("may_create_organizations")),
    };
    match control.users().change(&proof, user, change).await {
        Ok(_) => Ok(see_other(&format!("/users/{user}?notice=user-changed"))),
        Err(refusal) => {
            let problems = Problems::of(refusal)?;
            let member = control.users().show(&read, user).await?;
            Ok(show::page(shell, &member, Some(problems)))
        }
    }
}
