//! Trying a registry credential, before it is kept or later.

use std::time::Duration;

use async_recursion::async_recursion as boxed;
use reoclo_api_types::{ConnectionTestRequest, RegistryCredentialChangeRequest};
use reoclo_domain::{RegistryAddress, RegistryCredentialId, RegistryType, Secret, counted};
use reoclo_store::{AuditOutcome, NewAuditEvent, Resource};
use serde_json::json;
use tokio::time::timeout;

use super::registry_api::{LoggedIn, Login, log_in};
use super::{RegistryCredentials, WHAT, changed, kind};
use crate::audit::AuditedAction;
use crate::outbound::Outbound;
use crate::registry_login::{
    SECRET_FIELD, checked_address, checked_secret, checked_username, given_secret,
};
use crate::{Authorized, Caller, InvalidFields, Refusal, RegistryCredentialsWrite};

const NO_USERNAME: &str = "is missing: the registry logs nobody in without one";

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionTest {
    /// Whether a login would succeed.
    pub success: bool,
    /// A sentence that says so, or why not.
    pub message: String,
    /// How long it took.
    pub latency: Duration,
}

/// A form within all limits.
struct Attempt {
    address: RegistryAddress,
    username: String,
    secret: Secret,
    /// The credential that is kept, when it is one.
    kept: Option<(RegistryCredentialId, String)>,
}

impl RegistryCredentials<'_> {
    /// Logs in to the registry from here and tells what came of it: also what is wrong with the
    /// form is an answer and no refusal.
    #[boxed]
    pub async fn test_connection(
        &self,
        proof: &Authorized<RegistryCredentialsWrite>,
        form: ConnectionTestRequest,
    ) -> Result<ConnectionTest, Refusal> {
        let attempt = match checked(&form) {
            Ok(attempt) => attempt,
            Err(invalid) => return Ok(failure(invalid.to_string(), Duration::ZERO)),
        };
        self.tried(proof.caller(), &attempt).await
    }

    /// The same with a credential that is kept, and with changes that were not saved. Where or as
    /// whom it logs in changes only together with its secret, as when it is changed.
    #[boxed]
    pub async fn test_kept_connection(
        &self,
        proof: &Authorized<RegistryCredentialsWrite>,
        id: RegistryCredentialId,
        change: RegistryCredentialChangeRequest,
    ) -> Result<ConnectionTest, Refusal> {
        let caller = proof.caller();
        let found = self.rows().open(caller.organization(), id).await?;
        let (kept, kept_secret) = found.ok_or(Refusal::NotFound(WHAT))?;
        let (record, secret) = match changed(&change, &kept, self.core.now()) {
            Ok(changed) => changed,
            Err(Refusal::InvalidRequest(invalid)) => {
                return Ok(failure(invalid.to_string(), Duration::ZERO));
            }
            Err(refusal) => return Err(refusal),
        };
        let default = kind(&record).default_username();
        let Some(username) = record.username.or_else(|| default.map(str::to_owned)) else {
            let invalid = InvalidFields::one("username", NO_USERNAME);
            return Ok(failure(invalid.to_string(), Duration::ZERO));
        };
        let attempt = Attempt {
            address: record.registry_url,
            username,
            secret: secret.unwrap_or(kept_secret),
            kept: Some((id, record.name.to_string())),
        };
        self.tried(caller, &attempt).await
    }

    async fn tried(self, caller: &Caller, attempt: &Attempt) -> Result<ConnectionTest, Refusal> {
        let outbound = Outbound::of(self.core, self.settings, caller.organization()).await?;
        let begun = self.core.clock().monotonic();
        let result = self.try_registry(&outbound, attempt).await;
        let latency = self.core.clock().monotonic().saturating_sub(begun);
        let test = match result {
            Ok(message) => ConnectionTest {
                success: true,
                message: message.to_owned(),
                latency,
            },
            Err(message) => failure(message, latency),
        };
        let event = self.registry_tried(caller, attempt, test.success);
        let audited = self.core.store().append_audit(vec![event]).await;
        audited.map_err(Refusal::of_write)?;
        Ok(test)
    }

    async fn try_registry(
        self,
        outbound: &Outbound,
        attempt: &Attempt,
    ) -> Result<&'static str, String> {
        let settings = self.settings;
        let login = Login {
            username: &attempt.username,
            password: &attempt.secret,
        };
        let trying = log_in(outbound, &attempt.address, &login);
        match timeout(settings.outbound_timeout, trying).await {
            Ok(Ok(LoggedIn::Checked)) => Ok("the registry accepts the user name and the password"),
            Ok(Ok(LoggedIn::Unasked)) => Ok(
                "the registry answers everyone, so the user name and the password were not checked",
            ),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!(
                "the registry did not answer within {}",
                counted(settings.outbound_timeout.as_secs_f64(), "second")
            )),
        }
    }

    fn registry_tried(self, caller: &Caller, attempt: &Attempt, success: bool) -> NewAuditEvent {
        let audited = AuditedAction {
            action: "registry_credential.test",
            resource: Resource {
                kind: "registry_credential",
                id: attempt.kept.as_ref().map(|(id, _)| id.to_string()),
                name: attempt.kept.as_ref().map(|(_, name)| name.clone()),
            },
            outcome: if success {
                AuditOutcome::Success
            } else {
                AuditOutcome::Failure
            },
            detail: json!({
                "registry_url": attempt.address.as_str(),
                "username": attempt.username,
            }),
        };
        self.core.event_by(caller, audited)
    }
}

fn failure(message: String, latency: Duration) -> ConnectionTest {
    ConnectionTest {
        success: false,
        message,
        latency,
    }
}

fn checked(form: &ConnectionTestRequest) -> Result<Attempt, InvalidFields> {
    let mut invalid = InvalidFields::default();
    let kind = invalid.parse("registry_type", &form.registry_type);
    let address = checked_address(form.registry_url.as_deref(), kind, &mut invalid);
    let given = checked_username(form.username.as_deref(), &mut invalid);
    let default = || {
        kind.and_then(RegistryType::default_username)
            .map(str::to_owned)
    };
    let username = given.or_else(default);
    if username.is_none() {
        invalid.add("username", NO_USERNAME);
    }
    let secret = given_secret(
        form.encrypted_credential.as_ref(),
        form.password.as_ref(),
        &mut invalid,
    );
    let secret = checked_secret(SECRET_FIELD, secret, &mut invalid);
    match (address, username, secret) {
        (Some(address), Some(username), Some(secret)) if invalid.fields().is_empty() => {
            Ok(Attempt {
                address,
                username,
                secret,
                kept: None,
            })
        }
        _ => Err(invalid),
    }
}
