//! What a command leaves running outlives everything that started it.

use std::fs;
use std::os::unix::process::CommandExt;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::{Value, json};

use crate::fixture::{ControlPlane, Home, eventually, wait_until};

/// What shows that a process is the same one, undisturbed.
#[derive(Debug, PartialEq, Eq)]
struct Survivor {
    pid: u32,
    begun: String,
    files: Vec<String>,
}

impl Survivor {
    fn look(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, fields) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
        let files = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.flatten();
        let mut files: Vec<String> = files
            .map(|file| {
                let target = fs::read_link(file.path()).unwrap_or_default();
                let number = file.file_name();
                format!("{} {}", number.to_string_lossy(), target.display())
            })
            .collect();
        files.sort();
        Some(Self {
            pid,
            begun: (*fields.get(19)?).to_owned(),
            files,
        })
    }

    fn is_unchanged(&self) {
        assert_eq!(Self::look(self.pid).as_ref(), Some(self));
    }
}

/// Waits for a file, writes as much as is asked to both streams, and tells how that went.
fn writer(home: &Home, name: &str, bytes: u64) -> String {
    let (go, done) = (home.path("go"), home.path(name));
    format!(
        "cd '{}'; nohup sh -c '
             while [ ! -e \"{}\" ]; do sleep 0.05; done
             head -c {bytes} /dev/zero; one=$?
             head -c {bytes} /dev/zero >&2; echo $one $? > \"{}\"
             while [ ! -e end ]; do sleep 0.05; done' &
         echo $!",
        home.path("").display(),
        go.display(),
        done.display()
    )
}

/// Leaves a writer behind, and looks at it.
fn leave(home: &Home, up: &ControlPlane, name: &str, bytes: u64) -> Survivor {
    let answer = up
        .automation()
        .exec(&json!({ "command": writer(home, name, bytes) }))
        .ok();
    assert_eq!(answer["exit_code"], 0, "{answer}");
    // The shell, and the sleep that it is in as a rule.
    let left = answer["left_running"].as_u64().unwrap();
    assert!((1..=2).contains(&left), "{answer}");
    let pid = answer["stdout"].as_str().unwrap().trim().parse().unwrap();
    eventually("the survivor waits", || Survivor::look(pid))
}

fn wrote_all(home: &Home, name: &str) {
    wait_until("it wrote everything", || {
        fs::read_to_string(home.path(name)).is_ok_and(|text| text == "0 0\n")
    });
}

fn supervisor(home: &Home) -> u32 {
    let lock = fs::read_to_string(home.own_runner().join("supervisor.lock"));
    lock.unwrap().trim().parse().unwrap()
}

fn kill(pid: u32) {
    let pid = Pid::from_raw(pid.try_into().unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
}

/// The processes that read for survivors of this supervisor.
fn drains(supervisor: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.contains(&format!("(reoclo-drain) S {supervisor} "))
    })
    .collect()
}

fn private_kib(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let private = text.lines().filter(|line| line.starts_with("Private_"));
    private
        .map(|line| {
            let number = line.split_ascii_whitespace().nth(1).unwrap();
            number.parse::<u64>().unwrap()
        })
        .sum()
}

#[test]
fn a_survivor_writes_on_after_everything_was_killed() {
    let home = Home::new();
    let mut up = home.up();
    let survivor = leave(&home, &up, "done", 100 << 20);
    let killed = supervisor(&home);
    let drain = eventually("a process reads for it", || drains(killed).pop());
    assert_eq!(
        fs::read_link(format!("/proc/{drain}/cwd")).unwrap(),
        std::path::Path::new("/")
    );
    assert_eq!(Survivor::look(drain).unwrap().files.len(), 3);
    // As soon as it has given back what it was started with.
    wait_until("it has next to no memory", || private_kib(drain) < 2048);

    kill(killed);
    up.process.kill();
    fs::write(home.path("go"), "").unwrap();
    wrote_all(&home, "done");
    survivor.is_unchanged();
    fs::write(home.path("end"), "").unwrap();
    wait_until("nobody reads any more", || Survivor::look(drain).is_none());
}

#[test]
fn the_sixty_fifth_survivor_lives_like_the_first() {
    let home = Home::new();
    let mut up = home.up();
    let survivors: Vec<Survivor> = (0..66)
        .map(|number| leave(&home, &up, &format!("done{number}"), 1 << 20))
        .collect();
    assert!(up.process.stop().success());
    kill(supervisor(&home));
    fs::write(home.path("go"), "").unwrap();
    for (number, survivor) in survivors.iter().enumerate() {
        wrote_all(&home, &format!("done{number}"));
        survivor.is_unchanged();
    }
}

#[test]
fn an_interrupt_at_the_terminal_ends_up_and_not_what_runs() {
    let home = Home::new();
    let data = home.data();
    let mut command = home.command(&["up", "--output", "json", "--listen", "127.0.0.1:0"]);
    command.args(["--data-dir", data.to_str().unwrap()]);
    // A terminal's interrupt goes to the whole foreground group.
    let mut up = ControlPlane::ready(home.spawn({
        command.process_group(0);
        command
    }));
    let survivor = leave(&home, &up, "done", 1 << 20);
    let group = Pid::from_raw(up.process.pid().try_into().unwrap()).unwrap();
    kill_process_group(group, Signal::INT).unwrap();
    assert!(up.process.ended().success());
    let said = up.process.stderr();
    assert!(!said.contains("not connected"), "{said}");
    fs::write(home.path("go"), "").unwrap();
    wrote_all(&home, "done");
    survivor.is_unchanged();
}

#[test]
fn the_record_says_that_something_goes_on() {
    let home = Home::new();
    let up = home.up();
    let key = up.automation();
    let command = "nohup sleep 30 >/dev/null 2>&1 & nohup sleep 30 >/dev/null 2>&1 &";
    let answer = key.exec(&json!({ "command": command })).ok();
    assert_eq!(answer["left_running"], 2, "{answer}");
    let id = answer["operation_id"].as_str().unwrap();
    let record = key.operation(id).ok();
    assert_eq!(record["result"]["left_running"], 2, "{record}");
    let seen = up.integration().get(&format!("/api/operations/{id}")).ok();
    assert_eq!(seen["result"]["left_running"], 2, "{seen}");
    let none: Value = key.exec(&json!({ "command": "true" })).ok();
    assert_eq!(none["left_running"], 0, "{none}");
}
