use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_control::{
    Authorized, AutomationKeysManage, Control, IntegrationKeysManage, Member, NewAutomationKeyForm,
    NewIntegrationKeyForm, RegistryCredentialsRead, ServersRead,
};
use reoclo_domain::{Lifetime, MaximumLifetime};
use reoclo_http::{ApiError, AppState, FormFields, ItemId, PageForm};

use super::create_automation::{self, NewAutomation, Proofs};
use super::create_integration::{self, NewIntegration};
use super::created::{self, Occasion};
use super::{KeyPages, key};
use crate::form::Problems;
use crate::shell::Shell;

pub(super) async fn integration(
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
            let organization = control.show_organization(&member).await?;
            let choices = create_integration::Choices {
                shell,
                maximum_days: organization.max_key_lifetime_days,
                served: state.served(),
            };
            Ok(NewIntegration::again(choices, &fields, problems).into_response())
        }
    }
}

/// The mark of the form.
pub(super) fn once(fields: &FormFields) -> Option<String> {
    fields.filled("once").map(str::to_owned)
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

pub(super) async fn automation(
    proof: Authorized<AutomationKeysManage>,
    (member, servers, credentials): (
        Authorized<Member>,
        Authorized<ServersRead>,
        Authorized<RegistryCredentialsRead>,
    ),
    shell: Shell,
    State(control): State<Control>,
    PageForm(fields): PageForm,
) -> Result<Response, ApiError> {
    let proofs = Proofs {
        member,
        servers,
        credentials,
    };
    if let Some(page) = created::before(&shell, &control, &proof, &fields).await? {
        return Ok(page);
    }
    let form = automation_form(&fields);
    match control.keys().create_automation(&proof, form).await {
        Ok(minted) => {
            let servers = control.list_servers(&proofs.servers).await?;
            Ok(created::show::<AutomationKeysManage>(
                shell,
                &control,
                &minted,
                Occasion::Created,
                &servers,
            ))
        }
        Err(refusal) => {
            if let Some(page) = created::before(&shell, &control, &proof, &fields).await? {
                return Ok(page);
            }
            let problems = Problems::of(refusal)?;
            let choices = create_automation::Choices::of(&control, &proof, &proofs).await?;
            Ok(NewAutomation::again(choices, shell, &fields, problems).into_response())
        }
    }
}

fn automation_form(fields: &FormFields) -> NewAutomationKeyForm {
    let all_servers = fields.text("servers") == "all";
    let rate_limit = fields.filled("rate_limit_per_minute");
    let operations = fields.all("operations");
    // Hidden with the operation that they are for, and then not meant.
    let logs_in = operations.iter().any(|name| name == "registry_login");
    let lists_credentials = logs_in && fields.text("credentials") != "all";
    let lines = fields.text("ip_allowlist").lines().map(str::trim);
    NewAutomationKeyForm {
        name: fields.text("name").to_owned(),
        all_servers,
        server_ids: if all_servers {
            Vec::new()
        } else {
            fields.all("server_ids")
        },
        operations,
        lists_registry_credentials: lists_credentials,
        registry_credential_ids: if lists_credentials {
            fields.all("registry_credential_ids")
        } else {
            Vec::new()
        },
        expires_in: fields.filled("expires_in").map(str::to_owned),
        ip_allowlist_source_ids: fields.all("ip_allowlist_source_ids"),
        ip_allowlist: lines
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect(),
        // What is no number is as wrong as one that is too small.
        rate_limit_per_minute: rate_limit.map(|limit| limit.parse().unwrap_or(0)),
        once: once(fields),
    }
}

/// Every lifetime, with whether the organization allows it.
pub(super) fn lifetimes(maximum_days: Option<u32>) -> Vec<(Lifetime, bool)> {
    let maximum = maximum_days.map(MaximumLifetime::of_days);
    let is_allowed =
        |lifetime: Lifetime| maximum.is_none_or(|most| most.allows(lifetime.duration()));
    Lifetime::ALL
        .map(|lifetime| (lifetime, is_allowed(lifetime)))
        .into()
}

/// What a new key lives when nothing else is chosen: 90 days, or the longest that is allowed.
pub(super) fn usual_lifetime(lifetimes: &[(Lifetime, bool)]) -> &'static str {
    let longest = lifetimes.iter().rev().find(|(_, is_allowed)| *is_allowed);
    let usual = lifetimes
        .iter()
        .find(|choice| **choice == (Lifetime::Quarter, true));
    usual
        .or(longest)
        .map_or("", |(lifetime, _)| lifetime.as_str())
}

pub(super) async fn duplicate<P: KeyPages>(
    proof: Authorized<P>,
    servers: Authorized<ServersRead>,
    shell: Shell,
    State(control): State<Control>,
    id: ItemId,
    PageForm(fields): PageForm,
) -> Result<Response, ApiError> {
    if let Some(page) = created::before(&shell, &control, &proof, &fields).await? {
        return Ok(page);
    }
    let duplicated = control
        .keys()
        .duplicate(&proof, key::<P>(&id)?, once(&fields));
    let minted = match duplicated.await {
        Ok(minted) => minted,
        Err(refusal) => {
            let page = created::before(&shell, &control, &proof, &fields).await?;
            return page.ok_or_else(|| refusal.into());
        }
    };
    let servers = control.list_servers(&servers).await?;
    let occasion = Occasion::Duplicated;
    Ok(created::show::<P>(
        shell, &control, &minted, occasion, &servers,
    ))
}
