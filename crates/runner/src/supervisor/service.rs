use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::{FutureExt, Stream, StreamExt, stream};
use reoclo_domain::OperationId;
use reoclo_wire::link::LinkSettings;
use reoclo_wire::proto::operation_event::Event;
use reoclo_wire::proto::refused::Reason;
use reoclo_wire::proto::runner_server::Runner;
use reoclo_wire::proto::start_request::Action;
use reoclo_wire::proto::{
    Accepted, CancelReply, CancelRequest, DescribeRequest, Description, Finished, FollowRequest,
    ForgetReply, ForgetRequest, MetricsReply, MetricsRequest, OperationEvent, PortsReply,
    PortsRequest, Refused, StartRequest,
};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tonic::{Request, Response, Status};

use super::Instance;
use super::front::{Front, Place};
use super::instance::Deadline;
use super::predecessors::LeftBehind;
use crate::exec::{self, TakenOver};
use crate::host;
use crate::operation::{Admission, Offsets, Operation, Refusal, follow};
use crate::spool::Unended;
use crate::status::{SupervisorAnswer, program_id};

/// The gRPC service; clones are the same.
#[derive(Clone)]
pub(super) struct Service(Arc<Instance>);

pub(super) type Events = Pin<Box<dyn Stream<Item = Result<OperationEvent, Status>> + Send>>;

#[tonic::async_trait]
impl Runner for Service {
    type StartStream = Events;
    type FollowStream = Events;

    async fn describe(&self, _: Request<DescribeRequest>) -> Result<Response<Description>, Status> {
        let description = self.0.describe().await;
        // For the next time.
        self.refresh_docker();
        Ok(Response::new(description))
    }

    async fn start(&self, request: Request<StartRequest>) -> Result<Response<Events>, Status> {
        let events = match self.admit(request.into_inner()) {
            Ok(admission) => started(admission),
            Err(refusal) => refused(refusal),
        };
        Ok(Response::new(events))
    }

    async fn follow(&self, request: Request<FollowRequest>) -> Result<Response<Events>, Status> {
        let events = self.follow_anywhere(request.into_inner()).await?;
        Ok(Response::new(events))
    }

    async fn cancel(
        &self,
        request: Request<CancelRequest>,
    ) -> Result<Response<CancelReply>, Status> {
        let was_running = self.cancel_anywhere(&request.into_inner()).await?;
        Ok(Response::new(CancelReply { was_running }))
    }

    async fn forget(
        &self,
        request: Request<ForgetRequest>,
    ) -> Result<Response<ForgetReply>, Status> {
        self.forget_everywhere(&request.into_inner()).await?;
        Ok(Response::new(ForgetReply {}))
    }

    async fn metrics(&self, _: Request<MetricsRequest>) -> Result<Response<MetricsReply>, Status> {
        Ok(Response::new(self.0.sampler.sample()))
    }

    async fn ports(&self, _: Request<PortsRequest>) -> Result<Response<PortsReply>, Status> {
        // One look at a time: each takes a moment of every core that it can get.
        let _turn = self.0.port_turn.lock().await;
        Ok(Response::new(host::ports().await))
    }
}

impl Service {
    /// Must be called on a runtime: it asks Docker in the background.
    pub(super) fn new(instance: Instance) -> Self {
        let service = Self(Arc::new(instance));
        service.refresh_docker();
        service
    }

    /// Sees what another supervisor left to its end. Before anything new is started.
    pub(super) fn take_over(&self, unended: Vec<Unended>) {
        for unended in unended {
            let operation = self.0.operations.take_over(&unended);
            let taken_over = TakenOver::new(unended.id, unended.started, &self.0.means);
            let instance = Arc::clone(&self.0);
            tokio::spawn(async move {
                let running = taken_over.run(&operation, &instance.means, &*instance.clock);
                let finished = caught(running).await;
                keep(&instance, operation, finished).await;
            });
        }
    }

    /// Goes on in the place of these. What each leaves when it ends is this supervisor's.
    pub(super) async fn succeed(
        &self,
        before: Vec<Place>,
        front: &Arc<Front>,
        settings: LinkSettings,
    ) {
        let service = self.clone();
        let left = move |instance_id| -> LeftBehind {
            let service = service.clone();
            Box::pin(async move { service.adopt(instance_id).await })
        };
        let predecessors = &self.0.predecessors;
        predecessors.succeed(before, front, settings, left).await;
    }

