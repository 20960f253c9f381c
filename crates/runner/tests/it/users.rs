//! As whom commands run: what the host's sources say, and what is done when they do not.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use reoclo_runner::UserLookup;
use reoclo_wire::proto::finished::State;
use reoclo_wire::proto::start_request::Action;
use reoclo_wire::proto::{Reboot, StartRequest};
use rustix::process::geteuid;

use crate::ambient::eventually;
use crate::supervisor::{Ended, Supervisor, exec, new_id};

fn script(text: &str) -> UserLookup {
    UserLookup {
        program: "/bin/sh".into(),
        args: ["-c", text, "sh"].map(Into::into).to_vec(),
        environment: Vec::new(),
        limit: Duration::from_mins(1),
    }
}

fn start(user: Option<&str>, look_up: &str) -> Supervisor {
    Supervisor::start_with(|options| {
        options.exec_user = user.map(Into::into);
        options.user_lookup = script(look_up);
    })
}

fn refusal(ended: &Ended) -> &str {
    let finished = &ended.finished;
    assert_eq!((finished.state(), ended.code()), (State::NotRun, 125));
    &finished.message
}

#[tokio::test]
async fn a_source_that_fails_is_told_from_a_user_who_is_not_there() {
    let failing = [
        ("exit 1", "ended without an answer"),
        ("kill -9 $$", "ended without an answer"),
        (
            "printf 'failed\\0the directory is away\\0'",
            "the directory is away",
        ),
    ];
    for (look_up, why) in failing {
        let supervisor = start(Some("ci"), look_up);
        let mut client = supervisor.connect().await;
        let ended = client.sh("true").await;
        let said = refusal(&ended);
        assert!(
            said.contains("cannot look up the user \"ci\" now"),
            "{said}"
        );
        assert!(said.contains(why) && said.contains("try again"), "{said}");
        assert!(!said.contains("there is no user"), "{said}");
    }
    let supervisor = start(Some("ci"), "printf 'unknown\\0'");
    let mut client = supervisor.connect().await;
    let ended = client.sh("true").await;
    let said = refusal(&ended);
    assert!(
        said.contains("there is no user \"ci\" on this host"),
        "{said}"
    );
    assert!(said.contains("create it"), "{said}");
    assert!(!said.contains("cannot look up"), "{said}");
}

#[tokio::test]
async fn a_source_that_hangs_holds_a_command_up_no_longer_than_it_may() {
    let hangs = script("sleep 600");
    let supervisor = Supervisor::start_with(|options| {
        options.exec_user = Some("ci".into());
        options.user_lookup = UserLookup {
            limit: Duration::from_millis(200),
            ..hangs.clone()
        };
    });
    let mut client = supervisor.connect().await;
    let ended = client.sh("true").await;
    let said = refusal(&ended);
    assert!(said.contains("did not answer within 0.2 seconds"), "{said}");

    // Neither a cancel nor the command's own limit waits for it.
    let supervisor = Supervisor::start_with(|options| {
        options.exec_user = Some("ci".into());
        options.user_lookup = UserLookup {
            limit: Duration::from_mins(10),
            ..hangs
        };
    });
    let mut client = supervisor.connect().await;
    let id = new_id();
    let following = client.start(&id, exec("true")).await;
    assert!(client.cancel(&id).await);
    assert_eq!(following.ended().await.finished.state(), State::Cancelled);
    let mut command = exec("true");
    command.timeout_seconds = 1;
    let ended = client.run(command).await;
    assert_eq!(ended.finished.state(), State::TimedOut);
}

#[tokio::test]
async fn who_was_found_is_known_for_a_minute_and_a_failure_for_moments() {
    let dir = tempfile::tempdir().unwrap();
    let (asked, answer) = (dir.path().join("asked"), dir.path().join("answer"));
    fs::write(&asked, "").unwrap();
    fs::write(&answer, "failed\0away\0").unwrap();
    let look_up = format!("echo x >>'{}'; cat '{}'", asked.display(), answer.display());
    let many = || fs::read_to_string(&asked).unwrap().lines().count();
    // Nobody has to be root for this: it is this process's own user, by a name.
    let supervisor = start(Some("root"), &look_up);
    let mut client = supervisor.connect().await;
    for _ in 0..3 {
        refusal(&client.sh("true").await);
    }
    assert_eq!(many(), 1);

    let (uid, gid) = (geteuid().as_raw(), rustix::process::getegid().as_raw());
    let found = format!("found\0root\0{uid}\0{gid}\0/\0/bin/sh\0{gid}\0");
    fs::write(&answer, found).unwrap();
    assert_eq!(after(&supervisor, 5).await.text(), "root\n");
    assert_eq!(many(), 2);
    fs::write(&answer, "unknown\0").unwrap();
    assert_eq!(after(&supervisor, 59).await.text(), "root\n");
    assert_eq!(many(), 2);
    let ended = after(&supervisor, 1).await;
    assert!(refusal(&ended).contains("there is no user"));
    assert_eq!(many(), 3);
}

