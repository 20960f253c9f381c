//! Servers.

/// Where a server stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerStatus {
    /// Added, and no runner has connected yet.
    Provisioning,
    /// Its runner is connected.
    Active,
    /// Its runner was connected and is not now.
    Unreachable,
    /// Removed; its runner's key is dead.
    Decommissioned,
}

impl ServerStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [
        Self::Provisioning,
        Self::Active,
        Self::Unreachable,
        Self::Decommissioned,
    ];

    /// The status's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provisioning => "provisioning",
            Self::Active => "active",
            Self::Unreachable => "unreachable",
            Self::Decommissioned => "decommissioned",
        }
    }
}
