//! What permissions, operations and states are called, for people.

use reoclo_control::ManagedKey;
use reoclo_domain::{
    Acl, Action, Cell, KeyStatus, OperationKind, Preset, RegistryType, Resource, ServerStatus,
};

/// A word with the colour of its badge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Badge {
    pub(crate) class: &'static str,
    pub(crate) text: &'static str,
}

const fn badge(class: &'static str, text: &'static str) -> Badge {
    Badge { class, text }
}

/// Where a key stands.
pub(crate) fn key_status(key: &ManagedKey) -> Badge {
    match key.status {
        KeyStatus::Active if key.expires_soon => badge("warn", "Expires soon"),
        KeyStatus::Active => badge("good", "Active"),
        KeyStatus::Expired => badge("warn", "Expired"),
        KeyStatus::Revoked => badge("bad", "Revoked"),
    }
}

/// Where a server stands.
pub(crate) const fn server_status(status: ServerStatus) -> Badge {
    match status {
        ServerStatus::Provisioning => badge("warn", "Waiting for its runner"),
        ServerStatus::Active => badge("good", "Active"),
        ServerStatus::Unreachable => badge("bad", "Unreachable"),
        ServerStatus::Decommissioned => badge("", "Decommissioned"),
    }
}

/// What a type of registry is called by those who use it.
pub(crate) const fn registry_title(kind: RegistryType) -> &'static str {
    match kind {
        RegistryType::DockerHub => "Docker Hub",
        RegistryType::Ghcr => "GitHub Container Registry",
        RegistryType::Gitlab => "GitLab Container Registry",
        RegistryType::AwsEcr => "Amazon ECR",
        RegistryType::Gcr => "Google Artifact Registry",
        RegistryType::Acr => "Azure Container Registry",
        RegistryType::Private => "Another registry",
    }
}

pub(crate) const fn preset_title(preset: Preset) -> &'static str {
    match preset {
        Preset::FullAccess => "Full Access",
        Preset::DeployOnly => "Deploy Only",
        Preset::ReadOnly => "Read Only",
        Preset::Custom(_) => "Custom",
    }
}

pub(crate) const fn preset_sentence(preset: Preset) -> &'static str {
    match preset {
        Preset::FullAccess => {
            "All resources, all actions. For tools that you trust as yourself, such as your own IDE."
        }
        Preset::DeployOnly => {
            "Reads and deploys applications; reads deployments, logs and the dashboard."
        }
        Preset::ReadOnly => "Reads all resources. Cannot deploy or change anything.",
        Preset::Custom(_) => "Exactly the resources and actions that you choose.",
    }
}

pub(crate) const fn resource_title(resource: Resource) -> &'static str {
    match resource {
        Resource::Servers => "Servers",
        Resource::Domains => "Domains",
        Resource::Applications => "Applications",
        Resource::Deployments => "Deployments",
        Resource::EnvVars => "Environment Variables",
        Resource::Repositories => "Repositories",
        Resource::RegistryCredentials => "Registry Credentials",
        Resource::Logs => "Logs",
        Resource::Monitors => "Monitors",
        Resource::StatusPages => "Status Pages",
        Resource::Users => "Users",
        Resource::AuditLogs => "Audit Logs",
        Resource::Dashboard => "Dashboard",
    }
}

/// The groups of the specification, with their resources.
pub(crate) const GROUPS: [(&str, &[Resource]); 4] = [
    ("Infrastructure", &[Resource::Servers, Resource::Domains]),
    (
        "Applications",
        &[
            Resource::Applications,
            Resource::Deployments,
            Resource::EnvVars,
            Resource::Repositories,
            Resource::RegistryCredentials,
        ],
    ),
    (
        "Observability",
        &[Resource::Logs, Resource::Monitors, Resource::StatusPages],
    ),
    (
        "Administration",
        &[Resource::Users, Resource::AuditLogs, Resource::Dashboard],
    ),
];

pub(crate) const ACTIONS: [Action; 3] = [Action::Read, Action::Write, Action::Execute];

pub(crate) const fn operation_sentence(kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::Exec => "Run any command on the server, as the runner's user.",
        OperationKind::Deploy => "Deploy an application.",
        OperationKind::Restart => "Restart an application.",
        OperationKind::Reboot => "Reboot the server.",
        OperationKind::RegistryLogin => "Log the server's Docker in to a registry.",
        OperationKind::RegistryLogout => "Log it out again.",
    }
}

/// Whether this version runs the operation; a key can carry it before.
pub(crate) const fn is_built(kind: OperationKind) -> bool {
    !matches!(kind, OperationKind::Deploy | OperationKind::Restart)
}

/// What an ACL allows, a resource at a time: `Servers` and `read, write`.
pub(crate) fn acl_lines(acl: Acl) -> Vec<(&'static str, String)> {
    let resources = GROUPS.iter().flat_map(|(_, resources)| resources.iter());
    let lines = resources.map(|resource| {
        let cells = ACTIONS
            .iter()
            .filter_map(|action| Cell::new(*resource, *action));
        let actions: Vec<&str> = cells
            .filter(|cell| acl.contains(*cell))
            .map(|cell| cell.action().as_str())
            .collect();
        (resource_title(*resource), actions.join(", "))
    });
    lines.filter(|(_, actions)| !actions.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_is_in_one_group() {
        let cells: Vec<Cell> = GROUPS
            .iter()
            .flat_map(|(_, resources)| resources.iter())
            .flat_map(|resource| ACTIONS.map(|action| Cell::new(*resource, action)))
            .flatten()
            .collect();
        assert_eq!(cells, Cell::ALL);
    }

    #[test]
    fn an_acl_is_told_by_resource() {
        let lines = acl_lines(Preset::DeployOnly.acl());
        assert_eq!(lines[0], ("Applications", "read, execute".to_owned()));
        assert_eq!(lines.len(), 4);
    }
}
