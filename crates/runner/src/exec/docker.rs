//! `docker login` and `docker logout`: the command line's, since Docker's API stores no login
//! (ADR 6). Started with an argument vector; the password goes through standard input.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reoclo_domain::RegistryAddress;
use reoclo_domain::masking::Patterns;
use reoclo_wire::proto::{RegistryLogin, RegistryLogout};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::Request;
use super::request::{Invalid, Program, checked_timeout};

/// Far above any token; it goes through one pipe.
const LONGEST_PASSWORD: usize = 64 * 1024;

/// Docker's command line on this host; clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct DockerCli(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    program: PathBuf,
    environment: Vec<(OsString, OsString)>,
    /// Docker reads all logins, talks to the registry, and writes all of them back: of two calls
    /// at the same time, one would undo the other.
    turn: Mutex<()>,
}

/// One call of Docker's command line.
pub(super) struct DockerCall {
    pub(super) cli: DockerCli,
    pub(super) args: Vec<String>,
    /// What it reads from its standard input.
    pub(super) input: Option<Zeroizing<Vec<u8>>>,
}

impl DockerCli {
    pub(crate) fn new(program: PathBuf, environment: Vec<(OsString, OsString)>) -> Self {
        Self(Arc::new(Inner {
            program,
            environment,
            turn: Mutex::new(()),
        }))
    }

    pub(super) fn program(&self) -> &PathBuf {
        &self.0.program
    }

    pub(super) fn environment(&self) -> &[(OsString, OsString)] {
        &self.0.environment
    }

    pub(super) fn turn(&self) -> &Mutex<()> {
        &self.0.turn
    }

    /// The request to log in, checked once more.
    pub(crate) fn login(&self, login: RegistryLogin) -> Result<Request, Invalid> {
        let password = Zeroizing::new(Vec::from(login.password));
        check_registry(&login.registry)?;
        if login.username.is_empty() || login.username.contains(char::is_control) {
            return Err(Invalid::Username);
        }
        if password.is_empty() || password.len() > LONGEST_PASSWORD || password.contains(&0) {
            return Err(Invalid::Password);
        }
        let args = vec![
            "login".to_owned(),
            // In one word, so that a name that begins with a dash is no option.
            format!("--username={}", login.username),
            "--password-stdin".to_owned(),
            "--".to_owned(),
            login.registry,
        ];
        Ok(Request {
            patterns: Patterns::new([password.as_slice()]),
            ..self.call(
                args,
                Some(password),
                checked_timeout(login.timeout_seconds)?,
            )
        })
    }

    /// The request to log out.
    pub(crate) fn logout(&self, logout: RegistryLogout) -> Result<Request, Invalid> {
        check_registry(&logout.registry)?;
        let args = vec!["logout".to_owned(), "--".to_owned(), logout.registry];
        Ok(self.call(args, None, checked_timeout(logout.timeout_seconds)?))
    }

    fn call(
        &self,
        args: Vec<String>,
        input: Option<Zeroizing<Vec<u8>>>,
        timeout: Duration,
    ) -> Request {
        Request {
            program: Program::Docker(DockerCall {
                cli: self.clone(),
                args,
                input,
            }),
            timeout,
            ..Request::default()
        }
    }
}

/// A registry comes in the one form in which Docker files its logins.
fn check_registry(name: &str) -> Result<(), Invalid> {
    let address = name.parse::<RegistryAddress>().map_err(Invalid::Registry)?;
    if address.login_name() == name {
        Ok(())
    } else {
        Err(Invalid::RegistryForm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cli() -> DockerCli {
        DockerCli::new("docker".into(), Vec::new())
    }

    fn login(change: impl FnOnce(&mut RegistryLogin)) -> Result<Request, Invalid> {
        let mut login = RegistryLogin {
            registry: "registry.example.com".into(),
            username: "ada".into(),
            password: "password".into(),
            timeout_seconds: 60,
        };
        change(&mut login);
        cli().login(login)
    }

    fn call(request: Request) -> DockerCall {
        match request.program {
            Program::Docker(call) => call,
            Program::Shell(_) | Program::Script(_) | Program::Own(_) => panic!("no call of Docker"),
        }
    }

    #[test]
    fn whatever_a_user_is_called_it_is_one_argument_and_the_password_is_none() {
        for name in [
            "ada",
            "-x",
            "--config=/tmp",
            "$(id)",
            "`id`",
            "a b",
            "a'b\"",
            "..",
            "🐳",
        ] {
            let call = call(login(|login| login.username = name.into()).ok().unwrap());
            let username = format!("--username={name}");
            let expected = [
                "login",
                &username,
                "--password-stdin",
                "--",
                "registry.example.com",
            ];
            assert_eq!(call.args, expected);
            assert_eq!(
                call.input.as_deref().map(Vec::as_slice),
                Some(&b"password"[..])
            );
        }
    }

    #[test]
    fn what_docker_could_take_for_something_else_is_refused() {
        assert!(login(|_| {}).is_ok());
        for registry in [
            "",
            "-x",
            "a b",
            "https://registry.example.com",
            "a.example/b",
            "A.example",
        ] {
            assert!(
                login(|login| login.registry = registry.into()).is_err(),
                "{registry}"
            );
            let logout = RegistryLogout {
                registry: registry.into(),
                timeout_seconds: 1,
            };
            assert!(cli().logout(logout).is_err(), "{registry}");
        }
        for username in ["", "a\nb", "a\0"] {
            assert!(login(|login| login.username = username.into()).is_err());
        }
        for password in [
            String::new(),
            "a\0b".into(),
            "x".repeat(LONGEST_PASSWORD + 1),
        ] {
            assert!(login(|login| login.password = password.into()).is_err());
        }
        assert!(login(|login| login.timeout_seconds = 0).is_err());
    }

    #[test]
    fn no_hostile_value_reaches_docker_as_a_registry() {
        let corpus = include_str!("../../../testkit/corpus/hostile_registries.json");
        let values: Vec<String> = serde_json::from_str(corpus).unwrap();
        for value in values {
            assert!(login(|login| login.registry = value).is_err());
        }
    }
}
