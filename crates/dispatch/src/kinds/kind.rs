//! What there is to say of a kind.

use std::time::Duration;

use reoclo_domain::OperationKind;
use reoclo_store::OperationOutcome;
use reoclo_wire::ability::Ability;
use reoclo_wire::proto::start_request::Action;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::settings::Settings;
use crate::verdict::Verdict;

/// What an operation of one kind does on its server, and what its end means. The value is what it
/// does: it is sealed in the operation's row until a runner has it.
pub(crate) trait Kind: Serialize + DeserializeOwned {
    const KIND: OperationKind;

    /// As it is sent.
    fn action(self, timeout_seconds: u32) -> Action;

    /// What a runner needs for it.
    fn ability(&self) -> Ability;

    /// How long the server may be silent beyond the time limit.
    fn silence(settings: &Settings) -> Duration {
        settings.lost_after
    }

    /// What it is when the server has been silent for that long.
    fn overdue() -> Verdict {
        Verdict::Lost("the server has not reported on it in time".into())
    }

    /// Whether this is the end no more than the beginning of the host's next boot, which then is.
    fn awaits_boot(_verdict: &Verdict) -> bool {
        false
    }

    /// Whether a boot of the host ends it.
    const ENDS_WITH_BOOT: bool = false;

    /// The code for what the runner found although it ran to its end. A runner chooses its words
    /// itself, so only those that mean something are taken.
    fn found(_code: &str) -> Option<&'static str> {
        None
    }

    /// The code for a field of the request that the runner could not do.
    fn not_run(_field: &str) -> &'static str {
        "not_run"
    }

    /// Says how it ended in the terms of the kind; `took` is since when it may have been sent.
    fn tell(_outcome: &mut OperationOutcome, _took: Duration) {}
}
