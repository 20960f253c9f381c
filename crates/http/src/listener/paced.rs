//! A socket and the bodies over it, which note who keeps whom waiting, and with how many bytes.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::BoxError;
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::held::{Held, MOST_AT_ONCE};
use super::pace::Pace;
use super::places::Place;
use super::standing::{Kind, Standing};

/// A socket with its place.
pub(super) struct Paced {
    stream: TcpStream,
    place: Place,
    /// The system takes more of an answer at a time.
    is_wide: bool,
}

/// What the system keeps of an answer that it cannot send yet: with more of it, a slow reader
/// would seem to stand still for a long time and then to take much at once.
const UNSENT_BYTES: u32 = 48 * 1024;
const UNSENT_BYTES_OF_STRANGERS: u32 = 16 * 1024;

impl Paced {
    pub(super) fn new(stream: TcpStream, place: Place) -> Self {
        // A socket that cannot be set so still carries bytes. Small answers must not wait for an
        // acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        let _ = SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT_BYTES_OF_STRANGERS);
        Self {
            stream,
            place,
            is_wide: false,
        }
    }

    /// Who has authenticated may have more on its way.
    fn widens(&mut self) {
        if !self.is_wide {
            self.is_wide = true;
            let _ = SockRef::from(&self.stream).set_tcp_notsent_lowat(UNSENT_BYTES);
        }
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
                self.holds(Held::stalls)?;
                self.standing().watch(context.waker());
                self.still_here()?;
            }
            Poll::Ready(Ok(bytes)) => {
                let rate = self.standing().least_rate();
                self.standing()
                    .pace(|pace, now| pace.written(now, *bytes, rate));
                self.standing().hold(|held| held.written(*bytes));
            }
            Poll::Ready(Err(_)) => {}
        }
        written
    }

    /// Notes what it holds; over a proxy's connection others are served as well, and it is told
    /// when it asks for more than a head.
    fn holds(&self, change: impl FnOnce(&mut Held)) -> io::Result<()> {
        if self.standing().hold(change) || self.standing().address.is_none() {
            Ok(())
        } else {
            Err(io::ErrorKind::ConnectionAborted.into())
        }
    }

    /// Whether what comes is read in small pieces, and then whether a request is served.
    fn reads_little(&self) -> Option<bool> {
        let (is_serving, is_upgraded) = self
            .standing()
            .pace(|pace, _| (pace.is_serving(), pace.is_upgraded()));
        let is_head = !is_serving && !is_upgraded;
        let is_little = is_head || self.standing().is_of_stranger();
        (is_little && self.is_watched()).then_some(is_serving)
    }

    /// Reads in small pieces, as it does what strangers send, and every head.
    fn poll_read_little(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
        is_serving: bool,
    ) -> Poll<io::Result<()>> {
        let mut most = buffer.remaining().min(MOST_AT_ONCE);
        if !is_serving {
            let left = self.standing().head_left();
            if left == 0 && self.standing().pace(|pace, _| pace.is_upgraded()) {
                return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
            }
            // Who has none left is refused by who parses it, once they see that it is too much.
            most = most.min(left.max(LEAST_AT_ONCE));
        }
        let mut little = [0; MOST_AT_ONCE];
        let mut piece = ReadBuf::new(&mut little[..most]);
        std::task::ready!(Pin::new(&mut self.stream).poll_read(context, &mut piece))?;
        let bytes = piece.filled();
        self.holds(|held| held.read(bytes.len(), is_serving))?;
        buffer.put_slice(bytes);
        Poll::Ready(Ok(()))
    }
}

const LEAST_AT_ONCE: usize = 1024;
/// A head and the begin of a body, in one packet where they are small.
const MOST_PARTS: usize = 4;

/// The begin of what is to be written, as much as the system is given at a time.
fn little<'p>(parts: &'p [io::IoSlice<'_>]) -> [io::IoSlice<'p>; MOST_PARTS] {
    let mut few = [io::IoSlice::new(&[]); MOST_PARTS];
    let mut left = MOST_AT_ONCE;
    let filled = parts.iter().filter(|part| !part.is_empty());
    for (place, part) in few.iter_mut().zip(filled) {
        let taken = part.len().min(left);
        left -= taken;
        *place = io::IoSlice::new(&part[..taken]);
    }
    few
}

impl AsyncRead for Paced {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        self.still_here()?;
        let read = match self.reads_little() {
            Some(is_serving) => self.poll_read_little(context, buffer, is_serving),
            None => Pin::new(&mut self.stream).poll_read(context, buffer),
        };
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
        let most = if self.standing().is_of_stranger() {
            bytes.len().min(MOST_AT_ONCE)
        } else {
            self.widens();
            bytes.len()
        };
        let written = Pin::new(&mut self.stream).poll_write(context, &bytes[..most]);
        self.noted(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let few;
        let parts = if self.standing().is_of_stranger() {
            few = little(parts);
            &few
        } else {
            self.widens();
            parts
        };
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
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
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
        if !self.standing.hold(|held| held.body_came(bytes)) {
            return Poll::Ready(Some(Err(NoRoomError.into())));
        }
        polled.map_err(Into::into)
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

/// Strangers hold as much as they may.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("those who have not authenticated have sent as much as there is room for")]
pub(crate) struct NoRoomError;

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
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            // What all connections share is there once.
            let own = frame.data_ref().filter(|data| data.is_unique());
            if let Some(own) = own {
                // It is made: who holds most makes way for it.
                self.standing.hold(|held| held.answer_came(own.len()));
            }
        }
        polled
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
