use reoclo_api_types::{AddedUserBody, KeyToReviewBody, RemovedUserBody, UserBody};
use reoclo_control::{AddedUser, MemberRecord, PasswordStatus, RemovedUser};

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
