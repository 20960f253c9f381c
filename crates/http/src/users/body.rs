use reoclo_api_types::{
    AddedUserBody, InvitationBody, KeyToReviewBody, OrganizationBody, RemovedUserBody, UserBody,
};
use reoclo_control::{
    AddedUser, Control, Invited, MemberRecord, OrganizationRecord, PasswordStatus, RemovedUser,
};
use reoclo_domain::AllowlistEntry;

pub(super) fn user(member: MemberRecord) -> UserBody {
    UserBody {
        id: member.id.to_string(),
        status: status(member.password).into(),
        email: member.email.unwrap_or_default(),
        name: member.name.unwrap_or_default(),
        role: member.role.to_string(),
        may_create_organizations: member.may_create_organizations,
        created_at: member.created_at.to_string(),
    }
}

const fn status(password: PasswordStatus) -> &'static str {
    match password {
        PasswordStatus::Missing => "no_password",
        PasswordStatus::Temporary => "temporary_password",
        PasswordStatus::Chosen => "active",
    }
}

pub(super) fn invited(control: &Control, invited: Invited) -> InvitationBody {
    let invitation = invited.invitation;
    let is_over = invitation.expires_at <= control.clock().now();
    InvitationBody {
        id: invitation.id.to_string(),
        status: if is_over { "expired" } else { "invited" }.into(),
        email: invitation.email,
        name: invitation.name,
        role: invitation.role.to_string(),
        link: invited.link.map(|link| link.expose().to_owned()),
        created_at: invitation.created_at.to_string(),
        expires_at: invitation.expires_at.to_string(),
    }
}

pub(super) fn added(added: AddedUser) -> AddedUserBody {
    let (password, until) = added.temporary_password.unzip();
    AddedUserBody {
        user: user(added.member),
        temporary_password: password.map(|password| password.expose().to_owned()),
        temporary_password_expires_at: until.map(|until| until.to_string()),
    }
}

pub(super) fn removed(removed: RemovedUser) -> RemovedUserBody {
    RemovedUserBody {
        id: removed.id.to_string(),
        automation_keys_to_review: removed
            .automation_keys
            .into_iter()
            .map(|key| KeyToReviewBody {
                id: key.id.to_string(),
                name: key.name,
                prefix: key.prefix,
            })
            .collect(),
        integration_keys_stopped: removed.integration_keys,
    }
}

pub(super) fn organization(record: OrganizationRecord) -> OrganizationBody {
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
