//! Who may try to sign in now, and from where a person signed in before.
//!
//! Whoever was let in before is not harmed by what strangers try: their browser has a token that
//! is counted for itself, and from their address no sign-in is delayed.

use std::time::Duration;

use reoclo_domain::{Secret, TokenHash, UserId, hex};
use reoclo_store::RequestSource;
use tokio::time::sleep;

use super::attempts::{Account, Attempt, Place, Verdict};
use super::failed::NotLetIn;
use crate::failed_authentications::subscriber;
use crate::refused_use::Wanted;
use crate::{Caller, Control, Person, Refusal};

/// Attempts that wait at a time; further ones are refused until one of these has gone on.
const MOST_WAITING: usize = 1_000;
/// What those are told to wait, in seconds.
const TRY_AGAIN: u64 = 10;
/// A device that was noted within this time is not noted again.
const NOTE_EVERY: Duration = Duration::from_hours(24);
const TOKEN_BYTES: usize = 32;

/// Attempts that wait.
#[derive(Debug)]
pub(crate) struct Waiting(tokio::sync::Semaphore);

impl Default for Waiting {
    fn default() -> Self {
        Self(tokio::sync::Semaphore::new(MOST_WAITING))
    }
}

impl Control {
    /// Counts an attempt before the password is looked at, and has it wait where it must.
    pub(super) async fn admit_attempt(
        &self,
        email: &str,
        source: &RequestSource,
        devices: &[Secret],
    ) -> Result<Attempt, Refusal> {
        let (account, now) = (Account::of(email), self.clock().monotonic());
        let place = Place::Address(source.ip.map(subscriber));
        let (mut verdict, mut attempt) = self.attempts().begin(account, place, now);
        if verdict == Verdict::After(0) {
            return Ok(attempt);
        }
        if let Some(known) = self.known_place(email, source, devices).await? {
            if let Place::Device(_) = known {
                (verdict, attempt) = self.attempts().begin(account, known, now);
            } else if let Verdict::After(_) = verdict {
                verdict = Verdict::After(0);
            }
        }
        match verdict {
            Verdict::After(steps) => self.delay(steps, source).await.map(|()| attempt),
            Verdict::Refused(seconds) => Err(self.too_many(seconds, source)),
        }
    }

    /// Counts an attempt of somebody who is signed in to name their password; what strangers try
    /// does not count.
    pub(super) fn admit_own_attempt(
        &self,
        person: &Person,
        caller: &Caller,
    ) -> Result<Attempt, Refusal> {
        let account = Account::of(&person.email);
        let (place, now) = (Place::Session(person.session), self.clock().monotonic());
        match self.attempts().begin(account, place, now) {
            (Verdict::After(_), attempt) => Ok(attempt),
            (Verdict::Refused(seconds), _) => {
                let refusal = self.too_many(seconds, caller.source());
                self.note_refusal_of(caller, &refusal, &Wanted::about_oneself(caller));
                Err(refusal)
            }
        }
    }

    /// Forgets the attempts on an account.
    pub(crate) fn forgive_attempts(&self, email: &str) {
        self.attempts().forgive(Account::of(email));
    }

    fn too_many(&self, retry_after: u64, source: &RequestSource) -> Refusal {
        self.note_not_let_in(NotLetIn::TooMany, source);
        Refusal::TooManyAttempts { retry_after }
    }

    async fn delay(&self, steps: u32, source: &RequestSource) -> Result<(), Refusal> {
        if steps == 0 {
            return Ok(());
        }
        let Ok(_waiting) = self.waiting_sign_ins().0.try_acquire() else {
            return Err(self.too_many(TRY_AGAIN, source));
        };
        self.failed_sign_ins().note_delayed();
        sleep(self.settings().sign_in_delay * steps).await;
        Ok(())
    }

    /// What the account is known by here: the browser's token, or else the address.
    async fn known_place(
        &self,
        email: &str,
        source: &RequestSource,
        devices: &[Secret],
    ) -> Result<Option<Place>, Refusal> {
        if email.contains('\0') {
            return Ok(None);
        }
        let Some(account) = self.store().account(email).await? else {
            return Ok(None);
        };
        let known = self.store().known_devices(account.user.id).await?;
        let is_known = |name: &String| known.iter().any(|(one, _)| one == name);
        let mut devices = devices.iter();
        if let Some(device) = devices.find(|device| is_known(&device_name(device))) {
            return Ok(Some(Place::Device(TokenHash::of(device.expose()))));
        }
        let address = address_name(source).filter(is_known);
        Ok(address.map(|_| Place::Address(source.ip)))
    }

    /// Remembers from where somebody signed in. The token that their browser is to keep, unless
    /// it has one; that it cannot be remembered keeps nobody out.
    pub(super) async fn remember(
        &self,
        user: UserId,
        source: &RequestSource,
        devices: &[Secret],
    ) -> Option<Secret> {
        let remembered = self.remembered(user, source, devices).await;
        remembered.unwrap_or_else(|error| {
            tracing::warn!(%error, "from where somebody signed in could not be remembered");
            None
        })
    }

    async fn remembered(
        &self,
        user: UserId,
        source: &RequestSource,
        devices: &[Secret],
    ) -> Result<Option<Secret>, reoclo_store::StoreError> {
        let (known, now) = (self.store().known_devices(user).await?, self.now());
        let noted = |name: &str| known.iter().find(|(one, _)| one == name);
        let mut devices = devices.iter();
        let kept = devices.find(|device| noted(&device_name(device)).is_some());
        let fresh = kept.is_none().then(|| self.new_device());
        let name = kept.or(fresh.as_ref()).map(device_name);
        let stale = |name: &String| noted(name).is_none_or(|(_, at)| now.since(*at) >= NOTE_EVERY);
        let due: Vec<_> = name.into_iter().chain(address_name(source)).collect();
        let due: Vec<_> = due.into_iter().filter(stale).collect();
        if !due.is_empty() {
            self.store().remember_devices(user, due, now).await?;
        }
        Ok(fresh)
    }

    fn new_device(&self) -> Secret {
        let mut random = [0; TOKEN_BYTES];
        self.entropy().fill(&mut random);
        Secret::new(hex::encode(&random))
    }
}

fn device_name(device: &Secret) -> String {
    format!(
        "device:{}",
        hex::encode(TokenHash::of(device.expose()).as_bytes())
    )
}

fn address_name(source: &RequestSource) -> Option<String> {
    source.ip.map(|ip| format!("address:{}", subscriber(ip)))
}
