use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use reoclo_control::{Authorized, Control, MemberRecord, UsersRead};
use reoclo_domain::Role;
use reoclo_http::{ApiError, ItemId};

use super::{ROLES, WHAT, account, name};
use crate::form::Problems;
use crate::moment::Moment;
use crate::page::Page;
use crate::shell::Shell;
use crate::words::Badge;

#[derive(Template)]
#[template(path = "users/show.html")]
pub(super) struct Show {
    id: String,
    name: String,
    email: String,
    role: Role,
    roles: [(Role, &'static str); 4],
    account: Badge,
    may_create_organizations: bool,
    is_self: bool,
    added: Moment,
    problems: Problems,
    shell: Shell,
}

pub(super) async fn show(
    proof: Authorized<UsersRead>,
    shell: Shell,
    State(control): State<Control>,
    id: ItemId,
) -> Result<Response, ApiError> {
    let member = control.users().show(&proof, id.parse(WHAT)?).await?;
    Ok(page(shell, &member, None))
}

/// The person's page, with what was wrong with a change.
pub(super) fn page(shell: Shell, member: &MemberRecord, problems: Option<Problems>) -> Response {
    let status = problems
        .as_ref()
        .map_or(StatusCode::OK.into(), Problems::status);
    let page = Show {
        id: member.id.to_string(),
        name: name(member),
        email: member.email.clone().unwrap_or_default(),
        role: member.role,
        roles: ROLES,
        account: account(member.password),
        may_create_organizations: member.may_create_organizations,
        is_self: member.id == shell.session.user,
        added: shell.moment(member.created_at),
        problems: problems.unwrap_or_default(),
        shell,
    };
    Page(status, page).into_response()
}
