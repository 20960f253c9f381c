//! stderr and stdout that cannot be written. What is said there is lost; nothing else is.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::thread;

use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::write;
use rustix::process::{Pid, Signal, kill_process_group};

use crate::fixture::{Client, ControlPlane, Home, Request, free_port, wait_until};

const REQUESTS: usize = 150;
const CALLERS: usize = 10;

/// A way to write that leads nowhere.
enum Unwritable {
    /// Whoever read it is gone.
    Closed,
    /// Its disk is full.
    Full,
    /// Whoever reads it has stopped reading.
    Stalled,
}

impl Unwritable {
    const ALL: [Self; 3] = [Self::Closed, Self::Full, Self::Stalled];

    /// The end to write to, and what has to be kept meanwhile.
    fn open(&self) -> (Stdio, Option<OwnedFd>) {
        if matches!(self, Self::Full) {
            let full = File::options().write(true).open("/dev/full").unwrap();
            return (full.into(), None);
        }
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        if matches!(self, Self::Closed) {
            return (writer.into(), None);
        }
        fcntl_setfl(&writer, OFlags::NONBLOCK).unwrap();
        while write(&writer, &[b'x'; 512]).is_ok() {}
        fcntl_setfl(&writer, OFlags::empty()).unwrap();
        (writer.into(), Some(reader))
    }
}

#[test]
fn a_log_that_cannot_be_written_harms_nothing() {
    for unwritable in Unwritable::ALL {
        let home = Home::new();
        let mut command = home.begin_command("up", &[]);
        // As much to write as there can be.
        command.env("REOCLO_LOG", "trace");
        let (stderr, _kept) = unwritable.open();
        let mut up = ControlPlane::ready(home.spawn_with(command, |command| {
            command.stderr(stderr);
        }));
        up.integration().wait_for_status(up.server(), "active");
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| {
                let (reads, runs) = (up.integration(), up.automation());
                thread::spawn(move || {
                    for _ in 0..REQUESTS / CALLERS {
                        reads.servers().ok();
                    }
                    runs.run("echo it runs >&2; exit 7").is("completed", 7);
                })
            })
            .collect();
        for caller in callers {
            caller.join().unwrap();
        }
        // The runner is started again, which is a line in the log too.
        let runner = home.runner_pid();
        assert!(!runner.is_empty());
        kill(&runner);
        wait_until("there is another runner", || {
            let now = home.runner_pid();
            !now.is_empty() && now != runner
        });
        up.integration().wait_for_status(up.server(), "active");
        up.automation().run("true").is("completed", 0);
        assert!(up.process.stop().success());
        assert_eq!(home.audit("verify", &[]).code, Some(0));
    }
}

#[test]
fn a_result_that_cannot_be_written_does_not_end_what_serves() {
    for unwritable in Unwritable::ALL {
        let said = match unwritable {
            Unwritable::Stalled => "still to be written to stdout",
            Unwritable::Closed | Unwritable::Full => "could not be written to stdout",
        };
        for what in ["up", "serve"] {
            let home = Home::new();
            let address = format!("127.0.0.1:{}", free_port());
            let command = home.begin_command(what, &["--listen", &address]);
            let (stdout, _kept) = unwritable.open();
            let mut up = home.spawn_with(command, |command| {
                command.stdout(stdout);
            });
            let client = Client::new(&format!("http://{address}"));
            let is_answered = || client.try_send(&Request::get("/healthz")).is_ok();
            wait_until("it answers", is_answered);
            wait_until("it says what was lost", || up.stderr().contains(said));
            assert!(!up.has_ended());
            assert!(is_answered());
            assert!(up.stop().success());
        }
    }
}

#[test]
fn an_exit_code_does_not_depend_on_who_reads_the_error() {
    for unwritable in Unwritable::ALL {
        let home = Home::new();
        for (arguments, code) in [
            (&["up", "--database-url", "postgres://127.0.0.1/x"][..], 2),
            (&["up", "--no-such-flag"], 2),
            (&["runner", "enrol"], 2),
            (&["no-such-command"], 2),
            (&[], 2),
            (&["runner", "--kill-grace", "never"], 2),
            (&["audit", "verify", "--data-dir", "nowhere"], 2),
        ] {
            let (stderr, _kept) = unwritable.open();
            let process = home.spawn_with(home.command(arguments), |command| {
                command.stderr(stderr);
            });
            assert_eq!(process.finished().code, Some(code), "{arguments:?}");
        }
    }
}

#[test]
fn what_is_wrong_with_the_command_line_is_said_once_and_whole() {
    let home = Home::new();
    let finished = home.run(&["up", "--no-such-flag"]);
    assert!(finished.stdout.is_empty());
    let said = finished.stderr;
    let first = "error: unexpected argument '--no-such-flag' found\n";
    assert!(said.starts_with(first), "{said}");
    assert!(said.contains("\nUsage: reoclo up"), "{said}");
    assert!(
        said.ends_with("'--help'.\n") && !said.contains('\u{1b}'),
        "{said:?}"
    );
    let help = home.run(&["--help"]);
    assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""));
    assert!(help.stdout.contains("Usage: reoclo"), "{}", help.stdout);
}

/// The terminal tells everybody who runs in it at once, so the runner may be gone first.
#[test]
fn ctrl_c_is_no_error() {
    let home = Home::new();
    let command = home.begin_command("up", &[]);
    let mut up = ControlPlane::ready(home.spawn_with(command, |command| {
        command.process_group(0);
    }));
    up.integration().wait_for_status(up.server(), "active");
    let group = i32::try_from(up.process.pid()).ok().and_then(Pid::from_raw);
    kill_process_group(group.unwrap(), Signal::INT).unwrap();
    assert!(up.process.ended().success());
    let log = up.process.stderr();
    let said = log
        .lines()
        .filter(|line| !line.contains("Commands run here as root"));
    let said: Vec<_> = said.collect();
    let is_quiet = |line: &&str| !line.contains("ERROR") && !line.contains("WARN");
    assert!(said.iter().all(is_quiet), "{log}");
}

fn kill(pid: &str) {
    let status = Command::new("kill").args(["-9", pid]).status();
    assert!(status.unwrap().success());
}
