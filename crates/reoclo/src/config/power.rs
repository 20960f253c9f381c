//! What commands can do to the control plane on the same machine.

use rustix::process::geteuid;

/// Whose power every key that may exec on this machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Power {
    OfRoot,
    /// Of the user that Reoclo runs as.
    OfReoclo,
}

impl Power {
    /// The power of commands of the user with this number; `None` when they cannot read the data
    /// directory.
    pub(crate) fn of(uid: u32) -> Option<Self> {
        match uid {
            0 => Some(Self::OfRoot),
            uid if uid == geteuid().as_raw() => Some(Self::OfReoclo),
            _ => None,
        }
    }

    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::OfRoot => {
                "Commands run here as root, who can read Reoclo's data directory: a key that may \
                 exec on this machine has full control of the machine and of Reoclo. Use \
                 --exec-user to run them as somebody else."
            }
            Self::OfReoclo => {
                "Commands run here as the user that runs Reoclo, who can read its data \
                 directory. On this machine, a key that may exec therefore has full control of \
                 Reoclo. Use --exec-user to run them as somebody else."
            }
        }
    }
}
