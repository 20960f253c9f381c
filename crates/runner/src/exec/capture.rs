use std::collections::VecDeque;
use std::num::NonZero;
use std::sync::{Arc, LazyLock, Mutex};

use bytes::Bytes;
use reoclo_domain::masking::{Masker, Patterns};
use reoclo_wire::proto::output::Stream;
use tokio::sync::Semaphore;

use crate::mutex::lock;
use crate::operation::Operation;

/// Room for threads that mask, beside the one on which everything else happens.
static MASKING: LazyLock<Arc<Semaphore>> = LazyLock::new(|| {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    Arc::new(Semaphore::new(processors.saturating_sub(1).max(1)))
});

/// One stream of a command, masked before anybody gets it.
#[derive(Debug)]
pub(super) struct Capture {
    stream: Stream,
    operation: Arc<Operation>,
    patterns: Patterns,
    /// What was read and is not masked yet. Whoever masks next takes it along, should the one who
    /// read it have gone.
    unmasked: Mutex<VecDeque<Bytes>>,
    /// `None` once closed: what comes later is nobody's.
    masker: Mutex<Option<Masker>>,
}

impl Capture {
    pub(super) fn new(
        stream: Stream,
        patterns: &Patterns,
        operation: &Arc<Operation>,
    ) -> Arc<Self> {
        Arc::new(Self {
            stream,
            operation: Arc::clone(operation),
            patterns: patterns.clone(),
            unmasked: Mutex::default(),
            masker: Mutex::new(Some(Masker::new(patterns.clone()))),
        })
    }

    pub(super) fn operation(&self) -> &Operation {
        &self.operation
    }

    /// Masks the chunk, on another thread when that takes more than a moment.
    pub(super) async fn write(self: &Arc<Self>, chunk: Bytes) {
        let len = chunk.len();
        lock(&self.unmasked).push_back(chunk);
        if self.patterns.is_light(len) {
            return self.mask();
        }
        let Ok(turn) = Arc::clone(&MASKING).acquire_owned().await else {
            return self.mask();
        };
        let capture = Arc::clone(self);
        let work = move || {
            capture.mask();
            drop(turn);
        };
        // It fails when the process ends, and then nobody reads it any more.
        let _ = tokio::task::spawn_blocking(work).await;
    }

    /// Gives out what was held back, and takes nothing more.
    pub(super) async fn close(self: &Arc<Self>) {
        if self.patterns.is_light(0) {
            return self.finish();
        }
        let capture = Arc::clone(self);
        let _ = tokio::task::spawn_blocking(move || capture.finish()).await;
    }

    /// Which URL is held back until it is known whether it has a password.
    pub(super) fn waiting_url(&self) -> Option<u64> {
        lock(&self.masker).as_ref().and_then(Masker::waiting_url)
    }

    /// Hides the URL that is held back and does not wait for its end.
    pub(super) fn give_up(&self) {
        if let Some(masker) = lock(&self.masker).as_mut() {
            masker.give_up(|piece| self.operation.append(self.stream, piece));
            self.operation.announce();
        }
    }

    fn mask(&self) {
        if let Some(masker) = lock(&self.masker).as_mut() {
            self.mask_with(masker);
            self.operation.announce();
        }
    }

    fn finish(&self) {
        if let Some(mut masker) = lock(&self.masker).take() {
            self.mask_with(&mut masker);
            masker.finish(|piece| self.operation.append(self.stream, piece));
        }
    }

    fn mask_with(&self, masker: &mut Masker) {
        loop {
            let Some(chunk) = lock(&self.unmasked).pop_front() else {
                return;
            };
            masker.push(chunk, |piece| self.operation.append(self.stream, piece));
        }
    }
}
