//! Logging a server's Docker in to a registry and out of it (clients.md 2.3).

use async_recursion::async_recursion as boxed;
use reoclo_dispatch::{Payload, Plan, RegistryLoginPayload, RegistryLogoutPayload, Run};
use reoclo_domain::masking::{Patterns, masked_shapes};
use reoclo_domain::{RegistryAddress, RegistryCredentialId, RegistryType, Secret, ServerId};
use reoclo_store::RegistryCredentialRecord;
use serde_json::{Value, json};

use super::Operations;
use super::exec::Executed;
use super::run_note::RunNote;
use crate::attempted::Attempted;
use crate::authorize::Allowed;
use crate::registry_login::{checked_secret, checked_username};
use crate::{Authorized, InvalidFields, Permission, Refusal, RegistryLogin, RegistryLogout};

const LOGIN_SECONDS: u32 = 60;
/// A logout talks to nobody. It ends within the time that an answer waits.
const LOGOUT_SECONDS: u32 = 15;

/// A login with what comes with the request, not yet checked.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct DirectLogin {
    pub registry_url: Option<String>,
    pub username: Option<String>,
    pub access_token: Option<Secret>,
}

/// A login or logout that was accepted.
#[derive(Clone, Debug)]
pub struct RegistryAuth {
    /// The operation, and its outcome unless it runs on.
    pub executed: Executed,
    /// The registry as it was named.
    pub registry_url: RegistryAddress,
    /// Whose registry it is.
    pub registry_type: RegistryType,
}

impl Operations<'_> {
    /// Logs in with a stored credential and waits for it for a short while.
    #[boxed]
    pub async fn registry_login(
        &self,
        proof: Authorized<RegistryLogin>,
        server: ServerId,
        credential: RegistryCredentialId,
        run: RunNote,
    ) -> Result<RegistryAuth, Refusal> {
        let organization = proof.caller().organization();
        let unknown = || Refusal::NotFound("the registry credential");
        let store = self.core.store().registry_credentials();
        let found = store.find(organization, credential).await?;
        found.ok_or_else(unknown)?;
        let allowed = proof.on_server(self.refusals, server).await?;
        self.check_credential(&allowed, Some(credential))?;
        let found = store.open(organization, credential).await?;
        let (record, password) = found.ok_or_else(unknown)?;
        let holder = holder(&allowed, &run);
        let login = stored_login(record, password, run)?;
        self.begin_login(&allowed, login, holder).await
    }

    /// Logs in with what comes with the request; not for a key with a list of credentials.
    #[boxed]
    pub async fn registry_login_direct(
        &self,
        proof: Authorized<RegistryLogin>,
        server: ServerId,
        form: DirectLogin,
        run: RunNote,
    ) -> Result<RegistryAuth, Refusal> {
        let allowed = proof.on_server(self.refusals, server).await?;
        self.check_credential(&allowed, None)?;
        let holder = holder(&allowed, &run);
        let login = direct_login(form, run)?;
        self.begin_login(&allowed, login, holder).await
    }

    /// Logs out. Whoever else logged in and has not logged out keeps the login on the server.
    #[boxed]
    pub async fn registry_logout(
        &self,
        proof: Authorized<RegistryLogout>,
        server: ServerId,
        registry_url: Option<String>,
        run: RunNote,
    ) -> Result<RegistryAuth, Refusal> {
        let allowed = proof.on_server(self.refusals, server).await?;
        let mut invalid = InvalidFields::default();
        let address = checked_address(registry_url.as_deref(), &mut invalid);
        run.check(&mut invalid);
        invalid.into_result()?;
        let registry_url = address.ok_or_else(|| Refusal::field("registry_url", "is missing"))?;
        let registry = registry_url.login_name();
        let holder = holder(&allowed, &run);
        let plan = Plan {
            command: Some(format!("docker logout {registry}")),
            timeout_seconds: LOGOUT_SECONDS,
            run: run.checked(masked_shapes),
            detail: json!({ "registry": registry }),
            payload: Payload::RegistryLogout(RegistryLogoutPayload { registry, holder }),
        };
        Ok(RegistryAuth {
            executed: self.begin_and_wait(&allowed, plan).await?,
            registry_type: RegistryType::of_address(&registry_url),
            registry_url,
        })
    }

    /// A key with a list uses what is on it, and never what comes with a request (rule 4).
    fn check_credential<P: Permission>(
        self,
        allowed: &Allowed<P>,
        credential: Option<RegistryCredentialId>,
    ) -> Result<(), Refusal> {
        let caller = allowed.caller();
        let in_scope = caller.automation_key().is_some_and(|key| {
            let scope = &key.scope.registry_credentials;
            match credential {
                Some(id) => scope.contains(&id),
                None => *scope == reoclo_domain::Scope::All,
            }
        });
        if in_scope {
            return Ok(());
        }
        let wanted = Attempted::of::<P>(caller, allowed.server());
        self.refusals
            .note_of(caller, &Refusal::CredentialNotInScope, &wanted);
        Err(Refusal::CredentialNotInScope)
    }

    async fn begin_login(
        self,
        allowed: &Allowed<RegistryLogin>,
        login: Login,
        holder: String,
    ) -> Result<RegistryAuth, Refusal> {
        let registry = login.registry_url.login_name();
        let plan = Plan {
            command: Some(format!("docker login {registry}")),
            timeout_seconds: LOGIN_SECONDS,
            detail: login.detail(&registry),
            run: login.run,
            payload: Payload::RegistryLogin(RegistryLoginPayload {
                registry,
                username: login.username,
                password: login.password.expose().to_owned(),
                holder,
            }),
        };
        Ok(RegistryAuth {
            executed: self.begin_and_wait(allowed, plan).await?,
            registry_url: login.registry_url,
            registry_type: login.registry_type,
        })
    }
}

