//! Has a process of its own look a user up, with a limit on its time.

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use reoclo_domain::counted;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, waitpid};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::super::exit::ExitWatch;
use super::super::launch::{self, Detachment, Entry, Launch, NotLaunched};
use crate::look_up::{ARGUMENT, Answer, LONGEST_ANSWER, Wanted};
use crate::nothing::nothing;
use crate::orphans::Own;
use crate::process;

/// How it is shown in a list of processes.
const NAME: &str = "reoclo";
/// How long the host's sources may take together.
const LIMIT: Duration = Duration::from_secs(5);

/// The program that looks users up: whom to look up is added to its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserLookup {
    /// The program.
    pub program: PathBuf,
    /// Its first arguments.
    pub args: Vec<OsString>,
    /// Its variables besides `PATH`, such as where libraries are looked for.
    pub environment: Vec<(OsString, OsString)>,
    /// How long it may take.
    pub limit: Duration,
}

impl Default for UserLookup {
    /// This program, whatever file has its name by now.
    fn default() -> Self {
        Self {
            program: "/proc/self/exe".into(),
            args: vec![ARGUMENT.into()],
            environment: Vec::new(),
            limit: LIMIT,
        }
    }
}

impl UserLookup {
    /// Asks for a user. Whatever happens to the process, this comes back within the limit.
    pub(super) async fn ask(&self, wanted: &Wanted) -> Answer {
        let process = match Process::start(self, wanted) {
            Ok(process) => process,
            Err(error) => return Answer::Failed(not_started(&error)),
        };
        match timeout(self.limit, process.answer()).await {
            Ok(answer) => answer,
            Err(_) => Answer::Failed(format!(
                "the host's name services did not answer within {}",
                counted(self.limit.as_secs_f32(), "second")
            )),
        }
    }
}

fn not_started(error: &io::Error) -> String {
    if process::can_be_seen() {
        format!("the look-up cannot be started: {error}")
    } else {
        "the look-up cannot be started, since /proc is not mounted".to_owned()
    }
}

/// The process. It is killed, and reaped whenever it is gone, when this is dropped.
struct Process {
    out: Receiver,
    started: Started,
}

struct Started {
    own: Option<Own>,
    /// The process, and the group that it leads.
    pid: Pid,
}

impl Process {
    fn start(lookup: &UserLookup, wanted: &Wanted) -> io::Result<Self> {
        let nothing = nothing()?;
        let (out, theirs) = pipe_with(PipeFlags::CLOEXEC)?;
        let mut command = Command::new(&lookup.program);
        command
            .args(&lookup.args)
            .args(wanted.arguments())
            .env_clear()
            .envs(lookup.environment.iter().cloned())
            .env("PATH", super::PATH)
            .current_dir("/");
        let launch = Launch {
            command: &command,
            known_as: Some(NAME),
            stdio: [nothing.as_fd(), theirs.as_fd(), nothing.as_fd()],
            entry: Entry::None,
            before: None,
            detachment: Detachment::Group,
        };
        let mut pid = None;
        let own = Own::start(|| {
            let started = *pid.insert(launch::launch(&launch)?);
            Ok::<_, NotLaunched>(started.as_raw_nonzero().get().unsigned_abs())
        });
        let own = own.map_err(|error| error.source)?;
        let pid = pid.ok_or(io::ErrorKind::Other)?;
        let started = Started {
            own: Some(own),
            pid,
        };
        Ok(Self {
            out: Receiver::from_owned_fd(out)?,
            started,
        })
    }

    async fn answer(self) -> Answer {
        let Self { out, started } = self;
        let mut bytes = Vec::new();
        let read = out.take(LONGEST_ANSWER).read_to_end(&mut bytes).await;
        drop(started);
        read.ok()
            .and_then(|_| Answer::read(&bytes))
            .unwrap_or_else(|| Answer::Failed("the look-up ended without an answer".to_owned()))
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let Some(own) = self.own.take() else { return };
        let pid = self.pid;
        // It leads the group and was not reaped, so the number is no other's.
        let _ = kill_process_group(pid, Signal::KILL);
        // Without one, this process ends too, and the host's first process reaps it.
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        runtime.spawn(async move {
            ExitWatch::new(pid).ended().await;
            own.take(|| waitpid(Some(pid), WaitOptions::NOHANG).ok().flatten());
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(text: &str) -> UserLookup {
        UserLookup {
            program: "/bin/sh".into(),
            args: ["-c", text, "sh"].map(OsString::from).to_vec(),
            environment: Vec::new(),
            limit: Duration::from_secs(30),
        }
    }

    fn wanted() -> Wanted {
        Wanted::Named("ci".to_owned())
    }

    async fn failure(lookup: &UserLookup) -> String {
        match lookup.ask(&wanted()).await {
            Answer::Failed(why) => why,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn an_answer_is_taken_from_a_process_that_is_told_whom_to_look_up() {
        let said = r#"[ "$*" = "name ci" ] && printf 'found\0ci\0007\0008\0/home/ci\0\0008,9\0'"#;
        let Answer::Found(account) = script(said).ask(&wanted()).await else {
            panic!("it was found");
        };
        assert_eq!(
            (account.uid, account.gid, account.groups),
            (7, 8, vec![8, 9])
        );
        let unknown = script("printf 'unknown\\0'").ask(&wanted()).await;
        assert_eq!(unknown, Answer::Unknown);
    }

    #[tokio::test]
    async fn one_that_dies_or_talks_nonsense_says_nothing_about_the_user() {
        for said in [
            "exit 0",
            "kill -9 $$",
            "echo unknown",
            "printf 'unknown\\0unknown\\0'",
            "printf 'found\\0ci\\0007\\0008\\0/home/ci\\0\\0008,9'; kill -9 $$",
            "printf 'found\\0ci\\0004294967295\\0008\\0/\\0\\0008\\0'",
            "head -c 3000000 /dev/zero",
        ] {
            let why = failure(&script(said)).await;
            assert_eq!(why, "the look-up ended without an answer", "{said}");
        }
        let nowhere = UserLookup {
            program: "/no/such/program".into(),
            ..UserLookup::default()
        };
        let why = failure(&nowhere).await;
        assert!(why.contains("cannot be started"), "{why}");
    }

    #[tokio::test]
    async fn one_that_hangs_is_ended_with_what_it_started() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pids");
        let hangs = UserLookup {
            limit: Duration::from_millis(500),
            ..script(&format!(
                "trap '' TERM; sleep 600 & echo $$ $! >'{}'; wait",
                file.display()
            ))
        };
        // Until the machine had the time to start it.
        let pids = loop {
            let why = failure(&hangs).await;
            assert!(why.contains("did not answer within 0.5 seconds"), "{why}");
            let pids = std::fs::read_to_string(&file).unwrap_or_default();
            if pids.ends_with('\n') {
                break pids;
            }
        };
        for pid in pids.split_whitespace() {
            let pid: u32 = pid.parse().unwrap();
            while crate::process::find(pid).is_some_and(|process| !process.has_ended) {
                tokio::task::yield_now().await;
            }
        }
    }
}
