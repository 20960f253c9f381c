/// Why the control plane closes a runner's WebSocket (the private range of RFC 6455, 7.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseCode {
    /// 4401: unknown server or wrong proof; trying again will not help.
    Rejected,
    /// 4409: a newer connection of the same server took its place.
    Displaced,
    /// 4410: the server was removed; the runner may end for good.
    Decommissioned,
    /// 4412: another machine is connected with the same identity, and is alive; whoever of the two
    /// is to stay is for an admin to say.
    AnotherMachine,
    /// 4503: the control plane is shutting down; try again.
    ShuttingDown,
}

impl CloseCode {
    /// Every code.
    pub const ALL: [Self; 5] = [
        Self::Rejected,
        Self::Displaced,
        Self::Decommissioned,
        Self::AnotherMachine,
        Self::ShuttingDown,
    ];

    /// The number on the wire.
    pub const fn code(self) -> u16 {
        match self {
            Self::Rejected => 4401,
            Self::Displaced => 4409,
            Self::Decommissioned => 4410,
            Self::AnotherMachine => 4412,
            Self::ShuttingDown => 4503,
        }
    }

    /// The meaning of a number; `None` for those that are not ours.
    pub fn from_code(code: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.code() == code)
    }

    /// Whether another attempt with the same identity is pointless, if it is the control plane that
    /// says so: without its signature nobody's word ends a runner.
    pub const fn is_permanent(self) -> bool {
        matches!(self, Self::Rejected | Self::Decommissioned)
    }
}
