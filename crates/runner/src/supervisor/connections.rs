use std::time::Duration;

use reoclo_wire::link;
use tokio::net::{UnixListener, UnixStream};
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
            () = service.succession() => {
                // What comes in until the runner's way in is closed is this supervisor's, and what
                // does not is sent again to the next one. Whoever connects from now on is that.
                connection.close().await;
                connection = Connection(None);
                service.is_succeeded();
            }
            () = service.last_end() => return,
            () = service.retirement() => {
                // The same, where nobody is there yet to send it to.
                connection.close().await;
                connection = Connection(None);
                service.set_retiring(true);
                if service.is_free() {
                    return;
                }
                service.set_retiring(false);
            }
            () = service.idle(options.idle_exit), if connection.0.is_none() => return,
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
