//! A supervisor in this process, on a directory of its own, and the control plane's end of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reoclo_runner::{DrainCommand, SupervisorError, SupervisorOptions, UserLookup, supervise};
use reoclo_wire::link::{Channel, LinkError, LinkSettings, open_client};
use reoclo_wire::proto::operation_event::Event;
use reoclo_wire::proto::output::Stream;
use reoclo_wire::proto::runner_client::RunnerClient;
use reoclo_wire::proto::start_request::Action;
use reoclo_wire::proto::{
    CancelRequest, DescribeRequest, Description, Exec, Finished, FollowRequest, ForgetRequest,
    OperationEvent, Refused, StartRequest,
};
use tempfile::TempDir;
use tokio::net::UnixStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::{Status, Streaming};

use crate::ambient::{TestClock, ambient_with, eventually};

pub struct Supervisor {
    pub clock: Arc<TestClock>,
    dir: TempDir,
    running: Option<Running>,
}

struct Running {
    task: JoinHandle<Result<(), SupervisorError>>,
    shutdown: oneshot::Sender<()>,
}

pub fn options(dir: &Path) -> SupervisorOptions {
    SupervisorOptions {
        idle_exit: Duration::from_mins(10),
        kill_grace: Duration::from_millis(300),
        kill_wait: Duration::from_secs(10),
        drain_grace: Duration::from_millis(50),
        drain: DrainCommand {
            program: "/bin/sh".into(),
            args: ["-c", "cat <&1 >/dev/null & exec cat >/dev/null"]
                .map(Into::into)
                .to_vec(),
        },
        user_lookup: look_up_by_shell(),
        own_session: false,
        ..SupervisorOptions::new(dir)
    }
}

/// What the program itself does elsewhere: the program of a test is another.
pub fn look_up_by_shell() -> UserLookup {
    const SCRIPT: &str = r#"line=$(getent passwd "$2") || { printf 'unknown\0'; exit; }
        IFS=: read -r name _ uid gid _ home shell <<END
$line
END
        groups=$(id -G "$name" | tr ' ' ,)
        printf 'found\0%s\0%s\0%s\0%s\0%s\0%s\0' "$name" "$uid" "$gid" "$home" "$shell" "$groups""#;
    UserLookup {
        program: "/bin/sh".into(),
        args: ["-c", SCRIPT, "sh"].map(Into::into).to_vec(),
        environment: Vec::new(),
        limit: Duration::from_mins(1),
    }
}

impl Supervisor {
    pub fn start() -> Self {
        Self::start_with(|_| {})
    }

    pub fn start_with(change: impl FnOnce(&mut SupervisorOptions)) -> Self {
        let mut supervisor = Self {
            clock: TestClock::new(),
            dir: tempfile::tempdir().unwrap(),
            running: None,
        };
        supervisor.start_again(change);
        supervisor
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// On the directory as it is.
    pub fn start_again(&mut self, change: impl FnOnce(&mut SupervisorOptions)) {
        let mut options = options(self.path());
        change(&mut options);
        let (shutdown, told) = oneshot::channel();
        let ambient = ambient_with(Arc::clone(&self.clock));
        let task = tokio::spawn(async move {
            supervise(options, ambient, async {
                let _ = told.await;
            })
            .await
        });
        self.running = Some(Running { task, shutdown });
    }

    /// Ends it as SIGTERM does.
    pub async fn stop(&mut self) {
        let running = self.running.take().unwrap();
        let _ = running.shutdown.send(());
        running.task.await.unwrap().unwrap();
    }

    /// Waits for it to end by itself.
    pub async fn ended(&mut self) {
        self.running.take().unwrap().task.await.unwrap().unwrap();
    }

    pub async fn socket(&self) -> UnixStream {
        let path = self.file("supervisor.sock");
        eventually("the socket", async || UnixStream::connect(&path).await.ok()).await
    }

    pub async fn connect(&self) -> Client {
        Client::open(self.socket().await).await
    }
}

/// The control plane's end.
pub struct Client {
    pub rpc: RunnerClient<Channel>,
    pub link: JoinHandle<Result<(), LinkError>>,
    pub host: Description,
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// An id that was not used before, nor is by another run of these tests: processes are known by it.
pub fn new_id() -> String {
    let number = NEXT_ID.fetch_add(1, Ordering::SeqCst) | u64::from(std::process::id()) << 24;
    format!("0190b6f2-6f0c-7cc3-98c5-{number:012x}")
}

pub fn exec(command: &str) -> Exec {
    Exec {
        command: command.to_owned(),
        timeout_seconds: 60,
        ..Exec::default()
    }
}

impl Client {
    pub async fn open<IO>(io: IO) -> Self
    where
        IO: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
    {
        Self::try_open(io).await.unwrap()
    }

