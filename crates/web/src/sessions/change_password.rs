use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_control::{Authorized, Control, OwnSession};
use reoclo_domain::Secret;
use reoclo_http::{ApiError, PageForm, SessionCookie, cookie_of_session};

use crate::form::Problems;
use crate::moment::Moment;
use crate::page::{Page, see_other_with};
use crate::shell::Shell;

/// For somebody who must choose a password there is nothing else to go to.
#[derive(Template)]
#[template(path = "sessions/change_password.html")]
struct Password {
    shell: Shell,
    problems: Problems,
    refused: Vec<Refused>,
}

/// Passwords that were refused from one address on one day.
struct Refused {
    last: Moment,
    from: String,
    tries: u32,
}

pub(super) async fn show(
    proof: Authorized<OwnSession>,
    shell: Shell,
    State(control): State<Control>,
) -> Result<Response, ApiError> {
    let page = Password {
        refused: refused(&control, &proof, &shell).await?,
        problems: Problems::default(),
        shell,
    };
    Ok(Page::ok(page).into_response())
}

async fn refused(
    control: &Control,
    proof: &Authorized<OwnSession>,
    shell: &Shell,
) -> Result<Vec<Refused>, ApiError> {
    let refused = control
        .sessions()
        .refused_passwords(proof)
        .await?
        .into_iter();
    let refused = refused.map(|one| Refused {
        last: shell.moment(one.at),
        from: match one.ip {
            Some(ip) => ip.to_string(),
            None => "several addresses".to_owned(),
        },
        tries: one.tries,
    });
    Ok(refused.collect())
}

pub(super) async fn change_password(
    proof: Authorized<OwnSession>,
    shell: Shell,
    State(control): State<Control>,
    SessionCookie(token): SessionCookie,
    PageForm(fields): PageForm,
) -> Result<Response, ApiError> {
    let current = Secret::new(fields.text("current_password"));
    let new = Secret::new(fields.text("new_password"));
    match control
        .sessions()
        .change_password(&proof, &token, current, new)
        .await
    {
        Ok(signed_in) => {
            let cookie = cookie_of_session(&control, &signed_in);
            Ok(see_other_with("/?notice=password-changed", cookie))
        }
        Err(refusal) => {
            let problems = Problems::of(refusal)?;
            let page = Password {
                refused: refused(&control, &proof, &shell).await?,
                problems,
                shell,
            };
            Ok(Page(page.problems.status(), page).into_response())
        }
    }
}
