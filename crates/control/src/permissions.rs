//! What a route can demand, as types (DESIGN rule 7).

use reoclo_domain::{Acl, Cell, KeyKind, OperationKind, OperationKinds};

/// What a caller must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// A cell of the ACL: of an integration key within its creator's role.
    Cell(Cell),
    /// An automation key with this operation.
    Operation(OperationKind),
    /// Any automation key; the use case gives it only what it started itself.
    OwnOperations,
    /// Any key, about itself.
    AnyKey,
}

impl Requirement {
    /// The requirement's name in the permission matrix.
    pub fn name(self) -> String {
        match self {
            Self::Cell(cell) => cell.to_string(),
            Self::Operation(kind) => format!("operation:{kind}"),
            Self::OwnOperations => "own_operations".into(),
            Self::AnyKey => "any_key".into(),
        }
    }

    /// The only kind of key that can meet it, unless any can.
    pub const fn key_kind(self) -> Option<KeyKind> {
        match self {
            Self::Cell(_) => Some(KeyKind::Integration),
            Self::Operation(_) | Self::OwnOperations => Some(KeyKind::Automation),
            Self::AnyKey => None,
        }
    }

    /// Whether a request counts against an automation key's rate limit: polling does not, since
    /// one refused poll fails a whole job.
    pub const fn is_counted(self) -> bool {
        match self {
            Self::Cell(_) | Self::Operation(_) => true,
            Self::OwnOperations | Self::AnyKey => false,
        }
    }

    /// Whether an integration key with this effective ACL meets it.
    pub fn met_by_acl(self, acl: Acl) -> bool {
        match self {
            Self::Cell(cell) => acl.contains(cell),
            Self::Operation(_) | Self::OwnOperations => false,
            Self::AnyKey => true,
        }
    }

    /// Whether an automation key with these operations meets it.
    pub fn met_by_operations(self, operations: OperationKinds) -> bool {
        match self {
            Self::Cell(_) => false,
            Self::Operation(kind) => operations.contains(kind),
            Self::OwnOperations | Self::AnyKey => true,
        }
    }
}

/// A requirement that stands in a handler's signature.
pub trait Permission: Send + Sync + 'static {
    /// What a caller must have.
    const REQUIREMENT: Requirement;
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident => $requirement:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub enum $name {}

        impl Permission for $name {
            const REQUIREMENT: Requirement = $requirement;
        }
    )+};
}

permissions! {
    /// Seeing servers.
    ServersRead => Requirement::Cell(Cell::SERVERS_READ);
    /// Reading the audit log.
    AuditLogsRead => Requirement::Cell(Cell::AUDIT_LOGS_READ);
    /// Seeing registry credentials, without their secrets.
    RegistryCredentialsRead => Requirement::Cell(Cell::REGISTRY_CREDENTIALS_READ);
    /// Making, changing, removing and trying registry credentials.
    RegistryCredentialsWrite => Requirement::Cell(Cell::REGISTRY_CREDENTIALS_WRITE);
    /// Running a command with an automation key.
    Exec => Requirement::Operation(OperationKind::Exec);
    /// Deploying an application.
    Deploy => Requirement::Operation(OperationKind::Deploy);
    /// Restarting an application.
    Restart => Requirement::Operation(OperationKind::Restart);
    /// Rebooting a server.
    Reboot => Requirement::Operation(OperationKind::Reboot);
    /// Logging a server's Docker in to a registry.
    RegistryLogin => Requirement::Operation(OperationKind::RegistryLogin);
    /// Logging it out again.
    RegistryLogout => Requirement::Operation(OperationKind::RegistryLogout);
    /// Asking what the presented key is.
    AnyKey => Requirement::AnyKey;
    /// Reading what the automation key itself started.
    OwnOperations => Requirement::OwnOperations;
}
