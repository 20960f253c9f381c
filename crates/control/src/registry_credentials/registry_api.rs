//! Logging in to a registry as Docker does: `/v2/`, and a token where the registry wants one
//! (Docker Registry HTTP API V2; distribution's token authentication).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderValue, StatusCode};
use reoclo_domain::{RegistryAddress, Secret};
use serde::Deserialize;

use super::challenge::Challenge;
use crate::outbound::{Answer, Outbound, OutboundError, OutboundUrl};

/// Why a registry cannot be logged in to. The messages are for whoever tries.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoginError {
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    #[error("the registry refused the user name or the password")]
    Refused,
    #[error("it answers {0} to /v2/, as no registry does: check the address")]
    NoRegistry(StatusCode),
    #[error("the registry redirects to elsewhere, which is not followed: name that address")]
    Redirect,
    #[error("the registry asks for a login in a way that is not known here")]
    Challenge,
    #[error("the registry sends logins to an address that is not secure or cannot be read")]
    Realm,
    #[error("the server that gives tokens for the registry answers {0}")]
    TokenServer(StatusCode),
    #[error("the server that gives tokens for the registry sent none")]
    NoToken,
}

/// What a login showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LoggedIn {
    /// User name and password are right.
    Checked,
    /// The registry is open to everyone, so nothing was checked.
    Unasked,
}

/// Who logs in.
pub(super) struct Login<'l> {
    pub(super) username: &'l str,
    pub(super) password: &'l Secret,
}

impl Login<'_> {
    /// Docker takes one end of line off what it reads (its login's `--password-stdin`).
    fn basic(&self) -> HeaderValue {
        let password = self.password.expose();
        let password = password.strip_suffix('\n').unwrap_or(password);
        let password = password.strip_suffix('\r').unwrap_or(password);
        let both = BASE64_STANDARD.encode(format!("{}:{password}", self.username));
        secret_header(&format!("Basic {both}")).unwrap_or(HeaderValue::from_static("Basic"))
    }
}

/// Logs in to the registry at `address`.
pub(super) async fn log_in(
    outbound: &Outbound,
    address: &RegistryAddress,
    login: &Login<'_>,
) -> Result<LoggedIn, LoginError> {
    let (api, first) = reach(outbound, address).await?;
    if first.status.is_success() {
        return Ok(LoggedIn::Unasked);
    }
    if first.status != StatusCode::UNAUTHORIZED {
        return Err(unexpected(first.status));
    }
    let authorization = match Challenge::of(&first.headers).ok_or(LoginError::Challenge)? {
        Challenge::Basic => login.basic(),
        Challenge::Bearer {
            realm,
            service,
            scope,
        } => {
            let realm = token_url(&realm, &api, service, scope, login.username)?;
            token(outbound, &realm, login).await?
        }
    };
    let second = outbound.get(&api, Some(authorization)).await?;
    match second.status {
        status if status.is_success() => Ok(LoggedIn::Checked),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(LoginError::Refused),
        status => Err(unexpected(status)),
    }
}

/// The first answer of the registry's API. An address that does not say how it speaks, speaks
/// TLS; on this machine alone plaintext will do, as it does for Docker.
async fn reach(
    outbound: &Outbound,
    address: &RegistryAddress,
) -> Result<(OutboundUrl, Answer), LoginError> {
    let api = |plaintext| OutboundUrl::new(plaintext, address.api_host(), address.port(), "/v2/");
    let url = api(address.plaintext().unwrap_or(false));
    match outbound.get(&url, None).await {
        Ok(answer) => Ok((url, answer)),
        Err(OutboundError::Tls(..))
            if address.plaintext().is_none() && outbound.is_loopback(&url).await =>
        {
            let url = api(true);
            let answer = outbound.get(&url, None).await?;
            Ok((url, answer))
        }
        Err(error) => Err(error.into()),
    }
}

fn unexpected(status: StatusCode) -> LoginError {
    if status.is_redirection() {
        LoginError::Redirect
    } else {
        LoginError::NoRegistry(status)
    }
}

/// Where to ask for a token. A registry with TLS may not send passwords where there is none.
fn token_url(
    realm: &str,
    api: &OutboundUrl,
    service: Option<String>,
    scope: Option<String>,
    username: &str,
) -> Result<OutboundUrl, LoginError> {
    let url = OutboundUrl::parse(realm).ok_or(LoginError::Realm)?;
    if url.is_plaintext() && !api.is_plaintext() {
        return Err(LoginError::Realm);
    }
    let given = [("service", service), ("scope", scope)];
    let given = given
        .iter()
        .filter_map(|(name, value)| Some((*name, value.as_deref()?)));
    Ok(url.with_parameters(given.chain([("account", username), ("client_id", "reoclo")])))
}

#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
}

async fn token(
    outbound: &Outbound,
    url: &OutboundUrl,
    login: &Login<'_>,
) -> Result<HeaderValue, LoginError> {
    let answer = outbound.get(url, Some(login.basic())).await?;
    match answer.status {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST => {
            return Err(LoginError::Refused);
        }
        status if status.is_redirection() => return Err(LoginError::Redirect),
        status => return Err(LoginError::TokenServer(status)),
    }
    let answer: TokenAnswer =
        serde_json::from_slice(&answer.body).map_err(|_| LoginError::NoToken)?;
    let token = answer.token.or(answer.access_token);
    let token = token.filter(|token| !token.is_empty());
    let header = token.and_then(|token| secret_header(&format!("Bearer {token}")));
    header.ok_or(LoginError::NoToken)
}

fn secret_header(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
