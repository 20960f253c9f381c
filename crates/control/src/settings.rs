//! Delays and limits, which tests shorten.

use std::time::Duration;

use ipnet::IpNet;
use reoclo_domain::ServerId;

/// Delays and limits of the use cases; tests shorten them.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Those of runners and of the operations on them.
    pub dispatch: reoclo_dispatch::Settings,
    /// How long an exec answer waits for the command before it says `running`.
    pub inline_wait: Duration,
    /// The shortest time limit of a reboot.
    pub reboot_least_seconds: u32,
    /// How long the records of operations are kept.
    pub operation_age: Duration,
    /// How long full logs are kept.
    pub log_age: Duration,
    /// Bytes of full logs that are kept; the oldest go first.
    pub log_bytes: i64,
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
            dispatch: reoclo_dispatch::Settings::default(),
            inline_wait: Duration::from_secs(20),
            reboot_least_seconds: 60,
            operation_age: Duration::from_hours(365 * 24),
            log_age: Duration::from_hours(30 * 24),
            log_bytes: 2 << 30,
            public_url: public_url.into(),
            allowed_outbound: Vec::new(),
            organization_networks: true,
            outbound_timeout: Duration::from_secs(10),
            address_source_interval: Duration::from_hours(1),
            sign_in_delay: Duration::from_millis(250),
            own_server: None,
        }
    }
}
