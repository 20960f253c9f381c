//! What a runner that has nothing to do answers.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::Stream;
use reoclo_domain::Clock;
use reoclo_wire::proto::runner_server::Runner;
use reoclo_wire::proto::{
    CancelReply, CancelRequest, DescribeRequest, Description, Facts, FollowRequest, ForgetReply,
    ForgetRequest, MetricsReply, MetricsRequest, OperationEvent, PortsReply, PortsRequest,
    StartRequest,
};
use tonic::{Request, Response, Status};

type Events = Pin<Box<dyn Stream<Item = Result<OperationEvent, Status>> + Send>>;

/// The service of an idle server.
pub(super) struct Idle {
    place: usize,
    clock: Arc<dyn Clock>,
}

impl Idle {
    pub(super) fn new(place: usize, clock: Arc<dyn Clock>) -> Self {
        Self { place, clock }
    }
}

#[tonic::async_trait]
impl Runner for Idle {
    type StartStream = Events;
    type FollowStream = Events;

    async fn describe(&self, _: Request<DescribeRequest>) -> Result<Response<Description>, Status> {
        let milliseconds = self.clock.monotonic().as_millis();
        Ok(Response::new(Description {
            instance_id: format!("01900000-0000-7000-8000-{:012}", self.place),
            boot_id: format!("a7c1ad3e-2f53-4a8b-9b1e-{:012}", self.place),
            monotonic_ms: u64::try_from(milliseconds).unwrap_or(u64::MAX),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            facts: Some(Facts {
                hostname: format!("idle-{}.internal", self.place),
                os: "Debian GNU/Linux 13 (trixie)".to_owned(),
                kernel: "6.12.43+deb13-cloud-amd64".to_owned(),
                architecture: "x86_64".to_owned(),
                cpu_cores: 4,
                ram_mb: 8192,
                disk_gb: 80,
                docker_version: "28.3.3".to_owned(),
            }),
            abilities: Vec::new(),
            running: 0,
        }))
    }

    async fn metrics(&self, _: Request<MetricsRequest>) -> Result<Response<MetricsReply>, Status> {
        Ok(Response::new(MetricsReply {
            cpu_percent: Some(1.5),
            memory_used_bytes: 3 << 30,
            memory_total_bytes: 8 << 30,
            disk_used_bytes: 20 << 30,
            disk_total_bytes: 80 << 30,
            network_rx_bytes_per_second: Some(1_234.5),
            network_tx_bytes_per_second: Some(5_432.1),
            load_1: 0.08,
            load_5: 0.05,
            load_15: 0.01,
        }))
    }

    async fn forget(&self, _: Request<ForgetRequest>) -> Result<Response<ForgetReply>, Status> {
        Ok(Response::new(ForgetReply {}))
    }

    async fn start(&self, _: Request<StartRequest>) -> Result<Response<Events>, Status> {
        Err(idle())
    }

    async fn follow(&self, _: Request<FollowRequest>) -> Result<Response<Events>, Status> {
        Err(idle())
    }

    async fn cancel(&self, _: Request<CancelRequest>) -> Result<Response<CancelReply>, Status> {
        Err(idle())
    }

    async fn ports(&self, _: Request<PortsRequest>) -> Result<Response<PortsReply>, Status> {
        Err(idle())
    }
}

fn idle() -> Status {
    Status::unimplemented("this runner has nothing to do")
}
