use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use reoclo_domain::Clock;
use reoclo_wire::proto::output::Stream;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;

use super::capture::Capture;
use crate::mask::Patterns;
use crate::operation::Operation;

/// Bytes that are read at once: as much as a pipe holds.
const READ: usize = 64 * 1024;
/// A buffer with less room than this is replaced.
const LITTLE_ROOM: usize = 4 * 1024;
/// Commands whose children may go on writing to nobody; those of further ones find their pipe
/// closed.
const MOST_LEFT_BEHIND: usize = 64;

static LEFT_BEHIND: AtomicUsize = AtomicUsize::new(0);

/// The reading ends of a command's output.
#[derive(Debug)]
pub(super) struct Pipes {
    pub(super) stdout: Receiver,
    pub(super) stderr: Receiver,
}

/// Moves output from the pipes through the mask to the operation.
pub(super) struct Pumps {
    running: Pin<Box<dyn Future<Output = ()> + Send>>,
    done: bool,
    captures: [Arc<Capture>; 2],
}

impl Pumps {
    pub(super) fn new(
        pipes: Pipes,
        patterns: &Patterns,
        operation: &Arc<Operation>,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        let stdout = Capture::new(Stream::Stdout, patterns, operation);
        let stderr = Capture::new(Stream::Stderr, patterns, operation);
        let clock = Arc::clone(clock);
        let captures = [Arc::clone(&stdout), Arc::clone(&stderr)];
        let running = async move {
            tokio::join!(
                pump(pipes.stdout, &stdout, &*clock),
                pump(pipes.stderr, &stderr, &*clock),
            );
        };
        Self {
            running: Box::pin(running),
            done: false,
            captures,
        }
    }

    pub(super) fn are_done(&self) -> bool {
        self.done
    }

    /// Waits for the end of both pipes; may be dropped and called again.
    pub(super) async fn done(&mut self) {
        if !self.done {
            self.running.as_mut().await;
            self.done = true;
        }
    }

    /// Takes what is left in the pipes, as far as it comes within `grace`, and closes the output.
    pub(super) async fn drain(mut self, grace: Duration) {
        let _ = tokio::time::timeout(grace, self.done()).await;
        for capture in &self.captures {
            capture.close();
        }
        if !self.done {
            leave_behind(self.running);
        }
    }
}

/// Goes on reading for a child that outlived its command: it is not to die of a closed pipe.
fn leave_behind(running: Pin<Box<dyn Future<Output = ()> + Send>>) {
    if LEFT_BEHIND.fetch_add(1, Ordering::Relaxed) >= MOST_LEFT_BEHIND {
        LEFT_BEHIND.fetch_sub(1, Ordering::Relaxed);
        return;
    }
    tokio::spawn(async move {
        running.await;
        LEFT_BEHIND.fetch_sub(1, Ordering::Relaxed);
    });
}

async fn pump(mut pipe: Receiver, capture: &Capture, clock: &dyn Clock) {
    let mut waited = Duration::ZERO;
    let mut buffer = BytesMut::new();
    loop {
        if buffer.capacity() - buffer.len() < LITTLE_ROOM {
            buffer.reserve(READ);
        }
        match pipe.read_buf(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(_) => capture.write(buffer.split().freeze()),
        }
        capture.operation().keep_pace(&mut waited, clock).await;
    }
}
