use reoclo_api_types::{AclBody, KeyBody, KeyScopeBody, MeBody, MembershipBody};
use reoclo_control::KeyIdentity;
use reoclo_control::{AutomationKeyRecord, KeyRecord};
use reoclo_domain::{Role, Scope};

use crate::keys::scope::{ids, operations, permissions};

pub(super) fn me(identity: &KeyIdentity) -> MeBody {
    let organization = &identity.organization;
    MeBody {
        id: identity.key.key_ref().as_uuid().to_string(),
        email: identity.creator_email.clone().unwrap_or_default(),
        name: identity.key.label().to_owned(),
        tenant_id: organization.id.to_string(),
        tenant_slug: organization.slug.clone(),
        roles: identity
            .creator_role
            .map(|role| role.to_string())
            .into_iter()
            .collect(),
        memberships: vec![membership(identity)],
    }
}

fn membership(identity: &KeyIdentity) -> MembershipBody {
    let organization = &identity.organization;
    MembershipBody {
        id: organization.id.to_string(),
        tenant_id: organization.id.to_string(),
        tenant_slug: organization.slug.clone(),
        tenant_name: organization.name.clone(),
        role: identity
            .creator_role
            .map_or("automation", Role::as_str)
            .to_owned(),
    }
}

pub(super) fn acl(identity: &KeyIdentity) -> AclBody {
    AclBody {
        organization: identity.organization.slug.clone(),
        role: identity.creator_role.map(|role| role.to_string()),
        permissions: permissions(identity.effective),
        operations: match &*identity.key {
            KeyRecord::Integration(_) => Vec::new(),
            KeyRecord::Automation(key) => operations(key),
        },
        accessible_organizations: vec![membership(identity)],
    }
}

pub(super) fn key(identity: &KeyIdentity) -> KeyBody {
    let record = &*identity.key;
    let (preset, effective, scope) = match record {
        KeyRecord::Integration(key) => (
            Some(key.preset.as_str().to_owned()),
            Some(permissions(identity.effective)),
            None,
        ),
        KeyRecord::Automation(key) => (None, None, Some(scope(key))),
    };
    KeyBody {
        kind: record.kind().as_str().to_owned(),
        id: record.key_ref().as_uuid().to_string(),
        label: record.label().to_owned(),
        prefix: record.prefix().to_owned(),
        organization_id: identity.organization.id.to_string(),
        organization_slug: identity.organization.slug.clone(),
        created_at: record.created_at().to_string(),
        expires_at: record.life().expires_at.map(|at| at.to_string()),
        preset,
        effective_permissions: effective,
        scope,
    }
}

fn scope(key: &AutomationKeyRecord) -> KeyScopeBody {
    KeyScopeBody {
        all_servers: key.scope.servers == Scope::All,
        server_ids: ids(&key.scope.servers),
        operations: operations(key),
        all_registry_credentials: key.scope.registry_credentials == Scope::All,
        registry_credential_ids: ids(&key.scope.registry_credentials),
        ip_restricted: !(key.ip_allowlist.is_empty() && key.allowlist_sources.is_empty()),
        rate_limit_per_minute: key.rate_limit_per_minute,
    }
}
