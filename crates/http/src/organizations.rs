//! The organization of the caller, `/api/organization`, and further ones, `/api/organizations`.

use axum::extract::State;
use reoclo_api_types::{ChangeOrganizationRequest, NewOrganizationRequest, OrganizationBody};
use reoclo_control::{Authorized, Control, Member, OrganizationManage, OrganizationRecord};
use reoclo_domain::AllowlistEntry;

use crate::answer::{Answer, Created};
use crate::body::JsonBody;
use crate::error::ApiError;
use crate::registrar::{Doc, Registrar};

pub(crate) fn add(registrar: Registrar) -> Registrar {
    registrar
        .get(
            "/api/organization",
            Doc::new("The organization's settings."),
            show,
        )
        .patch(
            "/api/organization",
            Doc::new(
                "Change the organization's name, the maximum lifetime of new keys, or the networks \
                 that it trusts.",
            ),
            change,
        )
        .post(
            "/api/organizations",
            Doc::new("Create an organization, of which the caller is the first admin."),
            create,
        )
}

async fn show(
    proof: Authorized<Member>,
    State(control): State<Control>,
) -> Result<Answer<OrganizationBody>, ApiError> {
    let record = control.organizations().show(&proof).await?;
    Ok(Answer(body(record)))
}

async fn change(
    proof: Authorized<OrganizationManage>,
    State(control): State<Control>,
    JsonBody(request): JsonBody<ChangeOrganizationRequest>,
) -> Result<Answer<OrganizationBody>, ApiError> {
    let record = control.organizations().change(&proof, request).await?;
    Ok(Answer(body(record)))
}

async fn create(
    proof: Authorized<Member>,
    State(control): State<Control>,
    JsonBody(request): JsonBody<NewOrganizationRequest>,
) -> Result<Created<OrganizationBody>, ApiError> {
    let record = control.organizations().create(&proof, request).await?;
    Ok(Created(body(record)))
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
