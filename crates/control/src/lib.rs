//! The use cases of Reoclo: who may do what, and doing it.
//!
//! Knows the store and the runner protocol, and neither HTTP nor SQL. Whoever calls a use case
//! shows an [`Authorized`] proof, which only the check in this crate can make.
#![forbid(unsafe_code)]

mod account;
mod audit;
mod audit_logs;
mod authenticate;
mod authorize;
mod bootstrap;
mod caller;
mod control;
mod drain;
mod identity;
mod key_use;
mod operations;
mod outbound;
mod permissions;
mod redact;
mod refusal;
mod refused_use;
mod registry_credentials;
mod runners;
mod servers;

pub use account::SetupForm;
pub use audit_logs::AuditLogRequest;
pub use authenticate::{Presented, RateNote};
pub use authorize::{Allowed, Authorized};
pub use bootstrap::{Bootstrapped, MintedKeys, Startup};
pub use caller::{Caller, Principal};
pub use control::{Control, ControlStatistics, Settings};
pub use drain::Drain;
pub use identity::KeyIdentity;
pub use operations::{DirectLogin, ExecCommand, Executed, RegistryAuth, RunNote};
pub use permissions::{
    AnyKey, AuditLogsRead, Deploy, Exec, OwnOperations, Permission, Reboot,
    RegistryCredentialsRead, RegistryCredentialsWrite, RegistryLogin, RegistryLogout, Requirement,
    Restart, ServersRead,
};
pub use refusal::{InvalidFields, Refusal};
pub use registry_credentials::{
    ConnectionForm, ConnectionTest, MASKED_SECRET, NewRegistryCredentialForm,
    RegistryCredentialChange,
};
pub use runners::{Attachment, Detached, RunnerRejected};
pub use servers::{AddedServer, LocalOwner, NewServerForm};

pub use reoclo_domain as domain;
pub use reoclo_store::{
    Actor, ActorKind, AuditActor, AuditFilter, AuditItem, AuditOutcome, AuditPage,
    AutomationKeyRecord, HostFacts, KeyRecord, OperationOutcome, OperationRecord,
    OrganizationRecord, RegistryCredentialRecord, RequestSource, RunnerIdentity, ServerRecord,
    Tail,
};
