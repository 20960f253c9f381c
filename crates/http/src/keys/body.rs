//! Keys as JSON.

use reoclo_api_types::{AutomationKeyBody, IntegrationKeyBody, KeyPersonBody, KeyUsageBody};
use reoclo_control::{
    AddressUsage, AutomationKeysManage, IntegrationKeysManage, KeyPerson, KeyPersonPlace,
    KeyRecord, ManagedKey,
};
use reoclo_domain::{AllowlistEntry, Scope, Timestamp};

use super::scope::{ids, operations, permissions};
use super::{Extras, ShowsKeys};

/// The most networks of a key that stands among others.
const LISTED_NETWORKS: usize = 100;

impl ShowsKeys for IntegrationKeysManage {
    type Body = IntegrationKeyBody;

    fn body(managed: &ManagedKey, extras: Extras) -> Option<IntegrationKeyBody> {
        let KeyRecord::Integration(key) = &managed.key else {
            return None;
        };
        let (creator, last_use) = (&managed.creator, managed.last_use.as_ref());
        Some(IntegrationKeyBody {
            token: extras.token.map(|token| token.expose().to_owned()),
            id: key.id.to_string(),
            label: key.label.clone(),
            prefix: key.prefix.clone(),
            preset: key.preset.as_str().to_owned(),
            permissions: permissions(key.preset.acl()),
            effective_permissions: permissions(managed.effective),
            status: managed.status.as_str().to_owned(),
            created_at: key.created_at.to_string(),
            created_by: creator.id.to_string(),
            created_by_email: creator.email.clone(),
            created_by_name: creator.name.clone(),
            creator_is_member: creator.role.is_some(),
            expires_at: moment(key.life.expires_at),
            expires_soon: managed.expires_soon,
            exceeds_maximum_lifetime: managed.exceeds_maximum_lifetime,
            revoked_at: moment(key.life.revoked_at),
            last_used_at: moment(last_use.map(|last| last.at)),
            last_used_ip: last_use.map(|last| last.ip.to_string()),
            last_used_user_agent: last_use.map(|last| last.user_agent.clone()),
            usage: extras.usage,
            people: extras.people,
        })
    }
}

impl ShowsKeys for AutomationKeysManage {
    type Body = AutomationKeyBody;

    fn body(managed: &ManagedKey, extras: Extras) -> Option<AutomationKeyBody> {
        let KeyRecord::Automation(key) = &managed.key else {
            return None;
        };
        let (creator, last_use) = (&managed.creator, managed.last_use.as_ref());
        let networks = key.ip_allowlist.entries();
        let is_whole = extras.token.is_some() || extras.usage.is_some();
        let most = if is_whole {
            usize::MAX
        } else {
            LISTED_NETWORKS
        };
        let shown = networks
            .iter()
            .copied()
            .map(AllowlistEntry::from)
            .take(most);
        Some(AutomationKeyBody {
            token: extras.token.map(|token| token.expose().to_owned()),
            id: key.id.to_string(),
            name: key.name.clone(),
            prefix: key.prefix.clone(),
            all_servers: key.scope.servers == Scope::All,
            server_ids: ids(&key.scope.servers),
            operations: operations(key),
            all_registry_credentials: key.scope.registry_credentials == Scope::All,
            registry_credential_ids: ids(&key.scope.registry_credentials),
            ip_allowlist: shown.map(|entry| entry.to_string()).collect(),
            ip_allowlist_entries: u32::try_from(networks.len()).unwrap_or(u32::MAX),
            ip_allowlist_source_ids: key
                .allowlist_sources
                .iter()
                .map(ToString::to_string)
                .collect(),
            rate_limit_per_minute: key.rate_limit_per_minute,
            status: managed.status.as_str().to_owned(),
            created_at: key.created_at.to_string(),
            created_by: creator.id.to_string(),
            created_by_email: creator.email.clone(),
            created_by_name: creator.name.clone(),
            creator_is_member: creator.role.is_some(),
            expires_at: moment(key.life.expires_at),
            expires_soon: managed.expires_soon,
            exceeds_maximum_lifetime: managed.exceeds_maximum_lifetime,
            revoked_at: moment(key.life.revoked_at),
            last_used_at: moment(last_use.map(|last| last.at)),
            last_used_ip: last_use.map(|last| last.ip.to_string()),
            last_used_user_agent: last_use.map(|last| last.user_agent.clone()),
            usage: extras.usage,
            people: extras.people,
        })
    }
}

pub(super) fn usage(usage: AddressUsage) -> KeyUsageBody {
    KeyUsageBody {
        ip: usage.ip.map(|ip| ip.to_string()),
        user_agent: usage.user_agent,
        count: usage.count,
        first_used_at: usage.first_used_at.to_string(),
        last_used_at: usage.last_used_at.to_string(),
    }
}

pub(super) fn person(person: KeyPerson) -> KeyPersonBody {
    let (id, status) = match person.place {
        KeyPersonPlace::Member(user) => (user.to_string(), "member"),
        KeyPersonPlace::Invited(invitation) => (invitation.to_string(), "invited"),
    };
    KeyPersonBody {
        id,
        status: status.to_owned(),
        email: person.email,
        name: person.name,
        role: person.role.as_str().to_owned(),
    }
}

fn moment(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.to_string())
}
