//! A reboot: it ends with the boot that follows, not with the command that asks for it.

use std::time::Duration;

use reoclo_domain::{OperationKind, OperationState};
use reoclo_store::OperationOutcome;
use reoclo_wire::ability::Ability;
use reoclo_wire::proto;
use reoclo_wire::proto::finished::State;
use reoclo_wire::proto::start_request::Action;
use serde::{Deserialize, Serialize};

use super::kind::Kind;
use crate::settings::Settings;
use crate::verdict::Verdict;

/// A reboot; whoever starts the runner says how.
#[derive(Clone, Serialize, Deserialize)]
pub struct RebootPayload {}

impl Kind for RebootPayload {
    const KIND: OperationKind = OperationKind::Reboot;

    fn ability(&self) -> Ability {
        Ability::Reboot
    }

    fn action(self, timeout_seconds: u32) -> Action {
        Action::Reboot(proto::Reboot { timeout_seconds })
    }

    /// A host that reboots is silent by nature, so its time limit is kept here.
    fn silence(_settings: &Settings) -> Duration {
        Duration::ZERO
    }

    fn overdue() -> Verdict {
        Verdict::NotRebooted
    }

    /// A reboot command that went well ends nothing, and neither does a supervisor that went down
    /// with its host: the operation waits for the next boot.
    fn awaits_boot(verdict: &Verdict) -> bool {
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

    const ENDS_WITH_BOOT: bool = true;

    /// A reboot takes as long as the host is away, and a command that refused to do it has failed
    /// whatever it says.
    fn tell(outcome: &mut OperationOutcome, took: Duration) {
        if outcome.duration_us == 0 {
            outcome.duration_us = i64::try_from(took.as_micros()).unwrap_or(i64::MAX);
        }
        if outcome.state == OperationState::Completed && outcome.exit_code != 0 {
            outcome.state = OperationState::Failed;
            outcome.code = Some("reboot_failed".to_owned());
            outcome.message = Some(format!(
                "the server's reboot command ended with exit code {}",
                outcome.exit_code
            ));
        }
    }
}
