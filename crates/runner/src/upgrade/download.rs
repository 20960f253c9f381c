//! A program from the control plane, in a file beside the present one.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use reoclo_domain::hex;
use reoclo_wire::handshake::{BINARY_PATH, ProgramOffer};
use ring::digest::{Context, SHA256};

use crate::dial::{DialError, Dialer};

/// For the whole of it: a slow line has this long for fifteen megabytes.
const LIMIT: Duration = Duration::from_mins(10);
/// No program is larger.
const MOST: u64 = 1 << 30;
const CHUNK: usize = 256 * 1024;

#[derive(Debug, thiserror::Error)]
pub(super) enum DownloadError {
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error("the control plane does not give it")]
    Http(#[from] hyper::Error),
    #[error("the control plane answered {0}")]
    Answered(StatusCode),
    #[error("the request could not be made")]
    Request(#[from] http::Error),
    #[error("it cannot be written beside the present program")]
    File(#[from] io::Error),
    #[error("it is not what was offered")]
    Other,
    #[error("it did not come in time")]
    Slow,
}

/// A file that is removed again unless it is put somewhere.
pub(super) struct Downloaded(PathBuf);

impl Downloaded {
    #[cfg(test)]
    pub(super) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Gives it another name in the same directory.
    pub(super) fn put(self, program: &Path) -> io::Result<()> {
        fs::rename(&self.0, program)
    }
}

impl Drop for Downloaded {
    fn drop(&mut self) {
        // Once it was put, there is none of this name.
        let _ = fs::remove_file(&self.0);
    }
}

/// Downloads what was offered, and nothing else.
pub(super) async fn download(
    program: &Path,
    dialer: &Dialer,
    offer: &ProgramOffer,
) -> Result<Downloaded, DownloadError> {
    tokio::time::timeout(LIMIT, fetch(program, dialer, offer))
        .await
        .unwrap_or(Err(DownloadError::Slow))
}

async fn fetch(
    program: &Path,
    dialer: &Dialer,
    offer: &ProgramOffer,
) -> Result<Downloaded, DownloadError> {
    if offer.size > MOST {
        return Err(DownloadError::Other);
    }
    let (mut file, downloaded) = create(program)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(dialer.dial().await?)).await?;
    let request = request(dialer, &offer.platform)?;
    let receiving = async {
        let response = sender.send_request(request).await?;
        if response.status() != StatusCode::OK {
            return Err(DownloadError::Answered(response.status()));
        }
        receive(response.into_body(), &mut file, offer).await
    };
    let connection = async {
        let _ = connection.await;
        // What is left to say is said by the answer.
        std::future::pending::<()>().await;
    };
    tokio::select! {
        received = receiving => received?,
        () = connection => {}
    }
    // Executable only once it is known to be what was offered.
    file.set_permissions(Permissions::from_mode(0o755))?;
    file.sync_all()?;
    Ok(downloaded)
}

/// A leftover of an earlier attempt is replaced.
fn create(program: &Path) -> io::Result<(File, Downloaded)> {
    let path = program.with_file_name(".reoclo.upgrade");
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)?;
    Ok((file, Downloaded(path)))
}

fn request(dialer: &Dialer, platform: &str) -> Result<Request<Empty<Bytes>>, http::Error> {
    let address = dialer.address();
    Request::get(format!("{}{BINARY_PATH}/{platform}", address.prefix))
        .header(header::HOST, &address.authority)
        .body(Empty::new())
}

async fn receive(
    mut body: Incoming,
    file: &mut File,
    offer: &ProgramOffer,
) -> Result<(), DownloadError> {
    let mut context = Context::new(&SHA256);
    let mut size = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        size += data.len() as u64;
        if size > offer.size {
            return Err(DownloadError::Other);
        }
        context.update(&data);
        file.write_all(&data)?;
    }
    if size == offer.size && hex::encode(context.finish().as_ref()) == offer.sha256 {
        Ok(())
    } else {
        Err(DownloadError::Other)
    }
}

/// SHA-256 of the file that this process was started from.
pub(super) fn own_checksum() -> io::Result<String> {
    checksum(Path::new("/proc/self/exe"))
}

/// SHA-256 of a file, in hexadecimal.
pub(super) fn checksum(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; CHUNK];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex::encode(context.finish().as_ref())),
            read => context.update(&buffer[..read]),
        }
    }
}
