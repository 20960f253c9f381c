//! Ids: UUIDv7, a type for each kind of thing.

use std::fmt;
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

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes a new id.
            pub fn new(clock: &dyn Clock, entropy: &dyn Entropy) -> Self {
                Self(new_id(clock, entropy))
            }

            /// The id as a UUID.
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0.as_hyphenated(), f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                parse_hyphenated(text).map(Self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )+};
}

ids! {
    /// An organization: the isolation boundary.
    OrganizationId;
    /// A person.
    UserId;
    /// A Linux host with a runner.
    ServerId;
    /// An integration key (`rk_t_…`).
    IntegrationKeyId;
    /// An automation key (`rca_…`).
    AutomationKeyId;
    /// One run of an operation on one server.
    OperationId;
    /// A stored registry credential.
    RegistryCredentialId;
    /// A published list of networks that automation keys may be used from.
    AddressSourceId;
    /// One row of the audit log.
    AuditEventId;
    /// A person's session.
    SessionId;
    /// An invitation to an organization.
    InvitationId;
    /// One HTTP request, as named in errors and logs.
    RequestId;
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
