//! What runners say. Nothing of it is trusted, so it is bounded and escaped here, at the one
//! place where it comes in: what is stored, shown and logged has been here.

use reoclo_domain::escaped;
use reoclo_wire::link::Channel;
use reoclo_wire::proto::operation_event::Event;
use reoclo_wire::proto::runner_client::RunnerClient;
use reoclo_wire::proto::{
    CancelReply, CancelRequest, DescribeRequest, Description, Facts, Finished, FollowRequest,
    ForgetReply, ForgetRequest, MetricsReply, MetricsRequest, OperationEvent, Output, PortsReply,
    PortsRequest, Refused, StartRequest,
};
use tonic::{Code, Status, Streaming};

/// Characters of a fact, a name or a version.
const MOST_OF_A_FACT: usize = 200;
/// Characters of a message.
const MOST_OF_A_MESSAGE: usize = 4096;
/// The most ports and bindings that are believed.
const MOST_PORTS: usize = 2000;
/// Positions and lengths of output end here, so that sums of them do not overflow.
const MOST_BYTES: u64 = 1 << 60;
/// No operation takes longer.
const MOST_MICROSECONDS: u64 = 366 * 24 * 60 * 60 * 1_000_000;
/// The highest number of a signal.
const MOST_SIGNALS: i32 = 64;

/// A runner's word about itself or its host: one short line.
pub(crate) fn fact(text: &str) -> String {
    escaped(text, MOST_OF_A_FACT)
}

/// Why a runner did not answer.
pub(crate) fn why(status: &Status) -> String {
    format!(
        "{}: {}",
        status.code().description(),
        escaped(status.message(), MOST_OF_A_FACT)
    )
}

/// The calls that a runner answers, each with an answer that is bounded.
#[derive(Clone)]
pub(crate) struct Calls(RunnerClient<Channel>);

impl Calls {
    pub(super) const fn new(client: RunnerClient<Channel>) -> Self {
        Self(client)
    }

    pub(crate) async fn describe(&self) -> Result<Description, Status> {
        let answer = self.0.clone().describe(DescribeRequest {}).await?;
        Ok(answer.into_inner().heard())
    }

    pub(crate) async fn start(&self, request: StartRequest) -> Result<Events, Status> {
        let events = self.0.clone().start(request).await?;
        Ok(Events(events.into_inner()))
    }

    pub(crate) async fn follow(&self, request: FollowRequest) -> Result<Events, Status> {
        let events = self.0.clone().follow(request).await?;
        Ok(Events(events.into_inner()))
    }

    pub(crate) async fn cancel(&self, request: CancelRequest) -> Result<CancelReply, Status> {
        let answer = self.0.clone().cancel(request).await?;
        Ok(answer.into_inner())
    }

    pub(crate) async fn forget(&self, request: ForgetRequest) -> Result<ForgetReply, Status> {
        let answer = self.0.clone().forget(request).await?;
        Ok(answer.into_inner())
    }

    /// Numbers only; whoever takes them cuts each to what can be.
    pub(crate) async fn metrics(&self) -> Result<MetricsReply, Status> {
        let answer = self.0.clone().metrics(MetricsRequest {}).await?;
        Ok(answer.into_inner())
    }

    pub(crate) async fn ports(&self) -> Result<PortsReply, Status> {
        let answer = self.0.clone().ports(PortsRequest {}).await?;
        Ok(answer.into_inner().heard())
    }
}

/// The events of one operation.
pub(crate) struct Events(Streaming<OperationEvent>);

impl Events {
    /// The next one; nothing when the runner says no more.
    pub(crate) async fn next(&mut self) -> Result<Option<OperationEvent>, Status> {
        let event = self.0.message().await?;
        Ok(event.map(Heard::heard))
    }
}

/// Whether a runner is too old for a call.
pub(crate) fn is_unknown_call(status: &Status) -> bool {
    status.code() == Code::Unimplemented
}

/// A message of a runner, bounded and escaped.
trait Heard {
    #[must_use]
    fn heard(self) -> Self;
}

impl Heard for Description {
    fn heard(self) -> Self {
        Self {
            instance_id: fact(&self.instance_id),
            boot_id: fact(&self.boot_id),
            version: fact(&self.version),
            facts: self.facts.map(Heard::heard),
            ..self
        }
    }
}

impl Heard for Facts {
    fn heard(self) -> Self {
        Self {
            hostname: fact(&self.hostname),
            os: fact(&self.os),
            kernel: fact(&self.kernel),
            architecture: fact(&self.architecture),
            docker_version: fact(&self.docker_version),
            ..self
        }
    }
}

impl Heard for OperationEvent {
    fn heard(self) -> Self {
        let event = self.event.map(|event| match event {
            Event::Accepted(accepted) => Event::Accepted(accepted),
            Event::Refused(refused) => Event::Refused(refused.heard()),
            Event::Output(output) => Event::Output(output.heard()),
            Event::Finished(finished) => Event::Finished(finished.heard()),
        });
        Self { event }
    }
}

impl Heard for Refused {
    fn heard(self) -> Self {
        Self {
            message: escaped(&self.message, MOST_OF_A_MESSAGE),
            ..self
        }
    }
}

/// The bytes of output are anybody's: whoever shows them escapes them.
impl Heard for Output {
    fn heard(mut self) -> Self {
        if self.offset > MOST_BYTES {
            self.offset = 0;
            self.data.clear();
        }
        self
    }
}

impl Heard for Finished {
    fn heard(self) -> Self {
        Self {
            message: escaped(&self.message, MOST_OF_A_MESSAGE),
            field: fact(&self.field),
            code: fact(&self.code),
            signal: self.signal.clamp(0, MOST_SIGNALS),
            duration_us: self.duration_us.min(MOST_MICROSECONDS),
            stdout_bytes: self.stdout_bytes.min(MOST_BYTES),
            stderr_bytes: self.stderr_bytes.min(MOST_BYTES),
            ..self
        }
    }
}

impl Heard for PortsReply {
    fn heard(mut self) -> Self {
        self.truncated |= self.listening.len() > MOST_PORTS || self.bindings.len() > MOST_PORTS;
        self.listening.truncate(MOST_PORTS);
        self.bindings.truncate(MOST_PORTS);
        for port in &mut self.listening {
            port.port = port.port.min(u16::MAX.into());
            for text in [&mut port.protocol, &mut port.address, &mut port.process] {
                *text = fact(text);
            }
        }
        for binding in &mut self.bindings {
            binding.container_port = binding.container_port.min(u16::MAX.into());
            binding.host_port = binding.host_port.min(u16::MAX.into());
            for text in [
                &mut binding.container,
                &mut binding.protocol,
                &mut binding.host_address,
            ] {
                *text = fact(text);
            }
        }
        if let Some(firewall) = &mut self.firewall {
            firewall.backend = fact(&firewall.backend);
        }
        self
    }
}
