//! SIGTERM and SIGINT, and SIGHUP.

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

/// Hears SIGHUP, which ends the process no more once this is made.
pub(crate) struct Hangups(Option<Signal>);

impl Hangups {
    pub(crate) fn listen() -> Self {
        Self(signal(SignalKind::hangup()).ok())
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        if let Some(hangups) = &mut self.0
            && hangups.recv().await.is_some()
        {
            return;
        }
        std::future::pending::<()>().await;
    }
}

/// Waits until the process is asked to stop.
pub(crate) async fn stop_requested() {
    StopSignals::listen().received().await;
}
