//! Descriptors that this process was started with and does not know of.

use std::fs;
use std::os::fd::{BorrowedFd, RawFd};

use rustix::io::{FdFlags, fcntl_setfd};

/// Keeps every descriptor above the standard three from the commands: whatever the supervisor was
/// started with ends with it. Our own are opened close-on-exec already.
pub(crate) fn keep_from_commands() {
    let Ok(entries) = fs::read_dir("/proc/self/fd") else {
        return;
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<RawFd>().ok())
        .filter(|fd| *fd > 2)
        .for_each(close_on_exec);
}

#[expect(
    unsafe_code,
    reason = "an inherited descriptor has no owner to borrow it from"
)]
fn close_on_exec(fd: RawFd) {
    // SAFETY: the descriptor is used for one call that reads and writes nothing through it. If it
    // has been closed meanwhile, the call fails with EBADF; if its number has been taken again,
    // the new one is marked close-on-exec, as all of ours are.
    let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
    let _ = fcntl_setfd(borrowed, FdFlags::CLOEXEC);
}
