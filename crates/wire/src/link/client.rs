use std::task::{Context, Poll};

use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::body::Body;
use tower::Service;

use super::LinkSettings;
use super::cut::Cuttable;
use crate::proto::runner_client::RunnerClient;

/// The link could not be opened, or ended with an error.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP/2 link failed")]
pub struct LinkError(#[from] hyper::Error);

/// The control plane's end of one link; clones share it.
#[derive(Clone, Debug)]
pub struct Channel {
    sender: SendRequest<Body>,
}

impl Service<Request<Body>> for Channel {
    type Response = Response<Incoming>;
    type Error = hyper::Error;
    type Future = std::pin::Pin<
        Box<dyn Future<Output = Result<Response<Incoming>, hyper::Error>> + Send + 'static>,
    >;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), hyper::Error>> {
        self.sender.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.sender.send_request(request))
    }
}

/// Opens the control plane's end on `io`.
///
/// The second value drives the link: it must be polled, and it ends when the link does. That, and
/// not an error of a call, is when a server has become unreachable. Dropping it cuts the link,
/// with every call that is under way.
pub async fn open_client<IO>(
    io: IO,
    settings: &LinkSettings,
) -> Result<
    (
        RunnerClient<Channel>,
        impl Future<Output = Result<(), LinkError>> + Send + use<IO>,
    ),
    LinkError,
>
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (io, cutter) = Cuttable::new(io);
    let (sender, connection) = builder(settings).handshake(TokioIo::new(io)).await?;
    // The name is never resolved: HTTP/2 wants a scheme and an authority.
    let origin = Uri::from_static("http://runner");
    let client = RunnerClient::with_origin(Channel { sender }, origin);
    let driver = async move {
        let _cutter = cutter;
        connection.await.map_err(LinkError)
    };
    Ok((client, driver))
}

fn builder(settings: &LinkSettings) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .adaptive_window(false)
        .initial_stream_window_size(settings.stream_window)
        .initial_connection_window_size(settings.connection_window)
        .initial_max_send_streams(settings.max_streams as usize)
        .max_concurrent_streams(settings.max_streams)
        .max_frame_size(settings.frame)
        .keep_alive_interval(settings.control_plane_keepalive.every)
        .keep_alive_timeout(settings.control_plane_keepalive.timeout)
        .keep_alive_while_idle(true);
    builder
}