/// A command after so many seconds.
async fn after(supervisor: &Supervisor, seconds: u64) -> Ended {
    supervisor.clock.advance(Duration::from_secs(seconds));
    supervisor.connect().await.sh("echo $USER").await
}

#[tokio::test]
async fn many_who_ask_at_once_are_answered_by_one_look_up() {
    let dir = tempfile::tempdir().unwrap();
    let asked = dir.path().join("asked");
    let look_up = format!(
        "echo x >>'{}'; sleep 0.2; printf 'unknown\\0'",
        asked.display()
    );
    let supervisor = start(Some("ci"), &look_up);
    let mut client = supervisor.connect().await;
    let mut all = Vec::new();
    for _ in 0..20 {
        all.push(client.start(&new_id(), exec("true")).await);
    }
    for following in all {
        assert!(refusal(&following.ended().await).contains("there is no user"));
    }
    assert_eq!(fs::read_to_string(&asked).unwrap(), "x\n");
}

#[tokio::test]
async fn a_number_that_no_source_knows_has_a_home_that_it_can_use() {
    let show = "echo $USER $LOGNAME $SHELL; pwd; echo $HOME; cd && : >it-can && ls";
    let uid = geteuid().as_raw();
    let told = tempfile::tempdir().unwrap();
    for look_up in ["printf 'unknown\\0'", "printf 'failed\\0away\\0'", "exit 1"] {
        for home in [None, Some("/"), Some("/no/such/place"), Some("here")] {
            let supervisor = Supervisor::start_with(|options| {
                options.home = home.map(Into::into);
                options.user_lookup = script(look_up);
            });
            let mut client = supervisor.connect().await;
            let home = supervisor.file("home");
            let ended = client.sh(show).await;
            let at = home.display();
            let expected = format!("{uid} {uid} /bin/sh\n{at}\n{at}\nit-can\n");
            assert_eq!((ended.code(), ended.text()), (0, expected.as_str()));
            assert_eq!(fs::metadata(&home).unwrap().mode() & 0o777, 0o700);
        }
        let supervisor = Supervisor::start_with(|options| {
            options.home = Some(told.path().into());
            options.user_lookup = script(look_up);
        });
        let mut client = supervisor.connect().await;
        let ended = client.sh("echo $HOME").await;
        assert_eq!(ended.text().trim(), told.path().to_str().unwrap());
        assert!(!supervisor.file("home").exists());
    }
}

#[tokio::test]
async fn the_host_s_own_programs_do_not_wait_for_the_user_of_commands() {
    let supervisor = Supervisor::start_with(|options| {
        options.exec_user = Some("ci".into());
        options.user_lookup = script("[ $1 = name ] && exec sleep 600; printf 'unknown\\0'");
        options.reboot_command = ["echo", "rebooting"].map(Into::into).to_vec();
    });
    let mut client = supervisor.connect().await;
    let id = new_id();
    let waiting = client.start(&id, exec("true")).await;
    let request = StartRequest {
        action: Some(Action::Reboot(Reboot {
            timeout_seconds: 60,
        })),
        ..client.request(&new_id(), exec(""))
    };
    let ended = client.send(request).await.ended_after_acceptance().await;
    assert_eq!((ended.code(), ended.text()), (0, "rebooting\n"));
    assert!(client.cancel(&id).await);
    waiting.ended().await;
}

#[tokio::test]
async fn nothing_is_left_of_a_look_up() {
    let mark = format!("600.7{}", std::process::id());
    let look_up = format!("sleep {mark} & sleep {mark}");
    let supervisor = Supervisor::start_with(|options| {
        options.exec_user = Some("ci".into());
        options.user_lookup = UserLookup {
            limit: Duration::from_millis(300),
            ..script(&look_up)
        };
    });
    let mut client = supervisor.connect().await;
    refusal(&client.sh("true").await);
    let is_there = || {
        let entries = fs::read_dir("/proc").unwrap().flatten();
        entries
            .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
            .any(|line| {
                line.split(|byte| *byte == 0)
                    .any(|word| word == mark.as_bytes())
            })
    };
    eventually("the processes are gone", async || {
        (!is_there()).then_some(())
    })
    .await;
}
