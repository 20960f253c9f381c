use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use bytes::BytesMut;
use reoclo_domain::Clock;
use reoclo_domain::masking::Patterns;
use reoclo_wire::proto::output::Stream;
use tokio::net::unix::pipe::Receiver;
use tokio::time::{Sleep, sleep};

use super::capture::Capture;
use crate::mutex::lock;
use crate::operation::Operation;

/// Bytes that are read at once: as much as a pipe holds.
const READ: usize = 64 * 1024;
/// A buffer with less room than this is replaced.
const LITTLE_ROOM: usize = 4 * 1024;

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
    /// Those that somebody still writes to, for whoever reads on.
    open: Arc<Mutex<Vec<Arc<Receiver>>>>,
}

impl Pumps {
    pub(super) fn new(
        pipes: Pipes,
        patterns: &Patterns,
        operation: &Arc<Operation>,
        clock: &Arc<dyn Clock>,
        url_grace: Duration,
    ) -> Self {
        let stdout = Capture::new(Stream::Stdout, patterns, operation);
        let stderr = Capture::new(Stream::Stderr, patterns, operation);
        let clock = Arc::clone(clock);
        let captures = [Arc::clone(&stdout), Arc::clone(&stderr)];
        let ends = [Arc::new(pipes.stdout), Arc::new(pipes.stderr)];
        let open = Arc::new(Mutex::new(ends.to_vec()));
        let still_open = Arc::clone(&open);
        let running = async move {
            let [out, error] = ends;
            let pumped = async |end: Arc<Receiver>, capture: &Arc<Capture>| {
                pump(&end, capture, &*clock, url_grace).await;
                lock(&still_open).retain(|open| !Arc::ptr_eq(open, &end));
            };
            tokio::join!(pumped(out, &stdout), pumped(error, &stderr));
        };
        Self {
            running: Box::pin(running),
            done: false,
            captures,
            open,
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
    /// Gives the pipes that somebody can still write to.
    pub(super) async fn drain(mut self, grace: Duration) -> Vec<Receiver> {
        let _ = tokio::time::timeout(grace, self.done()).await;
        drop(self.running);
        for capture in &self.captures {
            capture.close().await;
        }
        let open = std::mem::take(&mut *lock(&self.open));
        open.into_iter().filter_map(Arc::into_inner).collect()
    }
}

async fn pump(pipe: &Receiver, capture: &Arc<Capture>, clock: &dyn Clock, url_grace: Duration) {
    let mut waited = Duration::ZERO;
    let mut buffer = BytesMut::new();
    let mut held = HeldUrl::default();
    loop {
        if buffer.capacity() - buffer.len() < LITTLE_ROOM {
            buffer.reserve(READ);
        }
        let read = tokio::select! {
            biased;
            () = held.too_long() => {
                capture.give_up();
                held = HeldUrl::default();
                continue;
            }
            read = read(pipe, &mut buffer) => read,
        };
        match read {
            Ok(0) | Err(_) => return,
            Ok(_) => capture.write(buffer.split().freeze()).await,
        }
        held.follow(capture.waiting_url(), url_grace);
        capture.operation().keep_pace(&mut waited, clock).await;
    }
}

async fn read(pipe: &Receiver, buffer: &mut BytesMut) -> io::Result<usize> {
    loop {
        pipe.readable().await?;
        match pipe.try_read_buf(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            read => return read,
        }
    }
}

/// A URL at the end of the output that is held back for a while, until it is known whether it has
/// a password.
#[derive(Default)]
struct HeldUrl(Option<(u64, Pin<Box<Sleep>>)>);

impl HeldUrl {
    fn follow(&mut self, url: Option<u64>, grace: Duration) {
        self.0 = match (self.0.take(), url) {
            (Some((held, limit)), Some(url)) if held == url => Some((held, limit)),
            (_, Some(url)) => Some((url, Box::pin(sleep(grace)))),
            (_, None) => None,
        };
    }

    /// Ends when it was held back for long enough; never without one.
    async fn too_long(&mut self) {
        match &mut self.0 {
            Some((_, limit)) => limit.as_mut().await,
            None => std::future::pending().await,
        }
    }
}
