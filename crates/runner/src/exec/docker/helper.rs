//! Programs that keep Docker's logins in its stead. They are asked by their own protocol
//! (docker/docker-credential-helpers): `list` names all logins, `get` gives one.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use reoclo_domain::masking::masked_shapes;
use reoclo_domain::{RegistryAddress, escaped};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Sleep;
use zeroize::Zeroizing;

use super::super::child::SpawnError;
use super::super::quiet::{Answer, Asker, Unasked};
use super::super::request::Program;
use super::super::{Ending, Request};
use super::{DockerCall, DockerCli};

/// What their programs' names begin with.
const PREFIX: &str = "docker-credential-";
/// What a helper says of a login that it does not have.
const ABSENT: &str = "credentials not found";
/// Characters of a helper's own words.
const MOST_WORDS: usize = 200;

/// What a helper keeps of a registry.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Keeps {
    /// The names of its logins, each with the user where the helper says so.
    pub(super) logins: Vec<(String, Option<String>)>,
    /// Why nobody can tell whether there are others.
    pub(super) unknown: Option<String>,
}

/// The answer to `get`.
#[derive(Deserialize)]
struct Got {
    #[serde(rename = "Username", default)]
    username: String,
    #[serde(rename = "Secret", default)]
    secret: String,
}

/// The program's name, as people know it.
pub(super) fn program(helper: &str) -> String {
    format!("{PREFIX}{}", escaped(helper, MOST_WORDS))
}

/// Asks a helper for the registry's login, under every name that Docker may have given it.
pub(super) async fn ask(
    helper: &str,
    registry: &RegistryAddress,
    cli: &DockerCli,
    asker: Asker<'_>,
    mut limit: Pin<&mut Sleep>,
) -> Result<Keeps, Ending> {
    let mut keeps = Keeps::default();
    if helper.contains(['/', '\0']) {
        keeps.unknown = Some(format!("{} is no name of a program", program(helper)));
        return Ok(keeps);
    }
    let listed = match call(helper, "list", "", cli, asker, limit.as_mut()).await? {
        Ok(answer) => listed(&answer),
        Err(why) => {
            keeps.unknown = Some(why);
            return Ok(keeps);
        }
    };
    let can_list = listed.is_some();
    let mut listed = listed.unwrap_or_else(|| spellings(registry));
    listed.retain(|name| registry.is_filed_as(name));
    let login_name = registry.login_name();
    let is_listed = can_list && listed.contains(&login_name);
    if !is_listed {
        // Not every helper lists what it gives.
        listed.insert(0, login_name.clone());
    }
    for name in listed {
        let said = match call(helper, "get", &name, cli, asker, limit.as_mut()).await? {
            Ok(answer) => said(helper, &answer),
            Err(why) => Said::Unknown(why),
        };
        match said {
            Said::Login(user) => keeps.logins.push((name, user)),
            Said::Nothing => {}
            // What it lists it has, if it gives it or not, and what it does not list it has not.
            Said::Unknown(_) if can_list && (is_listed || name != login_name) => {
                keeps.logins.push((name, None));
            }
            Said::Unknown(_) if can_list => {}
            Said::Unknown(why) => keeps.unknown = Some(why),
        }
    }
    Ok(keeps)
}

/// Has a helper remove a login. Whether it did is looked at.
pub(super) async fn erase(
    helper: &str,
    name: &str,
    cli: &DockerCli,
    asker: Asker<'_>,
    limit: Pin<&mut Sleep>,
) -> Result<(), Ending> {
    let asked = call(helper, "erase", name, cli, asker, limit).await?;
    drop(asked);
    Ok(())
}

/// What an answer to `get` means.
enum Said {
    Login(Option<String>),
    Nothing,
    Unknown(String),
}

fn said(helper: &str, answer: &Answer) -> Said {
    if answer.code != 0 {
        return if is_absent(answer) {
            Said::Nothing
        } else {
            Said::Unknown(complaint(helper, answer))
        };
    }
    let Ok(got) = serde_json::from_slice::<Got>(&answer.stdout) else {
        // It may hold a secret, so it is not shown.
        return Said::Unknown(format!("{} answers no login", program(helper)));
    };
    let secret = Zeroizing::new(got.secret);
    match (got.username.is_empty(), secret.is_empty()) {
        (true, true) => Said::Nothing,
        (true, false) => Said::Login(None),
        (false, _) => Said::Login(Some(got.username)),
    }
}

/// Runs one command of the protocol; the inner error says why the helper could not be asked.
async fn call(
    helper: &str,
    command: &str,
    input: &str,
    cli: &DockerCli,
    asker: Asker<'_>,
    limit: Pin<&mut Sleep>,
) -> Result<Result<Answer, String>, Ending> {
    let request = Request {
        program: Program::Docker(DockerCall {
            cli: cli.clone(),
            program: PathBuf::from(format!("{PREFIX}{helper}")),
            args: vec![command.to_owned()],
            input: Some(Zeroizing::new(input.as_bytes().to_vec())),
            errand: None,
        }),
        timeout: Duration::ZERO,
        ..Request::default()
    };
    match asker.ask(&request, limit).await {
        Ok(answer) => Ok(Ok(answer)),
        Err(Unasked::Ended(ending)) => Err(ending),
        Err(Unasked::NotStarted(SpawnError::NoDocker(_))) => {
            let words = "is not installed where commands look for programs";
            Ok(Err(format!("{} {words}", program(helper))))
        }
        Err(Unasked::NotStarted(SpawnError::Docker(source))) => Ok(Err(format!(
            "{} cannot be started ({source})",
            program(helper)
        ))),
        Err(Unasked::NotStarted(error)) => Ok(Err(format!(
            "{} cannot be started ({error})",
            program(helper)
        ))),
    }
}

/// The names of all logins; none of a helper that cannot tell.
fn listed(answer: &Answer) -> Option<Vec<String>> {
    if answer.code != 0 {
        return None;
    }
    let users: BTreeMap<String, Value> = serde_json::from_slice(&answer.stdout).ok()?;
    Some(users.into_keys().collect())
}

fn is_absent(answer: &Answer) -> bool {
    [&answer.stdout, &answer.stderr].iter().any(|said| {
        let said = Zeroizing::new(String::from_utf8_lossy(said).to_ascii_lowercase());
        said.contains(ABSENT)
    })
}

/// Helpers say on standard output what is wrong. A secret is there only when nothing is.
fn complaint(helper: &str, answer: &Answer) -> String {
    let said = if answer.stdout.trim_ascii().is_empty() {
        &answer.stderr
    } else {
        &answer.stdout
    };
    let said = masked_shapes(&String::from_utf8_lossy(said));
    format!(
        "{} ended with exit code {} ({})",
        program(helper),
        answer.code,
        escaped(&said, MOST_WORDS)
    )
}

/// Names under which a helper that does not list its logins may have one.
fn spellings(registry: &RegistryAddress) -> Vec<String> {
    let login = registry.login_name();
    let host = registry.canonical_name();
    let mut names = vec![
        host.clone(),
        format!("https://{host}"),
        format!("http://{host}"),
        format!("https://{host}/v1/"),
        format!("https://{host}/v2/"),
    ];
    if registry.is_docker_hub() {
        names.extend(["index.docker.io", "https://index.docker.io"].map(str::to_owned));
    } else {
        names.push(format!("https://{login}"));
    }
    names.retain(|name| *name != login);
    names.dedup();
    names
}
