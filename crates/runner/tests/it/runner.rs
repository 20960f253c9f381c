//! A runner in this process, and its supervisor as a real one.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use reoclo_domain::Secret;
use reoclo_runner::{
    Ambient, BackOffRange, MachineFiles, ProxySettings, RunnerError, RunnerOptions, RunnerTiming,
    SupervisorCommand, run, supervise,
};
use tempfile::TempDir;
use tokio::net::UnixStream;
use tokio::task::JoinHandle;

use crate::ambient::{ambient, eventually};
use crate::control_plane::ControlPlane;
use crate::supervisor::{Client, options as supervisor_options};

pub const TOKEN: &str = "ren_test";

pub struct Runner {
    pub dir: TempDir,
    pub options: RunnerOptions,
    pub proxy: ProxySettings,
    task: Option<JoinHandle<Result<(), RunnerError>>>,
}

impl Runner {
    /// One that has yet to be enrolled with this control plane.
    pub fn new(control_plane: &ControlPlane) -> Self {
        Self::with_url(&control_plane.url())
    }

    pub fn with_url(url: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = RunnerOptions {
            data_dir: dir.path().to_owned(),
            url: Some(url.to_owned()),
            token: Some(Secret::new(TOKEN)),
            ca_cert: None,
            supervisor: real_supervisor(dir.path()),
            machine: MachineFiles::default(),
            upgrade: None,
            timing: timing(),
        };
        Self {
            dir,
            options,
            proxy: ProxySettings::default(),
            task: None,
        }
    }

    pub fn start(&mut self) {
        let ambient = Ambient {
            proxy: self.proxy.clone(),
            ..ambient()
        };
        let running = run(self.options.clone(), ambient, std::future::pending());
        self.task = Some(tokio::spawn(running));
    }

    pub fn started(control_plane: &ControlPlane) -> Self {
        let mut runner = Self::new(control_plane);
        runner.start();
        runner
    }

    /// Ends it without a word, as `kill -9` does.
    pub async fn kill(&mut self) {
        let task = self.task.take().unwrap();
        task.abort();
        let _ = task.await;
    }

    /// Why it ended by itself.
    pub async fn error(&mut self) -> RunnerError {
        self.task.take().unwrap().await.unwrap().unwrap_err()
    }

    /// That it goes on, whatever it was answered.
    pub fn is_running(&self) -> bool {
        self.task.as_ref().is_some_and(|task| !task.is_finished())
    }

    /// Takes what a runner of 0.1.0 did not know out of its files.
    pub fn forget_keys(&self) {
        let path = self.file("runner.json");
        let text = std::fs::read(&path).unwrap();
        let mut stored: serde_json::Value = serde_json::from_slice(&text).unwrap();
        for field in ["control_plane_key", "public_key", "token_sha256"] {
            assert!(stored.as_object_mut().unwrap().remove(field).is_some());
        }
        std::fs::write(path, stored.to_string()).unwrap();
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

pub fn timing() -> RunnerTiming {
    let short = BackOffRange {
        first: Duration::from_millis(5),
        most: Duration::from_millis(40),
    };
    RunnerTiming {
        first_connect: short,
        reconnect: short,
        ..RunnerTiming::default()
    }
}

/// This test program, as the process that [`supervise_as_a_process`] is.
pub fn real_supervisor(dir: &Path) -> SupervisorCommand {
    let test = "runner::supervise_as_a_process";
    SupervisorCommand {
        program: "/usr/bin/env".into(),
        args: vec![
            format!("SUPERVISE={}", dir.display()).into(),
            std::env::current_exe().unwrap().into(),
            "--exact".into(),
            test.into(),
            "--ignored".into(),
        ],
    }
}

/// The same in `dir`, where every user finds it, begun by another program, such as setpriv(1) with
/// its flags, and told something by these variables.
pub fn supervisor_through(dir: &Path, through: &[&str], variables: &[&str]) -> Command {
    let program = dir.join("program");
    let own = std::env::current_exe().unwrap();
    if std::fs::hard_link(&own, &program).is_err() {
        std::fs::copy(&own, &program).unwrap();
    }
    let data = dir.join("data");
    std::fs::create_dir(&data).unwrap();
    let real = real_supervisor(&data);
    let words = real.args.iter().map(|word| {
        let is_program = Path::new(word) == own;
        if is_program {
            program.as_os_str()
        } else {
            word
        }
    });
    let mut command = Command::new(through[0]);
    command
        .args(&through[1..])
        .arg(real.program)
        .args(variables)
        .args(words)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

/// A client of that supervisor.
pub async fn connected(dir: &Path) -> Client {
    let socket = dir.join("data/supervisor.sock");
    let stream = eventually("the socket", async || {
        UnixStream::connect(&socket).await.ok()
    });
    Client::open(stream.await).await
}

/// Not a test: the supervisor that the other tests start.
#[tokio::test]
#[ignore = "run by other tests"]
async fn supervise_as_a_process() {
    let Some(dir) = std::env::var_os("SUPERVISE") else {
        return;
    };
    let mut options = supervisor_options(Path::new(&dir));
    options.own_session = true;
    options.idle_exit = Duration::from_millis(500);
    options.exec_user = std::env::var("EXEC_USER").ok();
    options.cgroups = std::env::var_os("NO_CGROUPS").is_none();
    if let Some(wait) = std::env::var_os("KILL_WAIT_MS") {
        let wait = wait.to_str().and_then(|wait| wait.parse().ok());
        options.kill_wait = Duration::from_millis(wait.unwrap());
    }
    supervise(options, ambient(), std::future::pending())
        .await
        .unwrap();
}
