//! SIGTERM and SIGINT.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Hears every signal from the moment in which it is made; before, they end the process.
pub(crate) struct StopSignals {
    heard: Option<[Signal; 2]>,
    received: bool,
}

impl StopSignals {
    pub(crate) fn listen() -> Self {
        let heard = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
        let [Ok(term), Ok(interrupt)] = heard else {
            // Without handlers the signals end the process by themselves.
            return Self {
                heard: None,
                received: false,
            };
        };
        Self {
            heard: Some([term, interrupt]),
            received: false,
        }
    }

    /// Waits until the process is asked to stop, or has been.
    pub(crate) async fn received(&mut self) {
        if self.received {
            return;
        }
        let Some([term, interrupt]) = &mut self.heard else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
        self.received = true;
    }
}

/// Waits until the process is asked to stop.
pub(crate) async fn stop_requested() {
    StopSignals::listen().received().await;
}
