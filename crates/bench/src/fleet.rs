//! Many runners that have nothing to do, in a process of their own: they speak the protocol of
//! the real ones, and share nothing with the control plane but the machine.

mod runner;
mod service;

use std::env;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, Result};
use ring::signature::{Ed25519KeyPair, KeyPair};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

use crate::lab::runtime;

/// What stands before the file in the arguments of the process.
pub(crate) const FLAG: &str = "--simulate-runners";

/// Who the runners are, and where they dial.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Roster {
    /// The control plane's host and port.
    pub(crate) address: String,
    pub(crate) control_plane_id: String,
    /// Each runner's server; its place says which key is the runner's.
    pub(crate) servers: Vec<String>,
}

/// The process that they run in; it ends when this is dropped.
pub(crate) struct Fleet(Child);

impl Fleet {
    /// Starts all of them at once. `file` is where the process finds who they are.
    pub(crate) fn start(roster: &Roster, file: &Path) -> Result<Self> {
        serde_json::to_writer(File::create(file)?, roster)?;
        let child = Command::new(env::current_exe()?)
            .arg(FLAG)
            .arg(file)
            .stdin(Stdio::null())
            .spawn();
        Ok(Self(child.context("cannot start the simulated runners")?))
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The public half of the key of the runner at this place.
pub(crate) fn public_key(place: usize) -> Result<Vec<u8>> {
    Ok(key(place)?.public_key().as_ref().to_vec())
}

fn key(place: usize) -> Result<Ed25519KeyPair> {
    let mut seed = [0x5a; 32];
    seed[..8].copy_from_slice(&place.to_be_bytes());
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed);
    pair.ok().context("the seed makes no key")
}

/// What the process does, until it is killed.
pub(crate) fn run(file: &Path) -> Result<()> {
    let roster: Roster = serde_json::from_reader(BufReader::new(File::open(file)?))?;
    allow_open_files(roster.servers.len())?;
    let roster = Arc::new(roster);
    runtime()?.block_on(async {
        let mut last = None;
        for place in 0..roster.servers.len() {
            let runner = runner::Runner::new(Arc::clone(&roster), place, key(place)?);
            last = Some(tokio::spawn(runner.keep_connected()));
        }
        if let Some(last) = last {
            last.await?;
        }
        Ok(())
    })
}

/// One for every connection.
fn allow_open_files(connections: usize) -> Result<()> {
    let before = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: before.maximum,
        ..before
    };
    setrlimit(Resource::Nofile, all)
        .with_context(|| format!("{connections} connections need as many open files"))
}
