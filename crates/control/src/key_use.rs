//! Who used which key, recorded off the request path (rule 6).

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Mutex;
use std::time::Duration;

use reoclo_domain::Timestamp;
use reoclo_store::{KeyRef, KeyUse, RequestSource};

use crate::core::Core;

const MAX_PENDING: usize = 100_000;
const WRITE_EVERY: Duration = Duration::from_mins(1);

/// Uses in one transaction: bounds how long another write waits for them.
const BATCH: usize = 100;

/// Uses since the last write: at most one write a minute for a key and address, and one more
/// when a day ends, since uses are counted by day.
#[derive(Debug, Default)]
pub(crate) struct KeyUses {
    entries: Mutex<HashMap<(KeyRef, IpAddr, i64), Entry>>,
}

#[derive(Debug)]
struct Entry {
    pending: Option<KeyUse>,
    written_at: Option<Timestamp>,
}

impl KeyUses {
    fn note(&self, key: KeyRef, ip: IpAddr, user_agent: &str, at: Timestamp) {
        let Ok(mut entries) = self.entries.lock() else {
            return;
        };
        let id = (key, ip, at.utc_day());
        if entries.len() >= MAX_PENDING && !entries.contains_key(&id) {
            return;
        }
        let entry = entries.entry(id).or_insert(Entry {
            pending: None,
            written_at: None,
        });
        if let Some(pending) = &mut entry.pending {
            pending.at = at;
            pending.count += 1;
            if pending.user_agent != user_agent {
                user_agent.clone_into(&mut pending.user_agent);
            }
        } else {
            let user_agent = user_agent.to_owned();
            entry.pending = Some(KeyUse {
                key,
                at,
                ip,
                user_agent,
                count: 1,
            });
        }
    }

    /// Takes what is due: everything when `all`, else what was not written for a minute.
    fn take_due(&self, now: Timestamp, all: bool) -> Vec<KeyUse> {
        let Ok(mut entries) = self.entries.lock() else {
            return Vec::new();
        };
        let rested = |entry: &Entry| {
            entry
                .written_at
                .is_none_or(|at| now.since(at) >= WRITE_EVERY)
        };
        let mut due = Vec::new();
        for entry in entries.values_mut() {
            if (all || rested(entry))
                && let Some(pending) = entry.pending.take()
            {
                entry.written_at = Some(now);
                due.push(pending);
            }
        }
        entries.retain(|_, entry| entry.pending.is_some() || !rested(entry));
        due
    }
}

impl KeyUses {
    pub(crate) fn note_use(&self, key: KeyRef, source: &RequestSource, now: Timestamp) {
        let ip = source.ip.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let user_agent = source.user_agent.as_deref().unwrap_or_default();
        self.note(key, ip, user_agent, now);
    }

    /// Writes the uses that are due; called every second, and with `all` at the end.
    pub(crate) async fn write(&self, core: &Core, all: bool) {
        let due = self.take_due(core.now(), all);
        for batch in due.chunks(BATCH) {
            if let Err(error) = core.store().record_key_uses(batch.to_vec()).await {
                core.complain("the last use of keys could not be recorded", &error);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use reoclo_domain::AutomationKeyId;
    use reoclo_domain::{Clock, Entropy};

    use super::*;

    struct Fixed;

    impl Clock for Fixed {
        fn now(&self) -> Timestamp {
            Timestamp::from_micros(0)
        }

        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }
    }

    impl Entropy for Fixed {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(3);
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn many_uses_of_a_key_from_one_address_are_one_write_a_minute() {
        let key = KeyRef::Automation(AutomationKeyId::new(&Fixed, &Fixed));
        let (home, office) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        let uses = KeyUses::default();
        uses.note(key, home, "curl", at(0));
        assert_eq!(uses.take_due(at(1), false).len(), 1);
        for second in 1..50 {
            uses.note(key, home, "curl", at(second));
        }
        uses.note(key, office, "git", at(50));
        let due = uses.take_due(at(51), false);
        assert_eq!(due.len(), 1);
        assert_eq!((due[0].ip, due[0].user_agent.as_str()), (office, "git"));
        let due = uses.take_due(at(61), false);
        assert_eq!((due[0].count, due[0].at), (49, at(49)));
        assert!(uses.take_due(at(200), true).is_empty());
        assert!(uses.entries.lock().unwrap().is_empty());
    }

    #[test]
    fn uses_on_both_sides_of_midnight_are_counted_apart() {
        const MIDNIGHT: i64 = 24 * 60 * 60;
        let key = KeyRef::Automation(AutomationKeyId::new(&Fixed, &Fixed));
        let home = IpAddr::from([127, 0, 0, 1]);
        let uses = KeyUses::default();
        for second in [MIDNIGHT - 2, MIDNIGHT - 1, MIDNIGHT] {
            uses.note(key, home, "curl", at(second));
        }
        let mut due = uses.take_due(at(MIDNIGHT), false);
        due.sort_by_key(|key_use| key_use.at);
        let counts: Vec<_> = due.iter().map(|due| (due.at, due.count)).collect();
        assert_eq!(counts, [(at(MIDNIGHT - 1), 2), (at(MIDNIGHT), 1)]);
    }
}
