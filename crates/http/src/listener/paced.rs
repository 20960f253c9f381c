//! A socket and the bodies over it, which note who keeps whom waiting.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::pace::Pace;
use super::places::Place;
use super::standing::{Kind, Standing};

/// A socket with its place.
pub(super) struct Paced {
    stream: TcpStream,
    place: Place,
}

impl Paced {
    pub(super) const fn new(stream: TcpStream, place: Place) -> Self {
        Self { stream, place }
    }

    fn standing(&self) -> &Standing {
        &self.place.0
    }

    /// A runner's link looks after itself.
    fn is_watched(&self) -> bool {
        self.standing().kind() != Kind::Runner
    }

    fn still_here(&self) -> io::Result<()> {
        if self.standing().is_evicted() {
            Err(io::ErrorKind::ConnectionAborted.into())
        } else {
            Ok(())
        }
    }

    /// Notes how a write went.
    fn noted(
        &self,
        written: Poll<io::Result<usize>>,
        context: &Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if !self.is_watched() {
            return written;
        }
        match &written {
            Poll::Pending => {
                self.standing().pace(Pace::answer_waits);
                self.standing().watch(context.waker());
                self.still_here()?;
            }
            Poll::Ready(Ok(bytes)) => {
                let rate = self.standing().least_rate();
                self.standing()
                    .pace(|pace, now| pace.written(now, *bytes, rate));
            }
            Poll::Ready(Err(_)) => {}
        }
        written
    }
}

impl AsyncRead for Paced {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        self.still_here()?;
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if !self.is_watched() {
            return read;
        }
        if read.is_pending() {
            self.standing().watch(context.waker());
            self.still_here()?;
        } else if buffer.filled().len() > before {
            self.standing().pace(Pace::read);
        }
        read
    }
}

impl AsyncWrite for Paced {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.noted(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.noted(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// The body of a request; time counts while somebody waits for it.
pub(super) struct PacedBody {
    pub(super) body: Incoming,
    pub(super) standing: Arc<Standing>,
}

impl Body for PacedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        let Poll::Ready(frame) = &polled else {
            self.standing.pace(Pace::body_waits);
            return Poll::Pending;
        };
        let frame = frame.as_ref().and_then(|frame| frame.as_ref().ok());
        let bytes = frame.and_then(Frame::data_ref).map_or(0, Bytes::len);
        let rate = self.standing.least_rate();
        self.standing
            .pace(|pace, now| pace.body_came(now, bytes, rate));
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for PacedBody {
    fn drop(&mut self) {
        self.standing.pace(|pace, _| pace.body_ended());
    }
}

/// The body of an answer; with its end the connection is idle.
pub(super) struct PacedAnswer {
    pub(super) body: axum::body::Body,
    pub(super) standing: Arc<Standing>,
}

impl Body for PacedAnswer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for PacedAnswer {
    fn drop(&mut self) {
        self.standing.answered();
    }
}
