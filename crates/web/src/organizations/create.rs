//! One's organizations, and creating another.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_api_types::NewOrganizationRequest;
use reoclo_control::{Authorized, Control, Member};
use reoclo_http::{ApiError, PageForm};

use crate::form::Problems;
use crate::page::{Page, see_other};
use crate::shell::Shell;

#[derive(Template)]
#[template(path = "organizations/create.html")]
struct Organizations {
    shell: Shell,
    name: String,
    slug: String,
    problems: Problems,
}

pub(super) async fn show(_: Authorized<Member>, shell: Shell) -> Response {
    let page = Organizations {
        shell,
        name: String::new(),
        slug: String::new(),
        problems: Problems::default(),
    };
    Page::ok(page).into_response()
}

pub(super) async fn create(
    proof: Authorized<Member>,
    shell: Shell,
    State(control): State<Control>,
    PageForm(fields): PageForm,
) -> Result<Response, ApiError> {
    let form = NewOrganizationRequest {
        name: fields.text("name").to_owned(),
        slug: fields.filled("slug").map(str::to_owned),
    };
    match control.organizations().create(&proof, form).await {
        Ok(_) => Ok(see_other("/organizations?notice=organization-created")),
        Err(refusal) => {
            let page = Organizations {
                shell,
                name: fields.text("name").to_owned(),
                slug: fields.text("slug").to_owned(),
                problems: Problems::of(refusal)?,
            };
            Ok(Page(page.problems.status(), page).into_response())
        }
    }
}
