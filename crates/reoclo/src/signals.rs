//! SIGTERM and SIGINT.

use tokio::signal::unix::{SignalKind, signal};

/// Waits until the process is asked to stop.
pub(crate) async fn stop_requested() {
    let (Ok(mut term), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        // Without handlers the signals end the process by themselves.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = interrupt.recv() => {}
    }
}
