//! The organization of the caller, `/api/organization`, and further ones, `/api/organizations`.

use axum::extract::State;
use http::StatusCode;
use reoclo_api_types::{ChangeOrganizationRequest, NewOrganizationRequest, OrganizationBody};
use reoclo_control::{Authorized, Control, Member, OrganizationManage, OrganizationRecord};
use reoclo_domain::AllowlistEntry;

use crate::body::{JsonAnswer, JsonBody};
use crate::error::ApiError;
use crate::registrar::{Doc, Registrar};

pub(crate) fn add(registrar: Registrar) -> Registrar {
    registrar
        .get(
            "/api/organization",
            Doc::new("The organization's settings.").answers::<OrganizationBody>(200),
            show,
        )
        .patch(
            "/api/organization",
            Doc::new(
                "Change the organization's name, the maximum lifetime of new keys, or the networks \
                 that it trusts.",
            )
            .takes::<ChangeOrganizationRequest>()
            .answers::<OrganizationBody>(200),
            change,
        )
        .post(
            "/api/organizations",
            Doc::new("Create an organization, of which the caller is the first admin.")
                .takes::<NewOrganizationRequest>()
                .answers::<OrganizationBody>(201),
            create,
        )
}

async fn show(
    proof: Authorized<Member>,
    State(control): State<Control>,
) -> Result<JsonAnswer<OrganizationBody>, ApiError> {
    let record = control.organizations().show(&proof).await?;
    Ok(JsonAnswer::ok(body(record)))
}

async fn change(
    proof: Authorized<OrganizationManage>,
    State(control): State<Control>,
    JsonBody(request): JsonBody<ChangeOrganizationRequest>,
) -> Result<JsonAnswer<OrganizationBody>, ApiError> {
    let record = control.organizations().change(&proof, request).await?;
    Ok(JsonAnswer::ok(body(record)))
}

async fn create(
    proof: Authorized<Member>,
    State(control): State<Control>,
    JsonBody(request): JsonBody<NewOrganizationRequest>,
) -> Result<JsonAnswer<OrganizationBody>, ApiError> {
    let record = control.organizations().create(&proof, request).await?;
    Ok(JsonAnswer(StatusCode::CREATED, body(record)))
}

fn body(record: OrganizationRecord) -> OrganizationBody {
    OrganizationBody {
        id: record.id.to_string(),
        slug: record.slug,
        name: record.name,
        max_key_lifetime_days: record.max_key_lifetime_days,
        trusted_networks: record
            .trusted_networks
            .into_iter()
            .map(|network| AllowlistEntry::from(network).to_string())
            .collect(),
        created_at: record.created_at.to_string(),
    }
}
