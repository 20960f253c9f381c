//! How commands run and end.

use std::time::Duration;

use reoclo_wire::proto::finished::State;

use crate::ambient::eventually;
use crate::runner::{connected, supervisor_through};
use crate::supervisor::{Supervisor, exec, new_id};

/// Whether a process with this id exists and has not ended.
fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

/// A signal was sent; the process ends a moment later.
async fn gone(pid: &str) {
    eventually("the end of a process", async || {
        (!is_alive(pid)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn exit_codes_and_both_streams_arrive() {
    let supervisor = Supervisor::start();
    let mut client = supervisor.connect().await;
    let ended = client.sh("echo out; echo err >&2; exit 7").await;
    assert_eq!((ended.code(), ended.text()), (7, "out\n"));
    assert_eq!(ended.stderr, b"err\n");
    assert_eq!(ended.finished.state(), State::Completed);
    assert_eq!(
        (ended.finished.stdout_bytes, ended.finished.stderr_bytes),
        (4, 4)
    );
    assert!(ended.finished.duration_us > 0);
}

#[tokio::test]
async fn death_by_a_signal_has_its_number() {
    let supervisor = Supervisor::start();
    let mut client = supervisor.connect().await;
    for signal in [6, 9, 15] {
        let ended = client.sh(&format!("kill -{signal} $$")).await;
        assert_eq!(ended.finished.state(), State::Completed);
        assert_eq!(
            (ended.code(), ended.finished.signal),
            (128 + signal, signal)
        );
    }
}

#[tokio::test]
async fn the_environment_is_cleared() {
    let supervisor = Supervisor::start();
    let mut client = supervisor.connect().await;
    let mut command = exec("env | cut -d= -f1");
    command.env.insert("GIVEN".into(), String::new());
    let ended = client.run(command.clone()).await;
    // PWD and sometimes SHLVL and _ are the shell's own.
    let names: Vec<&str> = ended.text().split_whitespace().collect();
    let ours = [
        "GIVEN",
        "HOME",
        "LANG",
        "LOGNAME",
        "PATH",
        "REOCLO_OPERATION_ID",
        "SHELL",
        "USER",
    ];
    assert!(ours.iter().all(|name| names.contains(name)), "{names:?}");
    // A user who is logged in has a directory of their own as well.
    let shell = ["PWD", "OLDPWD", "SHLVL", "_", "XDG_RUNTIME_DIR"];
    assert!(
        names
            .iter()
            .all(|name| ours.contains(name) || shell.contains(name)),
        "{names:?}"
    );
    command.env.insert("GIVEN".into(), "a b\n$HOME'\"".into());
    "printf %s \"$GIVEN\"".clone_into(&mut command.command);
    assert_eq!(client.run(command).await.text(), "a b\n$HOME'\"");
}

#[tokio::test]
async fn nothing_is_inherited_and_input_is_empty() {
    let supervisor = Supervisor::start();
    let mut client = supervisor.connect().await;
    let ended = client.sh("cat; exec ls /proc/self/fd").await;
    // The fourth is the directory that is being listed.
    assert_eq!((ended.text(), ended.code()), ("0\n1\n2\n3\n", 0));
}

#[tokio::test]
async fn a_command_that_begins_with_a_dash_is_a_command() {
    let supervisor = Supervisor::start();
    let mut client = supervisor.connect().await;
    assert_eq!(client.sh("-x").await.code(), 127);
}

#[tokio::test]
async fn the_working_directory_is_used_and_a_missing_one_is_named() {
    let supervisor = Supervisor::start();
    let mut client = supervisor.connect().await;
    let mut command = exec("pwd -P");
    command.working_directory = supervisor.path().display().to_string();
    let real = supervisor.path().canonicalize().unwrap();
    let ended = client.run(command.clone()).await;
    assert_eq!(ended.text().trim(), real.display().to_string());
    "/no/such/place".clone_into(&mut command.working_directory);
    let ended = client.run(command).await.finished;
    assert_eq!((ended.state(), ended.exit_code), (State::NotRun, 125));
    assert!(
        ended.message.contains("/no/such/place"),
        "{}",
        ended.message
    );
    assert_eq!(ended.field, "working_directory");
}

#[tokio::test]
async fn a_timeout_ends_the_command_and_its_children() {
    let supervisor = Supervisor::start();
    let mut client = supervisor.connect().await;
    let mut command = exec("sleep 600 & echo $! $$; wait");
    command.timeout_seconds = 1;
    let ended = client.run(command).await;
    assert_eq!(ended.finished.state(), State::TimedOut);
    assert_eq!(ended.code(), 124);
    assert!(ended.finished.duration_us >= 1_000_000);
    for pid in ended.text().split_whitespace() {
        gone(pid).await;
    }
}

#[tokio::test]
async fn what_ignores_the_first_signal_is_killed() {
    let supervisor = Supervisor::start();
    let mut client = supervisor.connect().await;
    let command = "trap '' TERM; sleep 600 & echo $! $$; while :; do sleep 1; done";
    let id = new_id();
    let mut following = client.start(&id, exec(command)).await;
    let pids = following.stdout_has("\n").await;
    assert!(client.cancel(&id).await);
    let ended = following.ended().await;
    assert_eq!(
        (ended.finished.state(), ended.code()),
        (State::Cancelled, 130)
    );
    assert_eq!(ended.finished.signal, 9);
    for pid in pids.split_whitespace() {
        gone(pid).await;
    }
}

#[tokio::test]
async fn a_command_may_clean_up_when_it_is_cancelled() {
    let supervisor = Supervisor::start_with(|options| options.kill_grace = Duration::from_secs(30));
    let mut client = supervisor.connect().await;
    let id = new_id();
    let command = "trap 'echo cleaned; exit 3' TERM; echo ready; sleep 600 & wait";
    let mut following = client.start(&id, exec(command)).await;
    following.stdout_has("ready\n").await;
    assert!(client.cancel(&id).await);
    let ended = following.ended().await;
    assert_eq!((ended.text(), ended.code()), ("cleaned\n", 130));
}

#[tokio::test]
async fn a_background_child_neither_holds_the_end_up_nor_dies_with_it() {
    let supervisor = Supervisor::start();
    let mut client = supervisor.connect().await;
    let alive = supervisor.file("alive");
    let go = supervisor.file("go");
    let command = format!(
        "(while [ ! -e {} ]; do sleep 0.01; done; echo x; echo y; touch {}) & echo started",
        go.display(),
        alive.display()
    );
    let ended = client.sh(&command).await;
    assert_eq!((ended.text(), ended.code()), ("started\n", 0));
    std::fs::write(go, "").unwrap();
    eventually("a sign of the child", async || alive.exists().then_some(())).await;
}

#[tokio::test]
async fn no_zombies_are_left() {
    let supervisor = Supervisor::start();
    let mut client = supervisor.connect().await;
    for _ in 0..20 {
        let pid = client.sh("echo $$").await.text().to_owned();
        assert!(!std::fs::exists(format!("/proc/{}", pid.trim())).unwrap());
    }
}

#[tokio::test]
async fn many_run_at_the_same_time() {
    let supervisor = Supervisor::start();
    let client = supervisor.connect().await;
    let host = client.host.clone();
    let runs = (0..100).map(|number| {
        let (rpc, host) = (client.rpc.clone(), host.clone());
        tokio::spawn(async move {
            let link = tokio::spawn(std::future::pending());
            let mut client = crate::supervisor::Client { rpc, link, host };
            let ended = client.sh(&format!("echo {number}; exit {number}")).await;
            assert_eq!(
                (ended.code(), ended.text()),
                (number, format!("{number}\n").as_str())
            );
        })
    });
    for run in runs.collect::<Vec<_>>() {
        run.await.unwrap();
    }
}

#[tokio::test]
async fn secrets_are_masked_in_both_streams() {
    let supervisor = Supervisor::start();
    let mut client = supervisor.connect().await;
    let mut command = exec("printf %s $PW; printf hun; printf %s ter2. ; echo $PW >&2");
    command.env.insert("PW".into(), "hunter2".into());
    command.mask = vec!["hunter2".into()];
    let ended = client.run(command).await;
    assert_eq!(
        (ended.text(), ended.stderr.as_slice()),
        ("******.", b"***\n".as_slice())
    );
    assert_eq!(ended.finished.stdout_bytes, 7);
}

#[tokio::test]
async fn a_password_in_a_url_is_masked_wherever_the_output_is_cut() {
    // Long, so that a busy machine gives nothing up.
    let supervisor = Supervisor::start_with(|options| options.url_grace = Duration::from_mins(10));
    let mut client = supervisor.connect().await;
    let gate = supervisor.file("gate");
    let command = format!(
        "mkfifo {gate}; printf 'see https://u:pass'; read line < {gate}; printf 'word@host/x\\n'; \
         printf 'at https://host' >&2",
        gate = gate.display()
    );
    let mut following = client.start(&new_id(), exec(&command)).await;
    let seen = following.stdout_has("see https://").await;
    assert_eq!(seen, "see https://");
    std::fs::write(&gate, "go\n").unwrap();
    let ended = following.ended().await;
    assert_eq!(ended.text(), "u:***@host/x\n");
    assert_eq!(ended.stderr, b"at https://host");
}

#[tokio::test]
async fn a_url_that_does_not_go_on_is_hidden_after_a_while() {
    let supervisor = Supervisor::start_with(|options| options.url_grace = Duration::from_millis(1));
    let mut client = supervisor.connect().await;
    let gate = supervisor.file("gate");
    let command = format!(
        "mkfifo {gate}; printf 'see https://u:pass'; read line < {gate}; printf 'word@host/x\\n'",
        gate = gate.display()
    );
    let mut following = client.start(&new_id(), exec(&command)).await;
    assert_eq!(following.stdout_has("***").await, "see https://***");
    std::fs::write(&gate, "go\n").unwrap();
    assert_eq!(following.ended().await.text(), "@host/x\n");
}

#[tokio::test]
async fn what_keeps_a_command_from_starting_is_told_without_its_secrets() {
    let supervisor = Supervisor::start();
    let mut client = supervisor.connect().await;
    let mut command = exec("true");
    command.working_directory = "/nowhere/hunter2".into();
    command.mask = vec!["hunter2".into()];
    let ended = client.run(command).await;
    assert_eq!(ended.finished.state(), State::NotRun);
    assert!(ended.finished.message.contains("/nowhere/***"), "{ended:?}");
}

#[tokio::test]
async fn another_user_has_all_its_ids_and_not_one_more() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let supervisor = Supervisor::start_with(|options| options.exec_user = Some("daemon".into()));
    let mut client = supervisor.connect().await;
    let ended = client.sh("id -un; id -G; echo $USER").await;
    let expected = std::process::Command::new("id")
        .args(["-G", "daemon"])
        .output()
        .unwrap();
    let groups = String::from_utf8(expected.stdout).unwrap();
    assert!(
        ended
            .text()
            .starts_with(&format!("daemon\n{groups}daemon\n")),
        "{ended:?}"
    );
    let mut command = exec("pwd");
    command.working_directory = supervisor.path().display().to_string();
    let ended = client.run(command).await;
    assert_eq!(
        ended.finished.state(),
        State::NotRun,
        "a directory that is closed to the user"
    );
}

#[tokio::test]
async fn another_user_has_its_own_pipes_and_variables() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let supervisor = Supervisor::start_with(|options| options.exec_user = Some("nobody".into()));
    let mut client = supervisor.connect().await;
    let ended = client
        .sh("echo out >/dev/stdout; echo err >/dev/stderr; echo $LOGNAME; echo $PATH")
        .await;
    assert_eq!((ended.code(), ended.stderr.as_slice()), (0, &b"err\n"[..]));
    let lines: Vec<&str> = ended.text().lines().collect();
    assert_eq!(lines[..2], ["out", "nobody"]);
    assert!(
        lines[2]
            .split(':')
            .any(|directory| directory == "/snap/bin")
    );
}

#[tokio::test]
async fn a_directory_that_the_user_may_not_enter_is_named() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let supervisor = Supervisor::start_with(|options| options.exec_user = Some("nobody".into()));
    let mut client = supervisor.connect().await;
    // The data directory is root's alone.
    let inside = supervisor.file("inside");
    std::fs::create_dir(&inside).unwrap();
    let file = supervisor.file("a-file");
    std::fs::write(&file, "").unwrap();
    for (directory, expected) in [
        (inside, "may not enter"),
        (supervisor.file("nowhere"), "does not exist"),
        (file, "is no directory"),
    ] {
        let mut command = exec("true");
        command.working_directory = directory.to_str().unwrap().to_owned();
        let ended = client.run(command).await;
        let finished = &ended.finished;
        assert_eq!(finished.state(), State::NotRun, "{finished:?}");
        assert_eq!(finished.field, "working_directory");
        assert!(finished.message.contains(expected), "{}", finished.message);
    }
    let command = exec("true");
    let mut closed = command.clone();
    closed.working_directory = supervisor.path().to_str().unwrap().to_owned();
    let ended = client.run(closed).await;
    assert!(
        ended.finished.message.contains("the user \"nobody\""),
        "{}",
        ended.finished.message
    );
    assert_eq!(client.run(command).await.code(), 0);
}

#[tokio::test]
async fn a_server_without_dev_null_says_so_and_what_to_do() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let without = "mount -t tmpfs none /dev && exec \"$@\"";
    let through = ["unshare", "--mount", "sh", "-c", without, "sh"];
    let mut supervisor = supervisor_through(dir.path(), &through, &[])
        .spawn()
        .unwrap();
    let mut client = connected(dir.path()).await;
    let ended = client.sh("true").await;
    let finished = &ended.finished;
    assert_eq!((finished.state(), ended.code()), (State::NotRun, 125));
    assert!(
        finished.message.contains("cannot open /dev/null"),
        "{finished:?}"
    );
    assert!(
        finished.message.contains("mknod -m 666 /dev/null c 1 3"),
        "{finished:?}"
    );
    supervisor.kill().unwrap();
    supervisor.wait().unwrap();
}
