//! `/install.sh` and the program that it downloads.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawPathParams, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, StatusCode, header};
use reoclo_control::Refusal;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::error::ApiError;
use crate::program::RunnerProgram;
use crate::public::Public;
use crate::registrar::{Doc, Registrar};
use crate::state::AppState;

/// The script; names between `@` are replaced.
const SCRIPT: &str = include_str!("install/install.sh");
/// Held by every download.
const CHUNK: usize = 16 * 1024;
/// Reads at a time: each takes a thread, and many threads take memory that they do not give back.
static READERS: Semaphore = Semaphore::const_new(4);

/// Public: there is no secret in either, and who runs the script has no key yet.
pub(crate) fn add(registrar: Registrar) -> Registrar {
    registrar
        .unlisted_get(
            "/install.sh",
            Doc::new("A shell script that installs the runner of this control plane."),
            script,
        )
        .unlisted_get(
            "/runner/v1/binary/{platform}",
            Doc::new("The program for a platform such as linux-x86_64."),
            binary,
        )
}

async fn script(_: Public, State(state): State<AppState>) -> Result<Response, ApiError> {
    let program = state.program.get().await;
    let program = program.ok_or(Refusal::NotFound("a program for runners"))?;
    let url = &state.control.settings().public_url;
    let text = fill(url, program).ok_or(Refusal::NotFound(
        "a public address that a shell script can hold: set --public-url",
    ))?;
    let headers = [
        (header::CONTENT_TYPE, "text/x-shellscript; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, text).into_response())
}

/// The script with its values; none when one has a character that a shell would read.
fn fill(url: &str, program: &RunnerProgram) -> Option<String> {
    let offer = &program.offer;
    let values = [
        ("@URL@", url),
        ("@VERSION@", &offer.version),
        ("@PLATFORM@", &offer.platform),
        ("@SHA256@", &offer.sha256),
        ("@GLIBC@", &program.glibc),
    ];
    let mut text = SCRIPT.to_owned();
    for (name, value) in values {
        if !value.chars().all(is_plain) {
            return None;
        }
        text = text.replace(name, value);
    }
    Some(text)
}

/// Means nothing to a shell, inside quotes or outside.
fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || ".:/_~[]+-".contains(character)
}

async fn binary(
    _: Public,
    State(state): State<AppState>,
    parameters: RawPathParams,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let program = state.program.get().await;
    let program = program.ok_or(Refusal::NotFound("a program for runners"))?;
    let offer = &program.offer;
    let mut asked = parameters.iter().filter(|(name, _)| *name == "platform");
    if asked
        .next()
        .is_none_or(|(_, asked)| asked != offer.platform)
    {
        return Err(Refusal::NotFound(
            "a program for that platform: a control plane has that of its own platform only",
        )
        .into());
    }
    let tag = format!("\"{}\"", offer.sha256);
    let is_known = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.as_bytes());
    if is_known {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let file = Arc::clone(&program.file);
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, offer.size.to_string()),
        (header::ETAG, tag),
    ];
    Ok((headers, body(file)).into_response())
}

/// Read as it is sent: a program is larger than anybody wants in memory for each download.
fn body(file: Arc<File>) -> Body {
    Body::from_stream(stream::try_unfold((file, 0), async |(file, at)| {
        let chunk = read(Arc::clone(&file), at).await?;
        let next = at + u64::try_from(chunk.len()).unwrap_or_default();
        Ok::<_, io::Error>((!chunk.is_empty()).then_some((chunk, (file, next))))
    }))
}

/// What the file holds from there on; empty at its end.
async fn read(file: Arc<File>, at: u64) -> io::Result<Bytes> {
    // It is never closed.
    let _turn = READERS.acquire().await;
    let reading = spawn_blocking(move || {
        let mut chunk = vec![0; CHUNK];
        let read = file.read_at(&mut chunk, at)?;
        chunk.truncate(read);
        Ok(chunk.into())
    });
    reading.await?
}

#[cfg(test)]
mod tests {
    use reoclo_wire::handshake::ProgramOffer;

    use super::*;

    fn program(glibc: &str) -> RunnerProgram {
        RunnerProgram {
            offer: ProgramOffer {
                version: "0.1.0".into(),
                platform: "linux-x86_64".into(),
                sha256: "ab".repeat(32),
                size: 1,
            },
            glibc: glibc.into(),
            file: Arc::new(File::open("/dev/null").unwrap()),
        }
    }

    #[test]
    fn every_value_is_filled_in() {
        let text = fill("https://reoclo.example.com:8443", &program("2.34")).unwrap();
        assert!(!text.contains("@URL@") && !text.contains("@GLIBC@") && !text.contains("@SHA"));
        assert!(text.contains("url='https://reoclo.example.com:8443'\n"));
        assert!(text.contains("glibc='2.34'\n"));
    }

    #[test]
    fn a_value_that_a_shell_would_read_makes_no_script() {
        for url in [
            "https://a'b",
            "https://$(id)",
            "https://a b",
            "https://a\n",
            "https://a`b`",
        ] {
            assert_eq!(fill(url, &program("2.34")), None, "{url}");
        }
        assert_eq!(fill("https://a", &program("2.34';id'")), None);
    }
}
