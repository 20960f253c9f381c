//! `cargo xtask dist`: the binary as it is shipped.

mod zig;

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::cargo::build;
use crate::process::Processes;

/// The oldest minor version of glibc 2 that the binary runs with: that of 2012.
const GLIBC: u32 = 17;

/// Build the binary as it is shipped, for glibc 2.17 and later, and print its path, size and
/// SHA-256. The linker is zig's, which is installed from PyPI into the target folder at the first
/// time; that needs Python 3 with venv, and the network.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Link with this machine's own tools: the binary then needs a glibc as new as its own
    #[arg(long)]
    native: bool,
}

pub(crate) fn run(arguments: &Arguments, processes: &Processes) -> Result<ExitCode> {
    let binary = if arguments.native {
        build("reoclo", "dist", processes)?
    } else {
        zig::build("reoclo", GLIBC, processes)?
    };
    let needed = needed_glibc(&fs::read(&binary)?);
    if !arguments.native && needed > Some(GLIBC) {
        bail!("the binary needs glibc 2.{}", needed.unwrap_or_default());
    }
    let (size, hash) = measure(&binary)?;
    println!("path    {}", binary.display());
    println!("size    {size} bytes");
    println!("sha256  {hash}");
    println!("glibc   2.{} or later", needed.unwrap_or_default());
    Ok(ExitCode::SUCCESS)
}

/// The newest `GLIBC_2.n` that is named in a binary.
fn needed_glibc(binary: &[u8]) -> Option<u32> {
    const NAME: &[u8] = b"GLIBC_2.";
    let places = binary.windows(NAME.len()).enumerate();
    let named = places.filter(|(_, part)| *part == NAME);
    let minors = named.filter_map(|(at, _)| {
        let rest = &binary[at + NAME.len()..];
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        str::from_utf8(&rest[..digits]).ok()?.parse().ok()
    });
    minors.max()
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
    fn the_newest_version_that_is_named_counts() {
        let binary = b"\0GLIBC_2.2.5\0GLIBC_2.17\0GLIBC_2.4\0GLIBC_2.x GLIBC_";
        assert_eq!(needed_glibc(binary), Some(17));
        assert_eq!(needed_glibc(b"GCC_3.0"), None);
    }

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
