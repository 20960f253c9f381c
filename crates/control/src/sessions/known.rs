//! Who may try to sign in now, and from where a person signed in before.
//!
//! Whoever was let in before is not harmed by what strangers try: their browser has a token that
//! is counted for itself, and from their address no sign-in is delayed.

use std::time::Duration;

use reoclo_domain::{Secret, TokenHash, UserId, hex};
use reoclo_store::RequestSource;
use tokio::time::sleep;

use super::Sessions;
use super::attempts::{Account, Attempt, Place, Verdict};
use super::failed::NotLetIn;
use crate::attempted::Attempted;
use crate::passwords::Asker;
use crate::subscriber::subscriber;
use crate::{Caller, Person, Refusal};

/// What those are told to wait who find no room, in seconds.
const TRY_AGAIN: u64 = 10;
/// A device that was noted within this time is not noted again.
const NOTE_EVERY: Duration = Duration::from_hours(24);
const TOKEN_BYTES: usize = 32;

/// An attempt that may be made now.
#[derive(Debug)]
pub(super) struct Admitted {
    /// What is counted of it.
    pub(super) attempt: Attempt,
    /// For whom the password is looked at.
    pub(super) asker: Asker,
}

impl Sessions<'_> {
    /// Lets an attempt in before the password is looked at, and has it wait where it must.
    pub(super) async fn admit_attempt(
        self,
        email: &str,
        source: &RequestSource,
        devices: &[Secret],
    ) -> Result<Admitted, Refusal> {
        let known = self.known_place(email, source, devices).await?;
        let asker = match known {
            Some(_) => Asker::Met(source.ip),
            None => Asker::Stranger(source.ip),
        };
        let place = known.unwrap_or(Place::Address(source.ip));
        let (account, now) = (Account::of(email), self.core.clock().monotonic());
        match self.attempts.begin(account, place, now) {
            Verdict::After(steps, attempt) => {
                self.delay(steps, source).await?;
                Ok(Admitted { attempt, asker })
            }
            Verdict::Refused(seconds) => Err(self.too_many(seconds, source)),
        }
    }

    /// Counts an attempt of somebody who is signed in to name their password; what strangers try
    /// does not count.
    pub(super) fn admit_own_attempt(
        self,
        person: &Person,
        caller: &Caller,
    ) -> Result<Attempt, Refusal> {
        let account = Account::of(&person.email);
        let (place, now) = (
            Place::Session(person.session),
            self.core.clock().monotonic(),
        );
        match self.attempts.begin(account, place, now) {
            Verdict::After(_, attempt) => Ok(attempt),
            Verdict::Refused(seconds) => {
                let refusal = self.too_many(seconds, caller.source());
                self.refusals
                    .note_of(caller, &refusal, &Attempted::about_oneself(caller));
                Err(refusal)
            }
        }
    }

    /// Forgets the attempts on an account.
    pub(crate) fn forgive_attempts(self, email: &str) {
        self.attempts.forgive(Account::of(email));
    }

    fn too_many(self, retry_after: u64, source: &RequestSource) -> Refusal {
        self.failed.note(self.core.now(), NotLetIn::TooMany, source);
        Refusal::TooManyAttempts { retry_after }
    }

    async fn delay(self, steps: u32, source: &RequestSource) -> Result<(), Refusal> {
        if steps == 0 {
            return Ok(());
        }
        let Some(mut waits) = self.waiting.enter(source) else {
            return Err(self.too_many(TRY_AGAIN, source));
        };
        self.failed.note_delayed();
        tokio::select! {
            () = sleep(self.settings.sign_in_delay * steps) => Ok(()),
            _ = &mut waits.sent_away => Err(self.too_many(TRY_AGAIN, source)),
        }
    }

    /// What the account is known by here: the browser's token, or else the address.
    async fn known_place(
        self,
        email: &str,
        source: &RequestSource,
        devices: &[Secret],
    ) -> Result<Option<Place>, Refusal> {
        if email.contains('\0') {
            return Ok(None);
        }
        let Some(account) = self.core.store().account(email).await? else {
            return Ok(None);
        };
        let known = self.core.store().known_devices(account.user.id).await?;
        let is_known = |name: &String| known.iter().any(|(one, _)| one == name);
        let mut devices = devices.iter();
        if let Some(device) = devices.find(|device| is_known(&device_name(device))) {
            return Ok(Some(Place::Device(TokenHash::of(device.expose()))));
        }
        let address = address_name(source).filter(is_known);
        Ok(address.map(|_| Place::KnownAddress(source.ip)))
    }

    /// Remembers from where somebody signed in. The token that their browser is to keep, unless
    /// it has one; that it cannot be remembered keeps nobody out.
    pub(super) async fn remember(
        self,
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
        self,
        user: UserId,
        source: &RequestSource,
        devices: &[Secret],
    ) -> Result<Option<Secret>, reoclo_store::StoreError> {
        let (known, now) = (
            self.core.store().known_devices(user).await?,
            self.core.now(),
        );
        let noted = |name: &str| known.iter().find(|(one, _)| one == name);
        let mut devices = devices.iter();
        let kept = devices.find(|device| noted(&device_name(device)).is_some());
        let fresh = kept.is_none().then(|| self.new_device());
        let name = kept.or(fresh.as_ref()).map(device_name);
        let stale = |name: &String| noted(name).is_none_or(|(_, at)| now.since(*at) >= NOTE_EVERY);
        let due: Vec<_> = name.into_iter().chain(address_name(source)).collect();
        let due: Vec<_> = due.into_iter().filter(stale).collect();
        if !due.is_empty() {
            self.core.store().remember_devices(user, due, now).await?;
        }
        Ok(fresh)
    }

    fn new_device(self) -> Secret {
        let mut random = [0; TOKEN_BYTES];
        self.core.entropy().fill(&mut random);
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
