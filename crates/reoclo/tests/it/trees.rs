//! A command and all that it started end together, whatever cgroups there are, and whatever
//! started Reoclo.

use std::fs;

use rustix::process::geteuid;
use serde_json::json;

use crate::fixture::{ControlPlane, Home, Key, wait_until};

/// Mounts of which a machine has one or another, and what the command's own group looks like.
const MACHINES: [(&str, &str, &str); 4] = [
    ("as it is", ":", ""),
    (
        "version 2 alone",
        "umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup",
        "0::*/reoclo-*",
    ),
    (
        "the freezer of version 1",
        "umount -R /sys/fs/cgroup && mount -t tmpfs none /sys/fs/cgroup && \
         mkdir /sys/fs/cgroup/freezer && mount -t cgroup -o freezer none /sys/fs/cgroup/freezer",
        "*:freezer:*/reoclo-*",
    ),
    (
        "read-only",
        "umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && \
         mount -o remount,bind,ro /sys/fs/cgroup",
        "",
    ),
];

/// `up` behind a shell that prepares something.
fn up_after(home: &Home, around: &[&str], prepare: &str) -> Option<ControlPlane> {
    let data = home.data();
    let script = format!(
        "({prepare}) || exit 77; trap '' HUP INT QUIT USR1 USR2; \
         exec reoclo up --output json --listen 127.0.0.1:0 --data-dir '{}'",
        data.display()
    );
    let mut command = home.shell(&script);
    if let [program, arguments @ ..] = around {
        let mut words = arguments.to_vec();
        words.extend(["sh", "-c", &script]);
        let path = command.get_envs().find(|(name, _)| *name == "PATH");
        let path = path.unwrap().1.unwrap().to_owned();
        command = home.any_command(program, &words);
        command.env("PATH", path);
    }
    let mut process = home.spawn(command);
    let mut is_ready = false;
    wait_until("it begins or cannot", || {
        is_ready = process.stdout().contains('\n');
        is_ready || process.has_ended()
    });
    is_ready.then(|| ControlPlane::ready(process))
}

fn is_alive(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

/// Cancels a command that has made a session that nothing leads back from.
fn cancels_all(key: &Key, home: &Home, what: &str) {
    let file = home.path("pid");
    let _ = fs::remove_file(&file);
    let command = format!(
        "trap '' TERM; setsid -f sh -c 'trap \"\" TERM; echo $$ > \"{}\"; exec sleep 600' \
         >/dev/null 2>&1; sleep 600",
        file.display()
    );
    let id = key.start(&command);
    let mut pid = String::new();
    wait_until("it runs", || {
        let text = fs::read_to_string(&file).unwrap_or_default();
        text.trim().clone_into(&mut pid);
        !pid.is_empty()
    });
    assert!(is_alive(&pid), "{what}");
    key.cancel(&id).ok();
    key.ended(&id).is("failed", 130);
    assert!(!is_alive(&pid), "{what}");
}

#[test]
fn a_cancel_ends_everything_on_each_kind_of_machine() {
    if !geteuid().is_root() {
        return;
    }
    for (what, prepare, group) in MACHINES {
        let home = Home::with_timing(&[("inline_wait", 0.1), ("kill_grace", 0.3)]);
        // A machine without the hierarchy cannot show how it is with it.
        let Some(up) = up_after(&home, &["unshare", "--mount"], prepare) else {
            continue;
        };
        let key = up.automation();
        let test = format!(
            "while read -r line; do case $line in {}) echo in;; esac; done < /proc/self/cgroup",
            if group.is_empty() {
                "*/reoclo-*"
            } else {
                group
            }
        );
        let ended = key.ended(&{
            let answer = key.exec(&json!({ "command": test })).ok();
            answer["operation_id"].as_str().unwrap().to_owned()
        });
        match what {
            "read-only" => assert_eq!(ended.stdout, "", "{what}"),
            "as it is" => {}
            _ => assert_eq!(ended.stdout, "in\n", "{what}"),
        }
        cancels_all(&key, &home, what);
        key.ended(&key.start("sleep 0.5; true")).is("completed", 0);
    }
}

#[test]
fn commands_do_not_inherit_what_reoclo_was_told_to_ignore() {
    let home = Home::new();
    let up = up_after(&home, &[], ":").unwrap();
    let ended = up
        .automation()
        .run("grep -E '^Sig(Blk|Ign):' /proc/self/status | cut -f2 | tr -d '0\\n'");
    ended.is("completed", 0);
    assert_eq!(ended.stdout, "");
}

#[test]
fn the_first_process_of_a_container_reaps() {
    if !geteuid().is_root() {
        return;
    }
    let home = Home::new();
    let around = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];
    let Some(up) = up_after(&home, &around, ":") else {
        return;
    };
    let key = up.automation();
    // Left behind by a supervisor that is killed, so that it becomes the first process's.
    let left = key.run("echo $PPID; for n in 1 2 3; do setsid -f sleep 1 >/dev/null 2>&1; done");
    left.is("completed", 0);
    let supervisor = left.stdout.trim().to_owned();
    let killed = key.run(&format!("kill -9 {supervisor}"));
    killed.is("failed", 255);
    let look = "for stat in /proc/[0-9]*/stat; do read -r line < $stat 2>/dev/null && \
                case $line in *') Z '*) echo $line;; esac; done; true";
    wait_until("no zombies are left", || {
        // Until there is another supervisor, nothing can be run.
        let seen = key.exec(&json!({ "command": look }));
        seen.status == 200 && {
            let seen = seen.ok();
            seen["status"] == "completed" && seen["stdout"] == ""
        }
    });
}
