//! What every use case shares.

use std::fmt;
use std::sync::Arc;

use async_recursion::async_recursion as boxed;
use reoclo_dispatch::{Dispatcher, Drain, Parts, Runners};
use reoclo_domain::{Clock, Entropy, ServerId};
use reoclo_store::{Store, StoreStatistics};
use tokio::sync::Notify;

use crate::address_sources::AddressSources;
use crate::audit_logs::{Anchors, AuditLogs, Verifications};
use crate::authenticate::Gate;
use crate::authorize::{Authorized, Granting};
use crate::bootstrap::Instance;
use crate::caller::Caller;
use crate::core::Core;
use crate::failed_authentications::FailedAuthentications;
use crate::invitations::Invitations;
use crate::key_use::KeyUses;
use crate::keys::Keys;
use crate::once::Forms;
use crate::operations::{Operations, Waits};
use crate::organizations::Organizations;
use crate::passwords::PasswordHashing;
use crate::permissions::{Permission, Requirement};
use crate::presented::Presented;
use crate::readiness::Readiness;
use crate::refusal::Refusal;
use crate::refused_use::{Refusals, RefusedUses};
use crate::registry_credentials::RegistryCredentials;
use crate::servers::Servers;
use crate::sessions::{
    Attempts, FailedSignIns, SessionTouches, Sessions, SignInStatistics, Waiting,
};
use crate::settings::Settings;
use crate::setup::Setup;
use crate::users::Users;

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
        let urgent = Arc::new(Notify::new());
        Self(Arc::new(Inner {
            core: Core::new(store, clock, entropy),
            settings,
            drain,
            dispatcher,
            granting: Granting::new(authority),
            waits: Waits::default(),
            key_uses: KeyUses::default(),
            refused_uses: RefusedUses::new(Arc::clone(&urgent)),
            audit_anchors: Anchors::default(),
            verifications: Verifications::default(),
            password_hashing: PasswordHashing::default(),
            readiness: Readiness::default(),
            session_touches: SessionTouches::default(),
            failed_authentications: FailedAuthentications::default(),
            attempts: Attempts::default(),
            failed_sign_ins: FailedSignIns::new(urgent),
            waiting_sign_ins: Waiting::default(),
        }))
    }

    /// Numbers for `/metrics`.
    pub fn statistics(&self) -> ControlStatistics {
        let dispatch = self.dispatcher().statistics();
        ControlStatistics {
            store: self.store().statistics(),
            connected_runners: dispatch.connected_runners,
            running_operations: dispatch.running_operations,
            waiting_clients: self.0.waits.count(),
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

    /// The organizations, and their settings.
    pub fn organizations(&self) -> Organizations<'_> {
        Organizations {
            core: self.core(),
            settings: self.settings(),
        }
    }

    /// Their audit logs.
    pub fn audit_logs(&self) -> AuditLogs<'_> {
        AuditLogs {
            core: self.core(),
            anchors: &self.0.audit_anchors,
            verifications: &self.0.verifications,
        }
    }

    /// The published lists of networks that automation keys may name.
    pub fn address_sources(&self) -> AddressSources<'_> {
        AddressSources {
            core: self.core(),
            settings: self.settings(),
        }
    }

    /// Servers.
    pub fn servers(&self) -> Servers<'_> {
        Servers {
            core: self.core(),
            settings: self.settings(),
            dispatcher: self.dispatcher(),
        }
    }

    /// What is done on them.
    pub fn operations(&self) -> Operations<'_> {
        Operations {
            core: self.core(),
            settings: self.settings(),
            dispatcher: self.dispatcher(),
            granting: &self.0.granting,
            refusals: self.refusals(),
            waits: &self.0.waits,
            drain: self.drain(),
        }
    }

    /// The people of organizations.
    pub fn users(&self) -> Users<'_> {
        Users {
            core: self.core(),
            passwords: &self.0.password_hashing,
            sessions: self.sessions(),
        }
    }

    /// What people are asked to join with.
    pub fn invitations(&self) -> Invitations<'_> {
        Invitations {
            core: self.core(),
            settings: self.settings(),
            passwords: &self.0.password_hashing,
            sessions: self.sessions(),
        }
    }

    /// Their sessions.
    pub fn sessions(&self) -> Sessions<'_> {
        Sessions {
            core: self.core(),
            settings: self.settings(),
            passwords: &self.0.password_hashing,
            attempts: &self.0.attempts,
            failed: &self.0.failed_sign_ins,
            waiting: &self.0.waiting_sign_ins,
            touches: &self.0.session_touches,
            refusals: self.refusals(),
        }
    }

    /// Setting up the first admin's account.
    pub fn setup(&self) -> Setup<'_> {
        Setup {
            core: self.core(),
            passwords: &self.0.password_hashing,
        }
    }

    /// The first start, and every later one.
    pub fn instance(&self) -> Instance<'_> {
        Instance { core: self.core() }
    }

    /// Forms that show something once.
    pub fn forms(&self) -> Forms<'_> {
        Forms(self.core())
    }

    /// Authenticates and checks for `P`; nothing has an effect before this.
    ///
    /// # Errors
    /// When the caller is unknown, or has not got it.
    pub async fn authorize<P: Permission>(
        &self,
        presented: Presented<'_>,
    ) -> Result<Authorized<P>, Refusal> {
        self.gate().authorize(presented).await
    }

    /// Says who makes a request, which demands this first: once a request, whatever else is then
    /// proven of the same caller.
    ///
    /// # Errors
    /// When the caller is unknown.
    pub async fn identify(
        &self,
        presented: Presented<'_>,
        demanded: Requirement,
    ) -> Result<Arc<Caller>, Refusal> {
        self.gate().identify(presented, demanded).await
    }

    /// Checks a caller for `P`, and notes it when they are refused.
    ///
    /// # Errors
    /// When the caller has not got it.
    pub fn prove<P: Permission>(&self, caller: &Arc<Caller>) -> Result<Authorized<P>, Refusal> {
        self.gate().prove(caller)
    }

    /// Whether the database reads and takes changes, and the process is not stopping.
    #[boxed]
    pub async fn ready(&self) -> bool {
        self.0.readiness.ready(self.core(), self.drain()).await
    }

    fn gate(&self) -> Gate<'_> {
        Gate {
            core: self.core(),
            refusals: self.refusals(),
            sessions: self.sessions(),
            key_uses: &self.0.key_uses,
            unknown_keys: &self.0.failed_authentications,
        }
    }

    pub(crate) fn refusals(&self) -> Refusals<'_> {
        Refusals {
            core: self.core(),
            uses: &self.0.refused_uses,
        }
    }

    pub(crate) fn key_uses(&self) -> &KeyUses {
        &self.0.key_uses
    }

    pub(crate) fn failed_sign_ins(&self) -> &FailedSignIns {
        &self.0.failed_sign_ins
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").finish_non_exhaustive()
    }
}
