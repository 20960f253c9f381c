//! How often somebody tried to sign in, and how long they are to wait. Pure: the time comes in.
//!
//! Wrong passwords count for an account and the place that they come from. So whoever guesses
//! shuts their own address out, and nobody else. What comes from many addresses makes sign-ins to
//! that account slower, and never refuses them. Everything is in memory and bounded.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reoclo_domain::{SessionId, TokenHash};

/// Attempts are counted over this time, from the first on.
const WINDOW: Duration = Duration::from_mins(15);
/// Attempts on one account from one place in a window.
const FROM_ONE_PLACE: u32 = 10;
/// Attempts from one address in a window, whatever the account; offices share one.
const FROM_ONE_ADDRESS: u32 = 50;
/// Attempts on one account in a window, from everywhere, before the next ones take longer. No one
/// address can make so many.
const BEFORE_DELAY: u32 = 30;
/// So many more double the delay.
const DOUBLED_BY: u32 = 10;
/// The delay grows to this many times the first.
const MOST_DOUBLED: u32 = 32;
/// What is told apart of each kind; of more at once, the rest is not counted.
const MOST_COUNTED: usize = 50_000;
/// A full table is not searched for what is over more often than this.
const TIDY_EVERY: Duration = Duration::from_secs(10);

/// An account by a hash of its address, since people type passwords into that field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Account(TokenHash);

/// Where an attempt comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// An address; of IPv6, its network.
    Address(Option<IpAddr>),
    /// A browser from which this account signed in before.
    Device(TokenHash),
    /// A session, in which its person changes the password.
    Session(SessionId),
}

/// An attempt that was let in and is counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    account: Account,
    place: Place,
}

/// Whether an attempt may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may, after so many steps of delay, and is counted.
    After(u32),
    /// Not before so many seconds; it is not counted.
    Refused(u64),
}

#[derive(Debug, Default)]
pub(crate) struct Attempts(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    places: Windows<(Account, Place)>,
    addresses: Windows<Place>,
    accounts: Windows<Account>,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    attempts: u32,
    began: Duration,
}

#[derive(Debug)]
struct Windows<K> {
    counts: HashMap<K, Window>,
    tidied_at: Duration,
}

impl<K> Default for Windows<K> {
    fn default() -> Self {
        Self {
            counts: HashMap::new(),
            tidied_at: Duration::ZERO,
        }
    }
}

impl Account {
    pub(super) fn of(email: &str) -> Self {
        Self(TokenHash::of(email))
    }
}

impl Attempts {
    /// Counts an attempt before it is made, so that of many at once no more than the limit are
    /// tried.
    pub(super) fn begin(
        &self,
        account: Account,
        place: Place,
        now: Duration,
    ) -> (Verdict, Attempt) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let attempt = Attempt { account, place };
        (counts.begin(attempt, now), attempt)
    }

    /// The attempt was good: what came from that place is forgotten.
    pub(super) fn succeeded(&self, attempt: Attempt) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Attempt { account, place } = attempt;
        counts.places.counts.remove(&(account, place));
        counts.addresses.take_back(&place);
        counts.accounts.take_back(&account);
    }

    /// Forgets every attempt on an account.
    pub(super) fn forgive(&self, account: Account) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.accounts.counts.remove(&account);
        let of_account = |(of, _): &(Account, Place)| *of == account;
        counts.places.counts.retain(|key, _| !of_account(key));
    }
}

impl Counts {
    fn begin(&mut self, attempt: Attempt, now: Duration) -> Verdict {
        let Attempt { account, place } = attempt;
        let is_address = matches!(place, Place::Address(_));
        let mut wait = self.places.wait(&(account, place), FROM_ONE_PLACE, now);
        if is_address {
            wait = wait.max(self.addresses.wait(&place, FROM_ONE_ADDRESS, now));
        }
        if let Some(wait) = wait {
            return Verdict::Refused(wait.as_secs().max(1));
        }
        self.places.add((account, place), now);
        if !is_address {
            return Verdict::After(0);
        }
        self.addresses.add(place, now);
        let before = self.accounts.add(account, now).saturating_sub(1);
        Verdict::After(steps(before))
    }
}

/// How many times the first delay, after so many attempts from everywhere.
fn steps(attempts: u32) -> u32 {
    match attempts.checked_sub(BEFORE_DELAY) {
        None => 0,
        Some(more) => 1_u32
            .checked_shl(more / DOUBLED_BY)
            .unwrap_or(MOST_DOUBLED)
            .min(MOST_DOUBLED),
    }
}

impl Window {
    fn is_over(self, now: Duration) -> bool {
        now.saturating_sub(self.began) >= WINDOW
    }
}

