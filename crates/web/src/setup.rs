//! The account of the first admin, by a link that works once.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use reoclo_control::{Control, SetupForm};
use reoclo_domain::Secret;
use reoclo_http::{ApiError, Public, PublicForm, QueryText, Registrar, Source};

use crate::form::{Problems, SETUP_FIRST};
use crate::link::{self, Filled};
use crate::look::Look;
use crate::page::see_other;
use crate::pages::Pages;

#[derive(Template)]
#[template(path = "setup/complete.html")]
struct Setup {
    shell: Look,
    token: String,
    name: String,
    email: String,
    problems: Problems,
    /// The link is used, over, or was never made: there is nothing to fill in.
    is_dead: bool,
}

pub(crate) const PAGES: Pages =
    Pages::of(add).saying(&[("signed-up", "Your account is ready: sign in with it.")]);

fn add(registrar: Registrar) -> Registrar {
    registrar.page("/setup", show).page_post("/setup", complete)
}

/// Looking at it does not use the link up.
async fn show(
    _: Public,
    shell: Look,
    State(control): State<Control>,
    query: QueryText,
) -> Result<Response, ApiError> {
    let token = link::token_in(&query);
    let checked = control
        .setup()
        .check_link(&Secret::new(token.as_str()))
        .await;
    let problems = checked.map_or_else(Problems::of, |()| Ok(Problems::default()))?;
    Ok(page(shell, token, ["", ""], problems))
}

async fn complete(
    _: Public,
    shell: Look,
    State(control): State<Control>,
    Source(source): Source,
    PublicForm(fields): PublicForm,
) -> Result<Response, ApiError> {
    let (name, email) = (fields.text("name"), fields.text("email"));
    let filled = Filled::of(&fields);
    let form = SetupForm {
        token: filled.token,
        name: filled.name,
        email: email.to_owned(),
        password: filled.password,
    };
    match control.setup().complete(form, source).await {
        Ok(_) => Ok(see_other("/sign-in?notice=signed-up")),
        Err(refusal) => {
            let token = fields.text("token").to_owned();
            let problems = Problems::of(refusal)?.with_first(&SETUP_FIRST);
            Ok(page(shell, token, [name, email], problems))
        }
    }
}

fn page(shell: Look, token: String, [name, email]: [&str; 2], problems: Problems) -> Response {
    let setup = Setup {
        shell,
        token,
        name: name.to_owned(),
        email: email.to_owned(),
        is_dead: problems.has("token"),
        problems,
    };
    link::page(setup.problems.status(), setup)
}
