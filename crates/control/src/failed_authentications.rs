//! Tokens that are none of ours, counted by address.
//!
//! Whoever presents many of them is asked to wait. A key that is valid is never kept out by it,
//! since the token is looked up first.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use reoclo_domain::SlidingWindow;
use reoclo_store::RequestSource;

use crate::Refusal;
use crate::core::Core;
use crate::sessions::{FailedSignIns, NotLetIn};
use crate::subscriber::subscriber;

/// Tokens that are none of ours, from one address in any 60 seconds.
const MOST_PER_MINUTE: u32 = 100;
/// Addresses that are told apart; of more than these at once, the rest is not limited.
const MAX_ADDRESSES: usize = 10_000;

/// Counts by address.
#[derive(Debug, Default)]
pub(crate) struct FailedAuthentications(Mutex<HashMap<IpAddr, SlidingWindow>>);

impl FailedAuthentications {
    /// Counts one. The seconds to wait when there were too many.
    fn note(&self, address: IpAddr, second: u64) -> Option<u64> {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= MAX_ADDRESSES && !windows.contains_key(&address) {
            windows.retain(|_, window| !window.is_idle(second));
            if windows.len() >= MAX_ADDRESSES {
                return None;
            }
        }
        let window = windows.entry(address).or_default();
        let verdict = window.admit(second, MOST_PER_MINUTE);
        (!verdict.allowed).then_some(verdict.reset_seconds)
    }
}

impl FailedAuthentications {
    /// What whoever presents a token that is none of ours is told.
    pub(crate) fn refuse(
        &self,
        core: &Core,
        failed: &FailedSignIns,
        source: &RequestSource,
    ) -> Refusal {
        failed.note(core.now(), NotLetIn::UnknownKey, source);
        let second = core.clock().monotonic().as_secs();
        let address = source.ip.map(subscriber);
        match address.and_then(|address| self.note(address, second)) {
            Some(retry_after) => Refusal::TooManyAttempts { retry_after },
            None => Refusal::InvalidKey,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_asked_to_wait_and_others_are_not() {
        let failed = FailedAuthentications::default();
        let [here, there] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse().unwrap());
        for _ in 0..MOST_PER_MINUTE {
            assert_eq!(failed.note(here, 7), None);
        }
        assert!(failed.note(here, 7).is_some_and(|seconds| seconds > 0));
        assert_eq!(failed.note(there, 7), None);
        assert_eq!(failed.note(here, 7 + 61), None);
    }

    #[test]
    fn more_addresses_than_are_told_apart_take_no_more_memory() {
        let failed = FailedAuthentications::default();
        for number in 0..20_000_u32 {
            assert_eq!(failed.note(IpAddr::from(number.to_be_bytes()), 7), None);
        }
        let addresses = || failed.0.lock().unwrap().len();
        assert_eq!(addresses(), MAX_ADDRESSES);
        failed.note(IpAddr::from([203, 0, 113, 1]), 7 + 61);
        assert_eq!(addresses(), 1);
    }

    #[test]
    fn the_addresses_of_one_subscriber_are_one() {
        let [one, other]: [IpAddr; 2] =
            ["2001:db8::1", "2001:db8::ffff:1"].map(|text| text.parse().unwrap());
        assert_eq!(subscriber(one), subscriber(other));
    }
}
