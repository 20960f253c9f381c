//! The runner that `up` starts for this machine.

use rustix::process::{Pid, Signal, geteuid, kill_process};

use crate::fixture::{ControlPlane, Home, eventually, wait_until};

#[test]
fn the_runner_is_a_process_of_its_own_that_up_keeps_alive() {
    let home = Home::new();
    let up = home.up();
    let runner = home.runner_pid();
    assert_ne!(runner, up.process.pid().to_string());
    kill(&runner);
    wait_until("there is another runner", || {
        let now = home.runner_pid();
        !now.is_empty() && now != runner
    });
    up.integration().wait_for_status(up.server(), "active");
    up.automation().run("true").is("completed", 0);
}

#[test]
fn a_runner_that_is_killed_before_it_has_enrolled_enrols_later() {
    let home = Home::new();
    let up = home.begin("up", &[]);
    let pid = eventually("there is a runner", || {
        Some(home.runner_pid()).filter(|pid| !pid.is_empty())
    });
    kill(&pid);
    let up = ControlPlane::ready(up);
    up.integration().wait_for_status(up.server(), "active");
    up.automation().run("true").is("completed", 0);
}

#[test]
fn up_on_every_address_connects_its_runner() {
    for listen in ["0.0.0.0:0", "[::]:0"] {
        let home = Home::new();
        let up = home.up_with(&["--listen", listen, "--insecure-http"]);
        up.integration().wait_for_status(up.server(), "active");
        up.automation().run("true").is("completed", 0);
    }
}

#[test]
fn the_supervisor_ends_when_nobody_needs_it() {
    let home = Home::with_timing(&[("supervisor_idle", 0.2)]);
    let mut up = home.up();
    up.automation().run("true").is("completed", 0);
    assert!(up.process.stop().success());
    wait_until("the supervisor ends", || {
        !home.own_runner().join("supervisor.sock").exists()
    });
}

#[test]
fn commands_run_as_the_user_that_is_named() {
    // Only root may become somebody else.
    if !geteuid().is_root() {
        return;
    }
    let home = Home::new();
    let up = home.up_with(&["--exec-user", "nobody"]);
    let ended = up.automation().run("id -un; id -Gn; echo $USER");
    ended.is("completed", 0);
    assert_eq!(ended.stdout, "nobody\nnogroup\nnobody\n");
    let key = home.data().join("master.key");
    let ended = up.automation().run(&format!("cat '{}'", key.display()));
    ended.is("completed", 1);
    assert_eq!(ended.stdout, "");
}

fn kill(pid: &str) {
    let pid = Pid::from_raw(pid.parse().unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
}
