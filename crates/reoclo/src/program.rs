//! The program that runners are given.

mod elf;

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::Context as _;
use reoclo_domain::hex;
use reoclo_http::{ProgramSlot, RunnerProgram};
use reoclo_wire::handshake::ProgramOffer;
use ring::digest::{Context, SHA256};

const CHUNK: usize = 256 * 1024;

/// Looked at when somebody first asks: `other`, or else this process's own program.
pub(crate) fn slot(other: Option<PathBuf>) -> ProgramSlot {
    ProgramSlot::new(move || match read(other.as_deref()) {
        Ok(program) => Some(program),
        Err(error) => {
            tracing::error!(%error, "the program for runners cannot be read, so none is given");
            None
        }
    })
}

/// Whether runners could be given this program: a start with one that they could not is refused.
pub(crate) fn check(program: &Path) -> anyhow::Result<()> {
    let named = || format!("--runner-program {} cannot be used", program.display());
    let file = File::open(program).with_context(named)?;
    let size = file.metadata().with_context(named)?.len();
    let mut own = [0; elf::HEADER];
    let own = File::open("/proc/self/exe")
        .and_then(|file| file.read_exact_at(&mut own, 0))
        .ok()
        .map(|()| elf::target(&own));
    let read_at = |from, bytes: &mut [u8]| file.read_exact_at(bytes, from);
    if let Some(problem) = elf::problem(read_at, size, own) {
        anyhow::bail!("{}: {problem}", named());
    }
    version_of(program).map(drop).with_context(named)
}

/// Its own is the file that this process was started from, also when another has its name by now.
fn read(other: Option<&Path>) -> io::Result<RunnerProgram> {
    let mut file = File::open(other.unwrap_or(Path::new("/proc/self/exe")))?;
    let version = match other {
        Some(other) => version_of(other)?,
        None => env!("CARGO_PKG_VERSION").to_owned(),
    };
    let glibc = elf::glibc(|from, bytes| file.read_exact_at(bytes, from))?;
    let (sha256, size) = measure(&mut file)?;
    Ok(RunnerProgram {
        offer: ProgramOffer {
            version,
            platform: reoclo_runner::platform(),
            sha256,
            size,
        },
        glibc: glibc.map_or_else(String::new, |(major, minor)| format!("{major}.{minor}")),
        file: Arc::new(file),
    })
}

/// What `--version` says: `reoclo 1.2.3`.
fn version_of(program: &Path) -> io::Result<String> {
    let said = Command::new(program).arg("--version").output()?;
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let version = said.trim().strip_prefix("reoclo ");
    version.map(str::to_owned).ok_or_else(|| {
        let problem = format!("{} is no reoclo", program.display());
        io::Error::new(io::ErrorKind::InvalidData, problem)
    })
}

/// SHA-256 in hexadecimal, and the number of bytes.
fn measure(file: &mut impl Read) -> io::Result<(String, u64)> {
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; CHUNK];
    let mut size = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        context.update(&buffer[..read]);
        size += read as u64;
    }
    Ok((hex::encode(context.finish().as_ref()), size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_measured_by_sha256() {
        let (hash, size) = measure(&mut &b"abc"[..]).unwrap();
        assert_eq!(
            (hash.as_str(), size),
            (
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                3
            )
        );
    }

    #[test]
    fn this_program_needs_a_glibc_that_this_machine_has() {
        let program = read(None).unwrap();
        let (major, minor) = program.glibc.split_once('.').unwrap();
        assert_eq!(major, "2");
        assert!(minor.parse::<u32>().unwrap() >= 17);
        assert_eq!(program.offer.size, program.file.metadata().unwrap().len());
    }
}
