//! The process that reads what an ended command's processes still write, and forgets it.
//!
//! It is the same program, begun in another way before anything else is set up: one thread, no
//! memory of its own to speak of, no descriptor but the pipes, its own session, in `/`. It gives
//! back what the program itself takes, and ends when the last writer has closed its end.

#[cfg(target_arch = "x86_64")]
mod bare;

use std::ffi::{OsString, c_int, c_void};
use std::fs;
use std::io::{Read, stderr, stdin, stdout};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use rustix::fs::{FileType, fstat};
use rustix::io::Errno;
use rustix::pipe::{SpliceFlags, splice};

/// The argument that makes the program this process.
pub(crate) const ARGUMENT: &str = "drain-pipes";
/// Bytes that are moved at once: as much as a pipe holds at most by default.
const AT_ONCE: usize = 1 << 20;

/// Whether this process was started to read pipes.
pub fn is_drain(arguments: impl IntoIterator<Item = OsString>) -> bool {
    let mut arguments = arguments.into_iter().skip(1);
    arguments
        .next()
        .is_some_and(|argument| argument == ARGUMENT)
        && arguments.next().is_none()
}

/// Reads the pipes on standard input and output until nobody can write to them. It need not come
/// back.
pub fn drain() {
    let _ = rustix::thread::set_name(c"reoclo-drain");
    let (first, second, nothing) = (stdin(), stdout(), stderr());
    let open: Vec<BorrowedFd<'_>> = [first.as_fd(), second.as_fd()]
        .into_iter()
        .filter(|end| is_pipe(*end))
        .collect();
    let mappings = mappings();
    for mapping in mappings.iter().filter(|mapping| mapping.is_unchanged()) {
        mapping.let_go();
    }
    read_on(open, nothing.as_fd(), &mappings);
}

/// Without the program and its libraries.
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "memory is given back for good")]
fn read_on(open: Vec<BorrowedFd<'_>>, nothing: BorrowedFd<'_>, mappings: &[Mapping]) {
    let mut task = bare::Task::new(&open, nothing);
    let mut is_found = false;
    for mapping in mappings.iter().filter(|mapping| mapping.is_private_file) {
        match bare::text_to_let_go(mapping.start, mapping.end) {
            Some(parts) => {
                is_found = true;
                for part in parts {
                    task.give_back(part);
                }
            }
            // What can be read again takes nothing.
            None if mapping.is_unchanged() => {}
            None => task.give_back(bare::Range {
                start: mapping.start,
                length: mapping.end - mapping.start,
            }),
        }
    }
    if is_found {
        // SAFETY: the task is on the stack, and what is given back are mappings of files alone,
        // but for what has the function. The memory of the thread is nobody's file, and there is
        // one thread.
        unsafe { bare::run(&mut task) }
    }
    read(open, nothing);
}

/// With what there is of it.
#[cfg(not(target_arch = "x86_64"))]
fn read_on(open: Vec<BorrowedFd<'_>>, nothing: BorrowedFd<'_>, _: &[Mapping]) {
    read(open, nothing);
}

fn read(mut open: Vec<BorrowedFd<'_>>, nothing: BorrowedFd<'_>) {
    while !open.is_empty() {
        let ready = wait(&open);
        let mut ready = ready.into_iter();
        open.retain(|end| !ready.next().unwrap_or(false) || goes_on(*end, nothing));
    }
}

fn is_pipe(end: BorrowedFd<'_>) -> bool {
    fstat(end).is_ok_and(|status| FileType::from_raw_mode(status.st_mode) == FileType::Fifo)
}

