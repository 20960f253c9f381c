//! The kinds of operations. Each is one file, and one line of the list below.

mod exec;
mod kind;
mod reboot;
mod registry_login;
mod registry_logout;

use std::time::Duration;

use reoclo_domain::OperationKind;
use reoclo_store::OperationOutcome;
use reoclo_wire::ability::Ability;
use reoclo_wire::proto::start_request::Action;

use crate::settings::Settings;
use crate::verdict::Verdict;
pub use exec::{CODE_WORKING_DIRECTORY, ExecPayload, is_script};
use kind::Kind;
pub use reboot::RebootPayload;
pub use registry_login::RegistryLoginPayload;
pub use registry_logout::RegistryLogoutPayload;

/// What holds for a kind whatever an operation of it does.
pub(crate) struct Rules {
    pub(crate) silence: fn(&Settings) -> Duration,
    pub(crate) overdue: fn() -> Verdict,
    pub(crate) awaits_boot: fn(&Verdict) -> bool,
    pub(crate) ends_with_boot: bool,
    pub(crate) found: fn(&str) -> Option<&'static str>,
    pub(crate) not_run: fn(&str) -> &'static str,
    pub(crate) tell: fn(&mut OperationOutcome, Duration),
    read: fn(&str) -> Option<Payload>,
}

impl Rules {
    const fn of_kind<K>() -> Self
    where
        K: Kind,
        Payload: From<K>,
    {
        Self {
            silence: K::silence,
            overdue: K::overdue,
            awaits_boot: K::awaits_boot,
            ends_with_boot: K::ENDS_WITH_BOOT,
            found: K::found,
            not_run: K::not_run,
            tell: K::tell,
            read: |text| serde_json::from_str::<K>(text).ok().map(Payload::from),
        }
    }

    /// Of a kind that this version does not run: a row of a later one.
    const UNKNOWN: Self = Self {
        read: |_| None,
        ..Self::of_kind::<ExecPayload>()
    };
}

macro_rules! kinds {
    ($($name:ident($payload:ty),)+) => {
        /// What an operation does on its server.
        #[derive(Clone)]
        pub enum Payload {
            $(
                #[allow(missing_docs, reason = "the payload says it")]
                $name($payload),
            )+
        }

        $(impl From<$payload> for Payload {
            fn from(payload: $payload) -> Self {
                Self::$name(payload)
            }
        })+

        impl Payload {
            /// The kind of the operation.
            pub const fn kind(&self) -> OperationKind {
                match self {
                    $(Self::$name(_) => <$payload as Kind>::KIND,)+
                }
            }

            /// As it is sealed.
            pub(crate) fn to_text(&self) -> Result<String, serde_json::Error> {
                match self {
                    $(Self::$name(payload) => serde_json::to_string(payload),)+
                }
            }

            /// As it is sent.
            pub(crate) fn action(self, timeout_seconds: u32) -> Action {
                match self {
                    $(Self::$name(payload) => payload.action(timeout_seconds),)+
                }
            }

            /// What a runner needs for it.
            pub(crate) fn ability(&self) -> Ability {
                match self {
                    $(Self::$name(payload) => payload.ability(),)+
                }
            }
        }

        /// What holds for a kind.
        pub(crate) const fn rules(kind: OperationKind) -> Rules {
            match kind {
                $(<$payload as Kind>::KIND => Rules::of_kind::<$payload>(),)+
                _ => Rules::UNKNOWN,
            }
        }
    };
}

kinds! {
    Exec(ExecPayload),
    Reboot(RebootPayload),
    RegistryLogin(RegistryLoginPayload),
    RegistryLogout(RegistryLogoutPayload),
}

impl Payload {
    /// As it was sealed; none of an operation that this version does not run.
    pub(crate) fn of_text(kind: OperationKind, text: &str) -> Option<Self> {
        (rules(kind).read)(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_an_earlier_version_is_read() {
        let rows = [
            (
                OperationKind::Exec,
                r#"{"command":"true","working_directory":null,"env":{},"mask":[]}"#,
            ),
            (OperationKind::Reboot, "{}"),
            (
                OperationKind::RegistryLogin,
                r#"{"registry":"r","username":"u","password":"p"}"#,
            ),
            (OperationKind::RegistryLogout, r#"{"registry":"r"}"#),
        ];
        for (kind, text) in rows {
            let payload = Payload::of_text(kind, text).unwrap();
            assert_eq!(payload.kind(), kind);
            let again = payload.to_text().unwrap();
            assert!(Payload::of_text(kind, &again).is_some(), "{again}");
        }
        assert!(Payload::of_text(OperationKind::Exec, "{}").is_none());
        assert!(Payload::of_text(OperationKind::Deploy, "{}").is_none());
    }
}
