//! Delays and limits, which tests shorten.

use std::time::Duration;

use reoclo_wire::link::LinkSettings;

/// Delays and limits of runners and of the operations on them.
#[derive(Clone, Debug)]
pub struct Settings {
    /// An operation that has not started by then never does.
    pub start_deadline: Duration,
    /// An operation without any report is lost this long after its timeout.
    pub lost_after: Duration,
    /// Runners have at least this long after a start to report what ended meanwhile.
    pub resume_grace: Duration,
    /// How often a connected runner is asked for its facts.
    pub facts_interval: Duration,
    /// How often a connected runner is asked what its host does.
    pub metrics_interval: Duration,
    /// How long a runner may take to say who it is.
    pub describe_timeout: Duration,
    /// How long a connected runner may take to answer when another machine claims to be it.
    pub takeover_patience: Duration,
    /// The sealed command of an operation that runs on is erased after this.
    pub erase_after: Duration,
    /// How long to wait before asking a runner again that answered with an error.
    pub retry_delay: Duration,
    /// Operations on one server at a time: no more than its supervisor takes, which could only
    /// report a failure of an operation that was accepted.
    pub operations_per_server: usize,
    /// Operations that wait for room on one server.
    pub queued_per_server: usize,
    /// An operation that has waited this long for room never starts.
    pub queue_wait: Duration,
    /// How long the end of a large output may take to be fetched from the runner once more.
    pub log_patience: Duration,
    /// HTTP/2 towards runners.
    pub link: LinkSettings,
}

impl Default for Settings {
    /// The product's own values.
    fn default() -> Self {
        Self {
            start_deadline: Duration::from_secs(30),
            lost_after: Duration::from_mins(15),
            resume_grace: Duration::from_mins(2),
            facts_interval: Duration::from_mins(1),
            metrics_interval: Duration::from_secs(10),
            describe_timeout: Duration::from_secs(5),
            takeover_patience: Duration::from_secs(3),
            erase_after: Duration::from_secs(1),
            retry_delay: Duration::from_secs(1),
            operations_per_server: 64,
            queued_per_server: 256,
            queue_wait: Duration::from_mins(15),
            log_patience: Duration::from_secs(30),
            link: LinkSettings::default(),
        }
    }
}
