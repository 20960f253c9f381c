//! What a route can demand, as types (rule 7).

use reoclo_domain::{Acl, Cell, KeyKind, OperationKind, OperationKinds, Role};

/// What a caller must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// A cell of the ACL: of an integration key within its creator's role.
    Cell(Cell),
    /// Two cells, both of them.
    Both(Cell, Cell),
    /// An automation key with this operation.
    Operation(OperationKind),
    /// Any automation key; the use case gives it only what it started itself.
    OwnOperations,
    /// Any key, about itself.
    AnyKey,
    /// A signed-in person with at least this role.
    Person(Role),
    /// A signed-in person, also one who has yet to choose a password.
    OwnSession,
}

/// What a caller shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    /// A key of this kind.
    Key(KeyKind),
    /// A person's session.
    Session,
}

impl Requirement {
    /// The requirement's name in the permission matrix.
    pub fn name(self) -> String {
        match self {
            Self::Cell(cell) => cell.to_string(),
            Self::Both(first, second) => format!("{first} {second}"),
            Self::Operation(kind) => format!("operation:{kind}"),
            Self::OwnOperations => "own_operations".into(),
            Self::AnyKey => "any_key".into(),
            Self::Person(role) => format!("person:{role}"),
            Self::OwnSession => "own_session".into(),
        }
    }

    /// Whether it is demanded by what starts operations on servers.
    pub(crate) fn starts_operations(self) -> bool {
        matches!(self, Self::Operation(_)) || self == Self::Cell(Cell::SERVERS_EXECUTE)
    }

    /// The operations that who meets it may start.
    pub(crate) fn operations(self) -> OperationKinds {
        match self {
            Self::Operation(kind) => [kind].into_iter().collect(),
            _ if self.starts_operations() => OperationKinds::all(),
            _ => OperationKinds::default(),
        }
    }

    /// The credential that it is made for.
    pub const fn made_for(self) -> CredentialKind {
        match self {
            Self::Cell(_) | Self::Both(..) | Self::AnyKey => {
                CredentialKind::Key(KeyKind::Integration)
            }
            Self::Operation(_) | Self::OwnOperations => CredentialKind::Key(KeyKind::Automation),
            Self::Person(_) | Self::OwnSession => CredentialKind::Session,
        }
    }

    /// Whether some credential of that kind can meet it.
    pub fn takes(self, kind: CredentialKind) -> bool {
        let integration = CredentialKind::Key(KeyKind::Integration);
        let automation = CredentialKind::Key(KeyKind::Automation);
        match self {
            Self::Cell(_) | Self::Both(..) => {
                kind == integration || kind == CredentialKind::Session
            }
            Self::Operation(_) | Self::OwnOperations => kind == automation,
            Self::AnyKey => kind == integration || kind == automation,
            Self::Person(_) | Self::OwnSession => kind == CredentialKind::Session,
        }
    }

    /// Whether a request counts against an automation key's rate limit: polling does not, since
    /// one refused poll fails a whole job.
    pub const fn is_counted(self) -> bool {
        match self {
            Self::Cell(_) | Self::Both(..) | Self::Operation(_) | Self::Person(_) => true,
            Self::OwnOperations | Self::AnyKey | Self::OwnSession => false,
        }
    }

    /// Whether an integration key with this effective ACL meets it.
    pub fn met_by_acl(self, acl: Acl) -> bool {
        match self {
            Self::Cell(_) | Self::Both(..) => self.missing_from(acl).is_none(),
            Self::AnyKey => true,
            Self::Operation(_) | Self::OwnOperations | Self::Person(_) | Self::OwnSession => false,
        }
    }

    /// The first cell that it demands and this effective ACL lacks.
    pub fn missing_from(self, acl: Acl) -> Option<Cell> {
        let cells = match self {
            Self::Cell(cell) => [Some(cell), None],
            Self::Both(first, second) => [Some(first), Some(second)],
            _ => [None, None],
        };
        let mut demanded = cells.into_iter().flatten();
        demanded.find(|cell| !acl.contains(*cell))
    }

    /// Whether an automation key with these operations meets it.
    pub fn met_by_operations(self, operations: OperationKinds) -> bool {
        match self {
            Self::Operation(kind) => operations.contains(kind),
            Self::OwnOperations | Self::AnyKey => true,
            Self::Cell(_) | Self::Both(..) | Self::Person(_) | Self::OwnSession => false,
        }
    }

    /// Whether a signed-in person with this role meets it.
    pub fn met_by_role(self, role: Role) -> bool {
        match self {
            Self::Cell(_) | Self::Both(..) => self.missing_from(role.acl()).is_none(),
            Self::Person(least) => role >= least,
            Self::OwnSession => true,
            Self::Operation(_) | Self::OwnOperations | Self::AnyKey => false,
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

/// One permission type for each cell of the ACL, so that a resource's are there before it is.
macro_rules! of_cells {
    ($($cell:ident $name:ident = $resource:ident $action:ident;)+) => {
        permissions! {$(
            #[doc = concat!("The cell [`Cell::", stringify!($cell), "`].")]
            $name => Requirement::Cell(Cell::$cell);
        )+}
    };
}

reoclo_domain::cells!(of_cells);

permissions! {
    /// Reading what operations wrote: a record, and its output as well (rule 10).
    OperationOutput => Requirement::Both(Cell::SERVERS_READ, Cell::LOGS_READ);
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
    /// What a signed-in person does with their own session and password.
    OwnSession => Requirement::OwnSession;
    /// What every signed-in person of an organization may see of it.
    Member => Requirement::Person(Role::Viewer);
    /// Managing integration keys.
    IntegrationKeysManage => Requirement::Person(Role::Developer);
    /// Managing automation keys.
    AutomationKeysManage => Requirement::Person(Role::Manager);
    /// Managing the organization.
    OrganizationManage => Requirement::Person(Role::Admin);
    /// Asking what the presented key is.
    AnyKey => Requirement::AnyKey;
    /// Reading what the automation key itself started.
    OwnOperations => Requirement::OwnOperations;
}