/// For whom a login is: the run that it belongs to, or else the key. The organization is part of it,
/// since a run's id is whatever a client says.
fn holder<P>(allowed: &Allowed<P>, run: &RunNote) -> String {
    let organization = allowed.caller().organization();
    let run = run.run_id.as_deref().filter(|id| !id.is_empty());
    if let Some(run) = run {
        return format!("{organization}/run/{run}");
    }
    let key = allowed.caller().actor().id.unwrap_or_default();
    format!("{organization}/key/{key}")
}

/// A login within all limits.
struct Login {
    credential: Option<RegistryCredentialId>,
    registry_url: RegistryAddress,
    registry_type: RegistryType,
    username: String,
    /// The user name as it may be stored.
    shown_username: String,
    password: Secret,
    run: Run,
}

impl Login {
    fn detail(&self, registry: &str) -> Value {
        json!({
            "registry": registry,
            "registry_credential_id": self.credential,
            "username": self.shown_username,
        })
    }
}

fn stored_login(
    record: RegistryCredentialRecord,
    password: Secret,
    run: RunNote,
) -> Result<Login, Refusal> {
    let mut invalid = InvalidFields::default();
    let registry_type = record.registry_type.registry_type();
    let default = || registry_type.default_username().map(str::to_owned);
    let username = record.username.or_else(default);
    if username.is_none() {
        let problem = "names a registry credential without a user name: give it one";
        invalid.add("credential_id", problem);
    }
    run.check(&mut invalid);
    invalid.into_result()?;
    let hidden = hiding(&password);
    let username = username.unwrap_or_default();
    Ok(Login {
        credential: Some(record.id),
        registry_url: record.registry_url,
        registry_type,
        shown_username: hidden.masked(&username),
        username,
        run: run.checked(|text| hidden.masked(text)),
        password,
    })
}

fn direct_login(form: DirectLogin, run: RunNote) -> Result<Login, Refusal> {
    let mut invalid = InvalidFields::default();
    let address = checked_address(form.registry_url.as_deref(), &mut invalid);
    let username = checked_username(form.username.as_deref(), &mut invalid);
    if username.is_none() {
        invalid.add("username", "is missing");
    }
    let token = checked_secret("access_token", form.access_token, &mut invalid);
    run.check(&mut invalid);
    invalid.clone().into_result()?;
    let (Some(registry_url), Some(username), Some(password)) = (address, username, token) else {
        return Err(Refusal::InvalidRequest(invalid));
    };
    let hidden = hiding(&password);
    Ok(Login {
        credential: None,
        registry_type: RegistryType::of_address(&registry_url),
        registry_url,
        shown_username: hidden.masked(&username),
        username,
        run: run.checked(|text| hidden.masked(text)),
        password,
    })
}

fn hiding(password: &Secret) -> Patterns {
    Patterns::of_secret(password.expose().as_bytes())
}

fn checked_address(text: Option<&str>, invalid: &mut InvalidFields) -> Option<RegistryAddress> {
    let Some(text) = text else {
        invalid.add("registry_url", "is missing");
        return None;
    };
    text.parse()
        .inspect_err(|problem: &reoclo_domain::RegistryAddressError| {
            invalid.add("registry_url", problem.to_string());
        })
        .ok()
}
