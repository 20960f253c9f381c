//! Who gets a server's seat when two connections prove the same identity.

use std::sync::Arc;

use async_recursion::async_recursion as boxed;
use reoclo_domain::ServerId;
use reoclo_store::{AuditOutcome, RequestSource, RunnerIdentity, StoreError};
use reoclo_wire::handshake::{Machine, MachineProof};
use serde_json::json;

use super::machines::{ConnectedMachine, KEPT_FOR, MachineConflict, Machines, Told, name};
use super::registry::Seated;
use super::{Detached, Link, RunnerRejected, Runners, fact};

impl Runners<'_> {
    /// Turns a machine away when another one is connected with the same identity and answers. One
    /// that does not answer has lost its connection, or was started anew.
    #[boxed]
    pub async fn admit(
        &self,
        identity: &RunnerIdentity,
        proof: Option<&MachineProof>,
        source: &RequestSource,
    ) -> Result<(), RunnerRejected> {
        let Some(proof) = proof else {
            return Ok(());
        };
        let told = Told {
            machine: bounded(&proof.machine),
            host_name: fact(&proof.host_name),
        };
        while let Some(refused) =
            self.0
                .seats()
                .refusal(identity.server, &told.machine, self.0.now())
        {
            self.settle(identity, &told, source, refused).await?;
        }
        Ok(())
    }

    /// Seats a connection, and answers whether it displaced one of the same machine; or why it has
    /// to go.
    pub(super) async fn seat(
        self,
        identity: &RunnerIdentity,
        link: &Arc<Link>,
        source: &RequestSource,
    ) -> Result<bool, Detached> {
        loop {
            match self.0.seats().sit(identity.server, link, self.0.now()) {
                Seated::Yes { displaced, is_news } => {
                    if is_news {
                        self.keep_machines(identity.server).await;
                    }
                    let is_displacing = displaced.is_some();
                    if let Some(displaced) = displaced {
                        displaced.close(Detached::Displaced);
                    }
                    return Ok(is_displacing);
                }
                Seated::Late => return Err(Detached::Displaced),
                refused => {
                    let told = Told::from(link.machine().clone());
                    let settled = self.settle(identity, &told, source, refused);
                    settled.await.map_err(|rejected| match rejected {
                        RunnerRejected::NotChosen => Detached::NotChosen,
                        _ => Detached::AnotherMachine,
                    })?;
                }
            }
        }
    }

    /// Refuses, or frees the seat of a connection that does not answer.
    async fn settle(
        self,
        identity: &RunnerIdentity,
        told: &Told,
        source: &RequestSource,
        refused: Seated,
    ) -> Result<(), RunnerRejected> {
        match refused {
            Seated::Yes { .. } | Seated::Late => return Ok(()),
            Seated::Barred => return Err(RunnerRejected::NotChosen),
            Seated::Kept => {}
            Seated::Taken(present) => {
                if !present.answers(self.0.settings().takeover_patience).await {
                    self.0
                        .seats()
                        .leave(identity.server, present.number(), self.0.now());
                    present.close(Detached::Displaced);
                    return Ok(());
                }
            }
        }
        self.note_another_machine(identity, told, source).await;
        Err(RunnerRejected::AnotherMachine)
    }

    async fn note_another_machine(
        self,
        identity: &RunnerIdentity,
        told: &Told,
        source: &RequestSource,
    ) {
        let (server, now) = (identity.server, self.0.now());
        let address = source.ip.map(|ip| ip.to_string());
        let is_new = self.0.seats().with_machines(server, |machines, _| {
            machines.note(told, address.clone(), now)
        });
        if !is_new {
            return;
        }
        self.keep_machines(server).await;
        let name = name(&told.machine);
        let host = told.host_name.as_str();
        tracing::warn!(
            %server, machine = name, host, address,
            "another machine has the identity of a connected server, and is refused: is it a copy?"
        );
        let what = ("runner.another_machine", AuditOutcome::Refused);
        let detail = json!({
            "reason": "another machine proved the identity of one that is connected",
            "machine": name,
            "host_name": host,
        });
        if let Err(error) = self.0.audit_runner(identity, source, what, detail).await {
            tracing::error!(%server, %error, "a refused machine was not audited");
        }
    }

    /// What an earlier process knew of servers that more than one machine claimed to be: a restart
    /// gives none of them to another machine.
    ///
    /// # Errors
    /// When the database cannot be read.
    #[boxed]
    pub async fn remember_machines(&self) -> Result<(), StoreError> {
        for (server, text) in self.0.store().machines().await? {
            match Machines::from_kept(&text, self.0.now()) {
                Ok(machines) => self.0.seats().remember(server, machines),
                Err(error) => {
                    tracing::error!(%server, %error, "what is known of a server's machines cannot be read");
                }
            }
        }
        Ok(())
    }

    /// Keeps what is known for a later process. What cannot be kept now is still known here.
    async fn keep_machines(self, server: ServerId) {
        let known = self
            .0
            .seats()
            .with_machines(server, |machines, _| machines.kept());
        if let Err(error) = self.0.store().keep_machines(server, known).await {
            tracing::error!(%server, %error, "what is known of a server's machines is not stored");
        }
    }

    /// The machines that claim to be a server, when there is more than the one that is connected.
    pub fn conflict(self, server: ServerId) -> Option<MachineConflict> {
        let now = self.0.now();
        self.0.seats().with_machines(server, |machines, link| {
            let others = machines.others(now);
            let connected = link.map(|link| ConnectedMachine {
                id: name(link.machine()),
                address: link.address().map(|ip| ip.to_string()),
            });
            (!others.is_empty()).then_some(MachineConflict { connected, others })
        })
    }

    /// Makes one of the machines that claim to be a server that server. The others are told that
    /// they are not, and their runners end.
    #[boxed]
    pub async fn choose_machine(&self, server: ServerId, machine: &str) {
        self.settle_machines(server, machine);
        self.keep_machines(server).await;
    }

    /// Whether a machine of that name is one of several that claim to be a server.
    pub fn is_in_conflict(self, server: ServerId, machine: &str) -> bool {
        self.conflicting(server, machine).is_some()
    }

    /// The server has a new identity, of which there is no copy.
    pub fn forget_machines(self, server: ServerId) {
        self.0.seats().remember(server, Machines::default());
    }

    /// The machine of that name, when it is one of several.
    fn conflicting(self, server: ServerId, id: &str) -> Option<Machine> {
        self.0.seats().with_machines(server, |machines, link| {
            let connected = link.map(|link| link.machine());
            match connected.filter(|connected| name(connected) == id) {
                Some(connected) => {
                    (!machines.others(self.0.now()).is_empty()).then(|| connected.clone())
                }
                None => machines.find(id),
            }
        })
    }

    fn settle_machines(self, server: ServerId, id: &str) {
        let Some(chosen) = self.conflicting(server, id) else {
            return;
        };
        let now = self.0.now();
        self.0.seats().with_machines(server, |machines, link| {
            let mut against: Vec<Machine> = machines.all().cloned().collect();
            against.extend(link.map(|link| link.machine().clone()));
            against.retain(|machine| *machine != chosen);
            if let Some(link) = link.filter(|link| *link.machine() != chosen) {
                link.close(Detached::NotChosen);
            }
            machines.choose(chosen, against, now.plus(KEPT_FOR));
        });
    }
}

/// A runner's word is bounded before it is kept.
fn bounded(machine: &Machine) -> Machine {
    Machine {
        boot_id: fact(&machine.boot_id),
        machine_id: fact(&machine.machine_id),
        instance_id: fact(&machine.instance_id),
    }
}
