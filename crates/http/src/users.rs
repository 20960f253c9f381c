//! People and their organization: `/api/users`, `/api/organization`, and the list as the existing
//! clients ask for it (clients.md 3.4).

mod body;
mod handlers;
mod invitations;
mod organization;

use reoclo_api_types::{
    AcceptInvitationRequest, AddUserRequest, AddedUserBody, ChangeOrganizationRequest,
    ChangeUserRequest, InvitationBody, InvitationPage, InvitationRequest, NewOrganizationRequest,
    OpenInvitationBody, OrganizationBody, RemovedUserBody, SetupAnswer, UserBody, UserPage,
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
            Doc::new("Invite a person. They are a member when they have accepted.")
                .takes::<AddUserRequest>()
                .answers::<InvitationBody>(201),
            handlers::invite,
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
    add_organization(add_invitations(registrar))
}

fn add_invitations(registrar: Registrar) -> Registrar {
    registrar
        .get(
            "/api/invitations",
            Doc::new("The invitations that were not accepted yet.").answers::<InvitationPage>(200),
            invitations::list,
        )
        .post(
            "/api/invitations/{id}/link",
            Doc::new("Give an invitation a new link, shown once; the one before is dead.")
                .answers::<InvitationBody>(200),
            invitations::renew,
        )
        .delete(
            "/api/invitations/{id}",
            Doc::new("Take an invitation back.").answers_nothing(),
            invitations::withdraw,
        )
        .post(
            "/api/auth/invitation",
            Doc::new("What the link of an invitation is good for.")
                .takes::<InvitationRequest>()
                .answers::<OpenInvitationBody>(200),
            invitations::look,
        )
        .post(
            "/api/auth/invitation/accept",
            Doc::new("Join an organization with the link of an invitation.")
                .takes::<AcceptInvitationRequest>()
                .answers::<SetupAnswer>(201),
            invitations::accept,
        )
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
