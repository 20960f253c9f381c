//! Writing to stderr without harm: whoever reads it may be gone, its disk may be full, and nothing
//! that is worth having may fail or wait because of that.

use std::fs::{File, OpenOptions};
use std::io::{self, Write, stderr};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::{LazyLock, Mutex, PoisonError};

use reoclo_domain::counted;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, OFlags, fstat};
use rustix::io::Errno;
use tracing_subscriber::fmt::MakeWriter;

/// What a pipe takes without making its writer wait once it is said to be ready (pipe(7)).
const PIECE: usize = 4096;
/// How long a reader that has fallen behind is waited for, once.
const PATIENCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};

static WAY: LazyLock<Mutex<Way>> = LazyLock::new(|| Mutex::new(Way::new()));

/// Writes one line. Where that cannot be done, it is not done.
pub(crate) fn say(line: &str) {
    write(format!("{line}\n").as_bytes());
}

/// Where lines of the log go.
pub(crate) struct LogLines;

impl MakeWriter<'_> for LogLines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}

impl Write for LogLines {
    /// Takes everything, whatever becomes of it.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        write(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write(line: &[u8]) {
    // A way is whole after every statement, so a panic elsewhere spoils nothing.
    let mut way = WAY.lock().unwrap_or_else(PoisonError::into_inner);
    way.write(line);
}

/// The way to stderr.
struct Way {
    kind: Kind,
    /// The reader was waited for in vain, and nothing was written since.
    has_stalled: bool,
    lost: u64,
}

enum Kind {
    /// Writing to it waits for nobody.
    File,
    /// A pipe, opened once more so that writing to it does not wait. Others that hold stderr are
    /// not touched by that.
    Pipe(File),
    /// Writing may wait for a reader: a socket, a terminal.
    Other,
}

impl Kind {
    fn of_stderr() -> Self {
        let mode = fstat(stderr().as_fd()).map(|stat| stat.st_mode);
        match mode.map(FileType::from_raw_mode) {
            Ok(FileType::RegularFile) => Self::File,
            Ok(FileType::Fifo) => open_again().map_or(Self::Other, Self::Pipe),
            _ => Self::Other,
        }
    }
}

/// Fails where /proc is not there, or the pipe is somebody else's.
fn open_again() -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    OpenOptions::new()
        .write(true)
        .custom_flags(flags.bits().cast_signed())
        .open("/proc/self/fd/2")
}

impl Way {
    fn new() -> Self {
        Self {
            kind: Kind::of_stderr(),
            has_stalled: false,
            lost: 0,
        }
    }

    fn write(&mut self, line: &[u8]) {
        if self.lost > 0 {
            // The last one may have been cut in the middle.
            let note = format!(
                "\nreoclo: {} could not be written here before this one\n",
                counted(self.lost, "line")
            );
            if self.put(note.as_bytes()).is_err() {
                self.lost += 1;
                return;
            }
            self.lost = 0;
        }
        if self.put(line).is_err() {
            self.lost += 1;
        }
    }

    fn put(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            self.wait()?;
            let most = match self.kind {
                Kind::File => bytes.len(),
                Kind::Pipe(_) | Kind::Other => bytes.len().min(PIECE),
            };
            let written = match &self.kind {
                Kind::Pipe(pipe) => rustix::io::write(pipe, &bytes[..most]),
                Kind::File | Kind::Other => rustix::io::write(stderr().as_fd(), &bytes[..most]),
            };
            match written {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => bytes = &bytes[written..],
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            self.has_stalled = false;
        }
        Ok(())
    }

    /// Waits for the reader, but not again and again for one that does not read.
    fn wait(&mut self) -> io::Result<()> {
        let standard = stderr();
        let descriptor = match &self.kind {
            Kind::File => return Ok(()),
            Kind::Pipe(pipe) => pipe.as_fd(),
            Kind::Other => standard.as_fd(),
        };
        let time = if self.has_stalled {
            Timespec::default()
        } else {
            PATIENCE
        };
        let mut polled = [PollFd::from_borrowed_fd(descriptor, PollFlags::OUT)];
        let is_ready = match poll(&mut polled, Some(&time)) {
            Ok(ready) => ready > 0,
            Err(Errno::INTR) => false,
            Err(error) => return Err(error.into()),
        };
        if is_ready {
            return Ok(());
        }
        self.has_stalled = true;
        Err(io::ErrorKind::WouldBlock.into())
    }
}
