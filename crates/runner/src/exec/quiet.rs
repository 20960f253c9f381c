//! Programs that are asked something while an operation goes on: what they say is nobody's output.

use std::io;
use std::pin::{Pin, pin};

use reoclo_domain::EXIT_LOST;
use tokio::net::unix::pipe::Receiver;
use tokio::time::{Sleep, timeout};
use zeroize::Zeroizing;

use super::child::{self, SpawnError};
use super::{Ending, Means, Request, User};
use crate::operation::Operation;

/// Bytes that are kept of an answer; the rest is read and dropped.
const MOST: usize = 1 << 20;
const READ: usize = 16 * 1024;

/// What an operation asks with.
#[derive(Clone, Copy)]
pub(super) struct Asker<'a> {
    pub(super) user: &'a User,
    pub(super) operation: &'a Operation,
    pub(super) means: &'a Means,
}

/// What a program answered. It may be a secret.
pub(super) struct Answer {
    pub(super) code: i32,
    pub(super) stdout: Zeroizing<Vec<u8>>,
    pub(super) stderr: Zeroizing<Vec<u8>>,
}

/// A program that answered nothing.
pub(super) enum Unasked {
    NotStarted(SpawnError),
    /// The operation was to end before it did.
    Ended(Ending),
}

impl Asker<'_> {
    /// Runs the program to its end, within what is left of the operation's time.
    pub(super) async fn ask(
        self,
        request: &Request,
        mut limit: Pin<&mut Sleep>,
    ) -> Result<Answer, Unasked> {
        let groups = &self.means.groups;
        let (mut child, pipes) = child::spawn(request, self.user, self.operation, groups)
            .map_err(Unasked::NotStarted)?;
        let (mut stdout, mut stderr) = (Zeroizing::default(), Zeroizing::default());
        let mut is_read = false;
        let ended = {
            let mut reading = pin!(async {
                tokio::join!(
                    read(&pipes.stdout, &mut stdout),
                    read(&pipes.stderr, &mut stderr)
                );
            });
            let mut cancelled = pin!(self.operation.cancelled());
            let ended = loop {
                tokio::select! {
                    biased;
                    () = child.exited() => break Ok(()),
                    () = cancelled.as_mut() => break Err(Ending::Cancelled),
                    () = limit.as_mut() => break Err(Ending::TimedOut),
                    () = reading.as_mut(), if !is_read => is_read = true,
                }
            };
            if ended.is_ok() && !is_read {
                let grace = self.means.patience.drain_grace;
                is_read = timeout(grace, reading).await.is_ok();
            }
            ended
        };
        if let Err(ending) = ended {
            child.discard();
            return Err(Unasked::Ended(ending));
        }
        if !is_read {
            // It left something running, such as an agent that keeps a password.
            let open = vec![pipes.stdout, pipes.stderr];
            self.means.drainer.take_over(open);
        }
        Ok(Answer {
            code: child.reap().map_or(EXIT_LOST, |exit| exit.code),
            stdout,
            stderr,
        })
    }
}

/// Reads to the end of the pipe.
async fn read(pipe: &Receiver, kept: &mut Zeroizing<Vec<u8>>) {
    let mut buffer = Zeroizing::new(vec![0; READ]);
    while pipe.readable().await.is_ok() {
        match pipe.try_read(&mut buffer) {
            Ok(0) => return,
            Ok(many) => {
                let room = MOST.saturating_sub(kept.len());
                kept.extend_from_slice(&buffer[..many.min(room)]);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}
