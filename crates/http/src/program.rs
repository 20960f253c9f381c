//! The program that runners are given: this process's own.

use std::fs::File;
use std::sync::Arc;

use reoclo_wire::handshake::ProgramOffer;
use tokio::sync::OnceCell;

/// What the program is, and the file that it is in.
#[derive(Debug)]
pub struct RunnerProgram {
    /// What it is.
    pub offer: ProgramOffer,
    /// The oldest glibc that it runs with, such as `2.34`; empty when it needs none.
    pub glibc: String,
    /// Open for reading, so that a file of the same name that comes later is not read.
    pub file: Arc<File>,
}

/// The program, once somebody has looked at it: a checksum takes a moment that no start waits for.
#[derive(Clone, Debug, Default)]
pub struct ProgramSlot(Arc<OnceCell<Option<RunnerProgram>>>, Source);

type Read = dyn Fn() -> Option<RunnerProgram> + Send + Sync;

/// How the program is looked at.
#[derive(Clone, Default)]
struct Source(Option<Arc<Read>>);

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Source")
    }
}

impl ProgramSlot {
    /// `read` is called at most once, in a thread that may be held up.
    pub fn new(read: impl Fn() -> Option<RunnerProgram> + Send + Sync + 'static) -> Self {
        Self(Arc::default(), Source(Some(Arc::new(read))))
    }

    /// The program; none where there is none to give.
    pub async fn get(&self) -> Option<&RunnerProgram> {
        let read = self.1.0.clone()?;
        let looked = self.0.get_or_init(|| async move {
            let read = tokio::task::spawn_blocking(move || read());
            read.await.ok().flatten()
        });
        looked.await.as_ref()
    }
}