impl<K: Eq + Hash> Windows<K> {
    /// How long whoever has made as many attempts as they may is to wait.
    fn wait(&self, key: &K, most: u32, now: Duration) -> Option<Duration> {
        let window = self.counts.get(key)?;
        let is_full = window.attempts >= most && !window.is_over(now);
        is_full.then(|| (window.began + WINDOW).saturating_sub(now))
    }

    /// The attempts with this one; 0 when it cannot be counted.
    fn add(&mut self, key: K, now: Duration) -> u32 {
        if self.counts.len() >= MOST_COUNTED && !self.counts.contains_key(&key) {
            self.tidy(now);
            if self.counts.len() >= MOST_COUNTED {
                return 0;
            }
        }
        let fresh = Window {
            attempts: 0,
            began: now,
        };
        let window = self.counts.entry(key).or_insert(fresh);
        if window.is_over(now) {
            *window = fresh;
        }
        window.attempts = window.attempts.saturating_add(1);
        window.attempts
    }

    fn take_back(&mut self, key: &K) {
        if let Some(window) = self.counts.get_mut(key) {
            window.attempts = window.attempts.saturating_sub(1);
        }
    }

    fn tidy(&mut self, now: Duration) {
        if now.saturating_sub(self.tidied_at) >= TIDY_EVERY {
            self.tidied_at = now;
            self.counts.retain(|_, window| !window.is_over(now));
            self.counts.shrink_to(MOST_COUNTED / 10);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(number: u32) -> Place {
        Place::Address(Some(IpAddr::from(number.to_be_bytes())))
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn begin(attempts: &Attempts, email: &str, place: Place, second: u64) -> Verdict {
        attempts.begin(Account::of(email), place, seconds(second)).0
    }

    #[test]
    fn a_place_is_refused_for_one_account_and_others_are_not() {
        let attempts = Attempts::default();
        for _ in 0..10 {
            assert_eq!(begin(&attempts, "ada", place(1), 5), Verdict::After(0));
        }
        assert_eq!(begin(&attempts, "ada", place(1), 65), Verdict::Refused(840));
        assert_eq!(begin(&attempts, "ada", place(2), 65), Verdict::After(0));
        assert_eq!(begin(&attempts, "eve", place(1), 65), Verdict::After(0));
        assert_eq!(begin(&attempts, "ada", place(1), 905), Verdict::After(0));
    }

    #[test]
    fn an_address_that_tries_many_accounts_is_refused() {
        let attempts = Attempts::default();
        for number in 0..50 {
            begin(&attempts, &number.to_string(), place(1), 0);
        }
        assert_eq!(begin(&attempts, "ada", place(1), 0), Verdict::Refused(900));
        assert_eq!(begin(&attempts, "ada", place(2), 0), Verdict::After(0));
    }

    #[test]
    fn many_addresses_make_an_account_slower_and_never_refuse_it() {
        let attempts = Attempts::default();
        let mut last = 0;
        for number in 0..1000 {
            let Verdict::After(steps) = begin(&attempts, "ada", place(number), 0) else {
                panic!("attempt {number} was refused");
            };
            assert!(steps >= last && steps <= MOST_DOUBLED);
            assert_eq!(steps == 0, number < BEFORE_DELAY);
            last = steps;
        }
        assert_eq!(last, MOST_DOUBLED);
        let device = Place::Device(TokenHash::of("known"));
        assert_eq!(begin(&attempts, "ada", device, 0), Verdict::After(0));
    }

    #[test]
    fn a_good_attempt_starts_the_place_anew() {
        let attempts = Attempts::default();
        for _ in 0..9 {
            begin(&attempts, "ada", place(1), 0);
        }
        let (_, good) = attempts.begin(Account::of("ada"), place(1), seconds(0));
        attempts.succeeded(good);
        for _ in 0..10 {
            assert_eq!(begin(&attempts, "ada", place(1), 0), Verdict::After(0));
        }
        assert_eq!(begin(&attempts, "ada", place(1), 0), Verdict::Refused(900));
        attempts.forgive(Account::of("ada"));
        assert_eq!(begin(&attempts, "ada", place(1), 0), Verdict::After(0));
    }

    #[test]
    fn what_is_counted_takes_no_more_than_so_much_memory() {
        let attempts = Attempts::default();
        for number in 0..60_000 {
            begin(&attempts, &number.to_string(), place(number), 0);
        }
        let sizes = || {
            let counts = attempts.0.lock().unwrap();
            let Counts {
                places,
                addresses,
                accounts,
            } = &*counts;
            [
                places.counts.len(),
                addresses.counts.len(),
                accounts.counts.len(),
            ]
        };
        assert_eq!(sizes(), [MOST_COUNTED; 3]);
        begin(&attempts, "later", place(1), 900);
        begin(&attempts, "later", place(60_001), 900);
        assert!(sizes().iter().all(|size| *size <= 2), "{:?}", sizes());
    }
}
