//! The organization's settings.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_control::{
    Authorized, Control, Member, OrganizationForm, OrganizationManage, OrganizationRecord,
};
use reoclo_http::{ApiError, PageForm, Registrar};

use crate::form::Problems;
use crate::moment::Moment;
use crate::page::{Page, see_other};
use crate::shell::Shell;

#[derive(Template)]
#[template(path = "organization.html")]
struct Settings {
    record: OrganizationRecord,
    created: Moment,
    name: String,
    days: String,
    problems: Problems,
    shell: Shell,
}

pub(crate) fn add(registrar: Registrar) -> Registrar {
    registrar
        .page("/organization", show)
        .page_post("/organization", change)
}

async fn show(
    member: Authorized<Member>,
    shell: Shell,
    State(control): State<Control>,
) -> Result<Response, ApiError> {
    let record = control.own_organization(&member).await?;
    let (name, days) = (record.name.clone(), record.max_key_lifetime_days);
    let days = days.map(|days| days.to_string()).unwrap_or_default();
    let page = settings(shell, record, name, days, Problems::default());
    Ok(Page::ok(page).into_response())
}

async fn change(
    proof: Authorized<OrganizationManage>,
    member: Authorized<Member>,
    shell: Shell,
    State(control): State<Control>,
    PageForm(fields): PageForm,
) -> Result<Response, ApiError> {
    // What is no number is as wrong as one that is too small.
    let days = fields.filled("max_key_lifetime_days");
    let days = days.map(|days| days.parse().unwrap_or(0));
    let form = OrganizationForm {
        name: Some(fields.text("name").to_owned()),
        max_key_lifetime_days: Some(days),
    };
    match control.change_organization(&proof, form).await {
        Ok(_) => Ok(see_other("/organization?notice=organization-changed")),
        Err(refusal) => {
            let problems = Problems::of(refusal)?;
            let record = control.own_organization(&member).await?;
            let name = fields.text("name").to_owned();
            let days = fields.text("max_key_lifetime_days").to_owned();
            let page = settings(shell, record, name, days, problems);
            Ok(Page(page.problems.status(), page).into_response())
        }
    }
}

fn settings(
    shell: Shell,
    record: OrganizationRecord,
    name: String,
    days: String,
    problems: Problems,
) -> Settings {
    Settings {
        created: shell.moment(record.created_at),
        record,
        name,
        days,
        problems,
        shell,
    }
}