/// Which of them have something to read, or have ended.
#[expect(unsafe_code, reason = "poll(2) takes a plain array")]
fn wait(ends: &[BorrowedFd<'_>]) -> Vec<bool> {
    let mut all: Vec<libc::pollfd> = ends
        .iter()
        .map(|end| libc::pollfd {
            fd: end.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        })
        .collect();
    // SAFETY: the array is as long as it is said to be. An error leaves it as it was.
    unsafe { libc::poll(all.as_mut_ptr(), all.len() as libc::nfds_t, -1) };
    all.iter().map(|end| end.revents != 0).collect()
}

/// Moves what is there to nowhere; `false` when there will be nothing more.
fn goes_on(end: BorrowedFd<'_>, nothing: BorrowedFd<'_>) -> bool {
    match splice(end, None, nothing, None, AT_ONCE, SpliceFlags::NONBLOCK) {
        Ok(moved) => moved > 0,
        Err(Errno::AGAIN | Errno::INTR) => true,
        // Where it cannot be moved, it is read.
        Err(_) => {
            let mut buffer = [0; 4096];
            matches!(
                rustix::io::read(end, &mut buffer),
                Ok(1..) | Err(Errno::AGAIN | Errno::INTR)
            )
        }
    }
}

/// What this process has in memory; nothing where that cannot be seen.
fn mappings() -> Vec<Mapping> {
    let mut text = String::new();
    let read =
        fs::File::open("/proc/self/smaps").and_then(|mut file| file.read_to_string(&mut text));
    if read.is_err() {
        return Vec::new();
    }
    let mut found: Vec<Mapping> = Vec::new();
    for line in text.lines() {
        if let Some(mapping) = Mapping::read(line) {
            found.push(mapping);
        } else if let Some(size) = line.strip_prefix("Anonymous:")
            && let Some(mapping) = found.last_mut()
        {
            mapping.has_changed = !is_zero(size);
        }
    }
    found
}

fn is_zero(size: &str) -> bool {
    size.split_ascii_whitespace().next() == Some("0")
}

/// A line such as `55d0-55d8 r--p 00000000 fd:01 123  /usr/bin/reoclo` (proc_pid_smaps(5)).
struct Mapping {
    start: usize,
    end: usize,
    is_private_file: bool,
    is_writable: bool,
    /// Some of its pages are not the file's.
    has_changed: bool,
}

impl Mapping {
    fn read(line: &str) -> Option<Self> {
        let mut fields = line.split_ascii_whitespace();
        let (start, end) = fields.next()?.split_once('-')?;
        let access = fields.next()?;
        let name = fields.nth(3).unwrap_or_default();
        Some(Self {
            start: usize::from_str_radix(start, 16).ok()?,
            end: usize::from_str_radix(end, 16).ok()?,
            is_private_file: access.ends_with('p') && name.starts_with('/'),
            is_writable: access.contains('w'),
            has_changed: true,
        })
    }

    /// It was read into memory for the start, is hardly needed any more, and can be read again.
    fn is_unchanged(&self) -> bool {
        self.is_private_file && !self.is_writable && !self.has_changed
    }

    #[expect(unsafe_code, reason = "it is this process's own memory")]
    fn let_go(&self) {
        let start = self.start as *mut c_void;
        // SAFETY: a private mapping of a file, not writable and without a page that differs from
        // the file: the next access reads the same bytes again.
        let _: c_int = unsafe { libc::madvise(start, self.end - self.start, libc::MADV_DONTNEED) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_unchanged_is_let_go() {
        let unchanged = |line: &str, has_changed| {
            let mapping = Mapping::read(line);
            mapping.is_some_and(|mapping| {
                Mapping {
                    has_changed,
                    ..mapping
                }
                .is_unchanged()
            })
        };
        let program = "55d0-55d8 r-xp 00000000 fd:01 123   /usr/bin/reoclo";
        assert!(unchanged(program, false) && !unchanged(program, true));
        let data = "55d0-55d8 rw-p 0 fd:01 1 /usr/bin/reoclo";
        let kernel = "7ffd-7ffe r-xp 0 00:00 0 [vdso]";
        assert!(!unchanged(data, false) && !unchanged(kernel, false));
        assert!(Mapping::read("Anonymous:      0 kB").is_none());
        assert!(is_zero("     0 kB") && !is_zero("  12 kB"));
    }

    #[test]
    fn only_its_own_argument_begins_it() {
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        assert!(is_drain(words(&["reoclo", ARGUMENT])));
        assert!(!is_drain(words(&["reoclo", ARGUMENT, "x"])));
        assert!(!is_drain(words(&["reoclo", "up"])));
        assert!(!is_drain(words(&["reoclo"])));
    }
}
