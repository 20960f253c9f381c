//! A runner that says what it likes. Nothing of it harms the record or whoever reads it.

use std::pin::Pin;
use std::time::Duration;

use futures_util::{Stream, stream};
use reoclo_control::{Attachment, Detached, RequestSource, RunnerIdentity};
use reoclo_domain::{OperationKind, Preset, Role, ServerStatus, is_deceptive};
use reoclo_wire::link::{LinkSettings, serve};
use reoclo_wire::proto::finished::State;
use reoclo_wire::proto::operation_event::Event;
use reoclo_wire::proto::output::Stream as OutputStream;
use reoclo_wire::proto::refused::Reason;
use reoclo_wire::proto::runner_server::Runner;
use reoclo_wire::proto::{
    Accepted, CancelReply, CancelRequest, DescribeRequest, Description, Facts, Finished,
    FollowRequest, ForgetReply, ForgetRequest, MetricsReply, MetricsRequest, OperationEvent,
    Output, PortsReply, PortsRequest, Refused, StartRequest,
};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tonic::{Request, Response, Status};

use crate::on_both_databases;
use crate::world::World;

const EXEC: &str = "/api/automation/v1/exec";
/// Longer than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

on_both_databases!(
    what_it_says_is_bounded_and_can_be_seen,
    numbers_that_cannot_be_are_cut,
    its_facts_are_stored_without_what_hides,
    an_operation_that_runs_since_an_earlier_start_ends,
    an_outcome_that_the_database_does_not_take_ends_the_operation,
    a_script_that_an_older_runner_does_not_know_is_said_to_be_one,
);

/// Everything that must neither be stored nor shown as it is, and far too much of it.
fn hostile() -> String {
    hostile_text(2 << 20)
}

/// The same in a message that has several of them: one of over 4 MiB is not even read.
fn hostile_fact() -> String {
    hostile_text(256 << 10)
}

fn hostile_text(more: usize) -> String {
    let signs = "\0\u{1b}]0;x\u{7}\u{9b}31m\r\n\u{202e}\u{200b}\u{3164}\u{ad}\u{e0041}";
    format!("why: {signs}{}", "x".repeat(more))
}

/// Answers every start and every follow with the same events.
#[derive(Clone)]
struct Hostile {
    events: Vec<Event>,
}

type Events = Pin<Box<dyn Stream<Item = Result<OperationEvent, Status>> + Send>>;

impl Hostile {
    fn answer(&self) -> Response<Events> {
        let events = self.events.clone().into_iter();
        let events = events.map(|event| Ok(OperationEvent { event: Some(event) }));
        Response::new(Box::pin(stream::iter(events)))
    }
}

#[tonic::async_trait]
impl Runner for Hostile {
    type StartStream = Events;
    type FollowStream = Events;

    async fn describe(&self, _: Request<DescribeRequest>) -> Result<Response<Description>, Status> {
        Ok(Response::new(Description {
            instance_id: hostile_fact(),
            boot_id: hostile_fact(),
            monotonic_ms: u64::MAX,
            version: hostile_fact(),
            facts: Some(Facts {
                hostname: hostile_fact(),
                os: hostile_fact(),
                kernel: hostile_fact(),
                architecture: hostile_fact(),
                ram_mb: u64::MAX,
                disk_gb: u64::MAX,
                docker_version: hostile_fact(),
                ..Facts::default()
            }),
            abilities: Vec::new(),
            running: u32::MAX,
        }))
    }

    async fn start(&self, _: Request<StartRequest>) -> Result<Response<Events>, Status> {
        Ok(self.answer())
    }

    async fn follow(&self, _: Request<FollowRequest>) -> Result<Response<Events>, Status> {
        Ok(self.answer())
    }

    async fn cancel(&self, _: Request<CancelRequest>) -> Result<Response<CancelReply>, Status> {
        Err(Status::internal(hostile()))
    }

    async fn forget(&self, _: Request<ForgetRequest>) -> Result<Response<ForgetReply>, Status> {
        Ok(Response::new(ForgetReply {}))
    }

    async fn metrics(&self, _: Request<MetricsRequest>) -> Result<Response<MetricsReply>, Status> {
        Err(Status::unimplemented(hostile()))
    }

