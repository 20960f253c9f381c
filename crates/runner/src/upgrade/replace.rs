//! One program takes the place of another.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use super::record::Record;
use super::{Prepared, UpgradeOptions, guard, previous};
use crate::data_dir::DataDir;

/// Puts the new program in its place and becomes it; comes back only when that failed, with the
/// present program in its place.
pub(crate) fn become_it(prepared: Prepared, options: &UpgradeOptions, dir: &DataDir) {
    let Prepared { file, mut record } = prepared;
    let program = &options.program;
    let replaced = record
        .save(dir)
        .and_then(|()| keep(program))
        .and_then(|()| file.put(program))
        .and_then(|()| sync(program));
    let error = match replaced {
        Ok(()) => {
            tracing::info!("this process becomes the new program");
            guard::start(program, dir, options.connect_within);
            Command::new(program).args(&options.arguments).exec()
        }
        Err(error) => error,
    };
    tracing::error!(%error, "the new program could not take this one's place");
    if let Err(error) = roll_back(&mut record, program, dir, &error.to_string()) {
        tracing::error!(%error, "the previous program could not be put back");
    }
}

/// Puts the previous program back, and remembers why.
pub(super) fn roll_back(
    record: &mut Record,
    program: &Path,
    dir: &DataDir,
    reason: &str,
) -> io::Result<()> {
    let previous = previous(program);
    if previous.exists() {
        fs::rename(previous, program)?;
        sync(program)?;
    }
    record.fail(reason.to_owned());
    record.save(dir)
}

/// Gives the present program a second name: at no moment is there none of its own.
fn keep(program: &Path) -> io::Result<()> {
    let previous = previous(program);
    match fs::remove_file(&previous) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::hard_link(program, previous)
}

fn sync(program: &Path) -> io::Result<()> {
    File::open(program.parent().unwrap_or(Path::new("/")))?.sync_all()
}
