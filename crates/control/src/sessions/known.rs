//! Who may try to sign in now, and from where a person signed in before.
//!
//! Whoever was let in before is not harmed by what strangers try: their browser has a token that
//! is counted for itself, and from their address no sign-in is delayed.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reoclo_domain::{Secret, TokenHash, UserId, hex};
use reoclo_store::RequestSource;
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::attempts::{Account, Attempt, Place, Verdict};
use super::failed::NotLetIn;
use crate::failed_authentications::subscriber;
use crate::fair::{self, FairRoom};
use crate::passwords::Asker;
use crate::refused_use::Wanted;
use crate::{Caller, Control, Person, Refusal};

/// Attempts that wait at a time: of more, the network has to leave from which the most wait.
const MOST_WAITING: usize = 256;
/// Of them, how many come from one address; offices share one.
const MOST_OF_ADDRESS: usize = 16;
/// What those are told to wait who find no room, in seconds.
const TRY_AGAIN: u64 = 10;
/// A device that was noted within this time is not noted again.
const NOTE_EVERY: Duration = Duration::from_hours(24);
const TOKEN_BYTES: usize = 32;

/// Attempts that wait; whoever is known does not.
#[derive(Debug)]
pub(crate) struct Waiting(Mutex<FairRoom<oneshot::Sender<()>>>);

impl Default for Waiting {
    fn default() -> Self {
        Self(Mutex::new(FairRoom::new(MOST_WAITING, MOST_OF_ADDRESS)))
    }
}

/// A place among those that wait; it is free again when this is dropped.
struct Waits<'w> {
    among: &'w Waiting,
    place: fair::Place,
    /// Ends when somebody else has the place.
    sent_away: oneshot::Receiver<()>,
}

impl Waiting {
    fn enter(&self, source: &RequestSource) -> Option<Waits<'_>> {
        let (stays, sent_away) = oneshot::channel();
        let mut room = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (place, _) = room.enter(source.ip, stays)?;
        Some(Waits {
            among: self,
            place,
            sent_away,
        })
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        let room = self.among.0.lock();
        room.unwrap_or_else(PoisonError::into_inner)
            .serve(self.place);
    }
}

/// An attempt that may be made now.
#[derive(Debug)]
pub(super) struct Admitted {
    /// What is counted of it.
    pub(super) attempt: Attempt,
    /// For whom the password is looked at.
    pub(super) asker: Asker,
}

impl Control {
    /// Lets an attempt in before the password is looked at, and has it wait where it must.
    pub(super) async fn admit_attempt(
        &self,
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
        let (account, now) = (Account::of(email), self.clock().monotonic());
        match self.attempts().begin(account, place, now) {
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
        &self,
        person: &Person,
        caller: &Caller,
    ) -> Result<Attempt, Refusal> {
        let account = Account::of(&person.email);
        let (place, now) = (Place::Session(person.session), self.clock().monotonic());
        match self.attempts().begin(account, place, now) {
            Verdict::After(_, attempt) => Ok(attempt),
            Verdict::Refused(seconds) => {
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
        let Some(mut waits) = self.waiting_sign_ins().enter(source) else {
            return Err(self.too_many(TRY_AGAIN, source));
        };
        self.failed_sign_ins().note_delayed();
        tokio::select! {
            () = sleep(self.settings().sign_in_delay * steps) => Ok(()),
            _ = &mut waits.sent_away => Err(self.too_many(TRY_AGAIN, source)),
        }
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
        Ok(address.map(|_| Place::KnownAddress(source.ip)))
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
