//! Somebody between a runner and its supervisor who hands starts on twice, out of order, and once
//! more long after.

use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use reoclo_wire::link::{Channel, Keepalive, LinkSettings, open_client, serve};
use reoclo_wire::proto::operation_event::Event;
use reoclo_wire::proto::runner_client::RunnerClient;
use reoclo_wire::proto::runner_server::Runner;
use reoclo_wire::proto::{
    CancelReply, CancelRequest, DescribeRequest, Description, FollowRequest, ForgetReply,
    ForgetRequest, MetricsReply, MetricsRequest, OperationEvent, PortsReply, PortsRequest,
    StartRequest,
};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tonic::{Request, Response, Status};

use super::storm::Dice;
use crate::fixture::wait_until;

/// A start that is held back goes on after this at the latest.
const HELD: Duration = Duration::from_millis(50);

/// Starts that may be handed on again long after.
const REMEMBERED: usize = 64;
/// Between two looks at whether a supervisor has a socket of its own again.
const TICK: Duration = Duration::from_millis(5);

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
    repeated: AtomicUsize,
}

/// What all connections have in common.
#[derive(Clone)]
struct Shared {
    place: Arc<Place>,
    dice: Arc<Mutex<Dice>>,
    meddled: Arc<Meddled>,
    passed: Arc<Mutex<VecDeque<StartRequest>>>,
}

impl Meddler {
    /// Takes the place of the socket of whichever supervisor runs in `directory`.
    pub(super) fn between(directory: &Path, seed: u64) -> Self {
        let runtime = Runtime::new().unwrap();
        let shared = Shared {
            place: Arc::new(Place::in_directory(directory)),
            dice: Arc::new(Mutex::new(Dice::new(seed))),
            meddled: Arc::default(),
            passed: Arc::default(),
        };
        let meddled = Arc::clone(&shared.meddled);
        wait_until("the supervisor listens", || shared.place.socket.exists());
        let listener = {
            let _entered = runtime.enter();
            shared.place.take()
        };
        runtime.spawn(meddle(listener.unwrap(), shared));
        Self {
            _runtime: runtime,
            meddled,
        }
    }

    /// How many starts were handed on twice, how many of those the supervisor said it knew, how
    /// many starts were overtaken by another, and how many came once more long after.
    pub(super) fn meddled(&self) -> [usize; 4] {
        let Meddled {
            doubled,
            known_before,
            overtaken,
            repeated,
        } = &*self.meddled;
        [doubled, known_before, overtaken, repeated].map(|count| count.load(Ordering::SeqCst))
    }
}

async fn meddle(mut listener: UnixListener, shared: Shared) {
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (runner, _) = accepted.unwrap();
                tokio::spawn(between(runner, shared.clone()));
            }
            () = tokio::time::sleep(TICK) => {
                if shared.place.is_lost() && let Some(taken) = shared.place.take() {
                    listener = taken;
                }
            }
        }
    }
}

async fn between(runner: UnixStream, shared: Shared) {
    let Ok(supervisor) = UnixStream::connect(&shared.place.moved).await else {
        // The runner has to see it, or it would never start another.
        shared.place.give_up();
        return;
    };
    let settings = LinkSettings {
        // The supervisor's own pings end here.
        supervisor_keepalive: Keepalive {
            every: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
        },
        ..LinkSettings::default()
    };
    let Ok((client, link)) = open_client(supervisor, &settings).await else {
        return;
    };
    let service = Meddling {
        client,
        shared,
        went_on: Arc::default(),
    };
    let serving = serve(runner, service, &settings, std::future::pending());
    // Either end may go, and takes the other with it.
    tokio::select! {
        _ = link => {}
        _ = serving => {}
    }
}

/// Where the runner looks for its supervisor.
struct Place {
    socket: PathBuf,
    /// Where the supervisor's own socket is meanwhile.
    moved: PathBuf,
    /// Which file in the place is ours.
    ours: AtomicU64,
}

impl Place {
    fn in_directory(directory: &Path) -> Self {
        Self {
            socket: directory.join("supervisor.sock"),
            moved: directory.join("moved.sock"),
            ours: AtomicU64::new(0),
        }
    }

    fn inode(&self) -> Option<u64> {
        fs::metadata(&self.socket).ok().map(|file| file.ino())
    }

    /// Another supervisor has put its socket here.
    fn is_lost(&self) -> bool {
        self.inode()
            .is_some_and(|inode| inode != self.ours.load(Ordering::SeqCst))
    }

    /// Puts a socket of ours here in the same moment in which the supervisor's goes; none when the
    /// supervisor has just ended.
    fn take(&self) -> Option<UnixListener> {
        let aside = self.socket.with_file_name("aside.sock");
        let _ = fs::remove_file(&aside);
        let listener = UnixListener::bind(&aside).unwrap();
        let ours = fs::metadata(&aside).unwrap().ino();
        renameat_with(CWD, &aside, CWD, &self.socket, RenameFlags::EXCHANGE).ok()?;
        self.ours.store(ours, Ordering::SeqCst);
        fs::rename(&aside, &self.moved).unwrap();
        Some(listener)
    }

    /// There is nobody behind our socket.
    fn give_up(&self) {
        if !self.is_lost() {
            let _ = fs::remove_file(&self.socket);
        }
    }
}

/// One connection of the runner, handed on to the supervisor.
struct Meddling {
    client: RunnerClient<Channel>,
    shared: Shared,
    /// A start has gone to the supervisor.
    went_on: Arc<Notify>,
}

type Events = Pin<Box<dyn Stream<Item = Result<OperationEvent, Status>> + Send>>;

impl Meddling {
    fn roll(&self, sides: u64) -> bool {
        self.shared.dice.lock().unwrap().below(sides) == 0
    }

    /// Hands a start on once more, and reads what comes of it.
    fn once_more(&self, start: StartRequest, done: fn(&Meddled) -> &AtomicUsize) {
        let (mut client, meddled) = (self.client.clone(), Arc::clone(&self.shared.meddled));
        tokio::spawn(async move {
            let Ok(events) = client.start(start).await else {
                return;
            };
            done(&meddled).fetch_add(1, Ordering::SeqCst);
            let mut events = events.into_inner();
            while let Some(Ok(event)) = events.next().await {
                if let Some(Event::Accepted(accepted)) = event.event {
                    let known = usize::from(accepted.known_before);
                    meddled.known_before.fetch_add(known, Ordering::SeqCst);
                }
            }
        });
    }

    /// One that came before, whatever has become of it.
    fn earlier(&self) -> Option<StartRequest> {
        let passed = self.shared.passed.lock().unwrap();
        let most = u64::try_from(passed.len()).unwrap();
        let index = self.shared.dice.lock().unwrap().below(most.max(1));
        passed.get(usize::try_from(index).unwrap()).cloned()
    }

    fn remember(&self, start: &StartRequest) {
        let mut passed = self.shared.passed.lock().unwrap();
        passed.push_back(start.clone());
        if passed.len() > REMEMBERED {
            passed.pop_front();
        }
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
            let other = self.went_on.notified();
            if tokio::time::timeout(HELD, other).await.is_ok() {
                self.shared.meddled.overtaken.fetch_add(1, Ordering::SeqCst);
            }
        }
        if self.roll(3) {
            self.once_more(start.clone(), |meddled| &meddled.doubled);
        }
        if self.roll(5)
            && let Some(earlier) = self.earlier()
        {
            self.once_more(earlier, |meddled| &meddled.repeated);
        }
        self.remember(&start);
        let events = self.client.clone().start(start).await?;
        self.went_on.notify_waiters();
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
