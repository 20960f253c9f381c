//! A command's end is the end of everything that it started, and what it leaves on purpose lives.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use reoclo_wire::proto::finished::State;

use crate::ambient::eventually;
use crate::runner::{connected, supervisor_through};
use crate::supervisor::{Client, Supervisor, exec, new_id};

/// With a cgroup for each command, where this machine has them, and without.
pub const WAYS: [bool; 2] = [true, false];

fn start(cgroups: bool) -> Supervisor {
    Supervisor::start_with(|options| options.cgroups = cgroups)
}

/// A time to sleep that no other process sleeps, by which a process is found.
pub fn mark() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("600.{}{number:04}", std::process::id())
}

/// The processes that sleep for so long and have not ended.
pub fn sleepers(mark: &str) -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let words: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
        words.ends_with(&[b"sleep", mark.as_bytes(), b""])
    })
    .collect()
}

pub async fn sleeps(command: &str, mark: &str, many: usize) {
    eventually(command, async || {
        (sleepers(mark).len() >= many).then_some(())
    })
    .await;
}

pub fn kill(mark: &str) {
    for pid in sleepers(mark) {
        let killed = Command::new("kill").args(["-9", &pid.to_string()]).status();
        assert!(killed.unwrap().success());
    }
}

/// Ways in which a process leaves the group, the session or the parents that it was born with.
fn escapes(mark: &str) -> Vec<String> {
    let sleep = format!("sleep {mark}");
    vec![
        format!("timeout 300 {sleep} & wait"),
        format!("timeout 300 {sleep}"),
        format!("set -m; {sleep} & wait"),
        format!("setsid {sleep} & wait"),
        format!("setsid -f {sleep}; sleep 600"),
        format!("setsid -f {sleep} >/dev/null 2>&1 </dev/null; sleep 600"),
        format!("nohup {sleep} >/dev/null 2>&1 & exec sleep 600"),
        format!("(sh -c '{sleep} & exit' >/dev/null 2>&1); exec sleep 600"),
        format!("setsid -f sh -c 'setsid -f sh -c \"{sleep}; :\"' >/dev/null 2>&1; sleep 600"),
        format!("env -i setsid {sleep} & wait"),
        format!("env -i setsid -f {sleep} >/dev/null 2>&1; sleep 600"),
        format!("env -i setsid -f setsid -f {sleep}; exec sleep 600"),
        format!("env -i sh -c '{sleep} & exit'; sleep 600"),
        format!("trap '' TERM HUP INT; setsid -f {sleep}; while :; do sleep 1; done"),
        format!("setpriv --reuid=65534 --regid=65534 --clear-groups setsid {sleep} & wait"),
        format!("setpriv --reuid=65534 --regid=65534 --clear-groups setsid -f {sleep}; sleep 600"),
    ]
}

#[tokio::test]
async fn whatever_a_command_started_ends_with_it() {
    let is_root = rustix::process::geteuid().is_root();
    for cgroups in WAYS {
        let supervisor = start(cgroups);
        let mut client = supervisor.connect().await;
        for number in 0..escapes("").len() {
            let mark = mark();
            let command = escapes(&mark).swap_remove(number);
            if command.starts_with("setpriv") && !is_root {
                continue;
            }
            let id = new_id();
            let following = client.start(&id, exec(&command)).await;
            sleeps(&command, &mark, 1).await;
            assert!(client.cancel(&id).await);
            let ended = following.ended().await;
            assert_eq!(ended.code(), 130, "{command}");
            assert_eq!(ended.finished.message, "cancelled", "{command}");
            assert_eq!(sleepers(&mark), [0; 0], "{command} (cgroups: {cgroups})");
        }
    }
}

#[tokio::test]
async fn a_timeout_ends_the_whole_tree_too() {
    for cgroups in WAYS {
        let supervisor = start(cgroups);
        let mut client = supervisor.connect().await;
        let mark = mark();
        let mut command = exec(&format!(
            "setsid -f sleep {mark} >/dev/null 2>&1; sleep 600"
        ));
        command.timeout_seconds = 1;
        let ended = client.run(command).await;
        assert_eq!(ended.finished.state(), State::TimedOut);
        assert_eq!(ended.finished.message, "stopped after 1 second");
        assert_eq!(sleepers(&mark), [0; 0]);
    }
}

#[tokio::test]
async fn what_forks_as_fast_as_it_can_is_caught() {
    for cgroups in WAYS {
        let supervisor = start(cgroups);
        let mut client = supervisor.connect().await;
        let mark = mark();
        let forks = format!(
            "trap '' TERM; ulimit -u 100000; n=0
             while [ $n -lt 3000 ]; do setsid -f sleep {mark} >/dev/null 2>&1; n=$((n + 1)); done
             sleep 600"
        );
        let id = new_id();
        let following = client.start(&id, exec(&forks)).await;
        sleeps(&forks, &mark, 20).await;
        assert!(client.cancel(&id).await);
        let ended = following.ended().await;
        assert_eq!(ended.finished.message, "cancelled");
        assert_eq!(sleepers(&mark), [0; 0]);
    }
}

