//! What becomes of commands whose supervisor was killed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reoclo_wire::proto::finished::State;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::UnixStream;

use crate::ambient::eventually;
use crate::runner::real_supervisor;
use crate::supervisor::{Client, exec, new_id};
use crate::trees::{WAYS, kill, mark, sleepers, sleeps};

/// A supervisor as a process of its own, which can be killed.
struct Killable {
    dir: TempDir,
    variables: Vec<String>,
    process: Option<Child>,
}

impl Killable {
    fn start(cgroups: bool) -> Self {
        let ways: &[&str] = if cgroups { &[] } else { &["NO_CGROUPS=1"] };
        let mut killable = Self {
            dir: tempfile::tempdir().unwrap(),
            variables: ways.iter().map(|&way| way.to_owned()).collect(),
            process: None,
        };
        killable.start_again();
        killable
    }

    fn start_again(&mut self) {
        let real = real_supervisor(self.dir.path());
        let mut command = Command::new(real.program);
        command.args(&self.variables).args(real.args);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        self.process = Some(command.spawn().unwrap());
    }

    fn kill(&mut self) {
        let mut process = self.process.take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    async fn client(&self) -> Client {
        let socket = self.file("supervisor.sock");
        eventually("a client", async || {
            Client::try_open(UnixStream::connect(&socket).await.ok()?).await
        })
        .await
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn started(&self, id: &str) -> PathBuf {
        self.file(&format!("spool/{id}.started"))
    }
}

impl Drop for Killable {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// A tree that no process group holds together.
fn tree(mark: &str) -> String {
    format!("echo go; setsid -f sleep {mark} >/dev/null 2>&1; sleep {mark}; exit 3")
}

/// Starts it, and kills the supervisor while it runs.
async fn orphaned(killable: &mut Killable, command: &str, seconds: u32) -> String {
    let mut client = killable.client().await;
    let id = new_id();
    let mut command = exec(command);
    command.timeout_seconds = seconds;
    let mut following = client.start(&id, command).await;
    following.stdout_has("go\n").await;
    killable.kill();
    id
}

fn change(file: &Path, change: impl FnOnce(&mut Value)) {
    let mut value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    change(&mut value);
    fs::write(file, value.to_string()).unwrap();
}

#[tokio::test]
async fn a_command_of_a_killed_supervisor_is_ended_at_its_time_limit() {
    for cgroups in WAYS {
        let mut killable = Killable::start(cgroups);
        let mark = mark();
        let id = orphaned(&mut killable, &tree(&mark), 3).await;
        sleeps("the tree", &mark, 2).await;
        killable.start_again();
        let mut client = killable.client().await;
        let following = client.follow(&id, 3, 0).await.unwrap();
        assert_eq!(client.running().await, 1);
        let ended = following.ended().await;
        let finished = &ended.finished;
        assert_eq!((finished.state(), ended.code()), (State::Lost, 255));
        let message = &finished.message;
        assert!(message.contains("its time limit of 3 s with"), "{message}");
        assert!(message.contains("before you run it again"), "{message}");
        assert!(finished.duration_us >= 3_000_000, "{finished:?}");
        assert_eq!(finished.left_running, 0);
        assert_eq!(sleepers(&mark), [0; 0], "cgroups: {cgroups}");
        assert_eq!(client.running().await, 0);
        client.forget(&id).await;
        let spool = killable.file("spool");
        assert_eq!(fs::read_dir(spool).unwrap().count(), 0);
        // And others are run as ever.
        assert_eq!(client.sh("exit 4").await.code(), 4);
    }
}

#[tokio::test]
async fn a_limit_that_passed_meanwhile_is_kept_at_once() {
    let mut killable = Killable::start(true);
    let mark = mark();
    let id = orphaned(&mut killable, &tree(&mark), 600).await;
    change(&killable.started(&id), |started| {
        started["until_ms"] = json!(1);
    });
    killable.start_again();
    let mut client = killable.client().await;
    let ended = client.follow(&id, 0, 0).await.unwrap().ended().await;
    assert_eq!(ended.code(), 255);
    assert_eq!(sleepers(&mark), [0; 0]);
}

#[tokio::test]
async fn a_command_of_a_killed_supervisor_can_be_cancelled_with_all_it_started() {
    for cgroups in WAYS {
        let mut killable = Killable::start(cgroups);
        let mark = mark();
        let id = orphaned(&mut killable, &tree(&mark), 600).await;
        killable.start_again();
        let mut client = killable.client().await;
        let following = client.follow(&id, 0, 0).await.unwrap();
        assert!(client.cancel(&id).await);
        let ended = following.ended().await;
        let finished = &ended.finished;
        assert_eq!((finished.state(), ended.code()), (State::Cancelled, 130));
        assert!(finished.message.starts_with("cancelled; "), "{finished:?}");
        assert!(finished.duration_us > 0);
        assert_eq!(sleepers(&mark), [0; 0], "cgroups: {cgroups}");
    }
}

#[tokio::test]
async fn a_command_goes_on_through_the_death_of_its_supervisor_whatever_it_writes() {
    for cgroups in WAYS {
        let mut killable = Killable::start(cgroups);
        let mark = mark();
        let (go, wrote, done) = (
            killable.file("go"),
            killable.file("wrote"),
            killable.file("done"),
        );
        let command = format!(
            "echo go; while [ ! -e '{}' ]; do sleep 0.02; done; echo more && touch '{}'
             head -c 300000 /dev/zero && head -c 300000 /dev/zero >&2 || exit 1
             nohup sleep {mark} >/dev/null 2>&1 & touch '{}'",
            go.display(),
            wrote.display(),
            done.display()
        );
        let id = orphaned(&mut killable, &command, 600).await;
        fs::write(go, "").unwrap();
        // With nobody there to read, a write does not end it.
        eventually("it writes", async || wrote.exists().then_some(())).await;
        killable.start_again();
        let mut client = killable.client().await;
        let ended = client.follow(&id, 0, 0).await.unwrap().ended().await;
        assert!(done.exists(), "it was neither ended nor held up");
        let finished = &ended.finished;
        assert_eq!((finished.state(), ended.code()), (State::Lost, 255));
        assert_eq!(finished.left_running, 1, "{finished:?}");
        assert!(finished.message.contains("ended by itself"), "{finished:?}");
        assert_eq!(sleepers(&mark).len(), 1, "what it left lives");
        kill(&mark);
    }
}

#[tokio::test]
async fn another_user_s_command_is_read_for_and_ended_too() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    for cgroups in WAYS {
        let mut killable = Killable::start(cgroups);
        killable.kill();
        killable.variables.push("EXEC_USER=nobody".to_owned());
        killable.start_again();
        let mark = mark();
        let command =
            format!("echo go; id -un >&2; head -c 300000 /dev/zero && exec setsid -w sleep {mark}");
        let id = orphaned(&mut killable, &command, 600).await;
        killable.start_again();
        let mut client = killable.client().await;
        // More than a pipe holds was written by then.
        sleeps("it goes on", &mark, 1).await;
        let following = client.follow(&id, 0, 0).await.unwrap();
        assert!(client.cancel(&id).await);
        assert_eq!(following.ended().await.code(), 130);
        assert_eq!(sleepers(&mark), [0; 0]);
    }
}

#[tokio::test]
async fn what_ended_before_anybody_looked_is_counted_and_left_alone() {
    for cgroups in WAYS {
        for left in [0, 1] {
            let mut killable = Killable::start(cgroups);
            let mark = mark();
            let (go, done) = (killable.file("go"), killable.file("done"));
            let leave = format!("nohup sleep {mark} >/dev/null 2>&1 &");
            let command = format!(
                "echo go; while [ ! -e '{}' ]; do sleep 0.02; done; {} : >'{}'",
                go.display(),
                if left == 1 { leave.as_str() } else { "" },
                done.display()
            );
            let id = orphaned(&mut killable, &command, 600).await;
            let noted: Value =
                serde_json::from_slice(&fs::read(killable.started(&id)).unwrap()).unwrap();
            let stat = format!("/proc/{}/stat", noted["process"]["pid"]);
            fs::write(go, "").unwrap();
            eventually("it ends", async || {
                let stat = fs::read_to_string(&stat);
                stat.map_or(true, |stat| stat.contains(") Z "))
                    .then_some(())
            })
            .await;
            assert!(done.exists());
            killable.start_again();
            let mut client = killable.client().await;
            let ended = client.follow(&id, 0, 0).await.unwrap().ended().await;
            let finished = &ended.finished;
            assert_eq!((finished.state(), ended.code()), (State::Lost, 255));
            assert_eq!(finished.left_running, left, "{finished:?}");
            assert_eq!(sleepers(&mark).len(), usize::try_from(left).unwrap());
            kill(&mark);
        }
    }
}

#[tokio::test]
async fn a_supervisor_that_is_killed_again_leaves_it_to_the_third() {
    for cgroups in WAYS {
        let mut killable = Killable::start(cgroups);
        let marks = [mark(), mark()];
        let mut ids = Vec::new();
        {
            let mut client = killable.client().await;
            for mark in &marks {
                let id = new_id();
                let mut following = client.start(&id, exec(&tree(mark))).await;
                following.stdout_has("go\n").await;
                ids.push(id);
            }
        }
        for _ in 0..2 {
            killable.kill();
            killable.start_again();
            let mut client = killable.client().await;
            assert_eq!(client.running().await, 2);
        }
        let mut client = killable.client().await;
        for (id, mark) in ids.iter().zip(&marks) {
            assert_eq!(sleepers(mark).len(), 2, "each has its own end");
            let following = client.follow(id, 0, 0).await.unwrap();
            assert!(client.cancel(id).await);
            assert_eq!(following.ended().await.code(), 130);
            assert_eq!(sleepers(mark), [0; 0]);
        }
    }
}

#[tokio::test]
async fn what_an_earlier_version_noted_is_enough_to_find_it() {
    for cgroups in WAYS {
        let mut killable = Killable::start(cgroups);
        let mark = mark();
        let id = orphaned(&mut killable, &tree(&mark), 600).await;
        change(&killable.started(&id), |started| {
            *started = json!({
                "boot_id": started["boot_id"],
                "instance_id": started["instance_id"],
            });
        });
        killable.start_again();
        let mut client = killable.client().await;
        let following = client.follow(&id, 0, 0).await.unwrap();
        assert_eq!(client.running().await, 1);
        assert!(client.cancel(&id).await);
        assert_eq!(following.ended().await.code(), 130);
        assert_eq!(sleepers(&mark), [0; 0]);
    }
}

#[tokio::test]
async fn a_process_that_has_the_number_now_is_not_touched() {
    for group in [json!(null), json!("/no/such/group")] {
        let mut killable = Killable::start(true);
        drop(killable.client().await);
        let mut stranger = Command::new("setsid")
            .args(["sleep", "600"])
            .spawn()
            .unwrap();
        killable.kill();
        let id = new_id();
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
        let noted = json!({
            "boot_id": boot.trim(), "instance_id": "i",
            "since_ms": 1, "until_ms": 1, "limit_ms": 1,
            "process": { "pid": stranger.id(), "begun": 1, "group": group, "pipes": [1, 2] },
        });
        fs::write(killable.started(&id), noted.to_string()).unwrap();
        killable.start_again();
        let mut client = killable.client().await;
        let ended = client.follow(&id, 0, 0).await.unwrap().ended().await;
        assert_eq!(ended.code(), 255);
        assert_eq!(ended.finished.left_running, 0, "{ended:?}");
        assert!(stranger.try_wait().unwrap().is_none(), "it lives");
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }
}

/// As when a command restarts Reoclo.
#[tokio::test]
async fn a_supervisor_that_the_command_itself_started_ends_nothing_of_it() {
    let mut killable = Killable::start(false);
    let mark = mark();
    let id = orphaned(&mut killable, &tree(&mark), 600).await;
    killable.variables.push(format!("REOCLO_OPERATION_ID={id}"));
    change(&killable.started(&id), |started| {
        started["until_ms"] = json!(1);
    });
    killable.start_again();
    let mut client = killable.client().await;
    let ended = client.follow(&id, 0, 0).await.unwrap().ended().await;
    let message = &ended.finished.message;
    assert_eq!(ended.code(), 255);
    assert!(
        message.contains("started the Reoclo that runs"),
        "{message}"
    );
    assert_eq!(sleepers(&mark).len(), 2);
    assert_eq!(client.sh("sleep 0.1 & wait; exit 4").await.code(), 4);
    kill(&mark);
}

/// A writer's own end is what it writes to, and nothing of it is to be noticed.
#[tokio::test]
async fn a_command_s_output_is_a_pipe_like_any_other() {
    let mut killable = Killable::start(true);
    let mut client = killable.client().await;
    let ended = client
        .sh(
            "echo a | cat; echo b >/dev/stdout; tail -n1 -f /etc/hostname --pid=$$ >/dev/null & \
             printf c | tee /dev/stderr; test -p /dev/stdout && kill $! && echo d",
        )
        .await;
    assert_eq!((ended.code(), ended.text()), (0, "a\nb\ncd\n"));
    let ended = client
        .sh("(exec >&-; sleep 0.01); exec >&- 2>&-; sleep 0.01")
        .await;
    assert_eq!(ended.code(), 0);
    killable.kill();
    tokio::time::timeout(Duration::from_secs(30), client.link)
        .await
        .unwrap()
        .unwrap()
        .unwrap_err();
}