    async fn ports(&self, _: Request<PortsRequest>) -> Result<Response<PortsReply>, Status> {
        Err(Status::internal(hostile()))
    }
}

/// Connects such a runner as our server's, and waits until it is.
pub(crate) async fn connect(world: &World, events: Vec<Event>) -> JoinHandle<()> {
    let (ours, its) = tokio::io::duplex(64 * 1024);
    attach(world, ours);
    let serving = serve_events(its, events);
    wait_until(async || world.control.is_connected(world.ours.server)).await;
    serving
}

/// Has our server's connection held.
pub(crate) fn attach(
    world: &World,
    io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> JoinHandle<Detached> {
    let identity = RunnerIdentity {
        server: world.ours.server,
        organization: world.ours.id,
        public_key: None,
        status: ServerStatus::Active,
    };
    let control = world.control.clone();
    tokio::spawn(async move {
        let attachment = Attachment {
            identity,
            io,
            source: RequestSource::default(),
            machine: None,
        };
        control.runners().attach(attachment).await
    })
}

/// Such a runner, at the other end of a connection.
pub(crate) fn serve_events(
    io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    events: Vec<Event>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let settings = LinkSettings::default();
        let served = serve(io, Hostile { events }, &settings, std::future::pending());
        let _ = served.await;
    })
}

pub(crate) async fn wait_until(mut is_so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, waiting).await.expect("it takes too long");
}

/// Has a command run by a runner that answers with these events, and reads the record of it.
async fn run(world: &World, events: Vec<Event>) -> Value {
    run_command(world, "true", events).await
}

async fn run_command(world: &World, command: &str, events: Vec<Event>) -> Value {
    let runner = connect(world, events).await;
    let (key, _) = world
        .automation_key(&world.ours, &[OperationKind::Exec])
        .await;
    let body = json!({ "server_id": world.ours.server.to_string(), "command": command });
    let answer = timeout(PATIENCE, world.post(EXEC, Some(&key), &body)).await;
    let answer = answer.expect("the operation never ends");
    assert_eq!(answer.status, 200, "{}", answer.body);
    let id = answer.body["operation_id"].as_str().unwrap();
    let stored = world
        .get(&format!("/api/automation/v1/operations/{id}"), Some(&key))
        .await;
    assert_eq!(stored.body["status"], answer.body["status"]);
    runner.abort();
    wait_until(async || !world.control.is_connected(world.ours.server)).await;
    stored.body
}

#[track_caller]
fn is_plain(text: &Value, begins: &str) {
    let text = text.as_str().unwrap();
    assert!(text.contains(begins), "{text:.200}");
    assert!(text.chars().count() < 4500, "{} is too long", text.len());
    assert!(!text.chars().any(is_deceptive), "{text:?}");
    assert!(text.contains("\\u{0}\\u{1b}]0;x\\u{7}\\u{9b}31m\\u{d}\\u{a}\\u{202e}"));
}

async fn what_it_says_is_bounded_and_can_be_seen(world: &World) {
    for reason in [
        Reason::Unspecified,
        Reason::OtherInstance,
        Reason::Storage,
        Reason::Invalid,
    ] {
        let refused = Event::Refused(Refused {
            reason: reason.into(),
            message: hostile(),
        });
        let record = run(world, vec![refused]).await;
        assert_eq!(record["status"], "failed");
        is_plain(&record["message"], "why: ");
    }
    for (state, named) in [
        (State::Completed, "completed"),
        (State::TimedOut, "timeout"),
        (State::Cancelled, "failed"),
        (State::NotRun, "failed"),
        (State::Lost, "failed"),
    ] {
        let finished = Event::Finished(Finished {
            state: state.into(),
            exit_code: 7,
            message: hostile(),
            field: hostile_fact(),
            ..Finished::default()
        });
        let accepted = Event::Accepted(Accepted::default());
        let record = run(world, vec![accepted, finished]).await;
        assert_eq!(record["status"], named);
        is_plain(&record["message"], "why: ");
    }
}

