//! How often somebody tried to sign in, and how long they are to wait. Pure: the time comes in.
//!
//! Wrong passwords count for an account and the place that they come from. So whoever guesses
//! shuts their own address out, and nobody else. What comes from many addresses makes sign-ins to
//! that account slower, and never refuses them. An attempt whose password nobody looked at counts
//! for nothing. Everything is in memory and bounded.

mod windows;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reoclo_domain::{SessionId, TokenHash};

use self::windows::{Layers, Nested, Windows};
use crate::networks::{LEVELS, Network, OWN, networks};

/// Wrong passwords for one account from one place in a window.
const FROM_ONE_PLACE: u32 = 10;
/// Those for one account from a network of each width, and from one address. Of a wide network
/// only those count whose address was forgotten, since too many were counted.
const FOR_ACCOUNT: [u32; LEVELS] = [160, 40, FROM_ONE_PLACE];
/// The same whatever the account; offices share an address.
const FOR_ANY: [u32; LEVELS] = [800, 200, 50];
/// Wrong passwords for one account in a window, from everywhere, before the next attempts take
/// longer. No one address can make so many.
const BEFORE_DELAY: u32 = 30;
/// So many more double the delay.
const DOUBLED_BY: u32 = 10;
/// The delay grows to this many times the first.
const MOST_DOUBLED: u32 = 32;

/// An account by a hash of its address, since people type passwords into that field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Account(TokenHash);

/// Where an attempt comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// An address from which the account did not sign in before.
    Address(Option<IpAddr>),
    /// An address from which it did: what was tried elsewhere does not count.
    KnownAddress(Option<IpAddr>),
    /// A browser from which this account signed in before.
    Device(TokenHash),
    /// A session, in which its person changes the password.
    Session(SessionId),
}

/// An attempt that was let in. What becomes of it is counted; when nothing does, nothing is.
#[derive(Debug)]
pub(super) struct Attempt {
    attempts: Attempts,
    account: Account,
    place: Place,
    is_over: bool,
}

/// Whether an attempt may be made.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It may, after so many steps of delay.
    After(u32, Attempt),
    /// Not before so many seconds.
    Refused(u64),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Attempts(Arc<Mutex<Counts>>);

#[derive(Debug)]
struct Counts {
    addresses_of_accounts: Layers<(Account, Network)>,
    addresses: Layers<Network>,
    known: Windows<(Account, Place)>,
    accounts: Windows<Account>,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            addresses_of_accounts: Layers::new(FOR_ACCOUNT),
            addresses: Layers::new(FOR_ANY),
            known: Windows::default(),
            accounts: Windows::default(),
        }
    }
}

impl Nested for Network {
    fn widened(self, level: usize) -> Self {
        networks(self)[level]
    }
}

impl Nested for (Account, Network) {
    fn widened(self, level: usize) -> Self {
        (self.0, self.1.widened(level))
    }
}

impl Account {
    pub(super) fn of(email: &str) -> Self {
        Self(TokenHash::of(email))
    }
}

impl Place {
    /// The network in which it is counted with others.
    fn network(self) -> Option<Network> {
        match self {
            Self::Address(address) | Self::KnownAddress(address) => Some(networks(address)[OWN]),
            Self::Device(_) | Self::Session(_) => None,
        }
    }
}

impl Attempts {
    /// Lets an attempt in, unless too many failed or are under way: of many at once no more than
    /// the limit are tried.
    pub(super) fn begin(&self, account: Account, place: Place, now: Duration) -> Verdict {
        let begun = self.counts().begin(account, place, now);
        match begun {
            Err(wait) => Verdict::Refused(wait.as_secs().max(1)),
            Ok(steps) => {
                let attempt = Attempt {
                    attempts: self.clone(),
                    account,
                    place,
                    is_over: false,
                };
                Verdict::After(steps, attempt)
            }
        }
    }

    /// Forgets every attempt on an account.
    pub(super) fn forgive(&self, account: Account) {
        let mut counts = self.counts();
        counts.accounts.forget(|of| *of == account);
        counts.known.forget(|(of, _)| *of == account);
        let of_accounts = &mut counts.addresses_of_accounts;
        of_accounts.forget(|(of, _)| *of == account);
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt {
    /// The password was wrong.
    pub(super) fn failed(mut self, now: Duration) {
        self.is_over = true;
        self.attempts.counts().failed(self.account, self.place, now);
    }

    /// The password was right: what came from that place is forgotten.
    pub(super) fn succeeded(self) {
        let (account, place) = (self.account, self.place);
        let attempts = self.attempts.clone();
        drop(self);
        attempts.counts().succeeded(account, place);
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.is_over {
            self.attempts.counts().give_back(self.account, self.place);
        }
    }
}

impl Counts {
    fn begin(&mut self, account: Account, place: Place, now: Duration) -> Result<u32, Duration> {
        let Some(network) = place.network() else {
            let key = (account, place);
            if let Some(wait) = self.known.wait(&key, FROM_ONE_PLACE, now) {
                return Err(wait);
            }
            self.known.begin(key, now);
            return Ok(0);
        };
        let is_known = matches!(place, Place::KnownAddress(_));
        let key = (account, network);
        let of_account = self.addresses_of_accounts.wait(key, is_known, now);
        let of_any = self.addresses.wait(network, is_known, now);
        if let Some(wait) = of_account.max(of_any) {
            return Err(wait);
        }
        self.addresses_of_accounts.begin(key, now);
        self.addresses.begin(network, now);
        Ok(match place {
            Place::KnownAddress(_) => 0,
            _ => steps(self.accounts.failed_already(&account, now)),
        })
    }

    fn failed(&mut self, account: Account, place: Place, now: Duration) {
        let Some(network) = place.network() else {
            return self.known.fail((account, place), now);
        };
        self.addresses_of_accounts.fail((account, network), now);
        self.addresses.fail(network, now);
        self.accounts.add(account, 1, now, now);
    }

    fn give_back(&mut self, account: Account, place: Place) {
        match place.network() {
            None => self.known.give_back(&(account, place)),
            Some(network) => {
                self.addresses_of_accounts.give_back(&(account, network));
                self.addresses.give_back(&network);
            }
        }
    }

    fn succeeded(&mut self, account: Account, place: Place) {
        match place.network() {
            None => self.known.forgive(&(account, place)),
            Some(network) => self.addresses_of_accounts.forgive(&(account, network)),
        }
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

#[cfg(test)]
mod tests;
