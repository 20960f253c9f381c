//! Persistence: what Reoclo remembers, on the embedded `SQLite` or on `PostgreSQL`.
//!
//! One SQL text serves both engines through sqlx's `Any` driver; what differs between them stands
//! in `engine.rs`. Every method of [`Store`] is one transaction. Writes go through a single task
//! that commits whatever waited during the last commit ([`Store::statistics`] counts them), and
//! the audit rows of a write are committed with it or not at all.
#![forbid(unsafe_code)]

mod address_sources;
mod audit;
mod cache;
mod data_dir;
mod database;
mod edit;
mod engine;
mod error;
mod fault;
mod form_marks;
mod health;
mod instance;
mod invitations;
mod keys;
mod known_devices;
mod master_key;
mod metrics;
mod migrations;
mod operation_days;
mod operations;
mod organizations;
mod place;
mod pooler;
mod rate_windows;
mod readers;
mod registry_credentials;
mod remembered;
mod rows;
mod schema;
mod sealing;
mod servers;
mod sessions;
mod setup;
mod sql;
mod store;
mod table;
mod users;
mod writer;

pub use address_sources::{AddressSourceRecord, RefreshedList, RemovedSource};
pub use audit::{
    Actor, ActorKind, Audit, AuditActor, AuditExport, AuditFilter, AuditItem, AuditOutcome,
    AuditPage, AuditPlace, AuditQuery, AuditReader, AuditRow, AuditServer, Chain, ChainReport,
    Checkpoint, CheckpointError, Checkpoints, ExportError, ExportReport, Fault, FaultKind,
    LiveReport, NewAuditEvent, RequestSource, Resource, StrangeCheckpoint, Strangeness,
    UnmaskedRows, VerifyReport,
};
pub use data_dir::{DataDir, DataDirError};
pub use database::{AddressError, DatabaseAddress};
pub use edit::{Edit, Edited, Rule};
pub use engine::Engine;
pub use error::{Conflict, DatabaseFault, OpenError, StoreError};
pub use form_marks::{FormMark, TakenForm};
pub use instance::InstanceRecord;
pub use invitations::{Accepting, InvitationRecord};
pub use keys::{
    ActiveKeyQuery, ActiveKeys, AddressUsage, AutomationKeyRecord, IntegrationKeyRecord,
    KEPT_USE_DAYS, KeyCreator, KeyDetails, KeyKin, KeyOrigin, KeyQuery, KeyRecord, KeyRef,
    KeyRelative, KeyUse, LastUse, MAX_ADDRESSES_A_DAY, NewKey, Revoked,
};
pub use known_devices::RefusedPasswords;
pub use master_key::{KeyFile, MasterKey, MasterKeyError};
pub use metrics::MetricsRow;
pub use migrations::schema_fingerprint;
pub use operation_days::OperationDay;
pub use operations::{
    Ended, LogChunk, LogEnd, LogStream, MaskedOperations, NewOperation, OperationCursor,
    OperationFilter, OperationOutcome, OperationPage, OperationQuery, OperationRecord,
    RunningOperation, Tail,
};
pub use organizations::{NewOrganization, OrganizationRecord};
pub use place::Sharing;
pub use registry_credentials::RegistryCredentialRecord;
pub use remembered::{RememberedDatabase, UnreadableNote};
pub use rows::Rows;
pub use servers::{EnrolOutcome, HostFacts, NewEnrolment, NewServer, RunnerIdentity, ServerRecord};
pub use sessions::{NewSession, SessionRecord, SessionsEnded};
pub use setup::{Bootstrap, NewSetupLink, PendingSetup, Profile, SetupOutcome};
pub use sql::{Revision, Touched};
pub use store::{Expected, Store, StoreOptions, StoreStatistics};
pub use users::{
    Account, MemberRecord, Membership, NewPassword, NewUser, PasswordStatus, UserRecord,
};
