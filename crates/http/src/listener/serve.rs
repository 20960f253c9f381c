use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

use super::Listener;
use crate::edge::ConnectionInfo;

/// Time until the head of the next request is there: slower is an attack or a dead line. Longer
/// than the pause between two polls of any client.
const HEADER_TIME: Duration = Duration::from_mins(1);
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// Pause when the process has no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// New connections are still taken for this long after the drain began, for the last polls.
const LINGER: Duration = Duration::from_millis(300);
/// Requests under way have this long to end.
const DRAIN_TIME: Duration = Duration::from_secs(5);
const MAX_CONNECTIONS: usize = 16_384;

/// How serving ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// Every request was answered.
    Drained,
    /// Some were still under way when the time was over.
    CutOff,
}

/// Serves `router` until `stop` completes, then lets the requests under way end.
pub async fn serve(listener: Listener, router: Router, stop: impl Future<Output = ()>) -> Served {
    let (closing, closed) = watch::channel(false);
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let listener = Arc::new(listener);
    let accepting = accept(&listener, &router, &closed, &places);
    let stop = async {
        stop.await;
        sleep(LINGER).await;
    };
    tokio::select! {
        () = accepting => {}
        () = stop => {}
    }
    closing.send_replace(true);
    let all = u32::try_from(MAX_CONNECTIONS).unwrap_or(u32::MAX);
    match timeout(DRAIN_TIME, places.acquire_many(all)).await {
        Ok(_) => Served::Drained,
        Err(_) => Served::CutOff,
    }
}

async fn accept(
    listener: &Arc<Listener>,
    router: &Router,
    closed: &watch::Receiver<bool>,
    places: &Arc<Semaphore>,
) {
    while let Ok(place) = Arc::clone(places).acquire_owned().await {
        let (stream, peer) = loop {
            match listener.tcp.accept().await {
                Ok(accepted) => break accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        };
        let local = stream.local_addr().unwrap_or(listener.local);
        let connection = Connection {
            info: ConnectionInfo { peer, local },
            router: router.clone(),
            closed: closed.clone(),
        };
        let listener = Arc::clone(listener);
        tokio::spawn(async move {
            // Small answers must not wait for an acknowledgement of the one before.
            let _ = stream.set_nodelay(true);
            connection.run(&listener, stream).await;
            drop(place);
        });
    }
}

struct Connection {
    info: ConnectionInfo,
    router: Router,
    closed: watch::Receiver<bool>,
}

impl Connection {
    async fn run(self, listener: &Listener, stream: TcpStream) {
        match &listener.tls {
            None => self.serve(stream).await,
            Some(acceptor) => {
                let handshake = timeout(HANDSHAKE_TIME, acceptor.accept(stream)).await;
                if let Ok(Ok(stream)) = handshake {
                    self.serve(stream).await;
                }
            }
        }
    }

    async fn serve<S>(mut self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (info, router) = (self.info, self.router);
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(info);
            let answer = router.clone().oneshot(request.map(Body::new));
            async move { Ok::<_, Infallible>(answer.await.unwrap_or_else(|never| match never {})) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIME)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let mut connection = pin!(connection);
        tokio::select! {
            _ = connection.as_mut() => return,
            _ = self.closed.wait_for(|closed| *closed) => {}
        }
        connection.as_mut().graceful_shutdown();
        // A connection that breaks has been answered as far as it could be.
        let _ = connection.await;
    }
}
