use std::sync::{Arc, Mutex};

use bytes::Bytes;
use reoclo_wire::proto::output::Stream;

use crate::mask::{Masker, Patterns};
use crate::mutex::lock;
use crate::operation::Operation;

/// One stream of a command, masked before anybody gets it.
#[derive(Debug)]
pub(super) struct Capture {
    stream: Stream,
    operation: Arc<Operation>,
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
            masker: Mutex::new(Some(Masker::new(patterns.clone()))),
        })
    }

    pub(super) fn operation(&self) -> &Operation {
        &self.operation
    }

    pub(super) fn write(&self, chunk: Bytes) {
        if let Some(masker) = lock(&self.masker).as_mut() {
            masker.push(chunk, |piece| self.operation.append(self.stream, piece));
            self.operation.announce();
        }
    }

    /// Gives out what was held back, and takes nothing more.
    pub(super) fn close(&self) {
        if let Some(mut masker) = lock(&self.masker).take() {
            masker.finish(|piece| self.operation.append(self.stream, piece));
        }
    }
}
