//! Making an integration key.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_control::{Authorized, Control, IntegrationKeysManage, Member, NewIntegrationKeyForm};
use reoclo_domain::{Acl, Cell, Lifetime, Preset, Resource};
use reoclo_http::{ApiError, AppState, FormFields, PageForm};

use super::create::{lifetimes, once, usual_lifetime};
use super::created::{self, Occasion};
use crate::form::Problems;
use crate::page::Page;
use crate::shell::Shell;
use crate::words;

const PRESETS: [Preset; 4] = [
    Preset::FullAccess,
    Preset::DeployOnly,
    Preset::ReadOnly,
    Preset::Custom(Acl::empty()),
];

/// The form that makes an integration key.
#[derive(Template)]
#[template(path = "keys/create_integration.html")]
pub(super) struct NewIntegration {
    shell: Shell,
    lifetimes: Vec<(Lifetime, bool)>,
    maximum_days: Option<u32>,
    served: Acl,
    label: String,
    expires_in: String,
    preset: String,
    cells: Acl,
    problems: Problems,
}

/// What can be chosen, whatever was typed.
pub(super) struct Choices {
    pub(super) shell: Shell,
    pub(super) maximum_days: Option<u32>,
    pub(super) served: Acl,
}

pub(super) async fn show(
    _: Authorized<IntegrationKeysManage>,
    member: Authorized<Member>,
    shell: Shell,
    State(control): State<Control>,
    State(state): State<AppState>,
) -> Result<Response, ApiError> {
    let organization = control.organizations().show(&member).await?;
    let choices = Choices {
        shell,
        maximum_days: organization.max_key_lifetime_days,
        served: state.served(),
    };
    Ok(Page::ok(NewIntegration::empty(choices)).into_response())
}

impl NewIntegration {
    fn empty(choices: Choices) -> Self {
        let lifetimes = lifetimes(choices.maximum_days);
        Self {
            expires_in: usual_lifetime(&lifetimes).to_owned(),
            lifetimes,
            shell: choices.shell,
            maximum_days: choices.maximum_days,
            served: choices.served,
            label: String::new(),
            preset: Preset::ReadOnly.as_str().to_owned(),
            cells: Acl::empty(),
            problems: Problems::default(),
        }
    }

    /// The form as it was sent, with what is wrong with it.
    pub(super) fn again(choices: Choices, fields: &FormFields, problems: Problems) -> Page<Self> {
        let named = fields.all("cell");
        let cells = named.iter().filter_map(|name| name.parse::<Cell>().ok());
        let page = Self {
            label: fields.text("label").to_owned(),
            expires_in: fields.text("expires_in").to_owned(),
            preset: fields.text("preset").to_owned(),
            cells: cells.collect(),
            problems,
            ..Self::empty(choices)
        };
        Page(page.problems.status(), page)
    }

    fn presets(&self) -> Vec<PresetChoice> {
        let role = self.shell.role().acl();
        let choice = |preset: Preset| PresetChoice {
            name: preset.as_str(),
            title: words::preset_title(preset),
            sentence: words::preset_sentence(preset),
            is_chosen: preset.as_str() == self.preset,
            is_cut: preset.acl().intersect(role) != preset.acl(),
        };
        PRESETS.map(choice).into()
    }

    fn groups(&self) -> Vec<Group> {
        words::GROUPS
            .iter()
            .map(|(title, resources)| Group {
                title,
                rows: resources
                    .iter()
                    .map(|resource| self.row(*resource))
                    .collect(),
            })
            .collect()
    }

    fn row(&self, resource: Resource) -> Row {
        let cells = words::ACTIONS.map(|action| Cell::new(resource, action));
        let is_served = cells
            .iter()
            .flatten()
            .any(|cell| self.served.contains(*cell));
        let held = self.shell.role().acl();
        Row {
            title: words::resource_title(resource),
            is_served,
            cells: cells
                .into_iter()
                .map(|cell| {
                    cell.map(|cell| CellChoice {
                        name: cell.to_string(),
                        action: cell.action().as_str(),
                        is_ticked: self.cells.contains(cell),
                        is_held: held.contains(cell),
                    })
                })
                .collect(),
            problem: self
                .problems
                .of_field(&format!("permissions.{}", resource.as_str())),
        }
    }
}

struct PresetChoice {
    name: &'static str,
    title: &'static str,
    sentence: &'static str,
    is_chosen: bool,
    /// The person's role has only a part of it.
    is_cut: bool,
}

struct Group {
    title: &'static str,
    rows: Vec<Row>,
}

struct Row {
    title: &'static str,
    is_served: bool,
    cells: Vec<Option<CellChoice>>,
    problem: Option<String>,
}

struct CellChoice {
    name: String,
    action: &'static str,
    is_ticked: bool,
    is_held: bool,
}

pub(super) async fn create(
    proof: Authorized<IntegrationKeysManage>,
    member: Authorized<Member>,
    shell: Shell,
    State(state): State<AppState>,
    PageForm(fields): PageForm,
) -> Result<Response, ApiError> {
    let control = state.control();
    if let Some(page) = created::before(&shell, control, &proof, &fields).await? {
        return Ok(page);
    }
    let form = NewIntegrationKeyForm {
        label: fields.text("label").to_owned(),
        expires_in: fields.text("expires_in").to_owned(),
        preset: fields.text("preset").to_owned(),
        permissions: permissions(&fields),
        once: once(&fields),
    };
    match control.keys().create_integration(&proof, form).await {
        Ok(minted) => Ok(created::show::<IntegrationKeysManage>(
            shell,
            control,
            &minted,
            Occasion::Created,
            &[],
        )),
        Err(refusal) => {
            // Of two that came at once, one made it.
            if let Some(page) = created::before(&shell, control, &proof, &fields).await? {
                return Ok(page);
            }
            let problems = Problems::of(refusal)?;
            let organization = control.organizations().show(&member).await?;
            let choices = Choices {
                shell,
                maximum_days: organization.max_key_lifetime_days,
                served: state.served(),
            };
            Ok(NewIntegration::again(choices, &fields, problems).into_response())
        }
    }
}

/// The ticked cells, when they are to be chosen one by one.
fn permissions(fields: &FormFields) -> BTreeMap<String, Vec<String>> {
    let mut permissions = BTreeMap::<String, Vec<String>>::new();
    if fields.text("preset") == "custom" {
        for cell in fields.all("cell") {
            let (resource, action) = cell.split_once(':').unwrap_or((&cell, ""));
            let actions = permissions.entry(resource.to_owned()).or_default();
            actions.push(action.to_owned());
        }
    }
    permissions
}
