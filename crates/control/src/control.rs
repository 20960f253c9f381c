//! What every use case shares.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use reoclo_domain::{Clock, Entropy, ServerId, Timestamp};
use reoclo_store::{Store, StoreStatistics};
use reoclo_wire::link::LinkSettings;

use crate::Drain;
use crate::audit_logs::{Anchors, Verifications};
use crate::checks::Checks;
use crate::complaints::Complaints;
use crate::failed_authentications::FailedAuthentications;
use crate::key_use::KeyUses;
use crate::operations::{LiveOperations, Waits};
use crate::passwords::PasswordHashing;
use crate::readiness::Readiness;
use crate::refused_use::RefusedUses;
use crate::runners::Runners;
use crate::sessions::{Attempts, FailedSignIns, SessionTouches, SignInStatistics, Waiting};

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

/// The use cases; clones share everything.
#[derive(Clone)]
pub struct Control(Arc<Inner>);

struct Inner {
    store: Store,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    settings: Settings,
    drain: Drain,
    runners: Runners,
    live: LiveOperations,
    waits: Waits,
    checks: Checks,
    key_uses: KeyUses,
    refused_uses: RefusedUses,
    audit_anchors: Anchors,
    verifications: Verifications,
    password_hashing: PasswordHashing,
    readiness: Readiness,
    session_touches: SessionTouches,
    failed_authentications: FailedAuthentications,
    attempts: Attempts,
    failed_sign_ins: FailedSignIns,
    waiting_sign_ins: Waiting,
    complaints: Complaints,
}

/// Numbers for `/metrics`.
#[derive(Clone, Copy, Debug)]
pub struct ControlStatistics {
    /// Counters of the store.
    pub store: StoreStatistics,
    /// Runners connected to this process.
    pub connected_runners: usize,
    /// Operations that this process follows.
    pub running_operations: usize,
    /// Clients that wait for the end of an operation.
    pub waiting_clients: usize,
    /// Who was let in, and who was not.
    pub sign_ins: SignInStatistics,
}

impl Control {
    /// Puts the use cases on a store. Nothing runs in the background until [`Self::start`].
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        settings: Settings,
        drain: Drain,
    ) -> Self {
        let runners = Runners::new(settings.operations_per_server, settings.queued_per_server);
        Self(Arc::new(Inner {
            checks: Checks::new(clock.monotonic()),
            store,
            clock,
            entropy,
            settings,
            drain,
            runners,
            live: LiveOperations::default(),
            waits: Waits::default(),
            key_uses: KeyUses::default(),
            refused_uses: RefusedUses::default(),
            audit_anchors: Anchors::default(),
            verifications: Verifications::default(),
            password_hashing: PasswordHashing::default(),
            readiness: Readiness::default(),
            session_touches: SessionTouches::default(),
            failed_authentications: FailedAuthentications::default(),
            attempts: Attempts::default(),
            failed_sign_ins: FailedSignIns::default(),
            waiting_sign_ins: Waiting::default(),
            complaints: Complaints::default(),
        }))
    }

    /// Numbers for `/metrics`.
    pub fn statistics(&self) -> ControlStatistics {
        ControlStatistics {
            store: self.store().statistics(),
            connected_runners: self.runners().connected(),
            running_operations: self.runners().running(),
            waiting_clients: self.waits().count(),
            sign_ins: self.failed_sign_ins().statistics(),
        }
    }

    /// Whether a server's runner is connected to this process.
    pub fn is_connected(&self, server: ServerId) -> bool {
        self.runners().is_connected(server)
    }

    /// The signal that the process is stopping.
    pub fn drain(&self) -> &Drain {
        &self.0.drain
    }

    /// What tests and the binary set.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The store, for what has no use case of its own (export, shutdown).
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// The clock, also for the edge.
    pub fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    /// Randomness, also for request ids and nonces at the edge.
    pub fn entropy(&self) -> &dyn Entropy {
        &*self.0.entropy
    }

    pub(crate) fn runners(&self) -> &Runners {
        &self.0.runners
    }

    pub(crate) fn live(&self) -> &LiveOperations {
        &self.0.live
    }

    pub(crate) fn waits(&self) -> &Waits {
        &self.0.waits
    }

    pub(crate) fn checks(&self) -> &Checks {
        &self.0.checks
    }

    pub(crate) fn key_uses(&self) -> &KeyUses {
        &self.0.key_uses
    }

    pub(crate) fn refused_uses(&self) -> &RefusedUses {
        &self.0.refused_uses
    }

    pub(crate) fn audit_anchors(&self) -> &Anchors {
        &self.0.audit_anchors
    }

    pub(crate) fn verifications(&self) -> &Verifications {
        &self.0.verifications
    }

    pub(crate) fn failed_authentications(&self) -> &FailedAuthentications {
        &self.0.failed_authentications
    }

    pub(crate) fn attempts(&self) -> &Attempts {
        &self.0.attempts
    }

    pub(crate) fn failed_sign_ins(&self) -> &FailedSignIns {
        &self.0.failed_sign_ins
    }

    pub(crate) fn complaints(&self) -> &Complaints {
        &self.0.complaints
    }

    pub(crate) fn waiting_sign_ins(&self) -> &Waiting {
        &self.0.waiting_sign_ins
    }

    pub(crate) fn session_touches(&self) -> &SessionTouches {
        &self.0.session_touches
    }

    pub(crate) fn readiness(&self) -> &Readiness {
        &self.0.readiness
    }

    pub(crate) fn password_hashing(&self) -> &PasswordHashing {
        &self.0.password_hashing
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").finish_non_exhaustive()
    }
}
