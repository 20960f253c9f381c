//! What every use case shares.

use std::fmt;
use std::sync::Arc;

use reoclo_dispatch::{Complaints, Dispatcher, Drain, Parts, Runners};
use reoclo_domain::{Clock, Entropy, ServerId, Timestamp};
use reoclo_store::{Store, StoreError, StoreStatistics};

use crate::audit_logs::{Anchors, Verifications};
use crate::authorize::Granting;
use crate::core::Core;
use crate::failed_authentications::FailedAuthentications;
use crate::key_use::KeyUses;
use crate::keys::Keys;
use crate::operations::Waits;
use crate::passwords::PasswordHashing;
use crate::readiness::Readiness;
use crate::refused_use::RefusedUses;
use crate::registry_credentials::RegistryCredentials;
use crate::sessions::{Attempts, FailedSignIns, SessionTouches, SignInStatistics, Waiting};
use crate::settings::Settings;

/// The use cases; clones share everything.
#[derive(Clone)]
pub struct Control(Arc<Inner>);

struct Inner {
    core: Core,
    settings: Settings,
    drain: Drain,
    dispatcher: Dispatcher,
    granting: Granting,
    waits: Waits,
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
        let (dispatcher, authority) = Dispatcher::new(Parts {
            store: store.clone(),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
            settings: settings.dispatch.clone(),
            drain: drain.clone(),
        });
        Self(Arc::new(Inner {
            core: Core::new(store, clock, entropy),
            settings,
            drain,
            dispatcher,
            granting: Granting::new(authority),
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
        let dispatch = self.dispatcher().statistics();
        ControlStatistics {
            store: self.store().statistics(),
            connected_runners: dispatch.connected_runners,
            running_operations: dispatch.running_operations,
            waiting_clients: self.waits().count(),
            sign_ins: self.failed_sign_ins().statistics(),
        }
    }

    /// Whether a server's runner is connected to this process.
    pub fn is_connected(&self, server: ServerId) -> bool {
        self.dispatcher().is_connected(server)
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
        self.0.core.store()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.core.now()
    }

    /// The clock, also for the edge.
    pub fn clock(&self) -> &dyn Clock {
        self.0.core.clock()
    }

    /// Randomness, also for request ids and nonces at the edge.
    pub fn entropy(&self) -> &dyn Entropy {
        self.0.core.entropy()
    }

    pub(crate) fn core(&self) -> &Core {
        &self.0.core
    }

    /// Keys, which people manage.
    pub fn keys(&self) -> Keys<'_> {
        Keys(&self.0.core)
    }

    /// What servers log in to container registries with.
    pub fn registry_credentials(&self) -> RegistryCredentials<'_> {
        RegistryCredentials {
            core: self.core(),
            settings: self.settings(),
        }
    }

    /// The runners of all servers.
    pub fn runners(&self) -> Runners<'_> {
        self.0.dispatcher.runners()
    }

    pub(crate) fn dispatcher(&self) -> &Dispatcher {
        &self.0.dispatcher
    }

    pub(crate) fn granting(&self) -> &Granting {
        &self.0.granting
    }

    pub(crate) fn waits(&self) -> &Waits {
        &self.0.waits
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

    pub(crate) fn complain(&self, what: &'static str, error: &StoreError) {
        let now = self.clock().monotonic();
        self.0.complaints.tell(now, what, error);
    }

    /// Sets a driver on every operation that an earlier process left running; says how many there
    /// are.
    pub async fn resume_operations(&self) -> Result<usize, StoreError> {
        self.dispatcher().resume_operations().await
    }

    /// Stores the checks of minutes that are over; called every second, and with `all` at the end.
    pub async fn write_checks(&self, all: bool) {
        self.dispatcher().write_checks(all).await;
    }

    /// Notes a failed check for every server whose runner should be connected and is not.
    pub async fn check_absent(&self) {
        self.dispatcher().check_absent().await;
    }

    /// Folds measurements that are over and removes what is too old; called once a minute.
    pub async fn condense_metrics(&self) {
        self.dispatcher().condense_metrics().await;
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
