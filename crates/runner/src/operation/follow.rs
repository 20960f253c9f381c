use std::sync::Arc;

use futures_util::{Stream, stream};
use reoclo_wire::proto::operation_event::Event;
use reoclo_wire::proto::output::Stream as OutputStream;
use reoclo_wire::proto::{OperationEvent, Output};

use super::Operation;

/// Where a follower stands in each stream.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Offsets {
    pub(crate) stdout: u64,
    pub(crate) stderr: u64,
}

/// The operation's output from `from` on, as it comes, and its end as the last event.
///
/// A follower that is slower than the command finds gaps, and never holds the command up.
pub(crate) fn follow(
    operation: Arc<Operation>,
    from: Offsets,
) -> impl Stream<Item = OperationEvent> + Send + 'static {
    operation.pace.attach();
    let follower = Follower {
        operation,
        at: from,
        ended: false,
    };
    stream::unfold(follower, |mut follower| async {
        let event = follower.next().await?;
        Some((OperationEvent { event: Some(event) }, follower))
    })
}

struct Follower {
    operation: Arc<Operation>,
    at: Offsets,
    ended: bool,
}

impl Follower {
    async fn next(&mut self) -> Option<Event> {
        let operation = Arc::clone(&self.operation);
        while !self.ended {
            // Both are asked for before looking, so that nothing slips in between unseen.
            let changed = operation.changed();
            let finished = operation.finished();
            if let Some(output) = self.output() {
                operation.pace.has_read(self.at.stdout + self.at.stderr);
                return Some(Event::Output(output));
            }
            if let Some(finished) = finished {
                self.ended = true;
                return Some(Event::Finished(finished.clone()));
            }
            changed.await;
        }
        None
    }

    fn output(&mut self) -> Option<Output> {
        let Offsets { stdout, stderr } = &mut self.at;
        read(&self.operation, OutputStream::Stdout, stdout)
            .or_else(|| read(&self.operation, OutputStream::Stderr, stderr))
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.operation.pace.detach();
    }
}

fn read(operation: &Operation, stream: OutputStream, at: &mut u64) -> Option<Output> {
    let chunk = operation.read(stream, *at)?;
    *at = chunk.offset + chunk.data.len() as u64;
    Some(Output {
        stream: stream.into(),
        offset: chunk.offset,
        data: chunk.data,
    })
}
