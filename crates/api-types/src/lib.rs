//! The bodies of Reoclo's HTTP API, shared by the server and its clients.
//!
//! Field names are the contract with clients that are in use; they never change.
#![forbid(unsafe_code)]

mod address_source;
mod audit_logs;
mod error;
mod exec;
mod health;
mod identity;
mod keys;
mod operation_items;
mod operations;
mod registry_auth;
mod registry_connection;
mod registry_credential;
mod server_health;
mod servers;
mod sessions;
mod setup;
mod users;

pub use address_source::{AddressSourceBody, NewAddressSourceRequest, RefreshAddressSourceRequest};
pub use audit_logs::{
    AuditLogFault, AuditLogItem, AuditLogPage, AuditLogVerification, CheckpointFault,
    VerifyAuditLogRequest,
};
pub use error::ErrorBody;
pub use exec::{ExecAnswer, ExecRequest, ServerExecAnswer, ServerExecRequest};
pub use health::{Health, Readiness};
pub use identity::{
    AclBody, CapabilitiesBody, CapabilityBody, KeyBody, KeyScopeBody, MeBody, MembershipBody,
};
pub use keys::{
    AutomationKeyBody, IntegrationKeyBody, KeyPersonBody, KeyUsageBody, NewAutomationKeyRequest,
    NewIntegrationKeyRequest,
};
pub use operation_items::{
    CancelAnswer, OperationDayBody, OperationDaysBody, OperationItem, OperationItemResult,
    OperationPageBody, StarterBody,
};
pub use operations::{
    OperationBody, OperationRequest, OperationResult, OwnOperationItem, OwnOperationsBody,
    RebootAnswer, RebootRequest,
};
pub use registry_auth::{
    RegistryAuthAnswer, RegistryLoginDirectRequest, RegistryLoginRequest, RegistryLogoutRequest,
};
pub use registry_connection::{ConnectionTestAnswer, ConnectionTestRequest};
pub use registry_credential::{
    NewRegistryCredentialRequest, RegistryCredentialBody, RegistryCredentialChangeRequest,
};
pub use server_health::{
    FirewallBody, ListeningPortBody, MetricsPointBody, PortBindingBody, ServerHealthBody,
    ServerMetricsBody, ServerPortsBody, ServerUptimeBody, UptimeBucketBody,
};
pub use servers::{
    AddServerRequest, AddedServerBody, ChangeServerRequest, ChooseMachineRequest, MachineBody,
    ServerBody,
};
pub use sessions::{
    PasswordRequest, SessionBody, SessionOrganizationBody, SessionUserBody, SignInRequest,
    SignOutRequest, SwitchRequest,
};
pub use setup::{SetupAnswer, SetupRequest};
pub use users::{
    AcceptInvitationRequest, AddUserRequest, AddedUserBody, ChangeOrganizationRequest,
    ChangeUserRequest, InvitationBody, InvitationPage, InvitationRequest, KeyToReviewBody,
    NewOrganizationRequest, OpenInvitationBody, OrganizationBody, RemovedUserBody, UserBody,
    UserPage,
};
