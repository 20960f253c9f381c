use std::time::Duration;

use reoclo_wire::link;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{Service, SupervisorOptions};

/// Serves one connection at a time, and ends when there has been none, and nothing ran, for the
/// idle time.
pub(super) async fn serve(listener: &UnixListener, service: &Service, options: &SupervisorOptions) {
    let mut connection = Connection(None);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    // A runner has one connection: the one before is a leftover.
                    connection.close().await;
                    connection = Connection::open(stream, service, options);
                }
                Err(error) => {
                    tracing::error!(%error, "cannot take a connection");
                    // Out of descriptors, as a rule: some come back when a command ends.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            () = connection.ended() => connection = Connection(None),
            () = service.retirement() => {
                // First the runner's way in is closed, then it is seen whether something came in
                // before: what did not is sent again to the next supervisor.
                service.set_retiring(true);
                connection.close().await;
                if *service.running().borrow() == 0 {
                    return;
                }
                service.set_retiring(false);
                connection = Connection(None);
            }
            () = idle(service.running(), options.idle_exit), if connection.0.is_none() => return,
        }
    }
}

/// The runner's connection, if there is one; cut when dropped.
struct Connection(Option<JoinHandle<()>>);

impl Connection {
    fn open(stream: UnixStream, service: &Service, options: &SupervisorOptions) -> Self {
        let service = service.clone();
        let settings = options.link;
        Self(Some(tokio::spawn(async move {
            let served = link::serve(stream, service, &settings, std::future::pending()).await;
            if let Err(error) = served {
                tracing::debug!(%error, "a connection ended");
            }
        })))
    }

    async fn close(&mut self) {
        if let Some(task) = self.0.take() {
            task.abort();
            let _ = task.await;
        }
    }

    /// Waits for the end of the connection; for ever when there is none.
    async fn ended(&mut self) {
        match self.0.as_mut() {
            Some(task) => drop(task.await),
            None => std::future::pending().await,
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

/// Ends when nothing has run for `time`.
async fn idle(mut running: watch::Receiver<usize>, time: Duration) {
    loop {
        if running.wait_for(|count| *count == 0).await.is_err() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(time) => return,
            _ = running.changed() => {}
        }
    }
}