async fn numbers_that_cannot_be_are_cut(world: &World) {
    let output = |offset, data: &[u8]| {
        Event::Output(Output {
            stream: OutputStream::Stdout.into(),
            offset,
            data: data.to_vec().into(),
        })
    };
    let events = vec![
        output(0, b"seen\n"),
        output(u64::MAX, b"beyond everything"),
        output(u64::MAX - 3, &[b'x'; 70_000]),
        Event::Finished(Finished {
            state: State::Completed.into(),
            exit_code: i32::MIN,
            signal: i32::MIN,
            duration_us: u64::MAX,
            ..Finished::default()
        }),
    ];
    let record = run(world, events).await;
    assert_eq!(record["status"], "completed");
    assert_eq!(record["result"]["stdout"], "seen\n");
}

async fn its_facts_are_stored_without_what_hides(world: &World) {
    let _runner = connect(world, Vec::new()).await;
    let key = world
        .integration_key(&world.ours, Preset::FullAccess, Role::Admin)
        .await;
    let path = format!("/api/servers/{}", world.ours.server);
    let server = world.get(&path, Some(&key)).await.body;
    let text = server.to_string();
    assert!(text.contains("why: "), "{text}");
    assert!(text.len() < 8192, "{} bytes", text.len());
    for raw in ["\\u0000", "\\u001b", "\u{202e}", "\u{200b}", "\u{3164}"] {
        assert!(!text.contains(raw), "{raw:?} in {text}");
    }
}

async fn an_operation_that_runs_since_an_earlier_start_ends(world: &World) {
    let (_, key) = world
        .automation_key(&world.ours, &[OperationKind::Exec])
        .await;
    let id = world.operation(&world.ours, key).await;
    let finished = Event::Finished(Finished {
        state: State::Completed.into(),
        message: hostile(),
        ..Finished::default()
    });
    let _runner = connect(world, vec![finished]).await;
    // Whichever comes first takes it up: the runner that connects, or the start.
    world.control.resume_operations().await.unwrap();
    ends(world, id).await;
}

/// Whatever it is that the database refuses, it is not sent to it again and again.
async fn an_outcome_that_the_database_does_not_take_ends_the_operation(world: &World) {
    let is_sqlite = world.database.file().is_some();
    let statements: &[&str] = if is_sqlite {
        &[
            "CREATE TRIGGER picky BEFORE UPDATE ON operations WHEN NEW.message = 'unfit'
           BEGIN SELECT RAISE(ABORT, 'no such text here'); END",
        ]
    } else {
        &[
            "CREATE FUNCTION picky() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF NEW.message = 'unfit' THEN
                     RAISE EXCEPTION 'no such text here' USING ERRCODE = '22021';
                 END IF;
                 RETURN NEW;
             END $$",
            "CREATE TRIGGER picky BEFORE UPDATE ON operations
                 FOR EACH ROW EXECUTE FUNCTION picky()",
        ]
    };
    for statement in statements {
        world.database.execute(statement).await;
    }
    let finished = Event::Finished(Finished {
        state: State::Completed.into(),
        message: "unfit".into(),
        ..Finished::default()
    });
    let record = run(world, vec![finished]).await;
    assert_eq!(record["status"], "failed", "{record}");
    assert_eq!(record["result"]["exit_code"], 255);
    let why = record["message"].as_str().unwrap();
    assert!(why.contains("the database did not take"), "{why}");
}

/// It is an action of its own, so such a runner does not give it to sh.
async fn a_script_that_an_older_runner_does_not_know_is_said_to_be_one(world: &World) {
    let refused = Event::Refused(Refused {
        reason: Reason::Invalid.into(),
        message: "this supervisor does not know the action".into(),
    });
    let record = run_command(world, "#!/bin/bash\ntrue", vec![refused]).await;
    assert_eq!(record["status"], "failed");
    assert_eq!(record["result"]["exit_code"], 125);
    let why = record["message"].as_str().unwrap();
    assert!(
        why.contains("script") && why.contains("update reoclo"),
        "{why}"
    );
}

async fn ends(world: &World, id: reoclo_domain::OperationId) {
    wait_until(async || {
        let found = world.store().operation(world.ours.id, id).await.unwrap();
        found.unwrap().state.is_terminal()
    })
    .await;
}