#[tokio::test]
async fn a_tree_may_clean_up_before_it_is_killed() {
    for cgroups in WAYS {
        let supervisor = Supervisor::start_with(|options| {
            options.cgroups = cgroups;
            options.kill_grace = Duration::from_secs(30);
        });
        let mut client = supervisor.connect().await;
        let done = supervisor.file("done");
        let inner = format!(
            "trap 'touch {}; exit' TERM; echo ready; while :; do sleep 0.05; done",
            done.display()
        );
        let id = new_id();
        let mut following = client
            .start(&id, exec(&format!("setsid sh -c \"{inner}\" & wait")))
            .await;
        following.stdout_has("ready").await;
        assert!(client.cancel(&id).await);
        assert_eq!(following.ended().await.code(), 130);
        assert!(done.exists(), "it had the time to");
    }
}

async fn left_by(client: &mut Client, command: &str) -> u32 {
    let ended = client.sh(command).await;
    assert_eq!((ended.code(), ended.text()), (0, "done\n"), "{command}");
    ended.finished.left_running
}

/// Waits until the sleeper is what sleeps, and not what is about to start it.
async fn becomes_root(mark: &str) {
    eventually("a sleeper", async || {
        let is_it = |pid: u32| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line == format!("sleep\0{mark}\0").as_bytes()
        };
        sleepers(mark).into_iter().any(is_it).then_some(())
    })
    .await;
}

/// A runner without root, and a command that becomes root, as by `sudo`.
#[tokio::test]
async fn what_may_not_be_ended_is_named() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let without_root = [
        "setpriv",
        "--reuid=47120",
        "--regid=47120",
        "--clear-groups",
    ];
    let mut command = supervisor_through(dir.path(), &without_root, &["KILL_WAIT_MS=500"]);
    chown(dir.path(), Some(47_120), Some(47_120)).unwrap();
    chown(dir.path().join("data"), Some(47_120), Some(47_120)).unwrap();
    let mut supervisor = command.spawn().unwrap();
    let mut client = connected(dir.path()).await;
    let root = dir.path().join("become-root");
    fs::copy("/usr/bin/setpriv", &root).unwrap();
    fs::set_permissions(&root, Permissions::from_mode(0o4755)).unwrap();
    let root = format!("{} --reuid=0 --regid=0 --clear-groups", root.display());

    for around in ["IT & wait", "exec IT", "setsid -f IT; sleep 600"] {
        let mark = mark();
        let command = around.replace("IT", &format!("{root} sleep {mark}"));
        let id = new_id();
        let following = client.start(&id, exec(&format!("id -u; {command}"))).await;
        becomes_root(&mark).await;
        assert!(client.cancel(&id).await);
        let ended = following.ended().await;
        let left = sleepers(&mark);
        assert_eq!(left.len(), 1, "{command}");
        kill(&mark);
        assert_eq!((ended.code(), ended.text()), (130, "47120\n"), "{command}");
        let expected = format!("cancelled; could not be ended: {} (sleep)", left[0]);
        assert_eq!(ended.finished.message, expected, "{command}");
    }

    let mark = mark();
    let mut command = exec(&format!("{root} sleep {mark} & sleep 600"));
    command.timeout_seconds = 5;
    let following = client.start(&new_id(), command).await;
    becomes_root(&mark).await;
    let ended = following.ended().await;
    let left = sleepers(&mark);
    kill(&mark);
    assert_eq!(ended.finished.state(), State::TimedOut);
    let expected = format!(
        "stopped after 5 seconds; could not be ended: {} (sleep)",
        left[0]
    );
    assert_eq!(ended.finished.message, expected);

    let mark = self::mark();
    let command = format!("{root} sleep {mark} >/dev/null 2>&1 & echo done");
    assert_eq!(left_by(&mut client, &command).await, 1);
    kill(&mark);
    supervisor.kill().unwrap();
    supervisor.wait().unwrap();
}

/// Root in a container: it may signal every process and look into none of another user.
#[tokio::test]
async fn what_may_not_be_looked_into_is_found() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let without_tracing = ["setpriv", "--bounding-set=-sys_ptrace,-perfmon,-sys_admin"];
    let variables = ["EXEC_USER=nobody", "NO_CGROUPS=1"];
    let mut command = supervisor_through(dir.path(), &without_tracing, &variables);
    let mut supervisor = command.spawn().unwrap();
    let mut client = connected(dir.path()).await;
    let mark = mark();
    let command = format!("setsid -f sleep {mark} >/dev/null 2>&1; id -un; sleep 600");
    let id = new_id();
    let mut following = client.start(&id, exec(&command)).await;
    following.stdout_has("nobody\n").await;
    sleeps(&command, &mark, 1).await;
    assert!(client.cancel(&id).await);
    let ended = following.ended().await;
    assert_eq!(sleepers(&mark), [0; 0]);
    assert_eq!(ended.code(), 130);
    supervisor.kill().unwrap();
    supervisor.wait().unwrap();
}

