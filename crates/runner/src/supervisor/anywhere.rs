//! Operations, whether this supervisor has them or one before it that goes on with them.

use std::pin::Pin;

use futures_util::{StreamExt, stream};
use reoclo_wire::link::is_link_lost;
use reoclo_wire::proto::operation_event::Event;
use reoclo_wire::proto::output::Stream;
use reoclo_wire::proto::{CancelRequest, FollowRequest, ForgetRequest, OperationEvent};
use tonic::Status;

use super::predecessors::Found;
use super::service::{Events, Service};
use crate::operation::{Offsets, Operation, follow};

type Following = Pin<Box<dyn Future<Output = Result<Events, Status>> + Send>>;

impl Service {
    pub(super) fn follow_anywhere(&self, request: FollowRequest) -> Following {
        let service = self.clone();
        Box::pin(async move {
            loop {
                if let Some(events) = service.follow_here(&request) {
                    return Ok(events);
                }
                match service.instance().predecessors.follow(&request).await? {
                    Found::There(events) => {
                        return Ok(forwarded(service, request, Box::pin(events)));
                    }
                    Found::Again => {}
                    // What a predecessor left is known here before it is gone.
                    Found::Nowhere => {
                        let events = service.follow_here(&request);
                        let unknown = || Status::not_found("the operation is not known here");
                        return events.ok_or_else(unknown);
                    }
                }
            }
        })
    }

    pub(super) async fn cancel_anywhere(&self, request: &CancelRequest) -> Result<bool, Status> {
        loop {
            if let Some(operation) = self.find(&request.operation_id) {
                return Ok(operation.cancel());
            }
            match self.instance().predecessors.cancel(request).await? {
                Found::There(()) => return Ok(true),
                Found::Again => {}
                Found::Nowhere => {
                    let operation = self.find(&request.operation_id);
                    return Ok(operation.is_some_and(|operation| operation.cancel()));
                }
            }
        }
    }

    /// Those before this supervisor first: what they have left meanwhile is known here then.
    pub(super) async fn forget_everywhere(&self, request: &ForgetRequest) -> Result<(), Status> {
        while self.instance().predecessors.forget(request).await? {}
        for id in &request.operation_ids {
            if let Ok(id) = id.parse() {
                self.instance().operations.forget(id);
            }
        }
        Ok(())
    }

    fn follow_here(&self, request: &FollowRequest) -> Option<Events> {
        let operation = self.find(&request.operation_id)?;
        let from = Offsets {
            stdout: request.stdout_offset,
            stderr: request.stderr_offset,
        };
        Some(Box::pin(follow(operation, from).map(Ok)))
    }

    fn find(&self, id: &str) -> Option<std::sync::Arc<Operation>> {
        self.instance().operations.find(id.parse().ok()?)
    }
}

/// What another supervisor tells, and what it left when it ends before it has told the end.
fn forwarded(service: Service, request: FollowRequest, events: Events) -> Events {
    let following = Some((service, request, events));
    Box::pin(stream::unfold(following, async |following| {
        let (service, mut request, mut events) = following?;
        loop {
            match events.next().await {
                Some(Ok(event)) => {
                    let is_last = matches!(event.event, Some(Event::Finished(_)));
                    advance(&mut request, &event);
                    let next = (!is_last).then_some((service, request, events));
                    return Some((Ok(event), next));
                }
                Some(Err(status)) if !is_link_lost(&status) => return Some((Err(status), None)),
                Some(Err(_)) | None => match service.follow_anywhere(request.clone()).await {
                    Ok(others) => events = others,
                    Err(status) => return Some((Err(status), None)),
                },
            }
        }
    }))
}

/// Where it is to be followed from after this.
fn advance(request: &mut FollowRequest, event: &OperationEvent) {
    let Some(Event::Output(output)) = &event.event else {
        return;
    };
    let end = output.offset + output.data.len() as u64;
    match output.stream() {
        Stream::Stdout => request.stdout_offset = end,
        Stream::Stderr => request.stderr_offset = end,
        Stream::Unspecified => {}
    }
}
