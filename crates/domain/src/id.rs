//! Ids: UUIDv7, a type for each kind of thing.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use uuid::Uuid;

use crate::{Clock, Entropy};

/// Makes a UUIDv7 from the clock's milliseconds and 80 random bits (RFC 9562, section 5.7).
pub fn new_id(clock: &dyn Clock, entropy: &dyn Entropy) -> Uuid {
    let mut random = [0; 10];
    entropy.fill(&mut random);
    let millis = u64::try_from(clock.now().as_micros() / 1000).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

/// The text is not a UUID in its hyphenated form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not an id: an id is a UUID such as 0190b6f2-6f0c-7cc3-98c5-d1a0c3b1f2aa")]
pub struct ParseIdError;

/// The id of a thing of kind `K`; ids of two kinds are never mixed up.
pub struct Id<K> {
    uuid: Uuid,
    kind: PhantomData<fn() -> K>,
}

/// A kind of thing that has ids.
pub trait Kind {
    /// What an id of this kind is called.
    const ID: &'static str;
}

macro_rules! kinds {
    ($($kind:ident => $name:ident, $doc:literal;)+) => {
        /// The kinds of things, of which there are no values.
        mod kind {$(
            #[doc = $doc]
            #[derive(Debug)]
            pub enum $kind {}

            impl super::Kind for $kind {
                const ID: &'static str = stringify!($name);
            }
        )+}

        $(#[doc = $doc] pub type $name = Id<kind::$kind>;)+
    };
}

kinds! {
    Organization => OrganizationId, "An organization: the isolation boundary.";
    User => UserId, "A person.";
    Server => ServerId, "A Linux host with a runner.";
    IntegrationKey => IntegrationKeyId, "An integration key (`rk_t_…`).";
    AutomationKey => AutomationKeyId, "An automation key (`rca_…`).";
    Operation => OperationId, "One run of an operation on one server.";
    RegistryCredential => RegistryCredentialId, "A stored registry credential.";
    AddressSource => AddressSourceId, "A published list of networks, for keys' allowlists.";
    AuditEvent => AuditEventId, "One row of the audit log.";
    Session => SessionId, "A person's session.";
    Invitation => InvitationId, "An invitation to an organization.";
    Request => RequestId, "One HTTP request, as named in errors and logs.";
}

impl<K> Id<K> {
    /// Makes a new id.
    pub fn new(clock: &dyn Clock, entropy: &dyn Entropy) -> Self {
        Self::of(new_id(clock, entropy))
    }

    const fn of(uuid: Uuid) -> Self {
        Self {
            uuid,
            kind: PhantomData,
        }
    }

    /// The id as a UUID.
    pub const fn as_uuid(self) -> Uuid {
        self.uuid
    }
}

// By hand: derived, each would ask the same of `K`.

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Id<K> {}

impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.uuid == other.uuid
    }
}

impl<K> Eq for Id<K> {}

impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.uuid.cmp(&other.uuid)
    }
}

impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.uuid.hash(state);
    }
}

impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple(K::ID).field(&self.uuid).finish()
    }
}

impl<K> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.uuid.as_hyphenated(), f)
    }
}

impl<K> FromStr for Id<K> {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        parse_hyphenated(text).map(Self::of)
    }
}

impl<K> serde::Serialize for Id<K> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Accepts the 36-character form only, so that one id has one spelling up to case.
fn parse_hyphenated(text: &str) -> Result<Uuid, ParseIdError> {
    if text.len() != 36 {
        return Err(ParseIdError);
    }
    Uuid::try_parse(text).map_err(|_| ParseIdError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_shown_sent_and_logged_as_it_always_was() {
        let text = "0190b6f2-6f0c-7cc3-98c5-d1a0c3b1f2aa";
        let id = text.parse::<ServerId>().unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!(serde_json::to_value(id).unwrap(), text);
        assert_eq!(format!("{id:?}"), format!("ServerId({text})"));
    }

    #[test]
    fn only_the_hyphenated_form_is_an_id() {
        let id = "0190b6f2-6f0c-7cc3-98c5-d1a0c3b1f2aa";
        assert_eq!(id.parse::<ServerId>().unwrap().to_string(), id);
        for wrong in [
            "",
            "server",
            "0190b6f26f0c7cc398c5d1a0c3b1f2aa",
            "{0190b6f2-6f0c-7cc3-98c5-d1a0c3b1f2aa}",
            "urn:uuid:0190b6f2-6f0c-7cc3-98c5-d1a0c3b1f2aa",
            "0190b6f2-6f0c-7cc3-98c5-d1a0c3b1f2ag",
        ] {
            assert_eq!(wrong.parse::<ServerId>(), Err(ParseIdError), "{wrong}");
        }
    }
}
