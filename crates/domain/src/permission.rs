//! Resources, actions, and the access-control list of an integration key.

use std::fmt;

/// What an action is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Resource {
    Servers,
    Domains,
    Applications,
    Deployments,
    EnvVars,
    Repositories,
    RegistryCredentials,
    Logs,
    Monitors,
    StatusPages,
    Users,
    AuditLogs,
    Dashboard,
}

impl Resource {
    /// The resource's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Servers => "servers",
            Self::Domains => "domains",
            Self::Applications => "applications",
            Self::Deployments => "deployments",
            Self::EnvVars => "env_vars",
            Self::Repositories => "repositories",
            Self::RegistryCredentials => "registry_credentials",
            Self::Logs => "logs",
            Self::Monitors => "monitors",
            Self::StatusPages => "status_pages",
            Self::Users => "users",
            Self::AuditLogs => "audit_logs",
            Self::Dashboard => "dashboard",
        }
    }
}

/// What is done to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Action {
    Read,
    Write,
    Execute,
}

impl Action {
    /// The action's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Execute => "execute",
        }
    }
}

/// One pair of resource and action that exists: the unit of an ACL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    resource: Resource,
    action: Action,
}

/// The text names no cell of the ACL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a permission: use resource:action, such as servers:read")]
pub struct UnknownCell(String);

/// The list of all cells, in the order of the specification, handed to another macro: the cell's
/// name, the name of the permission type that demands it, its resource and its action.
#[macro_export]
macro_rules! cells {
    ($take:ident) => {
        $take! {
            SERVERS_READ ServersRead = Servers Read;
            SERVERS_WRITE ServersWrite = Servers Write;
            SERVERS_EXECUTE ServersExecute = Servers Execute;
            DOMAINS_READ DomainsRead = Domains Read;
            DOMAINS_WRITE DomainsWrite = Domains Write;
            APPLICATIONS_READ ApplicationsRead = Applications Read;
            APPLICATIONS_WRITE ApplicationsWrite = Applications Write;
            APPLICATIONS_EXECUTE ApplicationsExecute = Applications Execute;
            DEPLOYMENTS_READ DeploymentsRead = Deployments Read;
            ENV_VARS_READ EnvVarsRead = EnvVars Read;
            ENV_VARS_WRITE EnvVarsWrite = EnvVars Write;
            REPOSITORIES_READ RepositoriesRead = Repositories Read;
            REGISTRY_CREDENTIALS_READ RegistryCredentialsRead = RegistryCredentials Read;
            REGISTRY_CREDENTIALS_WRITE RegistryCredentialsWrite = RegistryCredentials Write;
            LOGS_READ LogsRead = Logs Read;
            MONITORS_READ MonitorsRead = Monitors Read;
            MONITORS_WRITE MonitorsWrite = Monitors Write;
            STATUS_PAGES_READ StatusPagesRead = StatusPages Read;
            STATUS_PAGES_WRITE StatusPagesWrite = StatusPages Write;
            USERS_READ UsersRead = Users Read;
            USERS_WRITE UsersWrite = Users Write;
            AUDIT_LOGS_READ AuditLogsRead = AuditLogs Read;
            DASHBOARD_READ DashboardRead = Dashboard Read;
        }
    };
}

macro_rules! constants {
    ($($name:ident $permission:ident = $resource:ident $action:ident;)+) => {
        impl Cell {
            /// Every cell, in the order of the specification.
            pub const ALL: [Self; [$(stringify!($name)),+].len()] = [$(Self::$name),+];
            $(
                #[doc = concat!(stringify!($action), " on ", stringify!($resource), ".")]
                pub const $name: Self = Self { resource: Resource::$resource, action: Action::$action };
            )+
        }
    };
}

cells!(constants);

impl Cell {
    /// The cell of `resource` and `action`, if the resource has that action.
    pub fn new(resource: Resource, action: Action) -> Option<Self> {
        let cell = Self { resource, action };
        Self::ALL.contains(&cell).then_some(cell)
    }

    /// The resource of the cell.
    pub const fn resource(self) -> Resource {
        self.resource
    }

    /// The action of the cell.
    pub const fn action(self) -> Action {
        self.action
    }

    fn bit(self) -> u32 {
        let position = Self::ALL.iter().position(|cell| *cell == self);
        position.map_or(0, |position| 1 << position)
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.resource.as_str(), self.action.as_str())
    }
}

impl std::str::FromStr for Cell {
    type Err = UnknownCell;

