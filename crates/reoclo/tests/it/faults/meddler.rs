//! Somebody between a runner and its supervisor who hands starts on twice and out of order.

use std::fs;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use reoclo_wire::link::{Channel, LinkSettings, open_client, serve};
use reoclo_wire::proto::operation_event::Event;
use reoclo_wire::proto::runner_client::RunnerClient;
use reoclo_wire::proto::runner_server::Runner;
use reoclo_wire::proto::{
    CancelReply, CancelRequest, DescribeRequest, Description, FollowRequest, ForgetReply,
    ForgetRequest, MetricsReply, MetricsRequest, OperationEvent, PortsReply, PortsRequest,
    StartRequest,
};
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tonic::{Request, Response, Status};

use super::storm::Dice;
use crate::fixture::wait_until;

/// A start that is held back goes on after this at the latest.
const HELD: Duration = Duration::from_millis(50);

/// Meddles until it is dropped.
pub(super) struct Meddler {
    _runtime: Runtime,
    meddled: Arc<Meddled>,
}

/// What was done so far.
#[derive(Default)]
struct Meddled {
    doubled: AtomicUsize,
    known_before: AtomicUsize,
    overtaken: AtomicUsize,
}

impl Meddler {
    /// Takes the place of the socket of the supervisor that runs in `directory`.
    pub(super) fn between(directory: &Path, seed: u64) -> Self {
        let (socket, moved) = (
            directory.join("supervisor.sock"),
            directory.join("moved.sock"),
        );
        wait_until("the supervisor listens", || socket.exists());
        fs::rename(&socket, &moved).unwrap();
        let runtime = Runtime::new().unwrap();
        let meddled = Arc::<Meddled>::default();
        let listener = {
            let _entered = runtime.enter();
            UnixListener::bind(&socket).unwrap()
        };
        let dice = Arc::new(Mutex::new(Dice::new(seed)));
        let doing = Arc::clone(&meddled);
        runtime.spawn(async move {
            while let Ok((runner, _)) = listener.accept().await {
                let (moved, dice, meddled) = (moved.clone(), dice.clone(), doing.clone());
                tokio::spawn(async move {
                    let supervisor = UnixStream::connect(moved).await.unwrap();
                    let settings = LinkSettings::default();
                    let (client, link) = open_client(supervisor, &settings).await.unwrap();
                    let service = Meddling {
                        client,
                        dice,
                        meddled,
                        passed: Arc::default(),
                    };
                    let serving = serve(runner, service, &settings, std::future::pending());
                    // Either end may go, and takes the other with it.
                    tokio::select! {
                        _ = link => {}
                        _ = serving => {}
                    }
                });
            }
        });
        Self {
            _runtime: runtime,
            meddled,
        }
    }

    /// How many starts were handed on twice, how many of those the supervisor said it knew, and
    /// how many starts were overtaken by another.
    pub(super) fn meddled(&self) -> [usize; 3] {
        let Meddled {
            doubled,
            known_before,
            overtaken,
        } = &*self.meddled;
        [doubled, known_before, overtaken].map(|count| count.load(Ordering::SeqCst))
    }
}

/// One connection of the runner, handed on to the supervisor.
struct Meddling {
    client: RunnerClient<Channel>,
    dice: Arc<Mutex<Dice>>,
    meddled: Arc<Meddled>,
    /// A start has gone to the supervisor.
    passed: Arc<Notify>,
}

type Events = Pin<Box<dyn Stream<Item = Result<OperationEvent, Status>> + Send>>;

impl Meddling {
    fn roll(&self, sides: u64) -> bool {
        self.dice.lock().unwrap().below(sides) == 0
    }

    /// Hands the same start on once more, and reads what comes of it.
    fn double(&self, start: StartRequest) {
        let (mut client, meddled) = (self.client.clone(), Arc::clone(&self.meddled));
        tokio::spawn(async move {
            let Ok(events) = client.start(start).await else {
                return;
            };
            meddled.doubled.fetch_add(1, Ordering::SeqCst);
            let mut events = events.into_inner();
            while let Some(Ok(event)) = events.next().await {
                if let Some(Event::Accepted(accepted)) = event.event {
                    let known = usize::from(accepted.known_before);
                    meddled.known_before.fetch_add(known, Ordering::SeqCst);
                }
            }
        });
    }
}

#[tonic::async_trait]
impl Runner for Meddling {
    type StartStream = Events;
    type FollowStream = Events;

    async fn describe(
        &self,
        request: Request<DescribeRequest>,
    ) -> Result<Response<Description>, Status> {
        self.client.clone().describe(request.into_inner()).await
    }

    async fn start(&self, request: Request<StartRequest>) -> Result<Response<Events>, Status> {
        let start = request.into_inner();
        if self.roll(4) {
            let passed = self.passed.notified();
            if tokio::time::timeout(HELD, passed).await.is_ok() {
                self.meddled.overtaken.fetch_add(1, Ordering::SeqCst);
            }
        }
        if self.roll(3) {
            self.double(start.clone());
        }
        let events = self.client.clone().start(start).await?;
        self.passed.notify_waiters();
        Ok(Response::new(Box::pin(events.into_inner())))
    }

    async fn follow(&self, request: Request<FollowRequest>) -> Result<Response<Events>, Status> {
        let events = self.client.clone().follow(request.into_inner()).await?;
        Ok(Response::new(Box::pin(events.into_inner())))
    }

    async fn cancel(
        &self,
        request: Request<CancelRequest>,
    ) -> Result<Response<CancelReply>, Status> {
        self.client.clone().cancel(request.into_inner()).await
    }

    async fn forget(
        &self,
        request: Request<ForgetRequest>,
    ) -> Result<Response<ForgetReply>, Status> {
        self.client.clone().forget(request.into_inner()).await
    }

    async fn metrics(
        &self,
        request: Request<MetricsRequest>,
    ) -> Result<Response<MetricsReply>, Status> {
        self.client.clone().metrics(request.into_inner()).await
    }

    async fn ports(&self, request: Request<PortsRequest>) -> Result<Response<PortsReply>, Status> {
        self.client.clone().ports(request.into_inner()).await
    }
}
