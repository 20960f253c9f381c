//! The organization's settings.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_api_types::ChangeOrganizationRequest;
use reoclo_control::{Authorized, Control, Member, OrganizationManage, OrganizationRecord};
use reoclo_domain::AllowlistEntry;
use reoclo_http::{ApiError, FormFields, PageForm};

use crate::form::Problems;
use crate::moment::Moment;
use crate::page::{Page, see_other};
use crate::shell::Shell;

#[derive(Template)]
#[template(path = "organizations/change.html")]
struct Settings {
    record: OrganizationRecord,
    created: Moment,
    name: String,
    days: String,
    /// One a line.
    networks: String,
    /// Whoever runs the instance lets organizations trust networks.
    may_trust: bool,
    problems: Problems,
    shell: Shell,
}

/// What stands in the form's fields.
struct Fields {
    name: String,
    days: String,
    networks: String,
}

pub(super) async fn show(
    member: Authorized<Member>,
    shell: Shell,
    State(control): State<Control>,
) -> Result<Response, ApiError> {
    let record = control.organizations().show(&member).await?;
    let days = record.max_key_lifetime_days;
    let fields = Fields {
        name: record.name.clone(),
        days: days.map(|days| days.to_string()).unwrap_or_default(),
        networks: lines(&record),
    };
    let page = settings(shell, &control, record, fields, Problems::default());
    Ok(Page::ok(page).into_response())
}

pub(super) async fn change(
    proof: Authorized<OrganizationManage>,
    member: Authorized<Member>,
    shell: Shell,
    State(control): State<Control>,
    PageForm(fields): PageForm,
) -> Result<Response, ApiError> {
    // What is no number is as wrong as one that is too small.
    let days = fields.filled("max_key_lifetime_days");
    let days = days.map(|days| days.parse().unwrap_or(0));
    let form = ChangeOrganizationRequest {
        name: Some(fields.text("name").to_owned()),
        max_key_lifetime_days: Some(days),
        trusted_networks: control
            .settings()
            .organization_networks
            .then(|| networks(&fields)),
    };
    match control.organizations().change(&proof, form).await {
        Ok(_) => Ok(see_other("/organization?notice=organization-changed")),
        Err(refusal) => {
            let problems = Problems::of(refusal)?;
            let record = control.organizations().show(&member).await?;
            let fields = Fields {
                name: fields.text("name").to_owned(),
                days: fields.text("max_key_lifetime_days").to_owned(),
                networks: fields.text("trusted_networks").to_owned(),
            };
            let page = settings(shell, &control, record, fields, problems);
            Ok(Page(page.problems.status(), page).into_response())
        }
    }
}

/// The lines of the field that have something on them.
fn networks(fields: &FormFields) -> Vec<String> {
    let lines = fields.text("trusted_networks").lines().map(str::trim);
    let filled = lines.filter(|line| !line.is_empty());
    filled.map(str::to_owned).collect()
}

fn lines(record: &OrganizationRecord) -> String {
    let entries = record.trusted_networks.iter().copied();
    let entries = entries.map(|network| AllowlistEntry::from(network).to_string());
    entries.collect::<Vec<_>>().join("\n")
}

fn settings(
    shell: Shell,
    control: &Control,
    record: OrganizationRecord,
    fields: Fields,
    problems: Problems,
) -> Settings {
    Settings {
        created: shell.moment(record.created_at),
        may_trust: control.settings().organization_networks,
        record,
        name: fields.name,
        days: fields.days,
        networks: fields.networks,
        problems,
        shell,
    }
}

impl Settings {
    fn trusted(&self) -> String {
        lines(&self.record).replace('\n', ", ")
    }
}
