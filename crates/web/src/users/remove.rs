use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_control::{Authorized, Control, UsersRead, UsersWrite};
use reoclo_domain::UserId;
use reoclo_http::{ApiError, ItemId, PageForm};

use super::{WHAT, name};
use crate::form::Problems;
use crate::page::Page;
use crate::shell::Shell;

#[derive(Template)]
#[template(path = "users/remove.html")]
struct Remove {
    id: String,
    name: String,
    is_self: bool,
    problems: Problems,
    shell: Shell,
}

/// What a person leaves behind is told once, right after.
#[derive(Template)]
#[template(path = "users/removed.html")]
struct Removed {
    name: String,
    integration_keys: usize,
    /// Id, name and prefix.
    automation_keys: Vec<(String, String, String)>,
    shell: Shell,
}

pub(super) async fn confirm(
    _: Authorized<UsersWrite>,
    read: Authorized<UsersRead>,
    shell: Shell,
    State(control): State<Control>,
    id: ItemId,
) -> Result<Response, ApiError> {
    let member = control.users().show(&read, id.parse(WHAT)?).await?;
    let page = Remove {
        id: member.id.to_string(),
        name: name(&member),
        is_self: member.id == shell.session.user,
        problems: Problems::default(),
        shell,
    };
    Ok(Page::ok(page).into_response())
}

pub(super) async fn remove(
    proof: Authorized<UsersWrite>,
    read: Authorized<UsersRead>,
    shell: Shell,
    State(control): State<Control>,
    id: ItemId,
    PageForm(_): PageForm,
) -> Result<Response, ApiError> {
    let user: UserId = id.parse(WHAT)?;
    let member = control.users().show(&read, user).await?;
    let name = name(&member);
    match control.users().remove(&proof, user).await {
        Ok(removed) => {
            let keys = removed.automation_keys.into_iter();
            let page = Removed {
                name,
                integration_keys: removed.integration_keys,
                automation_keys: keys
                    .map(|key| (key.id.to_string(), key.name, key.prefix))
                    .collect(),
                shell,
            };
            Ok(Page::ok(page).into_response())
        }
        Err(refusal) => {
            let page = Remove {
                id: user.to_string(),
                name,
                is_self: user == shell.session.user,
                problems: Problems::of(refusal)?,
                shell,
            };
            Ok(Page(page.problems.status(), page).into_response())
        }
    }
}
