//! Published lists of networks that automation keys may name.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_api_types::NewAddressSourceRequest;
use reoclo_control::{AddressSourceRecord, Authorized, AutomationKeysManage, Control, Refusal};
use reoclo_http::{ApiError, FormFields, ItemId, PageForm, Registrar};

use crate::form::Problems;
use crate::moment::Moment;
use crate::page::{Page, see_other};
use crate::pages::Pages;
use crate::shell::Shell;

const PATH: &str = "/api-keys/address-lists";
const WHAT: &str = "the address list";

#[derive(Template)]
#[template(path = "address_sources.html")]
struct Published {
    lists: Vec<Line>,
    name: String,
    url: String,
    field: String,
    problems: Problems,
    shell: Shell,
}

struct Line {
    id: String,
    name: String,
    url: String,
    field: String,
    entries: u32,
    fetched: Moment,
    problem: Option<String>,
}

pub(crate) const PAGES: Pages = Pages::of(add).saying(&[
    (
        "address-list-added",
        "The list is fetched and in force for keys that name it.",
    ),
    (
        "address-list-refreshed",
        "The list is as it is published now.",
    ),
    (
        "address-list-kept",
        "No usable list came: the one before it stays in force.",
    ),
    ("address-list-removed", "The list is removed."),
]);

fn add(registrar: Registrar) -> Registrar {
    registrar
        .page(PATH, list)
        .page_post(PATH, create)
        .page_post("/api-keys/address-lists/{id}/refresh", refresh)
        .page_post("/api-keys/address-lists/{id}/remove", remove)
}

async fn list(
    proof: Authorized<AutomationKeysManage>,
    shell: Shell,
    State(control): State<Control>,
) -> Result<Response, ApiError> {
    let page = page(&control, &proof, shell, None, Problems::default());
    Ok(page.await?.into_response())
}

async fn create(
    proof: Authorized<AutomationKeysManage>,
    shell: Shell,
    State(control): State<Control>,
    PageForm(fields): PageForm,
) -> Result<Response, ApiError> {
    let form = NewAddressSourceRequest {
        name: fields.text("name").to_owned(),
        url: fields.text("url").to_owned(),
        field: fields.filled("field").map(str::to_owned),
    };
    match control.address_sources().create(&proof, form).await {
        Ok(_) => Ok(see_other(&noticed("address-list-added"))),
        Err(refusal) => {
            let problems = Problems::of(refusal)?;
            let again = page(&control, &proof, shell, Some(&fields), problems);
            Ok(again.await?.into_response())
        }
    }
}

async fn refresh(
    proof: Authorized<AutomationKeysManage>,
    State(control): State<Control>,
    id: ItemId,
    PageForm(fields): PageForm,
) -> Result<Response, ApiError> {
    let accept_growth = fields.filled("accept_growth").is_some();
    let id = id.parse(WHAT)?;
    let address_sources = control.address_sources();
    let refreshed = address_sources.refresh(&proof, id, accept_growth);
    let notice = match refreshed.await?.problem {
        None => "address-list-refreshed",
        Some(_) => "address-list-kept",
    };
    Ok(see_other(&noticed(notice)))
}

async fn remove(
    proof: Authorized<AutomationKeysManage>,
    shell: Shell,
    State(control): State<Control>,
    id: ItemId,
    PageForm(_): PageForm,
) -> Result<Response, ApiError> {
    match control
        .address_sources()
        .remove(&proof, id.parse(WHAT)?)
        .await
    {
        Ok(()) => Ok(see_other(&noticed("address-list-removed"))),
        Err(refusal) => {
            let problems = Problems::of(refusal)?;
            let again = page(&control, &proof, shell, None, problems);
            Ok(again.await?.into_response())
        }
    }
}

fn noticed(notice: &str) -> String {
    format!("{PATH}?notice={notice}")
}

async fn page(
    control: &Control,
    proof: &Authorized<AutomationKeysManage>,
    shell: Shell,
    fields: Option<&FormFields>,
    problems: Problems,
) -> Result<Page<Published>, Refusal> {
    let text = |name: &str| fields.map_or("", |fields| fields.text(name)).to_owned();
    let records = control.address_sources().list(proof).await?;
    let lists = records.into_iter().map(|record| line(record, &shell));
    Ok(Page(
        problems.status(),
        Published {
            lists: lists.collect(),
            name: text("name"),
            url: text("url"),
            field: text("field"),
            problems,
            shell,
        },
    ))
}

fn line(record: AddressSourceRecord, shell: &Shell) -> Line {
    Line {
        id: record.id.to_string(),
        name: record.name.to_string(),
        url: record.url,
        field: record.field.unwrap_or_default(),
        entries: record.entries,
        fetched: shell.moment(record.fetched_at),
        problem: record
            .problem
            .map(|problem| crate::form::sentence(&problem)),
    }
}
