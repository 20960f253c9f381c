//! Fetching lists again.

use std::collections::HashSet;

use async_recursion::async_recursion as boxed;
use ipnet::IpNet;
use reoclo_domain::{AddressSourceId, Addresses};
use reoclo_store::{AddressSourceRecord, AuditOutcome, RefreshedList};
use serde_json::{Value, json};

use super::AddressSources;
use super::audited;
use crate::outbound::OutboundUrl;
use crate::{Authorized, AutomationKeysManage, Caller, Refusal};

/// A list that has more than so many times the entries or addresses of the one before it is taken
/// only when a person says so: it may be somebody else's, or a mistake.
const GROWTH: u64 = 10;
/// Below so many IPv4 addresses, growth is no sign of anything.
const SMALL: u64 = 1 << 16;
/// Lists that are fetched in one go.
const AT_ONCE: u32 = 20;

impl AddressSources<'_> {
    /// Fetches a list now. `accept_growth` takes one that grew out of proportion.
    #[boxed]
    pub async fn refresh(
        &self,
        proof: &Authorized<AutomationKeysManage>,
        id: AddressSourceId,
        accept_growth: bool,
    ) -> Result<AddressSourceRecord, Refusal> {
        let caller = proof.caller();
        let record = self.find(caller.organization(), id).await?;
        self.fetch_again(&record, Some(caller), accept_growth)
            .await?;
        self.find(caller.organization(), id).await
    }

    /// Fetches every list that was not asked for within the interval.
    #[boxed]
    pub async fn refresh_stale(&self) {
        let moment = self.core.now().minus(self.settings.address_source_interval);
        let stale = self
            .core
            .store()
            .stale_address_sources(moment, AT_ONCE)
            .await;
        let stale = match stale {
            Ok(stale) => stale,
            Err(error) => {
                tracing::warn!(%error, "the published address lists could not be read");
                return;
            }
        };
        for record in stale {
            if let Err(error) = self.fetch_again(&record, None, false).await {
                tracing::warn!(%error, source = %record.id, "an address list was not refreshed");
            }
        }
    }

    async fn fetch_again(
        self,
        record: &AddressSourceRecord,
        caller: Option<&Caller>,
        accept_growth: bool,
    ) -> Result<(), Refusal> {
        let store = self.core.store();
        let before = store.published_networks(record.organization, record.id);
        let before = before.await?.unwrap_or_default();
        let list = match self.fetched(record).await? {
            Ok(now) => compared(&before, now, accept_growth),
            Err(problem) => RefreshedList::Failed(problem),
        };
        let event = told(record, &before, &list).map(|(action, outcome, detail)| {
            let audited = audited(action, record, outcome, detail);
            match caller {
                Some(caller) => self.core.event_by(caller, audited),
                None => self
                    .core
                    .event_by_system(Some(record.organization), audited),
            }
        });
        let events = event.into_iter().collect();
        let stored = store.refresh_address_source(
            record.organization,
            record.id,
            self.core.now(),
            list,
            events,
        );
        stored.await.map_err(Refusal::of_write)?;
        Ok(())
    }

    async fn fetched(
        self,
        record: &AddressSourceRecord,
    ) -> Result<Result<Vec<IpNet>, String>, Refusal> {
        let Some(url) = OutboundUrl::parse(&record.url) else {
            return Ok(Err("its address is none: add the list again".to_owned()));
        };
        let field = record.field.as_deref();
        self.fetch_networks(record.organization, &url, field).await
    }
}

/// What another answer means for the list that is in force.
fn compared(before: &[IpNet], now: Vec<IpNet>, accept_growth: bool) -> RefreshedList {
    let was: HashSet<_> = before.iter().collect();
    let is: HashSet<_> = now.iter().collect();
    if was == is {
        return RefreshedList::Same;
    }
    match grew(before, &now) {
        Some(problem) if !accept_growth => RefreshedList::Failed(problem),
        _ => RefreshedList::New(now),
    }
}

fn grew(before: &[IpNet], now: &[IpNet]) -> Option<String> {
    let entries = |list: &[IpNet]| u64::try_from(list.len()).unwrap_or(u64::MAX);
    let addresses = |list: &[IpNet]| list.iter().collect::<Addresses>().ipv4_count();
    let (had, has) = (entries(before), entries(now));
    if has > had.saturating_mul(GROWTH) {
        return Some(format!(
            "the list has {has} entries and had {had}: look at it, and refresh it by hand to take it"
        ));
    }
    let (had, has) = (addresses(before), addresses(now));
    (has > had.saturating_mul(GROWTH).max(SMALL)).then(|| {
        format!(
            "the list has {has} IPv4 addresses and had {had}: look at it, and refresh it by hand \
             to take it"
        )
    })
}

/// What the audit log says of it: every new list, and the first of several failures.
fn told(
    record: &AddressSourceRecord,
    before: &[IpNet],
    list: &RefreshedList,
) -> Option<(&'static str, AuditOutcome, Value)> {
    match list {
        RefreshedList::Same => None,
        RefreshedList::New(now) => {
            let was: HashSet<_> = before.iter().collect();
            let is: HashSet<_> = now.iter().collect();
            let detail = json!({
                "url": record.url,
                "entries": { "from": before.len(), "to": now.len() },
                "added": is.difference(&was).count(),
                "removed": was.difference(&is).count(),
            });
            Some(("address_source.refresh", AuditOutcome::Success, detail))
        }
        RefreshedList::Failed(problem) if record.problem.as_ref() == Some(problem) => None,
        RefreshedList::Failed(problem) => {
            let detail = json!({ "url": record.url, "problem": problem });
            Some(("address_source.refresh", AuditOutcome::Failure, detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(texts: &[&str]) -> Vec<IpNet> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn a_list_that_grew_out_of_proportion_is_not_taken_unasked() {
        let before = networks(&["203.0.113.0/24"]);
        let many: Vec<IpNet> = (0..11)
            .map(|number| format!("198.51.100.{number}/32").parse().unwrap())
            .collect();
        let wide = networks(&["10.0.0.0/8"]);
        for grown in [&many, &wide] {
            let refused = compared(&before, grown.clone(), false);
            assert!(matches!(refused, RefreshedList::Failed(_)), "{refused:?}");
            let taken = compared(&before, grown.clone(), true);
            assert_eq!(taken, RefreshedList::New(grown.clone()));
        }
        let next = networks(&["203.0.113.0/24", "198.51.100.0/24"]);
        assert_eq!(
            compared(&before, next.clone(), false),
            RefreshedList::New(next)
        );
    }

    #[test]
    fn the_same_networks_in_another_order_are_the_same_list() {
        let one = networks(&["203.0.113.0/24", "2001:db8::/32"]);
        let other = networks(&["2001:db8::/32", "203.0.113.0/24"]);
        assert_eq!(compared(&one, other, false), RefreshedList::Same);
    }
}
