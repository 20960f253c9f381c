//! A runner's connection from its first call to its end.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use async_recursion::async_recursion as boxed;
use reoclo_domain::{ServerId, ServerStatus};
use reoclo_store::{AuditOutcome, HostFacts, RequestSource, RunnerIdentity, StoreError};
use reoclo_wire::handshake::Machine;
use reoclo_wire::link::open_client;
use reoclo_wire::proto::Description;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::heard::Calls;
use super::machines::machine_of;
use super::{Detached, Link, Runners};
use crate::Dispatcher;

/// A connection whose runner has proved who it is.
#[derive(Debug)]
pub struct Attachment<Io> {
    /// Whom the connection speaks for.
    pub identity: RunnerIdentity,
    /// The bytes: HTTP/2 with the roles reversed.
    pub io: Io,
    /// Where it comes from.
    pub source: RequestSource,
    /// On which machine it is, if the runner said so.
    pub machine: Option<Machine>,
}

impl Runners<'_> {
    /// Holds a runner's connection until it ends, and says why it did.
    #[boxed]
    pub async fn attach<Io>(&self, attachment: Attachment<Io>) -> Detached
    where
        Io: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let Attachment {
            identity,
            io,
            source,
            machine,
        } = attachment;
        // Before anything is waited for: connections have their order from when they were made,
        // and not from when their runners answered.
        let number = self.0.seats().next_number();
        let opened = open_client(io, &self.0.settings().link).await;
        let Ok((client, connection)) = opened else {
            return Detached::Lost;
        };
        let (ended, connection_ended) = tokio::sync::oneshot::channel();
        let connection = tokio::spawn(async move {
            // The connection's end is the news; how it broke does not matter to anyone.
            let _ = connection.await;
            let _ = ended.send(());
        });
        let _guard = AbortOnDrop(connection.abort_handle());

        let described = self
            .describe(number, Calls::new(client), machine, source.ip)
            .await;
        let Some((link, description)) = described else {
            return Detached::Lost;
        };
        let session = Session {
            dispatcher: self.0,
            identity: &identity,
            source: &source,
            link,
        };
        let is_displacing = match self.seat(&identity, &session.link, &source).await {
            Ok(is_displacing) => is_displacing,
            Err(refused) => return refused,
        };
        let stored = session.begin(&description, is_displacing).await;
        let why = tokio::select! {
            _ = connection_ended => Detached::Lost,
            why = session.link.closing() => why,
            () = self.0.drain().begun() => Detached::ShuttingDown,
            () = session.keep_facts(stored) => Detached::Lost,
            never = session.take_up() => match never {},
            never = session.keep_checking() => match never {},
        };
        session.end().await;
        why
    }

    async fn describe(
        self,
        number: u64,
        calls: Calls,
        machine: Option<Machine>,
        address: Option<IpAddr>,
    ) -> Option<(Arc<Link>, Description)> {
        let described = timeout(self.0.settings().describe_timeout, calls.describe()).await;
        let description = described.ok()?.ok()?;
        let read_at = self.0.clock().monotonic();
        let machine = machine_of(machine, &description);
        let link = Link::new(number, calls, &description, (machine, address), read_at);
        Some((Arc::new(link), description))
    }
}

/// Tries again to store that a runner is gone, until it is back.
async fn store_absence(dispatcher: Dispatcher, server: ServerId) {
    let at = dispatcher.now();
    loop {
        sleep(dispatcher.settings().retry_delay).await;
        if dispatcher.is_connected(server) || dispatcher.drain().has_begun() {
            return;
        }
        let gone = ServerStatus::Unreachable;
        let stored = dispatcher
            .store()
            .set_server_status(server, gone, at, Vec::new());
        if stored.await.is_ok() {
            return;
        }
    }
}

/// One connection while it is held.
struct Session<'a> {
    dispatcher: &'a Dispatcher,
    identity: &'a RunnerIdentity,
    source: &'a RequestSource,
    link: Arc<Link>,
}

