//! Refused uses of known keys, and of people: each is counted, and their audit rows are coalesced
//! (rule 17).
//!
//! The first refusal of a key, code and address has its row at once, those that follow one row a
//! minute with their number. A row is written off the request path, and whoever is refused from
//! many addresses cannot fill the memory or the disk: beyond a limit, refusals count for the key,
//! and beyond another for the organization.

mod ledger;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reoclo_dispatch::server_called;
use reoclo_domain::{KeyKind, OrganizationId, UserId};
use reoclo_store::{
    Actor, ActorKind, AuditOutcome, KeyRef, NewAuditEvent, RequestSource, Resource,
};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::attempted::Attempted;
use crate::audit::{AuditedAction, resource, system_actor};
use crate::core::Core;
use crate::holder::{Holder, KnownHolder};
use crate::servers::server_named;
use crate::{Caller, Refusal};
use ledger::{Ledger, RefusedUse, Subject};

/// Rows in one transaction: bounds how long another write waits for them.
const BATCH: usize = 100;

/// Refusals that wait for their row.
#[derive(Debug)]
pub(crate) struct RefusedUses {
    ledger: Mutex<Ledger>,
    /// A refusal waits that nobody wrote about in the last minute.
    urgent: Arc<Notify>,
    /// Held while rows are written, so that the last write finds what an earlier one gave back.
    writing: tokio::sync::Mutex<()>,
}

impl RefusedUses {
    /// `urgent` is told when something is to be written at once.
    pub(crate) fn new(urgent: Arc<Notify>) -> Self {
        Self {
            ledger: Mutex::default(),
            urgent,
            writing: tokio::sync::Mutex::default(),
        }
    }

    /// Waits until [`Refusals::write`] has something to write at once.
    pub(crate) async fn is_urgent(&self) {
        self.urgent.notified().await;
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes refusals, and writes about them.
#[derive(Clone, Copy)]
pub(crate) struct Refusals<'c> {
    pub(crate) core: &'c Core,
    pub(crate) uses: &'c RefusedUses,
}

impl Refusals<'_> {
    /// Counts that `holder` was refused `wanted`. A refusal that says nothing about its power
    /// (404, 409, 422) does not count, unless an operation was not started for it.
    pub(crate) fn note(
        self,
        refusal: &Refusal,
        holder: KnownHolder<'_>,
        source: &RequestSource,
        wanted: &Attempted,
    ) {
        if !wanted.is_told_of(refusal) {
            return;
        }
        let refused = ledger::Refused {
            known: holder,
            code: refusal.code(),
            source,
            wanted,
            at: self.core.now(),
        };
        let uses = self.uses;
        if uses.ledger().note(&refused) {
            uses.urgent.notify_one();
        }
    }

    /// The same of a caller.
    pub(crate) fn note_of(self, caller: &Caller, refusal: &Refusal, wanted: &Attempted) {
        self.note(refusal, caller.known_holder(), caller.source(), wanted);
    }

    /// Writes about the refusals that are due, and with `all` about every one.
    pub(crate) async fn write(self, all: bool) {
        let uses = self.uses;
        let _writing = uses.writing.lock().await;
        let mut due = uses.ledger().take_due(self.core.clock().monotonic(), all);
        while !due.is_empty() {
            let rest = due.split_off(due.len().min(BATCH));
            let mut events = Vec::with_capacity(due.len());
            for refused in &due {
                events.push(self.refusal_event(refused).await);
            }
            if let Err(error) = self.core.store().append_audit(events).await {
                if !error.may_pass() {
                    self.write_one_by_one(&due).await;
                    due = rest;
                    continue;
                }
                self.core
                    .complain("refused uses of keys could not be recorded yet", &error);
                due.extend(rest);
                uses.ledger().give_back(due);
                return;
            }
            due = rest;
        }
    }

    /// One of them is not taken by the database, now or later; the others are not to wait for it.
    async fn write_one_by_one(self, due: &[RefusedUse]) {
        for refused in due {
            let event = self.refusal_event(refused).await;
            if let Err(error) = self.core.store().append_audit(vec![event]).await {
                tracing::error!(%error, code = %refused.code, "a refused use was not recorded");
            }
        }
    }

    async fn refusal_event(self, refused: &RefusedUse) -> NewAuditEvent {
        let (action, actor, resource) = match &refused.holder {
            Some((Holder::Key(key), label)) => key_parties(*key, label),
            Some((Holder::Person(user), label)) => person_parties(*user, label),
            None => (
                "key.refused",
                system_actor(),
                resource("organization", refused.organization, None),
            ),
        };
        let audited = AuditedAction {
            action,
            resource,
            outcome: AuditOutcome::Refused,
            detail: self.refusal_detail(refused).await,
        };
        let organization = Some(refused.organization);
        NewAuditEvent {
            at: refused.last_at,
            ..self
                .core
                .event(organization, actor, refused.source.clone(), audited)
        }
    }

    /// The code, permission, route and server are those of the last refusal that the row counts;
    /// what else was asked for stands in `asked`.
    async fn refusal_detail(self, refused: &RefusedUse) -> Value {
        let Some(last) = refused.wanted.last() else {
            return json!({ "code": refused.code.as_str(), "count": refused.count });
        };
        let mut detail = self.wanted_detail(refused.organization, &last.0).await;
        detail["code"] = json!(refused.code.as_str());
        detail["count"] = json!(refused.count);
        detail["since"] = json!(refused.first_at);
        if refused.wanted.len() > 1 {
            let mut asked = Vec::new();
            for (wanted, count) in refused.wanted.iter().rev() {
                let mut one = self.wanted_detail(refused.organization, wanted).await;
                one["count"] = json!(count);
                asked.push(one);
            }
            detail["asked"] = Value::Array(asked);
        }
        match refused.subject {
            Subject::Address(..) => {}
            Subject::Holder(..) => detail["addresses"] = json!("many"),
            Subject::Organization(_) => detail["keys"] = json!("many"),
        }
        detail
    }

    async fn wanted_detail(self, organization: OrganizationId, wanted: &Attempted) -> Value {
        let mut detail = json!({ "permission": wanted.permission.name() });
        if let (Some(method), Some(route)) = (wanted.asked.method(), wanted.asked.template()) {
            detail["method"] = json!(method);
            detail["route"] = json!(route);
        }
        let server = match (wanted.server, wanted.asked.server()) {
            (Some(server), _) => Some(server),
            (None, Some(named)) => server_named(self.core, organization, named).await.ok(),
            (None, None) => None,
        };
        if let Some(server) = server
            && let Some(name) = server_called(self.core.store(), organization, server).await
        {
            detail["server_id"] = json!(server);
            detail["server_name"] = json!(&*name);
        }
        detail
    }
}

fn person_parties(user: UserId, label: &str) -> (&'static str, Actor, Resource) {
    let actor = Actor {
        kind: ActorKind::User,
        id: Some(user.as_uuid()),
        label: label.to_owned(),
    };
    let resource = resource("user", user, Some(label));
    ("user.refused", actor, resource)
}

fn key_parties(key: KeyRef, label: &str) -> (&'static str, Actor, Resource) {
    let kind = match key.kind() {
        KeyKind::Integration => ActorKind::IntegrationKey,
        KeyKind::Automation => ActorKind::AutomationKey,
    };
    let actor = Actor {
        kind,
        id: Some(key.as_uuid()),
        label: label.to_owned(),
    };
    let resource = resource(key.kind().as_str(), key.as_uuid(), Some(label));
    ("key.refused", actor, resource)
}
