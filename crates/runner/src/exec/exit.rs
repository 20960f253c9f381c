use std::os::fd::OwnedFd;

use reoclo_domain::EXIT_SIGNAL_BASE;
use rustix::process::{Pid, PidfdFlags, WaitId, WaitIdOptions, WaitStatus, pidfd_open, waitid};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::JoinHandle;

/// How a process ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Exit {
    /// As a shell would show it.
    pub(super) code: i32,
    /// The signal that ended it, or 0.
    pub(super) signal: i32,
}

impl From<WaitStatus> for Exit {
    fn from(status: WaitStatus) -> Self {
        let signal = status.terminating_signal().unwrap_or(0);
        Self {
            code: status.exit_status().unwrap_or(EXIT_SIGNAL_BASE + signal),
            signal,
        }
    }
}

/// Says when a process has ended, without reaping it.
#[derive(Debug)]
pub(super) enum ExitWatch {
    Pidfd(AsyncFd<OwnedFd>),
    /// For kernels without pidfds (before 5.3).
    Thread(JoinHandle<()>),
    Ended,
}

impl ExitWatch {
    pub(super) fn new(pid: Pid) -> Self {
        Self::of_any(pid).unwrap_or_else(|| Self::Thread(wait_in_thread(pid)))
    }

    /// Of any process, where the kernel can say that.
    pub(super) fn of_any(pid: Pid) -> Option<Self> {
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).ok()?;
        readable(pidfd).map(Self::Pidfd)
    }

    /// Waits for the end; may be dropped and called again.
    pub(super) async fn ended(&mut self) {
        match self {
            // An error can only mean that nothing more will be heard: reaping blocks if need be.
            Self::Pidfd(pidfd) => drop(pidfd.readable().await),
            Self::Thread(thread) => drop(thread.await),
            Self::Ended => return,
        }
        *self = Self::Ended;
    }
}

#[expect(unsafe_code, reason = "the safe constructor is deprecated")]
fn readable(pidfd: OwnedFd) -> Option<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` names the same open descriptor until it is dropped, and the `AsyncFd`
    // that owns it is never taken apart.
    unsafe { AsyncFd::register_with_interest(pidfd, Interest::READABLE) }.ok()
}

fn wait_in_thread(pid: Pid) -> JoinHandle<()> {
    let ended_but_not_reaped = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    tokio::task::spawn_blocking(move || {
        while let Err(error) = waitid(WaitId::Pid(pid), ended_but_not_reaped) {
            if error != rustix::io::Errno::INTR {
                break;
            }
        }
    })
}
