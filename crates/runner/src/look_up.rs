//! The process that looks a user up as the C library does: in every source that the host's
//! `nsswitch.conf` names, a directory service as well as `/etc/passwd`.
//!
//! A source may hang, start threads, keep connections and change whoever asks it. So nobody who
//! has anything else to do asks: this is the same program, begun in another way before anything
//! else is set up, and it ends with its answer.

mod answer;
mod services;

use std::ffi::{CString, OsString};
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use nix::errno::Errno;
use nix::unistd::{Gid, Uid, User, getgrouplist};

pub(crate) use answer::{Account, Answer, LONGEST as LONGEST_ANSWER};

/// The argument that makes the program this process; what is wanted follows.
pub(crate) const ARGUMENT: &str = "look-up-user";
/// Seconds after which it ends by itself, when nobody is left to end it.
const LONGEST: libc::c_uint = 10;

/// Whom to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Named(String),
    /// Whose number this is; without groups, which whoever has it has already.
    Numbered(u32),
}

impl Wanted {
    /// The last two arguments of the process.
    pub(crate) fn arguments(&self) -> [OsString; 2] {
        match self {
            Self::Named(name) => ["name".into(), name.into()],
            Self::Numbered(uid) => ["uid".into(), uid.to_string().into()],
        }
    }

    fn read(kind: &OsString, value: &OsString) -> Option<Self> {
        let value = value.to_str()?;
        match kind.to_str()? {
            "name" => Some(Self::Named(value.to_owned())),
            "uid" => Some(Self::Numbered(value.parse().ok()?)),
            _ => None,
        }
    }
}

/// Whom this process was started to look up, if it was.
pub fn wanted_user(arguments: impl IntoIterator<Item = OsString>) -> Option<WantedUser> {
    let mut arguments = arguments.into_iter().skip(1);
    if arguments.next()? != ARGUMENT {
        return None;
    }
    let wanted = Wanted::read(&arguments.next()?, &arguments.next()?)?;
    arguments.next().is_none().then_some(WantedUser(wanted))
}

/// A user to look up in this process.
#[derive(Debug)]
pub struct WantedUser(Wanted);

/// Looks the user up, says on standard output what is known, and ends this process.
#[expect(
    unsafe_code,
    reason = "the time limit is the kernel's, and the end must not wait for anybody's exit handlers"
)]
pub fn look_user_up(wanted: &WantedUser) -> ! {
    // SAFETY: it changes when the kernel ends this process, and nothing else.
    unsafe { libc::alarm(LONGEST) };
    let answer = ask(&wanted.0);
    let mut out = std::io::stdout();
    let written = out.write_all(&answer.to_bytes()).and_then(|()| out.flush());
    // SAFETY: it ends this process. What a source would still do at a proper end may hang.
    unsafe { libc::_exit(i32::from(written.is_err())) }
}

fn ask(wanted: &Wanted) -> Answer {
    let found = match wanted {
        Wanted::Named(name) => User::from_name(name),
        Wanted::Numbered(uid) => User::from_uid(Uid::from_raw(*uid)),
    };
    match (found, wanted) {
        (Ok(Some(found)), Wanted::Named(_)) => with_groups(found),
        (Ok(Some(found)), Wanted::Numbered(_)) => Answer::Found(account(found, Vec::new())),
        (Ok(None), Wanted::Numbered(_)) => Answer::Unknown,
        // The C library forgets a source that failed as soon as the next one answers.
        (Ok(None), Wanted::Named(name)) => {
            services::failure(name).map_or(Answer::Unknown, Answer::Failed)
        }
        (Err(error), Wanted::Named(name)) => match services::failure(name) {
            Some(why) => Answer::Failed(why),
            None if means_unknown(error) => Answer::Unknown,
            None => Answer::Failed(error.desc().to_owned()),
        },
        (Err(error), Wanted::Numbered(_)) if means_unknown(error) => Answer::Unknown,
        (Err(error), Wanted::Numbered(_)) => Answer::Failed(error.desc().to_owned()),
    }
}

/// A file or a library of a source that is not there knows nobody (getpwnam(3)).
fn means_unknown(error: Errno) -> bool {
    matches!(error, Errno::ENOENT | Errno::ESRCH)
}

fn with_groups(found: User) -> Answer {
    let Ok(name) = CString::new(found.name.as_str()) else {
        return Answer::Failed("its name holds a NUL character".to_owned());
    };
    match getgrouplist(&name, found.gid) {
        Ok(groups) => {
            let groups = groups.into_iter().map(Gid::as_raw).collect();
            Answer::Found(account(found, groups))
        }
        Err(error) => Answer::Failed(format!("its groups: {}", error.desc())),
    }
}

fn account(found: User, groups: Vec<u32>) -> Account {
    Account {
        name: found.name,
        uid: found.uid.as_raw(),
        gid: found.gid.as_raw(),
        home: found.dir,
        shell: found.shell,
        groups,
    }
}

/// A text of bytes, as the host's files and services have them.
fn bytes(text: impl AsRef<std::ffi::OsStr>) -> Vec<u8> {
    text.as_ref().as_bytes().to_vec()
}

fn os_text(bytes: &[u8]) -> OsString {
    OsString::from_vec(bytes.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_arguments_begin_it() {
        let wanted = |words: &[&str]| {
            let words = words.iter().map(OsString::from);
            wanted_user(words).map(|wanted| wanted.0)
        };
        for asked in [Wanted::Named("-x".into()), Wanted::Numbered(7)] {
            let [kind, value] = asked.arguments();
            let words = ["reoclo".into(), ARGUMENT.into(), kind, value];
            assert_eq!(wanted_user(words).map(|wanted| wanted.0), Some(asked));
        }
        for words in [
            &["reoclo", ARGUMENT][..],
            &["reoclo", ARGUMENT, "name"],
            &["reoclo", ARGUMENT, "uid", "root"],
            &["reoclo", ARGUMENT, "name", "a", "b"],
            &["reoclo", "up", "name", "a"],
            &["reoclo"],
        ] {
            assert_eq!(wanted(words), None, "{words:?}");
        }
    }

    #[test]
    fn who_runs_everything_is_known() {
        let Answer::Found(root) = ask(&Wanted::Named("root".into())) else {
            panic!("there is no root");
        };
        assert_eq!((root.uid, root.gid), (0, 0));
        assert!(root.groups.contains(&0));
        let unknown = Wanted::Named("nobody-of-that-name".into());
        assert_eq!(ask(&unknown), Answer::Unknown);
    }
}
