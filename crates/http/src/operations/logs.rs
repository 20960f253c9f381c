//! The full log of an operation, as bytes.

use axum::body::Body;
use axum::response::IntoResponse;
use futures_util::{Stream, stream};
use http::{HeaderName, header};
use reoclo_control::{LogPart, LogStream, OperationLog, Refusal};
use reoclo_domain::counted;

use crate::answer::Bytes;
use crate::error::ApiError;
use crate::query::{QueryReader, QueryText};
use crate::registrar::QueryParameter;

const NEXT_OFFSET: HeaderName = HeaderName::from_static("x-reoclo-next-offset");

/// What the document says of them.
pub(crate) const PARAMETERS: &[QueryParameter] = &[
    (
        "stream",
        "`stdout`, or else `stderr`; `stdout` when absent.",
    ),
    (
        "offset",
        "Where in the stream to begin: 0, or the `X-Reoclo-Next-Offset` of the answer before.",
    ),
];

/// Answers everything that is kept of a stream from the offset on, up to where it has been written
/// by now. Where bytes were dropped, a line says how many.
pub(crate) async fn download(log: OperationLog, query: &QueryText) -> Result<Bytes, ApiError> {
    let mut reader = QueryReader::new(query);
    let name = reader.read(&["stream"], stream_named);
    let offset = reader.number(&["offset"], 0, i64::MAX);
    reader.finish()?;
    let name = name.unwrap_or(LogStream::Stdout);
    let offset = offset.and_then(|offset| u64::try_from(offset).ok());
    let offset = offset.unwrap_or_default();
    let end = log.end(name).await?;
    // An id has no character that would end the name.
    let file = format!(
        "attachment; filename=\"{}-{}.log\"",
        log.id(),
        name.as_str()
    );
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, file),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (NEXT_OFFSET, end.max(offset).to_string()),
    ];
    let pages = Pages {
        log,
        name,
        at: offset,
        end,
        held: None,
    };
    let answer = (headers, Body::from_stream(pages.stream())).into_response();
    Ok(Bytes(answer))
}

fn stream_named(text: &str) -> Result<LogStream, String> {
    let found = LogStream::ALL
        .into_iter()
        .find(|stream| stream.as_str() == text);
    found.ok_or_else(|| "must be stdout or stderr".into())
}

/// A stream from one position to another, a part at a time.
struct Pages {
    log: OperationLog,
    name: LogStream,
    at: u64,
    end: u64,
    /// What comes behind a marker.
    held: Option<bytes::Bytes>,
}

impl Pages {
    fn stream(self) -> impl Stream<Item = Result<bytes::Bytes, Refusal>> + Send + 'static {
        stream::try_unfold(self, |mut pages| async {
            Ok(pages.next().await?.map(|page| (page, pages)))
        })
    }

    async fn next(&mut self) -> Result<Option<bytes::Bytes>, Refusal> {
        if let Some(held) = self.held.take() {
            return Ok(Some(held));
        }
        if self.at >= self.end {
            return Ok(None);
        }
        let (position, mut bytes) = match self.log.read(self.name, self.at).await? {
            LogPart::Bytes { position, bytes } => (position.min(self.end), bytes),
            LogPart::Ahead | LogPart::End => (self.end, Vec::new()),
        };
        let room = usize::try_from(self.end - position).unwrap_or(usize::MAX);
        bytes.truncate(room);
        let dropped = position - self.at;
        self.at = position + bytes.len() as u64;
        if dropped == 0 {
            return Ok(Some(bytes.into()));
        }
        self.held = Some(bytes.into());
        Ok(Some(marker(dropped)))
    }
}

fn marker(dropped: u64) -> bytes::Bytes {
    let (bytes, were) = (
        counted(dropped, "byte"),
        if dropped == 1 { "was" } else { "were" },
    );
    format!("\n[reoclo: {bytes} {were} dropped here]\n").into()
}
