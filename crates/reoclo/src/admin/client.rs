use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use anyhow::{Context, bail};

use super::{Answer, MAX_LINE, Request, socket_path};
use crate::exit::misuse;

/// Asks the control plane whose data directory this is.
pub(crate) fn ask(data_dir: &Path, request: &Request) -> anyhow::Result<Answer> {
    let not_running = || {
        format!(
            "no control plane is running on {}: start it, or give its --data-dir",
            data_dir.display()
        )
    };
    let connect = || UnixStream::connect(socket_path(&File::open(data_dir)?));
    let mut stream = connect().with_context(not_running).map_err(misuse)?;
    let mut line = serde_json::to_string(request)?;
    line.push('\n');
    stream.write_all(line.as_bytes())?;
    let mut answer = String::new();
    BufReader::new(stream.take(MAX_LINE)).read_line(&mut answer)?;
    match serde_json::from_str(&answer).context("the control plane did not answer")? {
        Answer::Refused { detail, .. } => bail!(detail),
        answer => Ok(answer),
    }
}
