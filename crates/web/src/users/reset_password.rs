use axum::extract::State;
use axum::response::Response;
use reoclo_control::{Authorized, Control, OrganizationManage, UsersRead};
use reoclo_domain::UserId;
use reoclo_http::{ApiError, ItemId, PageForm};

use super::{WHAT, add, show};
use crate::form::Problems;
use crate::shell::Shell;

pub(super) async fn reset(
    proof: Authorized<OrganizationManage>,
    read: Authorized<UsersRead>,
    shell: Shell,
    State(control): State<Control>,
    id: ItemId,
    PageForm(_): PageForm,
) -> Result<Response, ApiError> {
    let user: UserId = id.parse(WHAT)?;
    match control.reset_user_password(&proof, user).await {
        Ok(reset) => Ok(add::added_page(
            shell,
            &control,
            reset,
            "has a new password",
        )),
        Err(refusal) => {
            let problems = Problems::of(refusal)?;
            let member = control.user(&read, user).await?;
            Ok(show::page(shell, &member, Some(problems)))
        }
    }
}
