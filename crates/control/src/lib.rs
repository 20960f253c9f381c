//! The use cases of Reoclo: who may do what, and doing it.
//!
//! Knows the store and the runner protocol, and neither HTTP nor SQL. Whoever calls a use case
//! shows an [`Authorized`] proof, which only the check in this crate can make.
#![forbid(unsafe_code)]

mod address_sources;
mod asked;
mod attempted;
mod audit;
mod audit_logs;
mod authenticate;
mod authorize;
mod background;
mod bootstrap;
mod caller;
mod control;
mod core;
mod edit;
mod failed_authentications;
mod fair;
mod fields;
mod holder;
mod identity;
mod invitations;
mod key_use;
mod keys;
mod networks;
mod once;
mod operation_days;
mod operations;
mod organizations;
mod outbound;
mod passwords;
mod permissions;
mod presented;
mod rate_limit;
mod readiness;
mod redact;
mod refusal;
mod refused_use;
mod registry_credentials;
mod registry_login;
mod servers;
mod sessions;
mod settings;
mod setup;
mod subscriber;
mod users;

pub use address_sources::AddressSources;
pub use asked::Asked;
pub use audit_logs::{AuditLogExport, AuditLogRequest, AuditLogs, AuditVerification};
pub use authorize::{Allowed, Authorized};
pub use bootstrap::{Bootstrapped, Instance, MintedKeys, Startup};
pub use caller::{Caller, Person, Principal};
pub use control::{Control, ControlStatistics};
pub use core::Core;
pub use identity::KeyIdentity;
pub use invitations::{AcceptForm, InvitationView, Invitations, Invited};
pub use keys::{
    ActiveKeyOverview, KeyList, KeyListRequest, KeyPerson, KeyPersonPlace, Keys, ManagedKey,
    ManagesKeys, MintedKey, NewAutomationKeyForm, NewIntegrationKeyForm, ShownKey,
};
pub use once::{Forms, OnceForm};
pub use operations::{
    Awaited, CancelRequested, DirectLogin, ExecCommand, Executed, LogPart, LogStatus, OperationEnd,
    OperationLog, Operations, RebootCommand, RegistryAuth, RunNote, SeenOperation, WaitPlace,
    refuse_late,
};
pub use organizations::Organizations;
pub use permissions::*;
pub use presented::{KeyNotes, MadeBy, Presented, PresentedSession};
pub use refusal::{InvalidFields, Refusal};
pub use registry_credentials::{ConnectionTest, RegistryCredentials};
pub use registry_login::MASKED_SECRET;
pub use servers::{
    AddedServer, LocalOwner, ServerHealth, ServerMetrics, ServerUptime, Servers, UptimeSlot,
    UptimeStatus,
};
pub use sessions::{SessionView, Sessions, SignInForm, SignInStatistics, SignedIn};
pub use settings::Settings;
pub use setup::{Setup, SetupForm};
pub use users::{AddedUser, RemovedUser, Users};

pub use reoclo_dispatch::{
    Attachment, ConnectedMachine, Detached, Drain, MachineConflict, OtherMachine, RunnerRejected,
    Runners, Settings as DispatchSettings,
};
pub use reoclo_domain as domain;
pub use reoclo_store::{
    Actor, ActorKind, AddressSourceRecord, AddressUsage, AuditActor, AuditFilter, AuditItem,
    AuditOutcome, AuditPage, AuditRow, AutomationKeyRecord, ChainReport, Ended, Fault, FaultKind,
    HostFacts, InvitationRecord, KeyCreator, KeyKin, KeyRecord, KeyRef, KeyRelative, LastUse,
    LogStream, MemberRecord, Membership, OperationCursor, OperationDay, OperationFilter,
    OperationOutcome, OperationPage, OperationQuery, OperationRecord, OrganizationRecord,
    PasswordStatus, RefusedPasswords, RegistryCredentialRecord, RequestSource, RunnerIdentity,
    ServerRecord, Strangeness, Tail, TakenForm,
};