#[tokio::test]
async fn what_is_left_running_lives_and_is_counted() {
    for cgroups in WAYS {
        let mut supervisor = start(cgroups);
        let mut client = supervisor.connect().await;
        assert_eq!(left_by(&mut client, "echo done").await, 0);
        let mark = mark();
        for command in [
            format!("nohup sleep {mark} >/dev/null 2>&1 & echo done"),
            format!("sleep {mark} & echo done"),
            format!("setsid -f sleep {mark} >/dev/null 2>&1; echo done"),
        ] {
            assert_eq!(left_by(&mut client, &command).await, 1, "{command}");
        }
        let mut before = sleepers(&mark);
        assert_eq!(before.len(), 3);
        assert_eq!(
            left_by(&mut client, "echo done").await,
            0,
            "others' do not count"
        );

        // Neither another command's end nor the supervisor's is theirs.
        let mut command = exec("setsid sleep 600 & wait");
        command.timeout_seconds = 1;
        assert_eq!(client.run(command).await.code(), 124);
        drop(client);
        supervisor.stop().await;
        let mut after = sleepers(&mark);
        before.sort_unstable();
        after.sort_unstable();
        assert_eq!(after, before);
        kill(&mark);
    }
}

#[tokio::test]
async fn the_dead_that_a_command_left_are_reaped() {
    let zombies = || {
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let stats = entries.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
        let me = format!(") Z {} ", std::process::id());
        stats.filter(|stat| stat.contains(&me)).count()
    };
    for cgroups in WAYS {
        let supervisor = start(cgroups);
        let mut client = supervisor.connect().await;
        for _ in 0..5 {
            client
                .sh("setsid -f sleep 0.05 >/dev/null 2>&1; (sleep 0.01 &)")
                .await;
        }
        eventually("no zombies are left", async || {
            (zombies() == 0).then_some(())
        })
        .await;
        // And no status was taken from who waits for it.
        assert_eq!(client.sh("exit 7").await.code(), 7);
    }
}

/// As in a container that has the /proc of another: the numbers there are others' processes.
#[tokio::test]
async fn a_supervisor_with_the_proc_of_another_container_ends_and_counts_its_own() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    for (cgroups, variables) in [(true, &[][..]), (false, &["NO_CGROUPS=1"])] {
        let dir = tempfile::tempdir().unwrap();
        let around = ["unshare", "--pid", "--fork", "--kill-child"];
        let mut command = supervisor_through(dir.path(), &around, variables);
        let mut supervisor = command.spawn().unwrap();
        let mut client = connected(dir.path()).await;

        let mark = mark();
        let sleep = format!("sleep {mark}");
        let ended = client
            .sh(&format!("{sleep} & {sleep} & {sleep} & echo done"))
            .await;
        assert_eq!((ended.code(), ended.text()), (0, "done\n"));
        let finished = &ended.finished;
        let expected = if cgroups { 3 } else { 1 };
        assert_eq!(finished.left_running, expected, "{finished:?}");
        assert!(finished.message.starts_with("whether anything"));
        assert_eq!(sleepers(&mark).len(), 3, "they live");
        kill(&mark);

        let mark = self::mark();
        let away = if cgroups { "setsid" } else { "" };
        let mut command = exec(&format!(
            "trap '' TERM; {away} sh -c 'sleep {mark} & wait' & sleep {mark}; sleep 600"
        ));
        command.timeout_seconds = 1;
        let ended = client.run(command).await;
        let finished = &ended.finished;
        assert_eq!(finished.state(), State::TimedOut);
        assert!(!finished.message.contains("could not"), "{finished:?}");
        assert_eq!(sleepers(&mark), [0; 0], "cgroups: {cgroups}");

        eventually("no zombies are left", async || {
            (zombies_below(supervisor.id()) == 0).then_some(())
        })
        .await;
        assert_eq!(client.sh("exit 7").await.code(), 7);
        supervisor.kill().unwrap();
        supervisor.wait().unwrap();
    }
}

/// Dead children of the children of a process.
fn zombies_below(pid: u32) -> usize {
    let stats = || {
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let stats = entries.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
        stats.filter_map(|stat| {
            let (pid, rest) = stat.split_once(" (")?;
            let mut rest = rest.rsplit_once(") ")?.1.split(' ');
            let (state, parent) = (rest.next()?.to_owned(), rest.next()?.parse::<u32>().ok()?);
            Some((pid.parse::<u32>().ok()?, state, parent))
        })
    };
    let children: Vec<u32> = stats()
        .filter(|(_, _, parent)| *parent == pid)
        .map(|(pid, ..)| pid)
        .collect();
    stats()
        .filter(|(_, state, parent)| state == "Z" && children.contains(parent))
        .count()
}

#[tokio::test]
async fn every_signal_of_a_command_is_as_it_should_be() {
    let supervisor = Supervisor::start();
    let mut client = supervisor.connect().await;
    let ended = client
        .sh("grep -E '^Sig(Blk|Ign):' /proc/self/status")
        .await;
    assert_eq!(
        ended.text(),
        "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"
    );
}
