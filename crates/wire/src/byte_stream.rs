//! A stream of bytes over a stream of binary messages.
//!
//! Generic over the message, because axum's and tungstenite's are different types: a [`Codec`]
//! says how to make one and how to open one.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Sink, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The most bytes that are put into one message.
pub const MESSAGE_BYTES: usize = 64 * 1024;

/// What a message turned out to be.
#[derive(Debug)]
pub enum Received {
    /// Bytes of the stream.
    Bytes(Bytes),
    /// Nothing for the stream, such as a ping, which the WebSocket answers itself.
    Control,
    /// The other end closes: the stream ends.
    Close,
}

/// How to make and open the messages of one WebSocket implementation.
#[derive(Clone, Copy, Debug)]
pub struct Codec<M> {
    /// Makes a binary message.
    pub wrap: fn(Bytes) -> M,
    /// Opens a message.
    pub open: fn(M) -> Received,
}

/// Bytes over messages: what is written leaves in messages of at most [`MESSAGE_BYTES`], when one
/// is full or at a flush.
#[derive(Debug)]
pub struct ByteStream<S, M> {
    socket: S,
    codec: Codec<M>,
    incoming: Bytes,
    outgoing: BytesMut,
    ended: bool,
}

impl<S, M> ByteStream<S, M> {
    /// Runs over `socket` from its next message on.
    pub fn new(socket: S, codec: Codec<M>) -> Self {
        Self {
            socket,
            codec,
            incoming: Bytes::new(),
            outgoing: BytesMut::new(),
            ended: false,
        }
    }
}

impl<S, M, E> ByteStream<S, M>
where
    S: Stream<Item = Result<M, E>> + Unpin,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    /// Waits until there are bytes to read or the stream has ended.
    fn poll_incoming(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.incoming.is_empty() && !self.ended {
            match ready!(Pin::new(&mut self.socket).poll_next(context)) {
                None => self.ended = true,
                Some(Err(error)) => return Poll::Ready(Err(io::Error::other(error))),
                Some(Ok(message)) => match (self.codec.open)(message) {
                    Received::Bytes(bytes) => self.incoming = bytes,
                    Received::Control => {}
                    Received::Close => self.ended = true,
                },
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S, M, E> ByteStream<S, M>
where
    S: Sink<M, Error = E> + Unpin,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    /// Hands what is collected to the socket, as one message.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.outgoing.is_empty() {
            return Poll::Ready(Ok(()));
        }
        ready!(Pin::new(&mut self.socket).poll_ready(context)).map_err(io::Error::other)?;
        // The buffer goes with the message, so that an idle link holds none.
        let bytes = std::mem::take(&mut self.outgoing).freeze();
        let message = (self.codec.wrap)(bytes);
        Poll::Ready(
            Pin::new(&mut self.socket)
                .start_send(message)
                .map_err(io::Error::other),
        )
    }

    /// Makes room for at least one byte and says for how many.
    fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.outgoing.len() >= MESSAGE_BYTES {
            ready!(self.poll_send(context))?;
        }
        Poll::Ready(Ok(MESSAGE_BYTES - self.outgoing.len()))
    }
}

impl<S, M, E> AsyncRead for ByteStream<S, M>
where
    S: Stream<Item = Result<M, E>> + Unpin,
    M: Unpin,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_incoming(context))?;
        let len = self.incoming.len().min(buffer.remaining());
        buffer.put_slice(&self.incoming[..len]);
        self.incoming.advance(len);
        Poll::Ready(Ok(()))
    }
}

impl<S, M, E> AsyncWrite for ByteStream<S, M>
where
    S: Sink<M, Error = E> + Unpin,
    M: Unpin,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let room = ready!(self.poll_room(context))?;
        let len = room.min(bytes.len());
        self.outgoing.extend_from_slice(&bytes[..len]);
        Poll::Ready(Ok(len))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let room = ready!(self.poll_room(context))?;
        let wanted = slices.iter().map(|slice| slice.len()).sum();
        let mut left = room.min(wanted);
        self.outgoing.reserve(left);
        let written = left;
        for slice in slices {
            let len = left.min(slice.len());
            self.outgoing.extend_from_slice(&slice[..len]);
            left -= len;
        }
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(context))?;
        Pin::new(&mut self.socket)
            .poll_flush(context)
            .map_err(io::Error::other)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(context))?;
        Pin::new(&mut self.socket)
            .poll_close(context)
            .map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests;
