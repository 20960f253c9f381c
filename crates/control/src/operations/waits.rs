//! Who waits for the end of an operation, and how many may.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Waits that one key or person may hold at a time.
const PER_HOLDER: usize = 64;
/// Waits that one address may hold at a time, whatever keys it shows; of IPv6, a /64.
const PER_ADDRESS: usize = 256;

/// Who waits at this moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waits(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    holders: HashMap<String, usize>,
    addresses: HashMap<Option<IpAddr>, usize>,
}

/// Room for one wait, given back when dropped: a caller who hangs up drops it too.
#[derive(Debug)]
pub struct WaitPlace {
    waits: Waits,
    holder: String,
    address: Option<IpAddr>,
}

impl Waits {
    /// How many wait.
    pub(crate) fn count(&self) -> usize {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.holders.values().sum()
    }

    /// Room for one more, from this address.
    pub(super) fn enter(&self, holder: String, address: Option<IpAddr>) -> Option<WaitPlace> {
        let address = address.map(network);
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let has_room = waiting
            .holders
            .get(&holder)
            .is_none_or(|held| *held < PER_HOLDER)
            && waiting
                .addresses
                .get(&address)
                .is_none_or(|held| *held < PER_ADDRESS);
        if !has_room {
            return None;
        }
        *waiting.holders.entry(holder.clone()).or_default() += 1;
        *waiting.addresses.entry(address).or_default() += 1;
        Some(WaitPlace {
            waits: self.clone(),
            holder,
            address,
        })
    }
}

impl Drop for WaitPlace {
    fn drop(&mut self) {
        let mut waiting = self.waits.0.lock().unwrap_or_else(PoisonError::into_inner);
        give_back(&mut waiting.holders, &self.holder);
        give_back(&mut waiting.addresses, &self.address);
    }
}

/// Nothing is kept of who does not wait.
fn give_back<K: Eq + Hash>(held: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = held.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            held.remove(key);
        }
    }
}

/// One household or host has a /64 of IPv6 to itself.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        network(text.parse().unwrap())
    }

    #[test]
    fn a_holder_has_64_places_and_gets_them_back() {
        let waits = Waits::default();
        let enter = || waits.enter("key:1".into(), Some(address("192.0.2.1")));
        let mut held: Vec<_> = (0..64).map(|_| enter().unwrap()).collect();
        assert!(enter().is_none());
        assert!(
            waits
                .enter("key:2".into(), Some(address("192.0.2.1")))
                .is_some()
        );
        held.pop();
        held.push(enter().unwrap());
        assert!(enter().is_none());
        held.clear();
        let waiting = waits.0.lock().unwrap();
        assert!(waiting.holders.is_empty() && waiting.addresses.is_empty());
    }

    #[test]
    fn an_address_has_256_places_whatever_keys_it_shows() {
        let waits = Waits::default();
        let held: Vec<_> = (0..256)
            .map(|key| {
                let address = address(&format!("2001:db8::{key:x}"));
                waits.enter(format!("key:{key}"), Some(address)).unwrap()
            })
            .collect();
        assert!(
            waits
                .enter("new".into(), Some(address("2001:db8::ffff:1")))
                .is_none()
        );
        assert!(
            waits
                .enter("new".into(), Some(address("2001:db8:0:1::1")))
                .is_some()
        );
        drop(held);
        assert!(
            waits
                .enter("new".into(), Some(address("2001:db8::1")))
                .is_some()
        );
    }

    #[test]
    fn a_mapped_address_is_the_one_that_it_maps() {
        assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
    }
}
