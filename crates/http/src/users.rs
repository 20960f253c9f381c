//! People and their organization: `/api/users`, `/api/organization`, and the list as the existing
//! clients ask for it (CLIENTS C.18).

mod body;
mod handlers;
mod organization;

use reoclo_api_types::{
    AddUserRequest, AddedUserBody, ChangeOrganizationRequest, ChangeUserRequest,
    NewOrganizationRequest, OrganizationBody, RemovedUserBody, UserBody, UserPage,
};

use crate::registrar::{Doc, Registrar};

pub(crate) fn add(registrar: Registrar) -> Registrar {
    let registrar = registrar
        .tenant_get(
            "/users",
            Doc::new("The people of the organization, by name.")
                .takes_query(&[("search", "only those whose name or address contains it")])
                .answers::<UserPage>(200),
            handlers::list,
        )
        .get(
            "/api/users/{id}",
            Doc::new("One person of the organization.").answers::<UserBody>(200),
            handlers::show,
        )
        .post(
            "/api/users",
            Doc::new("Add a person. Who has no account gets a temporary password, shown once.")
                .takes::<AddUserRequest>()
                .answers::<AddedUserBody>(201),
            handlers::add,
        )
        .patch(
            "/api/users/{id}",
            Doc::new("Change a person's role, effective at their next request.")
                .takes::<ChangeUserRequest>()
                .answers::<UserBody>(200),
            handlers::change,
        )
        .delete(
            "/api/users/{id}",
            Doc::new("Remove a person; the answer lists the automation keys to review.")
                .answers::<RemovedUserBody>(200),
            handlers::remove,
        )
        .post(
            "/api/users/{id}/reset-password",
            Doc::new("Give a person a new temporary password, shown once.")
                .answers::<AddedUserBody>(200),
            handlers::reset_password,
        );
    add_organization(registrar)
}

fn add_organization(registrar: Registrar) -> Registrar {
    registrar
        .get(
            "/api/organization",
            Doc::new("The organization's settings.").answers::<OrganizationBody>(200),
            organization::show,
        )
        .patch(
            "/api/organization",
            Doc::new(
                "Change the organization's name, the maximum lifetime of new keys, or the networks \
                 that it trusts.",
            )
            .takes::<ChangeOrganizationRequest>()
            .answers::<OrganizationBody>(200),
            organization::change,
        )
        .post(
            "/api/organizations",
            Doc::new("Create an organization, of which the caller is the first admin.")
                .takes::<NewOrganizationRequest>()
                .answers::<OrganizationBody>(201),
            organization::create,
        )
}
