//! What is answered when a form that shows something once is sent again: its page was loaded anew,
//! or gone back and forth to, or the button pressed twice.

use askama::Template;
use axum::response::{IntoResponse, Response};
use reoclo_control::{Authorized, Control, OnceForm, Permission, TakenForm};
use reoclo_http::{ApiError, FormFields};

use crate::moment::Moment;
use crate::page::Page;
use crate::shell::Shell;

#[derive(Template)]
#[template(path = "taken.html")]
struct Taken {
    words: Words,
    href: String,
    at: Moment,
    shell: Shell,
}

/// What a form did, and what to do about what it showed.
struct Words {
    /// Where the page belongs.
    place: &'static str,
    place_href: &'static str,
    done: &'static str,
    again: &'static str,
    advice: &'static str,
    /// What leads to what the form made or changed.
    open: &'static str,
}

/// The mark of the form.
pub(crate) fn once(fields: &FormFields) -> Option<&str> {
    fields.filled("once")
}

/// The page for a form that was taken before; none when it was not.
pub(crate) async fn taken<P: Permission>(
    shell: &Shell,
    control: &Control,
    proof: &Authorized<P>,
    form: OnceForm,
    fields: &FormFields,
) -> Result<Option<Response>, ApiError> {
    let Some(mark) = once(fields) else {
        return Ok(None);
    };
    let taken = control.forms().taken(proof, form, mark).await?;
    Ok(taken.map(|taken| page(shell, form, taken)))
}

fn page(shell: &Shell, form: OnceForm, taken: TakenForm) -> Response {
    let subject = taken.subject;
    let page = Taken {
        words: words(form),
        href: match form {
            OnceForm::AddServer | OnceForm::RenewEnrolment => format!("/servers/{subject}"),
            OnceForm::Invite | OnceForm::RenewInvitation(_) => "/users".to_owned(),
            OnceForm::ResetPassword(_) => format!("/users/{subject}"),
        },
        at: shell.moment(taken.at),
        shell: shell.clone(),
    };
    Page::ok(page).into_response()
}

const fn words(form: OnceForm) -> Words {
    let is_of_servers = matches!(form, OnceForm::AddServer | OnceForm::RenewEnrolment);
    let (place, place_href) = if is_of_servers {
        ("Servers", "/servers")
    } else {
        ("Users", "/users")
    };
    let (done, again) = match form {
        OnceForm::AddServer => ("has added its server", "adds no second one"),
        OnceForm::RenewEnrolment => ("has made its command", "makes no second one"),
        OnceForm::Invite => ("has invited its person", "invites nobody again"),
        OnceForm::RenewInvitation(_) => ("has made its link", "makes no second one"),
        OnceForm::ResetPassword(_) => ("has given its password", "gives no second one"),
    };
    let (advice, open) = match form {
        OnceForm::AddServer | OnceForm::RenewEnrolment => (
            "The command to install its runner was shown then, and is kept nowhere. If you did \
             not copy it, get a new one on the server's page: the one before stops working.",
            "Open the server",
        ),
        OnceForm::Invite | OnceForm::RenewInvitation(_) => (
            "The link was shown then, and is kept nowhere. If you did not pass it on, an admin \
             gets a new one under Users: the one before stops working.",
            "Open the users",
        ),
        OnceForm::ResetPassword(_) => (
            "The password was shown then, and is kept nowhere. If you did not pass it on, give a \
             new one on the person's page: the one before stops working.",
            "Open the person",
        ),
    };
    Words {
        place,
        place_href,
        done,
        again,
        advice,
        open,
    }
}