    /// `None` when the other end goes at once.
    pub async fn try_open<IO>(io: IO) -> Option<Self>
    where
        IO: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
    {
        let (mut rpc, driver) = open_client(io, &LinkSettings::default()).await.ok()?;
        let link = tokio::spawn(driver);
        let host = rpc.describe(DescribeRequest {}).await.ok()?.into_inner();
        Some(Self { rpc, link, host })
    }

    pub fn request(&self, id: &str, exec: Exec) -> StartRequest {
        StartRequest {
            operation_id: id.to_owned(),
            instance_id: self.host.instance_id.clone(),
            not_after_ms: self.host.monotonic_ms + 30_000,
            action: Some(Action::Exec(exec)),
        }
    }

    /// Starts and gives what follows the acceptance.
    pub async fn start(&mut self, id: &str, exec: Exec) -> Following {
        let request = self.request(id, exec);
        let mut events = self.send(request).await;
        assert_eq!(events.accepted().await, Ok(false));
        events
    }

    pub async fn send(&mut self, request: StartRequest) -> Following {
        Following(self.rpc.start(request).await.unwrap().into_inner())
    }

    /// Runs a command to its end.
    pub async fn run(&mut self, exec: Exec) -> Ended {
        self.start(&new_id(), exec).await.ended().await
    }

    pub async fn sh(&mut self, command: &str) -> Ended {
        self.run(exec(command)).await
    }

    pub async fn follow(
        &mut self,
        id: &str,
        stdout: u64,
        stderr: u64,
    ) -> Result<Following, Status> {
        let request = FollowRequest {
            operation_id: id.to_owned(),
            stdout_offset: stdout,
            stderr_offset: stderr,
        };
        Ok(Following(self.rpc.follow(request).await?.into_inner()))
    }

    pub async fn cancel(&mut self, id: &str) -> bool {
        let operation_id = id.to_owned();
        let reply = self.rpc.cancel(CancelRequest { operation_id }).await;
        reply.unwrap().into_inner().was_running
    }

    pub async fn forget(&mut self, id: &str) {
        let operation_ids = vec![id.to_owned()];
        let request = ForgetRequest { operation_ids };
        self.rpc.forget(request).await.unwrap();
    }

    pub async fn running(&mut self) -> u32 {
        let description = self.rpc.describe(DescribeRequest {}).await.unwrap();
        description.into_inner().running
    }
}

/// The events of one operation.
pub struct Following(pub Streaming<OperationEvent>);

impl Following {
    pub async fn next(&mut self) -> Option<Event> {
        Some(self.0.message().await.unwrap()?.event.unwrap())
    }

    /// The first event of a start: whether the operation was known before.
    pub async fn accepted(&mut self) -> Result<bool, Refused> {
        match self.next().await.unwrap() {
            Event::Accepted(accepted) => Ok(accepted.known_before),
            Event::Refused(refused) => Err(refused),
            other => panic!("unexpected {other:?}"),
        }
    }

    /// Reads until stdout holds `text`.
    pub async fn stdout_has(&mut self, text: &str) -> String {
        let mut seen = String::new();
        while !seen.contains(text) {
            match self.next().await.unwrap() {
                Event::Output(output) if output.stream() == Stream::Stdout => {
                    seen.push_str(str::from_utf8(&output.data).unwrap());
                }
                other => panic!("unexpected {other:?}"),
            }
        }
        seen
    }

    pub async fn ended_after_acceptance(mut self) -> Ended {
        self.accepted().await.unwrap();
        self.ended().await
    }

    pub async fn ended(mut self) -> Ended {
        let mut ended = Ended::default();
        while let Some(event) = self.next().await {
            match event {
                Event::Output(output) => ended.take(&output),
                Event::Finished(finished) => ended.finished = finished,
                other => panic!("unexpected {other:?}"),
            }
        }
        ended
    }
}

/// All that an operation wrote, as far as it was sent, and how it ended.
#[derive(Debug, Default)]
pub struct Ended {
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// Ranges of stdout that came, joined.
    pub ranges: Vec<(u64, u64)>,
    pub finished: Finished,
}

impl Ended {
    fn take(&mut self, output: &reoclo_wire::proto::Output) {
        if output.stream() == Stream::Stderr {
            self.stderr.extend_from_slice(&output.data);
            return;
        }
        self.stdout.extend_from_slice(&output.data);
        let end = output.offset + output.data.len() as u64;
        match self.ranges.last_mut() {
            Some(last) if last.1 == output.offset => last.1 = end,
            _ => self.ranges.push((output.offset, end)),
        }
    }

    pub fn text(&self) -> &str {
        str::from_utf8(&self.stdout).unwrap()
    }

    pub fn code(&self) -> i32 {
        self.finished.exit_code
    }
}