    fn from_str(text: &str) -> Result<Self, UnknownCell> {
        Self::ALL
            .into_iter()
            .find(|cell| {
                text.split_once(':') == Some((cell.resource.as_str(), cell.action.as_str()))
            })
            .ok_or_else(|| UnknownCell(text.to_owned()))
    }
}

/// A set of cells.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Acl(u32);

impl Acl {
    /// The set without any cell.
    pub const fn empty() -> Self {
        Self(0)
    }

    /// Every cell.
    pub fn all() -> Self {
        Cell::ALL.into_iter().collect()
    }

    /// Every cell whose action is read.
    pub fn all_reads() -> Self {
        let reads = |cell: &Cell| cell.action == Action::Read;
        Cell::ALL.into_iter().filter(reads).collect()
    }

    /// The set with `cell` in it.
    #[must_use]
    pub fn with(self, cell: Cell) -> Self {
        Self(self.0 | cell.bit())
    }

    /// The set with `cell` not in it.
    #[must_use]
    pub fn without(self, cell: Cell) -> Self {
        Self(self.0 & !cell.bit())
    }

    /// The cells in both sets.
    #[must_use]
    pub const fn intersect(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether `cell` is in the set.
    pub fn contains(self, cell: Cell) -> bool {
        self.0 & cell.bit() != 0
    }

    /// Whether no cell is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The cells in the order of the specification.
    pub fn cells(self) -> impl Iterator<Item = Cell> {
        Cell::ALL
            .into_iter()
            .filter(move |cell| self.contains(*cell))
    }
}

impl FromIterator<Cell> for Acl {
    fn from_iter<I: IntoIterator<Item = Cell>>(cells: I) -> Self {
        cells.into_iter().fold(Self::empty(), Self::with)
    }
}

impl fmt::Debug for Acl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.cells().map(|cell| cell.to_string()))
            .finish()
    }
}

/// A named set of permissions, stored by name and evaluated at each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Every cell.
    FullAccess,
    /// Deploys and restarts applications and reads what that needs.
    DeployOnly,
    /// Every read cell.
    ReadOnly,
    /// The cells that the key's creator chose.
    Custom(Acl),
}

impl Preset {
    /// The preset's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FullAccess => "full_access",
            Self::DeployOnly => "deploy_only",
            Self::ReadOnly => "read_only",
            Self::Custom(_) => "custom",
        }
    }

    /// The preset of that name; `custom` takes `cells`.
    pub fn from_name(name: &str, cells: Acl) -> Option<Self> {
        match name {
            "full_access" => Some(Self::FullAccess),
            "deploy_only" => Some(Self::DeployOnly),
            "read_only" => Some(Self::ReadOnly),
            "custom" => Some(Self::Custom(cells)),
            _ => None,
        }
    }

    /// The cells that the preset stands for today.
    pub fn acl(self) -> Acl {
        match self {
            Self::FullAccess => Acl::all(),
            Self::DeployOnly => [
                Cell::APPLICATIONS_READ,
                Cell::APPLICATIONS_EXECUTE,
                Cell::DEPLOYMENTS_READ,
                Cell::LOGS_READ,
                Cell::DASHBOARD_READ,
            ]
            .into_iter()
            .collect(),
            Self::ReadOnly => Acl::all_reads(),
            Self::Custom(cells) => cells,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_exactly_the_cells_of_the_specification() {
        assert_eq!(Cell::ALL.len(), 23);
        assert_eq!(Cell::new(Resource::Logs, Action::Write), None);
        assert_eq!(Cell::new(Resource::Deployments, Action::Execute), None);
    }

    #[test]
    fn cell_names_round_trip() {
        for cell in Cell::ALL {
            assert_eq!(cell.to_string().parse(), Ok(cell));
        }
        assert!("servers".parse::<Cell>().is_err());
        assert!("logs:write".parse::<Cell>().is_err());
    }

    #[test]
    fn an_acl_holds_what_was_put_in_and_nothing_else() {
        for cell in Cell::ALL {
            let acl = Acl::empty().with(cell);
            assert_eq!(acl.cells().collect::<Vec<_>>(), [cell]);
            assert!(acl.without(cell).is_empty());
        }
    }

    #[test]
    fn deploy_only_cannot_write_or_touch_servers() {
        let acl = Preset::DeployOnly.acl();
        assert!(acl.contains(Cell::APPLICATIONS_EXECUTE));
        assert!(!acl.contains(Cell::APPLICATIONS_WRITE));
        assert!(!acl.contains(Cell::SERVERS_READ));
    }
}
