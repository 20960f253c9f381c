use std::pin::pin;

use hyper::server::conn::http2::Builder;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{LinkError, LinkSettings};
use crate::proto::runner_server::{Runner, RunnerServer};

/// Serves `service` on `io` until the other end goes, or until `shutdown` ends: then no new call
/// is taken and the calls under way are answered first.
///
/// Dropping the future cuts the link at once.
pub async fn serve<IO, S>(
    io: IO,
    service: S,
    settings: &LinkSettings,
    shutdown: impl Future<Output = ()>,
) -> Result<(), LinkError>
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    S: Runner,
{
    let service = TowerToHyperService::new(RunnerServer::new(service));
    let connection = builder(settings).serve_connection(TokioIo::new(io), service);
    let mut connection = pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return Ok(ended?),
        () = shutdown => connection.as_mut().graceful_shutdown(),
    }
    Ok(connection.await?)
}

fn builder(settings: &LinkSettings) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .adaptive_window(false)
        .initial_stream_window_size(settings.stream_window)
        .initial_connection_window_size(settings.connection_window)
        .max_concurrent_streams(settings.max_streams)
        .max_frame_size(settings.frame)
        .max_send_buf_size(settings.stream_window as usize)
        .auto_date_header(false)
        .keep_alive_interval(settings.supervisor_keepalive.every)
        .keep_alive_timeout(settings.supervisor_keepalive.timeout);
    builder
}
