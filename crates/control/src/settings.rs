//! Delays and limits, which tests shorten.

use std::time::Duration;

use ipnet::IpNet;
use reoclo_domain::ServerId;
use reoclo_wire::link::LinkSettings;

/// Delays and limits of the use cases; tests shorten them.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long an exec answer waits for the command before it says `running`.
    pub inline_wait: Duration,
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
    /// The shortest time limit of a reboot.
    pub reboot_least_seconds: u32,
    /// How long the records of operations are kept.
    pub operation_age: Duration,
    /// How long full logs are kept.
    pub log_age: Duration,
    /// Bytes of full logs that are kept; the oldest go first.
    pub log_bytes: i64,
    /// HTTP/2 towards runners.
    pub link: LinkSettings,
    /// The address that links and install commands begin with.
    pub public_url: String,
    /// Networks that requests may go to although they are not public, when somebody names an
    /// address in them: a registry of one's own.
    pub allowed_outbound: Vec<IpNet>,
    /// Whether organizations may trust private networks of their own in their settings.
    pub organization_networks: bool,
    /// How long trying a registry may take.
    pub outbound_timeout: Duration,
    /// How often a published list of networks is fetched.
    pub address_source_interval: Duration,
    /// What a sign-in to an account waits that many addresses have tried; it grows with their
    /// number.
    pub sign_in_delay: Duration,
    /// The server whose commands have full control of this control plane, since they run on its
    /// machine as a user who can read its data directory; and what is said of it.
    pub own_server: Option<(ServerId, &'static str)>,
}

impl Settings {
    /// The product's own values.
    pub fn new(public_url: impl Into<String>) -> Self {
        Self {
            inline_wait: Duration::from_secs(20),
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
            reboot_least_seconds: 60,
            operation_age: Duration::from_hours(365 * 24),
            log_age: Duration::from_hours(30 * 24),
            log_bytes: 2 << 30,
            link: LinkSettings::default(),
            public_url: public_url.into(),
            allowed_outbound: Vec::new(),
            organization_networks: true,
            outbound_timeout: Duration::from_secs(10),
            address_source_interval: crate::address_sources::INTERVAL,
            sign_in_delay: Duration::from_millis(250),
            own_server: None,
        }
    }
}
