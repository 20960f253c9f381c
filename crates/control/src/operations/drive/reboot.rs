//! A reboot: it ends with the boot that follows, not with the command that asks for it.

use reoclo_domain::OperationKind;
use reoclo_wire::proto::finished::State;

use super::{Driver, Verdict};
use crate::runners::Link;

impl Driver {
    pub(super) fn is_reboot(&self) -> bool {
        self.dispatch.kind == OperationKind::Reboot
    }

    /// Whether the host on this connection has booted since the operation was meant for it. Also
    /// before anything was sent: a host that has just booted is not rebooted once more.
    pub(super) fn has_rebooted(&self, link: &Link) -> bool {
        let (before, now) = (self.dispatch.boot_id.as_str(), link.boot_id());
        self.is_reboot() && !before.is_empty() && !now.is_empty() && before != now
    }

    /// A reboot command that went well ends nothing, and neither does a supervisor that went down
    /// with its host: the operation waits for the next boot.
    pub(super) fn unless_rebooting(&mut self, verdict: Verdict) -> Option<Verdict> {
        self.awaits_boot = self.is_reboot() && is_on_its_way(&verdict);
        (!self.awaits_boot).then_some(verdict)
    }
}

fn is_on_its_way(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Finished(finished) => match finished.state() {
            State::Completed => finished.exit_code == 0 || finished.signal != 0,
            State::Lost => true,
            _ => false,
        },
        Verdict::Lost(_) => true,
        _ => false,
    }
}
