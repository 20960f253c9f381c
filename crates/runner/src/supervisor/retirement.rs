//! The end of a supervisor whose program is not the runner's any more.

use std::time::Duration;

use super::instance::Retirement;
use super::service::Service;

impl Service {
    /// Another program is to take this one's place when nothing runs.
    pub(super) fn ask_to_retire(&self) {
        self.turn(Retirement::No, Retirement::Wanted);
    }

    /// Waits until it is wanted that this program goes, and nothing runs.
    pub(super) async fn retirement(&self) {
        self.waits_for(Retirement::Wanted).await;
        self.nothing_runs().await;
    }

    /// Refuses what is new, or takes it again.
    pub(super) fn set_retiring(&self, begun: bool) {
        if begun {
            self.turn(Retirement::Wanted, Retirement::Begun);
        } else {
            self.turn(Retirement::Begun, Retirement::Wanted);
        }
    }

    /// Another supervisor has taken this one's place. Comes back when nothing new begins here.
    pub(super) async fn be_succeeded(&self) {
        let retirement = &self.instance().retirement;
        retirement.send_if_modified(|retirement| {
            let is_news = *retirement != Retirement::Succeeded;
            if is_news {
                *retirement = Retirement::SuccessionWanted;
            }
            is_news
        });
        self.waits_for(Retirement::Succeeded).await;
    }

    /// Waits until another supervisor has taken this one's place.
    pub(super) async fn succession(&self) {
        self.waits_for(Retirement::SuccessionWanted).await;
    }

    /// From here on nothing new begins here, and those before this supervisor are the next one's.
    pub(super) fn is_succeeded(&self) {
        self.instance().predecessors.let_go();
        self.turn(Retirement::SuccessionWanted, Retirement::Succeeded);
    }

    /// Waits for the end of the last command of a supervisor that was succeeded.
    pub(super) async fn last_end(&self) {
        self.waits_for(Retirement::Succeeded).await;
        let _ = self.running().wait_for(|running| *running == 0).await;
    }

    /// Whether nothing runs, here or with those before.
    pub(super) fn is_free(&self) -> bool {
        let before = self.instance().predecessors.count();
        *self.running().borrow() == 0 && *before.borrow() == 0
    }

    /// Ends when nothing has run for `time`.
    pub(super) async fn idle(&self, time: Duration) {
        let (mut running, mut before) = (self.running(), self.instance().predecessors.count());
        loop {
            self.nothing_runs().await;
            running.mark_unchanged();
            before.mark_unchanged();
            if !self.is_free() {
                continue;
            }
            tokio::select! {
                () = tokio::time::sleep(time) => return,
                _ = running.changed() => {}
                _ = before.changed() => {}
            }
        }
    }

    async fn nothing_runs(&self) {
        let (mut running, mut before) = (self.running(), self.instance().predecessors.count());
        while !self.is_free() {
            // Neither sender goes before the service does.
            let _ = running.wait_for(|running| *running == 0).await;
            let _ = before.wait_for(|before| *before == 0).await;
        }
    }

    async fn waits_for(&self, wanted: Retirement) {
        let mut retirement = self.instance().retirement.subscribe();
        let _ = retirement
            .wait_for(|retirement| *retirement == wanted)
            .await;
    }

    fn turn(&self, from: Retirement, to: Retirement) {
        self.instance().retirement.send_if_modified(|retirement| {
            let is_news = *retirement == from;
            if is_news {
                *retirement = to;
            }
            is_news
        });
    }
}
