//! As whom commands run, looked up when one needs it and remembered for a while.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reoclo_domain::Clock;
use rustix::fs::{Access, access};
use rustix::process::{Uid, geteuid};
use tokio::sync::Mutex;

use super::{User, UserError, UserLookup, name};
use crate::data_dir::{DataDir, make_private};
use crate::look_up::{Answer, Wanted};

/// How long an answer holds: who leaves a group may use it for so much longer.
const KEPT: Duration = Duration::from_mins(1);
/// How long there being none does: whoever makes the user need not wait long, and many commands
/// do not wait for a dead source one after the other.
const FAILURE_KEPT: Duration = Duration::from_secs(5);
/// Where those are at home, inside the data directory, who have no other place.
const HOME: &str = "home";

/// One of the two that commands run as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// The user whom commands run as.
    ExecUser,
    /// The supervisor's own.
    Own,
}

/// Knows both for a minute at a time.
pub(crate) struct Users {
    exec_user: Option<String>,
    lookup: UserLookup,
    /// Where this process was told to be at home.
    home: Option<PathBuf>,
    /// Where it is at home otherwise.
    own_home: PathBuf,
    clock: Arc<dyn Clock>,
    named: Mutex<Option<Known>>,
    own: Mutex<Option<Known>>,
}

struct Known {
    until: Duration,
    user: Result<User, UserError>,
}

impl Users {
    /// `home` is where this process was told to be at home, if it was.
    pub(crate) fn new(
        exec_user: Option<String>,
        lookup: UserLookup,
        home: Option<PathBuf>,
        data: &DataDir,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            exec_user,
            lookup,
            own_home: own_home(data),
            home,
            clock,
            named: Mutex::default(),
            own: Mutex::default(),
        }
    }

    /// The user, from memory or from the host's sources. Of several who ask at once, one does.
    pub(crate) async fn find(&self, who: Who) -> Result<User, UserError> {
        let name = self.exec_user.as_ref().filter(|_| who == Who::ExecUser);
        let mut known = match name {
            Some(_) => self.named.lock().await,
            None => self.own.lock().await,
        };
        if let Some(known) = known
            .as_ref()
            .filter(|known| self.clock.monotonic() < known.until)
        {
            return known.user.clone();
        }
        let user = match name {
            Some(name) => find_named(name, &self.lookup).await,
            None => Ok(self.find_own().await),
        };
        let kept = if user.is_ok() { KEPT } else { FAILURE_KEPT };
        *known = Some(Known {
            until: self.clock.monotonic().saturating_add(kept),
            user: user.clone(),
        });
        user
    }

    /// Whoever this process is runs its commands, known or not: what is unknown are a name and a
    /// home.
    async fn find_own(&self) -> User {
        let me = geteuid();
        let uid = me.as_raw();
        match self.lookup.ask(&Wanted::Numbered(uid)).await {
            Answer::Found(account) if account.uid == uid => User::of(account, false),
            Answer::Found(_) | Answer::Unknown => User::nameless(me, &self.home()),
            Answer::Failed(why) => {
                let home = self.home();
                tracing::warn!(
                    uid,
                    why,
                    home = %home.display(),
                    "this process's own user cannot be looked up now: commands have its number as \
                     their name, and this home"
                );
                User::nameless(me, &home)
            }
        }
    }

    /// Where a process is at home whose user no source knows, as in a container: where its
    /// surroundings say, if it can write there, or else in a place of its own.
    fn home(&self) -> PathBuf {
        if let Some(home) = self.home.as_deref().filter(|home| is_usable(home)) {
            return home.to_owned();
        }
        match make_private(&self.own_home) {
            Ok(()) => self.own_home.clone(),
            Err(error) => {
                tracing::warn!(%error, home = %self.own_home.display(), "there is no home");
                PathBuf::from("/")
            }
        }
    }
}

fn own_home(data: &DataDir) -> PathBuf {
    let home = data.join(HOME);
    std::path::absolute(&home).unwrap_or(home)
}

fn is_usable(home: &Path) -> bool {
    home.is_absolute()
        && home != Path::new("/")
        && home.is_dir()
        && access(home, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

/// The user of a name that whoever started the runner chose.
pub(super) async fn find_named(name: &str, lookup: &UserLookup) -> Result<User, UserError> {
    name::check(name)?;
    let answer = lookup.ask(&Wanted::Named(name.to_owned())).await;
    named(name, geteuid(), answer)
}

fn named(name: &str, me: Uid, answer: Answer) -> Result<User, UserError> {
    let account = match answer {
        Answer::Found(account) => account,
        Answer::Unknown => return Err(UserError::Unknown(name.to_owned())),
        Answer::Failed(why) => {
            return Err(UserError::Source {
                name: name.to_owned(),
                why,
            });
        }
    };
    if account.uid == 0 && name != "root" {
        return Err(UserError::Root(name.to_owned()));
    }
    if account.uid == me.as_raw() {
        return Ok(User::of(account, false));
    }
    if !me.is_root() {
        return Err(UserError::NotRoot(name.to_owned()));
    }
    Ok(User::of(account, true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::look_up::Account;

    fn account(name: &str, uid: u32) -> Answer {
        Answer::Found(Account {
            name: name.into(),
            uid,
            gid: uid + 1,
            groups: vec![uid + 1, 998],
            home: "/home/x".into(),
            shell: PathBuf::new(),
        })
    }

    #[test]
    fn a_name_is_taken_for_what_the_sources_say() {
        let ci = || account("ci", 1001);
        let user = named("ci", Uid::ROOT, ci()).unwrap();
        assert_eq!(user.name(), "ci");
        let ids = user.switch.unwrap();
        assert_eq!((ids.uid.as_raw(), ids.gid.as_raw()), (1001, 1002));
        let groups: Vec<u32> = ids.groups.iter().map(|gid| gid.as_raw()).collect();
        assert_eq!(groups, [1002, 998]);

        let oneself = named("ci", Uid::from_raw(1001), ci()).unwrap();
        assert_eq!(oneself.switch, None);
        assert!(named("root", Uid::ROOT, account("root", 0)).is_ok());
    }

    #[test]
    fn what_cannot_be_is_told_apart() {
        let error = |name: &str, me: u32, answer| {
            let found = named(name, Uid::from_raw(me), answer);
            found.unwrap_err().to_string()
        };
        let not_root = error("ci", 1002, account("ci", 1001));
        assert!(not_root.contains("only root"), "{not_root}");
        let unknown = error("ci", 0, Answer::Unknown);
        assert!(unknown.contains("there is no user \"ci\""), "{unknown}");
        let failed = error("ci", 0, Answer::Failed("the directory is away".into()));
        assert!(
            failed.contains("cannot look up the user \"ci\" now"),
            "{failed}"
        );
        assert!(failed.contains("the directory is away"), "{failed}");
        let toor = error("toor", 0, account("toor", 0));
        assert!(toor.contains("is root under another name"), "{toor}");
        let renamed = error("Root", 0, account("root", 0));
        assert!(renamed.contains("is root under another name"), "{renamed}");
    }
}
