//! Sign-ins and keys that were refused, for whoever runs the instance: counted for the metrics,
//! told on stderr, and written to the audit log in at most one row a minute for each address and
//! chain.

mod ledger;

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reoclo_domain::{OrganizationId, Timestamp, UserId};
use reoclo_store::{
    Actor, ActorKind, AuditOutcome, NewAuditEvent, RefusedPasswords, RequestSource,
};
use serde_json::json;
use tokio::sync::Notify;

use self::ledger::{Due, Ledger, Noted, Subject};
use crate::audit::{AuditedAction, resource, system_actor};
use crate::core::Core;

/// Rows in one transaction: bounds how long another write waits for them.
const BATCH: usize = 100;

/// Why somebody was not let in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NotLetIn<'a> {
    /// The account is there, and the password is another.
    WrongPassword {
        /// Where the person is.
        organization: Option<OrganizationId>,
        /// Whose account it is.
        user: UserId,
        /// What the person is called.
        label: &'a str,
    },
    /// There is no such account.
    UnknownAccount,
    /// There were too many attempts, so the password was not looked at.
    TooMany,
    /// The key is none of ours.
    UnknownKey,
}

/// Numbers for `/metrics`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignInStatistics {
    /// Sessions that were begun with a password.
    pub signed_in: u64,
    /// Wrong passwords.
    pub wrong_passwords: u64,
    /// Passwords for accounts that are not there.
    pub unknown_accounts: u64,
    /// Attempts that were refused unseen, since there were too many.
    pub too_many: u64,
    /// Attempts that had to wait.
    pub delayed: u64,
    /// Keys that are none of ours.
    pub unknown_keys: u64,
}

/// Failed sign-ins that wait for their row, and how many there were of each kind.
#[derive(Debug)]
pub(crate) struct FailedSignIns {
    urgent: Arc<Notify>,
    ledger: Mutex<Ledger>,
    signed_in: AtomicU64,
    wrong_passwords: AtomicU64,
    unknown_accounts: AtomicU64,
    too_many: AtomicU64,
    delayed: AtomicU64,
    unknown_keys: AtomicU64,
}

impl NotLetIn<'_> {
    const fn reason(&self) -> &'static str {
        match self {
            Self::WrongPassword { .. } => "wrong_password",
            Self::UnknownAccount => "unknown_account",
            Self::TooMany => "too_many_attempts",
            Self::UnknownKey => "unknown_key",
        }
    }

    /// Of what is bounded by the limits, every one is told; of the rest, what a row counts.
    const fn is_told_at_once(&self) -> bool {
        matches!(self, Self::WrongPassword { .. } | Self::UnknownAccount)
    }

    const fn subject(&self, ip: Option<IpAddr>) -> Subject {
        match self {
            Self::WrongPassword { organization, .. } => Subject::Passwords(*organization, ip),
            Self::UnknownAccount | Self::TooMany => Subject::Passwords(None, ip),
            Self::UnknownKey => Subject::Keys(ip),
        }
    }
}

