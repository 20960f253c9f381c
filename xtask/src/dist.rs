//! `cargo xtask dist`: the binary as it is shipped.

use std::fs::File;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::cargo::build;
use crate::process::Processes;

/// Build the binary as it is shipped and print its path, size and SHA-256. It is linked against
/// this machine's glibc, so it runs on systems with that version or a later one.
#[derive(clap::Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(_: &Arguments, processes: &Processes) -> Result<ExitCode> {
    let binary = build("reoclo", "dist", processes)?;
    let (size, hash) = measure(&binary)?;
    println!("path    {}", binary.display());
    println!("size    {size} bytes");
    println!("sha256  {hash}");
    Ok(ExitCode::SUCCESS)
}

/// The file's size in bytes and its SHA-256 in hexadecimal.
fn measure(path: &Path) -> Result<(u64, String)> {
    let open = || File::open(path).with_context(|| format!("cannot read {}", path.display()));
    let mut hasher = Sha256::new();
    let size = io::copy(&mut open()?, &mut hasher)?;
    Ok((size, format!("{:x}", hasher.finalize())))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_measured_in_bytes_and_by_sha256() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("abc");
        fs::write(&path, "abc").unwrap();
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(measure(&path).unwrap(), (3, hash.to_owned()));
        assert!(measure(&directory.path().join("none")).is_err());
    }
}
