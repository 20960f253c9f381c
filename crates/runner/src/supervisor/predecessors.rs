//! Supervisors of other programs that go on with their last commands. Whoever asks for one of
//! these asks here, and is answered by the one that has it; once that has ended, what it left on
//! disk is this supervisor's.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use reoclo_wire::link::{Channel, LinkSettings, is_link_lost, open_client};
use reoclo_wire::proto::runner_client::RunnerClient;
use reoclo_wire::proto::{CancelRequest, FollowRequest, ForgetRequest, OperationEvent};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tonic::{Code, Status, Streaming};

use super::front::{Front, Place};
use crate::data_dir::SOCKET;
use crate::mutex::lock;
use crate::socket;
use crate::status::{Request, ask};

/// Between two looks at whether one that cannot be reached is still there.
const LOOK: Duration = Duration::from_millis(20);

/// All that are there.
#[derive(Default)]
pub(super) struct Predecessors {
    all: Mutex<Vec<Arc<Predecessor>>>,
    /// How many there are.
    count: watch::Sender<usize>,
}

/// One of them, for as long as it is there.
struct Predecessor {
    place: Place,
    state: watch::Sender<State>,
    watch: OnceLock<AbortHandle>,
}

#[derive(Clone)]
enum State {
    /// Nobody has reached it yet, or it is ending.
    Away,
    Reached(Box<RunnerClient<Channel>>),
    /// What it left is known here.
    Gone,
}

/// An answer of one that may have gone before it gave it.
enum Asked<T> {
    Answered(T),
    Unknown,
    /// What it knew may be known here by now.
    Lost,
}

/// Where an operation was found.
pub(super) enum Found<T> {
    There(T),
    Nowhere,
    /// Whoever had it has gone: it is to be looked for again.
    Again,
}

impl Predecessors {
    /// Has each of these see to nothing but its last commands, and keeps in touch with it. When it
    /// has gone, `left` is told before anybody is told that it has.
    pub(super) async fn succeed(
        self: &Arc<Self>,
        places: Vec<Place>,
        front: &Arc<Front>,
        settings: LinkSettings,
        left: impl Fn(String) -> LeftBehind + Clone + Send + 'static,
    ) {
        for place in places {
            retire(&place).await;
            let predecessor = Arc::new(Predecessor {
                place,
                state: watch::Sender::new(State::Away),
                watch: OnceLock::new(),
            });
            let of = Arc::clone(&predecessor);
            lock(&self.all).push(Arc::clone(&predecessor));
            self.count.send_replace(lock(&self.all).len());
            let (all, front, left) = (Arc::clone(self), Arc::clone(front), left.clone());
            let watching = tokio::spawn(async move {
                predecessor.keep_in_touch(&front, settings).await;
                tracing::info!(
                    instance = predecessor.place.instance_id,
                    "a predecessor has ended"
                );
                left(predecessor.place.instance_id.clone()).await;
                predecessor.place.remove();
                lock(&all.all).retain(|other| !Arc::ptr_eq(other, &predecessor));
                all.count.send_replace(lock(&all.all).len());
                predecessor.state.send_replace(State::Gone);
            });
            let _ = of.watch.set(watching.abort_handle());
        }
    }

    /// They are another's from now on.
    pub(super) fn let_go(&self) {
        for predecessor in std::mem::take(&mut *lock(&self.all)) {
            if let Some(watch) = predecessor.watch.get() {
                watch.abort();
            }
            predecessor.state.send_replace(State::Gone);
        }
        self.count.send_replace(0);
    }

    /// How many there are.
    pub(super) fn count(&self) -> watch::Receiver<usize> {
        self.count.subscribe()
    }

    pub(super) async fn follow(
        &self,
        request: &FollowRequest,
    ) -> Result<Found<Streaming<OperationEvent>>, Status> {
        for predecessor in self.all() {
            let asked = predecessor.ask(async |mut client| client.follow(request.clone()).await);
            match asked.await? {
                Asked::Answered(answer) => return Ok(Found::There(answer.into_inner())),
                Asked::Unknown => {}
                Asked::Lost => return Ok(Found::Again),
            }
        }
        Ok(Found::Nowhere)
    }

    pub(super) async fn cancel(&self, request: &CancelRequest) -> Result<Found<()>, Status> {
        let mut was_running = false;
        for predecessor in self.all() {
            let asked = predecessor.ask(async |mut client| client.cancel(request.clone()).await);
            match asked.await? {
                Asked::Answered(answer) => was_running |= answer.into_inner().was_running,
                Asked::Unknown => {}
                Asked::Lost => return Ok(Found::Again),
            }
        }
        Ok(if was_running {
            Found::There(())
        } else {
            Found::Nowhere
        })
    }

    /// Tells all of them; says whether one went meanwhile.
    pub(super) async fn forget(&self, request: &ForgetRequest) -> Result<bool, Status> {
        let mut is_any_lost = false;
        for predecessor in self.all() {
            let asked = predecessor.ask(async |mut client| client.forget(request.clone()).await);
            is_any_lost |= matches!(asked.await?, Asked::Lost);
        }
        Ok(is_any_lost)
    }

    fn all(&self) -> Vec<Arc<Predecessor>> {
        lock(&self.all).clone()
    }
}

/// Takes over what a supervisor that has gone left.
pub(super) type LeftBehind = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// It takes nothing new any more, and ends with its last command. One of 0.1.0 takes what comes in
/// on its connection until it is asked for another, and ends when nothing runs.
async fn retire(place: &Place) {
    if ask(&place.dir, Request::Succeed).await.is_err() {
        // One that does not answer is ending, or hangs; it is watched all the same.
        let _ = ask(&place.dir, Request::Retire).await;
    }
}

impl Predecessor {
    /// Comes back when it has ended.
    async fn keep_in_touch(&self, front: &Front, settings: LinkSettings) {
        loop {
            if let Ok(stream) = socket::connect(&self.place.dir, SOCKET).await
                && let Ok((client, connection)) = open_client(stream, &settings).await
            {
                let client = State::Reached(Box::new(client));
                self.state.send_replace(client);
                // Its end is the news.
                let _ = connection.await;
                self.state.send_replace(State::Away);
            }
            let is_alive = self.place.is_alive();
            if let Err(error) = front.lead_here() {
                tracing::warn!(%error, "the runner may not find this supervisor");
            }
            if !is_alive {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits for as long as it is neither reached nor gone.
    async fn ask<T>(
        &self,
        call: impl AsyncFnOnce(RunnerClient<Channel>) -> Result<T, Status>,
    ) -> Result<Asked<T>, Status> {
        let mut state = self.state.subscribe();
        let settled = state.wait_for(|state| !matches!(state, State::Away)).await;
        let settled = settled.map(|state| state.clone());
        let Ok(State::Reached(client)) = settled else {
            return Ok(Asked::Lost);
        };
        match call(*client).await {
            Ok(answer) => Ok(Asked::Answered(answer)),
            Err(status) if status.code() == Code::NotFound => Ok(Asked::Unknown),
            Err(status) if is_link_lost(&status) => {
                let waiting = state.wait_for(|state| !matches!(state, State::Reached(_)));
                // A call may fail on a link that is there.
                let _ = tokio::time::timeout(LOOK, waiting).await;
                Ok(Asked::Lost)
            }
            Err(status) => Err(status),
        }
    }
}