impl FailedSignIns {
    /// `urgent` is told when something is to be written at once.
    pub(crate) fn new(urgent: Arc<Notify>) -> Self {
        Self {
            urgent,
            ledger: Mutex::default(),
            signed_in: AtomicU64::new(0),
            wrong_passwords: AtomicU64::new(0),
            unknown_accounts: AtomicU64::new(0),
            too_many: AtomicU64::new(0),
            delayed: AtomicU64::new(0),
            unknown_keys: AtomicU64::new(0),
        }
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note_signed_in(&self) {
        self.signed_in.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn note_delayed(&self) {
        self.delayed.fetch_add(1, Ordering::Relaxed);
    }

    fn counter(&self, failed: &NotLetIn<'_>) -> &AtomicU64 {
        match failed {
            NotLetIn::WrongPassword { .. } => &self.wrong_passwords,
            NotLetIn::UnknownAccount => &self.unknown_accounts,
            NotLetIn::TooMany => &self.too_many,
            NotLetIn::UnknownKey => &self.unknown_keys,
        }
    }

    /// How many there were.
    pub(crate) fn statistics(&self) -> SignInStatistics {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        SignInStatistics {
            signed_in: count(&self.signed_in),
            wrong_passwords: count(&self.wrong_passwords),
            unknown_accounts: count(&self.unknown_accounts),
            too_many: count(&self.too_many),
            delayed: count(&self.delayed),
            unknown_keys: count(&self.unknown_keys),
        }
    }
}

impl FailedSignIns {
    /// Counts that somebody was not let in.
    pub(crate) fn note(&self, at: Timestamp, failed: NotLetIn<'_>, source: &RequestSource) {
        self.counter(&failed).fetch_add(1, Ordering::Relaxed);
        if failed.is_told_at_once() {
            tell(source.ip, failed.reason(), 1);
        }
        let user = match failed {
            NotLetIn::WrongPassword { user, label, .. } => Some((user, label)),
            _ => None,
        };
        let noted = Noted {
            subject: failed.subject(source.ip),
            reason: failed.reason(),
            user,
            source,
            at,
        };
        if self.ledger().note(&noted) {
            self.urgent.notify_one();
        }
    }

    /// Writes about what is due; called with the refused uses of keys.
    pub(crate) async fn write(&self, core: &Core, all: bool) {
        let mut due = self.ledger().take_due(core.clock().monotonic(), all);
        for one in &due {
            for reason in ["too_many_attempts", "unknown_key"] {
                if let Some(count) = one.reasons.get(reason) {
                    tell(one.source.ip, reason, *count);
                }
            }
        }
        while !due.is_empty() {
            let rest = due.split_off(due.len().min(BATCH));
            let events = due.iter().map(|one| failed_event(core, one)).collect();
            let passwords = due.iter().flat_map(refused_passwords).collect();
            let written = core.store().record_refused_passwords(passwords, events);
            if let Err(error) = written.await {
                core.complain("failed sign-ins could not be recorded yet", &error);
                due.extend(rest);
                self.ledger().give_back(due);
                return;
            }
            due = rest;
        }
    }
}

fn failed_event(core: &Core, due: &Due) -> NewAuditEvent {
    let mut detail = json!({
        "count": due.count(),
        "reasons": due.reasons,
        "since": due.first_at,
    });
    let mut users = due.users.iter();
    let (organization, actor, what) = match (due.subject, users.next(), users.next()) {
        (Subject::Passwords(organization, _), Some((user, (label, _))), None) => {
            (organization, person(*user, label), user_of(*user, label))
        }
        (Subject::Passwords(organization, _), first, _) => {
            if first.is_some() {
                detail["accounts"] = json!(due.users.len());
            }
            let what = match organization {
                Some(id) => resource("organization", id, None),
                None => instance(),
            };
            (organization, system_actor(), what)
        }
        (Subject::Keys(_) | Subject::Rest, ..) => (None, system_actor(), instance()),
    };
    let action = match due.subject {
        Subject::Passwords(..) => "user.sign_in",
        Subject::Keys(_) => "key.unknown",
        Subject::Rest => "sign_in.refused",
    };
    let audited = AuditedAction {
        action,
        resource: what,
        outcome: AuditOutcome::Refused,
        detail,
    };
    NewAuditEvent {
        at: due.last_at,
        ..core.event(organization, actor, due.source.clone(), audited)
    }
}

/// One line, always in this form: programs that ban addresses read it.
fn tell(ip: Option<IpAddr>, reason: &'static str, count: u64) {
    let address = ip.map_or_else(|| "unknown".to_owned(), |ip| ip.to_string());
    tracing::warn!(target: "reoclo", "sign-in refused: address={address} reason={reason} count={count}");
}

fn refused_passwords(due: &Due) -> impl Iterator<Item = RefusedPasswords> + '_ {
    due.users.iter().map(|(user, (_, tries))| RefusedPasswords {
        user: *user,
        at: due.last_at,
        ip: due.source.ip,
        tries: *tries,
    })
}

fn person(user: UserId, label: &str) -> Actor {
    Actor {
        kind: ActorKind::User,
        id: Some(user.as_uuid()),
        label: label.to_owned(),
    }
}

fn user_of(user: UserId, label: &str) -> reoclo_store::Resource {
    resource("user", user, Some(label))
}

fn instance() -> reoclo_store::Resource {
    reoclo_store::Resource {
        kind: "instance",
        id: None,
        name: None,
    }
}