impl Session<'_> {
    /// Notes that the server is there, and answers what is stored of it.
    async fn begin(&self, description: &Description, is_displacing: bool) -> Option<Known> {
        let server = self.identity.server;
        let stored = self.save(None, description).await;
        if is_displacing {
            self.note(self.audit_displaced().await);
        }
        self.leave_if_removed().await;
        tracing::info!(%server, version = %description.version, "runner connected");
        self.dispatcher.seats().forget_on(server, &self.link).await;
        stored
    }

    /// Stores that the server is there, and takes up what runs on it and is in nobody's hands;
    /// tries again for as long as the database cannot take it.
    async fn take_up(&self) -> Infallible {
        let (dispatcher, server) = (self.dispatcher, self.identity.server);
        while let Err(error) = self.set_status(ServerStatus::Active).await {
            self.note(Err(error));
            sleep(dispatcher.settings().retry_delay).await;
        }
        let organization = self.identity.organization;
        while let Err(error) = dispatcher.resume_operations_on(organization, server).await {
            self.note(Err(error));
            sleep(dispatcher.settings().retry_delay).await;
        }
        std::future::pending().await
    }

    /// The server may have been removed between the proof and the seat.
    async fn leave_if_removed(&self) {
        let found = self
            .dispatcher
            .store()
            .runner_identity(self.identity.server);
        if let Ok(Some(identity)) = found.await
            && identity.status == ServerStatus::Decommissioned
        {
            self.link.close(Detached::Decommissioned);
        }
    }

    /// Asks for the facts again and again; returns when the runner stops answering.
    async fn keep_facts(&self, mut stored: Option<Known>) {
        let period = self.dispatcher.settings().facts_interval;
        loop {
            sleep(period).await;
            let Ok(description) = self.link.calls().describe().await else {
                return;
            };
            self.link
                .set_clocks(&description, self.dispatcher.clock().monotonic());
            stored = self.save(stored, &description).await;
        }
    }

    /// Asks what the host does again and again, each runner at its own moment.
    async fn keep_checking(&self) -> Infallible {
        let (dispatcher, server) = (self.dispatcher, self.identity.server);
        let period = dispatcher.settings().metrics_interval;
        sleep(dispatcher.fraction_of(period)).await;
        loop {
            dispatcher.check_runner(server, &self.link).await;
            sleep(period).await;
        }
    }

    async fn end(&self) {
        let server = self.identity.server;
        let now = self.dispatcher.now();
        if self
            .dispatcher
            .seats()
            .leave(server, self.link.number(), now)
        {
            tracing::info!(%server, "runner disconnected");
            if let Err(error) = self.set_status(ServerStatus::Unreachable).await {
                self.note(Err(error));
                tokio::spawn(store_absence(self.dispatcher.clone(), server));
            }
        }
    }

    /// Stores what a runner says, if that is not what is stored: of ten thousand runners, hardly
    /// one has news. Answers what is stored then.
    async fn save(&self, stored: Option<Known>, description: &Description) -> Option<Known> {
        let known = Known {
            facts: host_facts(description),
            version: description.version.clone(),
        };
        if stored.as_ref() == Some(&known) {
            return stored;
        }
        let Known { facts, version } = known.clone();
        let address = self.source.ip.filter(is_public).map(|ip| ip.to_string());
        let (store, at) = (self.dispatcher.store(), self.dispatcher.now());
        let written = store.record_facts(self.identity.server, facts, version, address, at);
        let written = written.await;
        let is_stored = written.is_ok();
        self.note(written);
        is_stored.then_some(known)
    }

    async fn set_status(&self, status: ServerStatus) -> Result<(), StoreError> {
        let (store, at) = (self.dispatcher.store(), self.dispatcher.now());
        store
            .set_server_status(self.identity.server, status, at, Vec::new())
            .await
    }

    async fn audit_displaced(&self) -> Result<(), StoreError> {
        let what = ("runner.displaced", AuditOutcome::Success);
        let detail = json!({ "reason": "a second connection proved the same identity" });
        let audited = self
            .dispatcher
            .audit_runner(self.identity, self.source, what, detail);
        audited.await
    }

    /// A connection is worth more than a row about it: what cannot be written is logged.
    fn note(&self, written: Result<(), StoreError>) {
        if let Err(error) = written
            && !error.is_of_an_outage()
        {
            tracing::error!(server = %self.identity.server, %error, "a runner's state was not stored");
        }
    }
}

/// What a runner says about its host and itself.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    facts: HostFacts,
    version: String,
}

struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn host_facts(description: &Description) -> HostFacts {
    let facts = description.facts.clone().unwrap_or_default();
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    HostFacts {
        hostname: facts.hostname,
        os: facts.os,
        kernel: facts.kernel,
        architecture: facts.architecture,
        cpu_cores: facts.cpu_cores.into(),
        ram_mb: number(facts.ram_mb),
        disk_gb: number(facts.disk_gb),
        docker_version: (!facts.docker_version.is_empty()).then_some(facts.docker_version),
    }
}

/// Addresses that the internet routes; a runner in the same house has none to show.
fn is_public(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let shared = ip.octets()[0] == 100 && (64..128).contains(&ip.octets()[1]);
            !(ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_unspecified()
                || shared)
        }
        IpAddr::V6(ip) => {
            !(ip.is_loopback()
                || ip.is_unspecified()
                || ip.is_unique_local()
                || ip.is_unicast_link_local())
        }
    }
}
