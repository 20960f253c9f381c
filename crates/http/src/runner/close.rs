//! A WebSocket that can still be closed with a code after HTTP/2 ran over it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::Error;
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::{Sink, SinkExt, Stream};
use reoclo_wire::handshake::Farewell;
use tokio::time::{Duration, timeout};

const CLOSE_TIME: Duration = Duration::from_secs(2);
/// A control frame holds 125 bytes, two of which are the code (RFC 6455, 5.5).
const MOST_REASON: usize = 123;

/// Two hands on one socket: the link's, which carries bytes, and ours, which says goodbye.
#[derive(Clone)]
pub(super) struct SharedSocket(Arc<Mutex<WebSocket>>);

impl SharedSocket {
    pub(super) fn new(socket: WebSocket) -> Self {
        Self(Arc::new(Mutex::new(socket)))
    }

    /// Says why, for as long as the other end listens: first in the words that it can verify, then
    /// with the code, and as much of the reason as fits beside it.
    pub(super) async fn close(mut self, code: u16, reason: String, farewell: Option<&Farewell>) {
        let fits = reason.floor_char_boundary(MOST_REASON);
        let frame = CloseFrame {
            code,
            reason: reason[..fits].into(),
        };
        let farewell = farewell.and_then(|farewell| serde_json::to_string(farewell).ok());
        let closing = async {
            if let Some(farewell) = farewell {
                self.send(Message::Text(farewell.into())).await?;
            }
            self.send(Message::Close(Some(frame))).await?;
            SinkExt::<Message>::close(&mut self).await
        };
        // Whoever is gone does not need a reason.
        let _ = timeout(CLOSE_TIME, closing).await;
    }

    fn locked<R>(&self, act: impl FnOnce(Pin<&mut WebSocket>) -> R) -> R {
        let mut socket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        act(Pin::new(&mut *socket))
    }
}

impl Stream for SharedSocket {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.locked(|socket| socket.poll_next(context))
    }
}

impl Sink<Message> for SharedSocket {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.locked(|socket| socket.poll_ready(context))
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        self.locked(|socket| socket.start_send(message))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.locked(|socket| socket.poll_flush(context))
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.locked(|socket| socket.poll_close(context))
    }
}
