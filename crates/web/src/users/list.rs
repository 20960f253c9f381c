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

pub(super) async fn show(
    proof: Authorized<UsersRead>,
    shell: Shell,
    State(control): State<Control>,
    query: QueryText,
) -> Result<Response, ApiError> {
    let mut reader = QueryReader::new(&query);
    let search = reader.text("search").unwrap_or_default().trim().to_owned();
    let people = control.users(&proof, &search).await?.into_iter();
    let people = people.map(|member| Line {
        id: member.id.to_string(),
        name: name(&member),
        account: account(member.password),
        is_self: member.id == shell.session.user,
        added: shell.moment(member.created_at),
        role: member.role,
        email: member.email.unwrap_or_default(),
    });
    let page = List {
        people: people.collect(),
        search,
        shell,
    };
    Ok(Page::ok(page).into_response())
}
