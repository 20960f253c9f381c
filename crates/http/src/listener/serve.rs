use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Response, StatusCode};
use hyper::Request;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

use super::held::{Held, MAX_HEAD_BYTES};
use super::pace::Pace;
use super::paced::{Paced, PacedAnswer, PacedBody};
use super::standing::Standing;
use super::{Front, Listener};
use crate::edge::{ConnectionInfo, OverTls};

/// Pause when the process has no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// New connections are still taken for this long after the drain began, for the last polls.
const LINGER: Duration = Duration::from_millis(300);
/// Requests under way have this long to end.
const DRAIN_TIME: Duration = Duration::from_secs(5);
/// What a TLS session holds of an answer that the system does not take.
const TLS_BUFFER_BYTES: usize = 16 * 1024;
/// To who finds no place.
const BUSY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\n\
    Content-Length: 0\r\nConnection: close\r\n\r\n";

/// How serving ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// Every request was answered.
    Drained,
    /// Some were still under way when the time was over.
    CutOff,
}

/// Serves `router` until `stop` completes, then lets the requests under way end.
pub async fn serve(
    listener: Listener,
    router: Router,
    front: Front,
    stop: impl Future<Output = ()>,
) -> Served {
    let (closing, closed) = watch::channel(false);
    // Every connection holds one end, and nothing is ever sent.
    let (open, mut all_closed) = mpsc::channel::<Infallible>(1);
    let accepting = accept(Arc::new(listener), router, front, closed, open);
    let stop = async {
        stop.await;
        sleep(LINGER).await;
    };
    tokio::select! {
        () = accepting => {}
        () = stop => {}
    }
    closing.send_replace(true);
    match timeout(DRAIN_TIME, all_closed.recv()).await {
        Ok(_) => Served::Drained,
        Err(_) => Served::CutOff,
    }
}

async fn accept(
    listener: Arc<Listener>,
    router: Router,
    front: Front,
    closed: watch::Receiver<bool>,
    open: mpsc::Sender<Infallible>,
) {
    loop {
        let (stream, peer) = match listener.tcp.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let local = stream.local_addr().unwrap_or(listener.local);
        let connection = Connection {
            info: ConnectionInfo { peer, local },
            has_tls: listener.tls.is_some(),
            router: router.clone(),
            closed: closed.clone(),
        };
        let (listener, front, open) = (Arc::clone(&listener), front.clone(), open.clone());
        tokio::spawn(async move {
            let has_tls = connection.has_tls;
            if let Some(place) = front.place(peer.ip(), has_tls).await {
                let standing = Arc::clone(&place.0);
                let stream = Paced::new(stream, place);
                connection.run(&listener, stream, standing).await;
            } else if !has_tls {
                // Whether it is read or not, there is nothing else to say.
                let _ = stream.try_write(BUSY);
            }
            drop(open);
        });
    }
}

struct Connection {
    info: ConnectionInfo,
    has_tls: bool,
    router: Router,
    closed: watch::Receiver<bool>,
}

impl Connection {
    async fn run(self, listener: &Listener, stream: Paced, standing: Arc<Standing>) {
        let Some(certificate) = &listener.tls else {
            return self.serve(stream, standing).await;
        };
        let head_time = standing.places.limits.head_time;
        let acceptor = certificate.acceptor();
        let accepting = acceptor.accept_with(stream, |session| {
            session.set_buffer_limit(Some(TLS_BUFFER_BYTES));
        });
        if let Ok(Ok(stream)) = timeout(head_time, accepting).await {
            standing.pace(Pace::opened);
            standing.hold(Held::opened);
            self.serve(stream, standing).await;
        }
    }

    async fn serve<S>(mut self, stream: S, standing: Arc<Standing>)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (info, has_tls, router) = (self.info, self.has_tls, self.router);
        let of_request = Arc::clone(&standing);
        let service = service_fn(move |mut request: Request<Incoming>| {
            let (router, standing) = (router.clone(), Arc::clone(&of_request));
            if has_tls {
                request.extensions_mut().insert(OverTls);
            }
            answer(router, request, info, standing)
        });
        // Deadlines are the pace's: hyper's own also end connections that are idle.
        let connection = http1::Builder::new()
            .header_read_timeout(None)
            .max_buf_size(MAX_HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let mut connection = pin!(connection);
        let mut overdue = pin!(standing.overdue());
        tokio::select! {
            _ = connection.as_mut() => return,
            () = overdue.as_mut() => return,
            _ = self.closed.wait_for(|closed| *closed) => {}
        }
        connection.as_mut().graceful_shutdown();
        // A connection that breaks has been answered as far as it could be.
        tokio::select! {
            _ = connection => {}
            () = overdue => {}
        }
    }
}

async fn answer(
    router: Router,
    request: Request<Incoming>,
    info: ConnectionInfo,
    standing: Arc<Standing>,
) -> Result<Response<PacedAnswer>, Infallible> {
    standing.pace(|pace, _| pace.request_begins());
    standing.hold(|held| held.request_begins(standing.address.is_none()));
    let mut request = request.map(|body| {
        if body.is_end_stream() {
            return Body::empty();
        }
        let standing = Arc::clone(&standing);
        Body::new(PacedBody { body, standing })
    });
    request.extensions_mut().insert(info);
    request.extensions_mut().insert(Arc::clone(&standing));
    let response = router.oneshot(request).await;
    let response = response.unwrap_or_else(|never| match never {});
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        standing.pace(Pace::upgraded);
    }
    Ok(response.map(|body| PacedAnswer { body, standing }))
}
