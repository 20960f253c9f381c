use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_control::{Authorized, Control, UsersRead};
use reoclo_domain::Role;
use reoclo_http::{ApiError, QueryReader, QueryText};

use super::{account, name};
use crate::moment::Moment;
use crate::page::Page;
use crate::shell::Shell;
use crate::words::Badge;

#[derive(Template)]
#[template(path = "users/list.html")]
struct List {
    people: Vec<Line>,
    invited: Vec<Invited>,
    search: String,
    shell: Shell,
}

struct Line {
    id: String,
    name: String,
    email: String,
    role: Role,
    account: Badge,
    is_self: bool,
    added: Moment,
}

/// Somebody who has yet to accept.
struct Invited {
    id: String,
    name: String,
    email: String,
    role: Role,
    until: Moment,
    is_over: bool,
}

pub(super) async fn show(
    proof: Authorized<UsersRead>,
    shell: Shell,
    State(control): State<Control>,
    query: QueryText,
) -> Result<Response, ApiError> {
    let mut reader = QueryReader::new(&query);
    let search = reader.text("search").unwrap_or_default().trim().to_owned();
    let people = control.users().list(&proof, &search).await?.into_iter();
    let people = people.map(|member| Line {
        id: member.id.to_string(),
        name: name(&member),
        account: account(member.password),
        is_self: member.id == shell.session.user,
        added: shell.moment(member.created_at),
        role: member.role,
        email: member.email.unwrap_or_default(),
    });
    let invited = control.invitations().list(&proof).await?.into_iter();
    let invited = invited.map(|invitation| Invited {
        id: invitation.id.to_string(),
        is_over: invitation.expires_at <= shell.now,
        until: shell.moment(invitation.expires_at),
        name: invitation.name,
        email: invitation.email,
        role: invitation.role,
    });
    let page = List {
        invited: invited.collect(),
        people: people.collect(),
        search,
        shell,
    };
    Ok(Page::ok(page).into_response())
}
