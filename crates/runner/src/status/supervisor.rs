//! The supervisor's second socket: one line asks, one line answers. The first belongs to the
//! runner, whose connection another one would displace.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use reoclo_domain::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use super::SupervisorStatus;
use crate::data_dir::{DataDir, STATUS_SOCKET};
use crate::socket;

/// One that takes longer to answer is not there.
const LIMIT: Duration = Duration::from_secs(2);
/// The longest line.
const MOST: u64 = 4096;

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Request {
    /// How it is.
    Status,
    /// That it ends as soon as nothing runs, so that another program takes its place.
    Retire,
    /// The same, of whoever has taken its place already: it takes nothing new from now on.
    Succeed,
}

/// What comes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SupervisorAnswer {
    pub(crate) pid: u32,
    pub(crate) version: String,
    /// See [`program_id`].
    pub(crate) program: String,
    pub(crate) running: u64,
    /// Of this process; one of before it was told says nothing.
    #[serde(default)]
    pub(crate) instance_id: String,
    /// Microseconds since 1970.
    pub(crate) since: i64,
}

impl SupervisorAnswer {
    pub(super) fn into_status(self) -> SupervisorStatus {
        SupervisorStatus {
            pid: self.pid,
            version: self.version,
            running_operations: self.running,
            since: Timestamp::from_micros(self.since),
        }
    }
}

/// Asks the supervisor whose socket is in a directory, if one listens.
pub(crate) async fn ask(dir: &DataDir, request: Request) -> io::Result<SupervisorAnswer> {
    tokio::time::timeout(LIMIT, exchange(dir, request)).await?
}

async fn exchange(dir: &DataDir, request: Request) -> io::Result<SupervisorAnswer> {
    let mut stream = socket::connect(dir, STATUS_SOCKET).await?;
    let mut line = serde_json::to_vec(&request)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    let mut answer = String::new();
    BufReader::new(stream.take(MOST))
        .read_line(&mut answer)
        .await?;
    Ok(serde_json::from_str(&answer)?)
}

/// The file that this process was started from: its inode, which stays as long as the process
/// does, and is another when the program was replaced.
pub(crate) fn program_id() -> io::Result<String> {
    let program = fs::metadata("/proc/self/exe")?;
    Ok(format!("{}:{}", program.dev(), program.ino()))
}
