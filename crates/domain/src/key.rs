//! API keys: the two kinds, what they carry, and how long they live.

use std::time::Duration;

use crate::{OperationKinds, RegistryCredentialId, ServerId, Timestamp};

/// The two kinds of API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {
    /// `rk_t_…`: resource × action, for IDEs, MCP clients and scripts.
    Integration,
    /// `rca_…`: servers × operations, for CI.
    Automation,
}

impl KeyKind {
    /// The kind's name on the wire and in audit rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Integration => "integration_key",
            Self::Automation => "automation_key",
        }
    }
}

/// Either everything there is, now and later, or exactly the listed ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope<Id> {
    /// Everything of the organization, also what is added later.
    All,
    /// Only these.
    Only(Vec<Id>),
}

impl<Id: PartialEq> Scope<Id> {
    /// Whether `id` is within the scope.
    pub fn contains(&self, id: &Id) -> bool {
        match self {
            Self::All => true,
            Self::Only(ids) => ids.contains(id),
        }
    }
}

/// What an automation key may do, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutomationScope {
    /// The servers it may touch.
    pub servers: Scope<ServerId>,
    /// What it may do there.
    pub operations: OperationKinds,
    /// The registry credentials it may pass to `registry_login`.
    pub registry_credentials: Scope<RegistryCredentialId>,
}

/// The moments of a key's life from which its status is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyLife {
    /// From this moment on it is expired; `None` is never.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// A key's status at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStatus {
    /// It works.
    Active,
    /// Its time is over.
    Expired,
    /// A person revoked it; this wins over expired.
    Revoked,
}

impl KeyStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Active, Self::Expired, Self::Revoked];

    /// The status's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

impl KeyLife {
    /// A life that begins at `created_at` and lasts for `lifetime`, or for ever.
    pub fn new(created_at: Timestamp, lifetime: Option<Duration>) -> Self {
        Self {
            expires_at: lifetime.map(|lifetime| created_at.plus(lifetime)),
            revoked_at: None,
        }
    }

    /// How long the key lives that was created then; `None` is without an end.
    pub fn length(self, created_at: Timestamp) -> Option<Duration> {
        self.expires_at
            .map(|expires_at| expires_at.since(created_at))
    }

    /// Whether it ends within `notice` after `now`, and has not ended yet.
    pub fn ends_within(self, notice: Duration, now: Timestamp) -> bool {
        self.status(now) == KeyStatus::Active
            && self
                .expires_at
                .is_some_and(|expires_at| expires_at.since(now) <= notice)
    }

    /// The status at `now`; computed and never stored, so that it cannot be stale.
    pub fn status(self, now: Timestamp) -> KeyStatus {
        if self.revoked_at.is_some() {
            KeyStatus::Revoked
        } else if self.expires_at.is_some_and(|expires_at| expires_at <= now) {
            KeyStatus::Expired
        } else {
            KeyStatus::Active
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_expires_at_its_moment_and_not_before() {
        let life = KeyLife::new(Timestamp::from_micros(0), Some(Duration::from_secs(1)));
        assert_eq!(
            life.status(Timestamp::from_micros(999_999)),
            KeyStatus::Active
        );
        assert_eq!(
            life.status(Timestamp::from_micros(1_000_000)),
            KeyStatus::Expired
        );
    }

    #[test]
    fn revoked_wins_over_expired() {
        let moment = Some(Timestamp::from_micros(1));
        let life = KeyLife {
            expires_at: moment,
            revoked_at: moment,
        };
        assert_eq!(life.status(Timestamp::from_micros(2)), KeyStatus::Revoked);
    }

    #[test]
    fn the_notice_begins_when_it_is_due_and_ends_with_the_key() {
        let at = |second: i64| Timestamp::from_micros(second * 1_000_000);
        let notice = Duration::from_secs(10);
        let life = KeyLife::new(at(0), Some(Duration::from_secs(100)));
        assert_eq!(life.length(at(0)), Some(Duration::from_secs(100)));
        for (second, is_near) in [
            (0, false),
            (89, false),
            (90, true),
            (99, true),
            (100, false),
        ] {
            assert_eq!(life.ends_within(notice, at(second)), is_near, "{second}");
        }
        let revoked = KeyLife {
            revoked_at: Some(at(1)),
            ..life
        };
        assert!(!revoked.ends_within(notice, at(95)));
        assert!(!KeyLife::new(at(0), None).ends_within(notice, at(95)));
    }

    #[test]
    fn a_key_without_an_end_does_not_end() {
        let life = KeyLife::new(Timestamp::from_micros(0), None);
        assert_eq!(
            life.status(Timestamp::from_micros(i64::MAX)),
            KeyStatus::Active
        );
    }
}
