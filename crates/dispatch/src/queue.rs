//! Waiting for room on a server ([ADR 11](../../../../docs/adr/0011-a-full-server-queues.md)).

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::Dispatcher;
use crate::dispatch::Dispatch;
use crate::drive::Driver;
use crate::live::Live;
use crate::runners::{Admission, Link, Slot, Waiting};
use crate::verdict::Verdict;

/// How the wait for room ended.
enum Turn {
    /// There is room, and a runner.
    Ready(Slot, Arc<Link>),
    /// The operation ends here.
    Over(Verdict),
}

impl Dispatcher {
    /// Sees an operation through from its place on.
    pub(crate) async fn run(&self, dispatch: Dispatch, admission: Admission, live: Arc<Live>) {
        let (dispatch, slot) = match admission {
            Admission::Admitted(slot) => (dispatch, slot),
            Admission::Queued(waiting) => {
                let Some(turn) = self.wait_in_queue(dispatch, waiting, &live).await else {
                    return;
                };
                turn
            }
        };
        self.drive(Driver::new(self.clone(), dispatch, live)).await;
        drop(slot);
    }

    /// Waits until the operation may be sent. One that waits too long, or that nobody wants any
    /// more, ends without having been sent.
    async fn wait_in_queue(
        &self,
        mut dispatch: Dispatch,
        waiting: Waiting,
        live: &Arc<Live>,
    ) -> Option<(Dispatch, Slot)> {
        match self.turn(&dispatch, waiting, live).await {
            Turn::Ready(slot, link) => {
                if let Err(verdict) = self.leave_queue(&mut dispatch, &link).await {
                    self.end(&dispatch, &verdict, live).await;
                    return None;
                }
                live.set_queued(false);
                Some((dispatch, slot))
            }
            Turn::Over(verdict) => {
                self.end(&dispatch, &verdict, live).await;
                None
            }
        }
    }

    async fn turn(&self, dispatch: &Dispatch, waiting: Waiting, live: &Live) -> Turn {
        let settings = self.settings();
        let used = self.now().since(dispatch.created_at);
        let left = settings.queue_wait.saturating_sub(used);
        let come = async {
            let slot = waiting.turn().await;
            let seats = self.seats();
            let link = seats.next_link(dispatch.server, None, Duration::ZERO).await;
            (slot, link)
        };
        tokio::select! {
            biased;
            () = live.cancelled() => Turn::Over(Verdict::Cancelled),
            come = timeout(left, come) => match come {
                Ok((slot, Some(link))) => Turn::Ready(slot, link),
                Ok((_, None)) | Err(_) => Turn::Over(Verdict::QueueTimeout),
            },
        }
    }

    /// Notes that the operation may have been sent from now on, before it is: otherwise a control
    /// plane that starts anew would send it for the first time once more. Keeps trying for as long
    /// as the database cannot be reached; what it does not take ends the operation.
    async fn leave_queue(&self, dispatch: &mut Dispatch, link: &Link) -> Result<(), Verdict> {
        link.boot_id().clone_into(&mut dispatch.boot_id);
        link.instance_id().clone_into(&mut dispatch.instance_id);
        loop {
            dispatch.sendable_at = self.now();
            let noted = self.store().operation_dequeued(
                dispatch.id,
                dispatch.sendable_at,
                dispatch.boot_id.clone(),
                dispatch.instance_id.clone(),
            );
            let Err(error) = noted.await else {
                return Ok(());
            };
            if !error.may_pass() {
                tracing::error!(operation = %dispatch.id, %error, "an operation could not leave its queue");
                let why = "the database did not take the note that it leaves its queue";
                return Err(Verdict::NotStarted(why.to_owned()));
            }
            self.complain("an operation could not leave its queue yet", &error);
            sleep(self.settings().retry_delay).await;
        }
    }
}
