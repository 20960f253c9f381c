//! Keeping the full log while an operation is followed.

use reoclo_wire::proto::FollowRequest;
use reoclo_wire::proto::operation_event::Event;
use tokio::time::{sleep, timeout};
use tonic::Code;

use super::Driver;
use crate::runners::Link;
use crate::verdict::Verdict;

impl Driver {
    /// Writes the output that is due. Keeps trying for as long as the database cannot be reached:
    /// the runner keeps what follows. Output that it does not take is a gap in the log.
    pub(super) async fn keep_log(&self) {
        while let Some(chunk) = self.live.due() {
            let stream = chunk.stream;
            let id = self.dispatch.id;
            loop {
                let store = self.dispatcher.store();
                let stored = store.append_operation_log(id, vec![chunk.clone()]).await;
                let Err(error) = stored else { break };
                if !error.may_pass() {
                    let reason = error.causes();
                    tracing::error!(operation = %id, reason, "output could not be stored");
                    break;
                }
                self.dispatcher
                    .complain("output could not be stored yet", &error);
                sleep(self.dispatcher.settings().retry_delay).await;
            }
            self.live.is_stored(stream);
        }
    }

    /// Fetches the end of a large output once more: it was not written while it passed, since
    /// most of it would have been written over. Without it the log has a gap.
    pub(crate) async fn complete_log(&self, verdict: &Verdict) {
        let Verdict::Finished(finished) = verdict else {
            return;
        };
        let missing = self
            .live
            .missing(finished.stdout_bytes, finished.stderr_bytes);
        let Some(from) = missing else { return };
        let patience = self.dispatcher.settings().log_patience;
        if timeout(patience, self.fetch_again(from)).await.is_err() {
            tracing::warn!(operation = %self.dispatch.id, "the end of a log could not be fetched");
        }
    }

    async fn fetch_again(&self, from: (u64, u64)) {
        let retry_delay = self.dispatcher.settings().retry_delay;
        let (server, mut last) = (self.dispatch.server, None);
        loop {
            let next = self.dispatcher.seats().next_link(server, last, retry_delay);
            let Some(link) = next.await else { return };
            last = Some(link.number());
            if self.fetch_on(&link, from).await.is_some() {
                return;
            }
        }
    }

    /// Nothing when the connection did not tell the end.
    async fn fetch_on(&self, link: &Link, from: (u64, u64)) -> Option<()> {
        let request = FollowRequest {
            operation_id: self.dispatch.id.to_string(),
            stdout_offset: from.0,
            stderr_offset: from.1,
        };
        let mut events = match link.calls().follow(request).await {
            Ok(events) => events,
            Err(status) => return (status.code() == Code::NotFound).then_some(()),
        };
        while let Some(event) = events.next().await.ok()? {
            match event.event {
                Some(Event::Output(output)) => self.push(&output),
                Some(Event::Finished(_)) => return Some(()),
                _ => {}
            }
            self.keep_log().await;
        }
        None
    }
}
