//! `docker login` and `docker logout`: the command line's, since Docker's API stores no login
//! (ADR 6). Started with an argument vector; the password goes through standard input.

mod errand;
mod files;
mod helper;
mod holders;
mod sight;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reoclo_domain::masking::Patterns;
use reoclo_domain::{Clock, RegistryAddress};
use reoclo_wire::proto::{RegistryLogin, RegistryLogout};
use tokio::sync::{Mutex, MutexGuard};
use zeroize::Zeroizing;

use super::Request;
use super::request::{Invalid, Program, checked_timeout};
use crate::data_dir::DataDir;
use crate::lock::{Lock, lock_registry_logins};

pub(super) use errand::{Errand, run};
use errand::{What, logout_args};
use holders::Holders;

/// Far above any token; it goes through one pipe.
const LONGEST_PASSWORD: usize = 64 * 1024;

/// Far above the organization and the run or key of which it is made.
const LONGEST_HOLDER: usize = 4096;

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
    data: DataDir,
    holders: Holders,
}

/// The only one that may call Docker.
pub(super) struct Turn<'c> {
    _here: MutexGuard<'c, ()>,
    /// Among supervisors that stand side by side; none where its file cannot be used.
    _everywhere: Option<Lock>,
}

/// One call of Docker's command line.
pub(super) struct DockerCall {
    pub(super) cli: DockerCli,
    /// It, or a program that keeps logins for it.
    pub(super) program: PathBuf,
    pub(super) args: Vec<String>,
    /// What it reads from its standard input.
    pub(super) input: Option<Zeroizing<Vec<u8>>>,
    /// What it is for; none of a call that is part of another.
    pub(super) errand: Option<Errand>,
}

impl DockerCli {
    /// `data` is where it is kept who holds which login.
    pub(crate) fn new(
        program: PathBuf,
        environment: Vec<(OsString, OsString)>,
        data: DataDir,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self(Arc::new(Inner {
            program,
            environment,
            turn: Mutex::new(()),
            data: data.clone(),
            holders: Holders::new(data, clock),
        }))
    }

    fn holders(&self) -> &Holders {
        &self.0.holders
    }

    pub(super) fn environment(&self) -> &[(OsString, OsString)] {
        &self.0.environment
    }

    pub(super) async fn turn(&self) -> Turn<'_> {
        let here = self.0.turn.lock().await;
        let everywhere = lock_registry_logins(&self.0.data).await;
        if let Err(error) = &everywhere {
            tracing::warn!(%error, "another supervisor may change Docker's logins meanwhile");
        }
        Turn {
            _here: here,
            _everywhere: everywhere.ok(),
        }
    }

    /// The request to log in, checked once more.
    pub(crate) fn login(&self, login: RegistryLogin) -> Result<Request, Invalid> {
        let password = Zeroizing::new(Vec::from(login.password));
        let errand = Errand {
            registry: checked_registry(&login.registry)?,
            holder: checked_holder(login.holder)?,
            what: What::Login(login.username.clone()),
        };
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
            patterns: Patterns::of_secret(password.as_slice()),
            ..Self::request(
                self.to_call(args, Some(password), Some(errand)),
                checked_timeout(login.timeout_seconds)?,
            )
        })
    }

    /// The request to log out.
    pub(crate) fn logout(&self, logout: RegistryLogout) -> Result<Request, Invalid> {
        let errand = Errand {
            registry: checked_registry(&logout.registry)?,
            holder: checked_holder(logout.holder)?,
            what: What::Logout,
        };
        let call = self.to_call(logout_args(logout.registry), None, Some(errand));
        Ok(Self::request(
            call,
            checked_timeout(logout.timeout_seconds)?,
        ))
    }

    fn request(call: DockerCall, timeout: Duration) -> Request {
        Request {
            program: Program::Docker(call),
            timeout,
            ..Request::default()
        }
    }

    /// A call of Docker's command line itself.
    fn to_call(
        &self,
        args: Vec<String>,
        input: Option<Zeroizing<Vec<u8>>>,
        errand: Option<Errand>,
    ) -> DockerCall {
        DockerCall {
            cli: self.clone(),
            program: self.0.program.clone(),
            args,
            input,
            errand,
        }
    }
}

/// A registry comes in the one form in which Docker files its logins.
fn checked_registry(name: &str) -> Result<RegistryAddress, Invalid> {
    let address = name.parse::<RegistryAddress>().map_err(Invalid::Registry)?;
    if address.login_name() == name {
        Ok(address)
    } else {
        Err(Invalid::RegistryForm)
    }
}

fn checked_holder(holder: String) -> Result<String, Invalid> {
    if holder.len() > LONGEST_HOLDER {
        return Err(Invalid::Holder);
    }
    Ok(holder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct NoTime;

    impl Clock for NoTime {
        fn now(&self) -> reoclo_domain::Timestamp {
            reoclo_domain::Timestamp::from_micros(0)
        }

        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }
    }

    fn cli() -> DockerCli {
        let data = DataDir::unopened("/nowhere".as_ref());
        DockerCli::new("docker".into(), Vec::new(), data, Arc::new(NoTime))
    }

    fn login(change: impl FnOnce(&mut RegistryLogin)) -> Result<Request, Invalid> {
        let mut login = RegistryLogin {
            registry: "registry.example.com".into(),
            username: "ada".into(),
            password: "password".into(),
            timeout_seconds: 60,
            holder: "a/run/1".into(),
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
                ..RegistryLogout::default()
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
        assert!(login(|login| login.holder = "x".repeat(LONGEST_HOLDER + 1)).is_err());
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