    /// What a supervisor that has gone left.
    async fn adopt(&self, instance_id: String) {
        let instance = Arc::clone(&self.0);
        let adopting = spawn_blocking(move || instance.operations.adopt(&instance_id));
        match adopting.await {
            Ok(Ok(unended)) => self.take_over(unended),
            Ok(Err(error)) => tracing::error!(%error, "what a supervisor left cannot be read"),
            Err(_) => {}
        }
    }

    /// How many operations run.
    pub(super) fn running(&self) -> watch::Receiver<usize> {
        self.0.operations.running()
    }

    /// How the supervisor is.
    pub(super) fn answer(&self) -> SupervisorAnswer {
        SupervisorAnswer {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            program: program_id().unwrap_or_default(),
            running: u64::try_from(*self.running().borrow()).unwrap_or(u64::MAX),
            instance_id: self.0.origin.instance_id.clone(),
            since: self.0.since.as_micros(),
        }
    }

    /// Cancels what runs, and has every outcome on disk when it ends.
    pub(super) async fn end(&self) {
        self.0.operations.cancel_all();
        let _ = self.running().wait_for(|running| *running == 0).await;
        self.0.operations.store_all();
    }

    /// Admits a request and, if it is new, sets it going.
    fn admit(&self, start: StartRequest) -> Result<Admission, Refusal> {
        let invalid = |problem: String| Refusal::new(Reason::Invalid, problem);
        let id: OperationId = start
            .operation_id
            .parse()
            .map_err(|error| invalid(format!("the operation's id {error}")))?;
        let deadline = Deadline {
            instance_id: start.instance_id,
            not_after_ms: start.not_after_ms,
        };
        let instance = &self.0;
        let request = match start.action {
            Some(Action::Exec(exec)) => exec::Request::new(exec),
            Some(Action::Script(script)) => exec::Request::script(script),
            Some(Action::Reboot(reboot)) => exec::Request::reboot(&instance.reboot_command, reboot),
            Some(Action::RegistryLogin(login)) => instance.docker_cli.login(login),
            Some(Action::RegistryLogout(logout)) => instance.docker_cli.logout(logout),
            // A newer control plane's.
            None => {
                let problem = "this supervisor does not know the action";
                return Err(invalid(problem.to_owned()));
            }
        };
        let request = request.map_err(|error| invalid(error.to_string()))?;
        let admission = instance
            .operations
            .admit(id, || instance.check(&deadline))?;
        if let Admission::New(operation) = &admission {
            let (instance, operation) = (Arc::clone(instance), Arc::clone(operation));
            tokio::spawn(run(instance, operation, request));
        }
        Ok(admission)
    }

    pub(super) fn instance(&self) -> &Arc<Instance> {
        &self.0
    }

    fn refresh_docker(&self) {
        let instance = Arc::clone(&self.0);
        tokio::spawn(async move { instance.docker.refresh().await });
    }
}

/// Runs an operation to its end.
async fn run(instance: Arc<Instance>, operation: Arc<Operation>, request: exec::Request) {
    let running = exec::run(request, &operation, &instance.means, &instance.clock);
    let finished = caught(running).await;
    keep(&instance, operation, finished).await;
}

/// A fault must not leave an operation that runs for ever.
async fn caught(running: impl Future<Output = Finished>) -> Finished {
    let finished = AssertUnwindSafe(running).catch_unwind().await;
    finished.unwrap_or_else(|_| exec::lost())
}

/// Keeps an outcome on disk if nobody fetches it soon.
async fn keep(instance: &Instance, operation: Arc<Operation>, finished: Finished) {
    let id = operation.id();
    instance.operations.finish(&operation, finished);
    drop(operation);
    tokio::time::sleep(instance.store_after).await;
    instance.operations.store(id);
}

fn started(admission: Admission) -> Events {
    let (operation, known_before) = match admission {
        Admission::New(operation) => (operation, false),
        Admission::Known(operation) => (operation, true),
    };
    let accepted = event(Event::Accepted(Accepted { known_before }));
    let events = follow(operation, Offsets::default());
    Box::pin(stream::iter([accepted]).chain(events).map(Ok))
}

fn refused(refusal: Refusal) -> Events {
    let refused = Event::Refused(Refused {
        reason: refusal.reason.into(),
        message: refusal.message,
    });
    Box::pin(stream::iter([Ok(event(refused))]))
}

fn event(event: Event) -> OperationEvent {
    OperationEvent { event: Some(event) }
}
