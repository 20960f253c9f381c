//! Ctrl-C leaves nothing behind.

use std::path::PathBuf;
use std::process::exit;
use std::thread;

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::scratch;

/// From here on a signal ends what runs in `directory`, removes it and ends this process.
pub(crate) fn clean_when_interrupted(directory: PathBuf) -> Result<()> {
    let mut signals =
        Signals::new([SIGHUP, SIGINT, SIGTERM]).context("cannot listen for signals")?;
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            scratch::clean(&directory);
            exit(128 + signal);
        }
    });
    Ok(())
}
