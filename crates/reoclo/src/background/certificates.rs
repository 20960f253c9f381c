//! A renewed certificate is served without a restart.

use std::sync::Arc;
use std::time::Duration;

use reoclo_http::Certificate;
use tokio::time::sleep;

use crate::signals::Hangups;

/// Reads the certificates again on SIGHUP, and looks by itself every so often. Without any, the
/// signal is heard and nothing comes of it: it never ends the process.
pub(crate) async fn renew(
    certificates: Vec<Arc<Certificate>>,
    mut hangups: Hangups,
    every: Duration,
) {
    loop {
        let is_asked = tokio::select! {
            () = hangups.next() => true,
            () = sleep(every), if !certificates.is_empty() => false,
        };
        if is_asked && certificates.is_empty() {
            tracing::info!("SIGHUP reads TLS certificates again, and there are none");
        }
        for certificate in &certificates {
            let certificate = Arc::clone(certificate);
            // What panics in there has been said, and the old certificate stays.
            let _ = tokio::task::spawn_blocking(move || certificate.renew(is_asked)).await;
        }
    }
}
