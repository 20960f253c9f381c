//! Where a login is: in Docker's own file, with the programs that it names, or, where `docker` is
//! Podman under another name, in that one's file.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use reoclo_domain::{RegistryAddress, escaped};
use tokio::task::spawn_blocking;
use tokio::time::Sleep;

use super::super::quiet::{Asker, Unasked};
use super::super::request::Program;
use super::super::{Ending, Request};
use super::files::{self, Filed};
use super::helper;
use super::{DockerCall, DockerCli};

/// Characters of a name or path in a message.
const MOST_SHOWN: usize = 200;

/// What there is of a login.
#[derive(Debug, Default)]
pub(super) struct Sight {
    /// Files that have it, and under which name each.
    pub(super) filed: Vec<(String, String)>,
    /// Helpers that have it, and under which name each.
    pub(super) helpers: Vec<(String, String)>,
    /// Its users, as far as they are told.
    users: BTreeSet<String>,
    /// Somebody has it and does not say for which user.
    is_of_anybody: bool,
    /// What could not be looked at.
    unknown: Vec<String>,
}

impl Sight {
    /// Nothing could be seen, for this reason.
    pub(super) fn of_nothing(why: String) -> Self {
        Self {
            unknown: vec![why],
            ..Self::default()
        }
    }

    pub(super) fn is_there(&self) -> bool {
        !self.filed.is_empty() || !self.helpers.is_empty()
    }

    pub(super) fn is_gone(&self) -> bool {
        !self.is_there() && self.is_whole()
    }

    /// Whether everything could be looked at.
    pub(super) fn is_whole(&self) -> bool {
        self.unknown.is_empty()
    }

    /// Whether it may be the login of this user.
    pub(super) fn is_of(&self, username: &str) -> bool {
        self.is_of_anybody || self.users.contains(username)
    }

    /// Where the login is, for people.
    pub(super) fn places(&self) -> String {
        let mut places = Vec::new();
        if let Some((file, name)) = self.filed.first() {
            let more = match self.filed.len() - 1 {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            places.push(format!("{file} (as {}{more})", escaped(name, MOST_SHOWN)));
        }
        let mut helpers: Vec<_> = self.helpers.iter().map(|(helper, _)| helper).collect();
        helpers.dedup();
        places.extend(helpers.into_iter().map(|helper| helper::program(helper)));
        places.join(" and ")
    }

    /// What could not be looked at, for people.
    pub(super) fn unknown(&self) -> String {
        self.unknown.join("; ")
    }

    fn note(&mut self, user: Option<String>) {
        match user {
            // A helper's word for a token that stands for the user.
            Some(user) if user != "<token>" => drop(self.users.insert(user)),
            _ => self.is_of_anybody = true,
        }
    }

    fn add(&mut self, file: &Path, filed: Filed) -> BTreeSet<String> {
        for login in filed.logins {
            self.note(login.username);
            self.filed.push((shown(file), login.name));
        }
        filed.helpers
    }
}

/// Looks for the login to one registry.
pub(super) struct Looker<'a> {
    registry: &'a RegistryAddress,
    cli: &'a DockerCli,
    asker: Asker<'a>,
    /// Docker's file.
    file: PathBuf,
    /// Where Podman would keep it.
    podmans: PathBuf,
}

impl<'a> Looker<'a> {
    pub(super) fn new(
        call: &'a DockerCall,
        registry: &'a RegistryAddress,
        asker: Asker<'a>,
    ) -> Self {
        let own = asker.user.environment().into_iter();
        let mut environment: Vec<(OsString, OsString)> =
            own.map(|(name, value)| (name.into(), value)).collect();
        environment.extend(call.cli.environment().iter().cloned());
        let file = files::config_file(&call.program, &environment);
        let runtime = environment
            .iter()
            .rev()
            .find(|(name, _)| name == "XDG_RUNTIME_DIR");
        Self {
            registry,
            cli: &call.cli,
            asker,
            // A relative one is meant from where Docker is started.
            file: asker.user.start_directory().join(file),
            podmans: podmans_file(runtime.map(|(_, directory)| &**directory), asker),
        }
    }

    pub(super) fn cli(&self) -> &'a DockerCli {
        self.cli
    }

    pub(super) fn asker(&self) -> Asker<'a> {
        self.asker
    }

    /// The file in which Docker keeps logins.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// The same, for people.
    pub(super) fn shown_file(&self) -> String {
        shown(&self.file)
    }

    /// Looks for the login wherever Docker would.
    pub(super) async fn look(&self, mut limit: Pin<&mut Sleep>) -> Result<Sight, Ending> {
        let mut sight = Sight::default();
        let helpers = match self.read().await {
            Ok(filed) => sight.add(&self.file, filed),
            Err(why) => return Ok(Sight::of_nothing(why)),
        };
        for name in helpers {
            let (registry, asker) = (self.registry, self.asker);
            let keeps = helper::ask(&name, registry, self.cli, asker, limit.as_mut()).await?;
            for (filed_as, user) in keeps.logins {
                sight.note(user);
                sight.helpers.push((name.clone(), filed_as));
            }
            if let Some(why) = keeps.unknown {
                sight.unknown.push(format!(
                    "{why}: install or mend it, or take it out of credHelpers or credsStore in {}",
                    self.shown_file()
                ));
            }
        }
        if let Ok(filed) = self.read_file(&self.podmans).await
            && !filed.logins.is_empty()
            && self.is_podman(limit).await?
        {
            sight.add(&self.podmans, filed);
        }
        Ok(sight)
    }

    /// Reads Docker's file; or says why it tells nothing.
    pub(super) async fn read(&self) -> Result<Filed, String> {
        self.read_file(&self.file).await
    }

    async fn read_file(&self, path: &Path) -> Result<Filed, String> {
        let (user, file) = (self.asker.user.clone(), path.to_owned());
        let registry = self.registry.clone();
        let read = spawn_blocking(move || user.look(|| files::read(&file, &registry)));
        let read = read.await.map_err(io::Error::other);
        match read.and_then(|looked| looked) {
            Ok(Ok(filed)) => Ok(filed),
            Ok(Err(unread)) => Err(format!(
                "{} {unread}: mend or remove it, as the user {}",
                shown(path),
                self.asker.user.name()
            )),
            Err(error) => Err(format!("{} cannot be read ({error})", shown(path))),
        }
    }

    /// Whether `docker` is Podman, which has a file of its own.
    async fn is_podman(&self, limit: Pin<&mut Sleep>) -> Result<bool, Ending> {
        let request = Request {
            program: Program::Docker(self.cli.to_call(vec!["--version".to_owned()], None, None)),
            ..Request::default()
        };
        match self.asker.ask(&request, limit).await {
            Ok(answer) => {
                let said = String::from_utf8_lossy(&answer.stdout).to_ascii_lowercase();
                Ok(said.contains("podman"))
            }
            Err(Unasked::NotStarted(_)) => Ok(false),
            Err(Unasked::Ended(ending)) => Err(ending),
        }
    }
}

/// As in containers-auth.json(5).
fn podmans_file(runtime: Option<&OsStr>, asker: Asker<'_>) -> PathBuf {
    match runtime {
        Some(runtime) => Path::new(runtime).join("containers/auth.json"),
        None => format!("/run/containers/{}/auth.json", asker.user.uid().as_raw()).into(),
    }
}

fn shown(path: &Path) -> String {
    escaped(&path.to_string_lossy(), MOST_SHOWN)
}
