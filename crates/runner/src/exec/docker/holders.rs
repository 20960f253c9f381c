//! Who holds which login. Jobs of one user share one configuration of Docker, so the logout of one
//! must not take the login from another: it goes with the last (ADR 27).

use std::fmt;
use std::fs;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use reoclo_domain::{Clock, Timestamp, hex};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

use crate::data_dir::DataDir;

const FILE: &str = "registry-logins.json";
/// Where a file goes that cannot be understood.
const BROKEN: &str = "registry-logins.json.broken";
/// Who has not logged out by then never will.
const LONGEST: Duration = Duration::from_hours(24);
/// Holds that are kept; of more, those that end first go.
const MOST: usize = 4096;

/// A registry in one configuration of Docker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shared {
    /// The file of the configuration.
    pub(super) config: String,
    /// The registry's canonical name.
    pub(super) registry: String,
}

/// Kept in the data directory, and changed only by whose turn it is with Docker.
#[derive(Clone)]
pub(super) struct Holders {
    data: DataDir,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Holders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Holders")
            .field("data", &self.data)
            .finish_non_exhaustive()
    }
}

/// One file, which holds nothing secret: of a holder there is a hash alone.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    holds: Vec<Hold>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Hold {
    config: String,
    registry: String,
    holder: String,
    until_us: i64,
}

impl Hold {
    fn is_of(&self, shared: &Shared) -> bool {
        self.config == shared.config && self.registry == shared.registry
    }
}

impl Holders {
    pub(super) fn new(data: DataDir, clock: Arc<dyn Clock>) -> Self {
        Self { data, clock }
    }

    /// Notes that `holder` holds the login from now on; says whether it did not before.
    pub(super) async fn hold(&self, shared: &Shared, holder: &str) -> io::Result<bool> {
        let (shared, holder) = (shared.clone(), name(holder));
        self.change(move |holds, now| {
            let before = holds.len();
            holds.retain(|hold| !(hold.is_of(&shared) && hold.holder == holder));
            let is_new = holds.len() == before;
            holds.push(Hold {
                config: shared.config,
                registry: shared.registry,
                holder,
                until_us: now.plus(LONGEST).as_micros(),
            });
            is_new
        })
        .await
    }

    /// How many but `holder` hold the login.
    pub(super) async fn others(&self, shared: &Shared, holder: &str) -> io::Result<usize> {
        let (shared, holder) = (shared.clone(), name(holder));
        let is_other = move |hold: &&Hold| hold.is_of(&shared) && hold.holder != holder;
        self.change(move |holds, _| holds.iter().filter(is_other).count())
            .await
    }

    /// `holder` does not hold the login any more.
    pub(super) async fn release(&self, shared: &Shared, holder: &str) -> io::Result<()> {
        let (shared, holder) = (shared.clone(), name(holder));
        self.change(move |holds, _| {
            holds.retain(|hold| !(hold.is_of(&shared) && hold.holder == holder));
        })
        .await
    }

    /// The login is gone, so nobody holds it.
    pub(super) async fn forget(&self, shared: &Shared) -> io::Result<()> {
        let shared = shared.clone();
        self.change(move |holds, _| holds.retain(|hold| !hold.is_of(&shared)))
            .await
    }

    /// Reads, changes and writes; nothing is written when nothing changed.
    async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Vec<Hold>, Timestamp) -> T + Send + 'static,
    ) -> io::Result<T> {
        let (data, now) = (self.data.clone(), self.clock.now());
        let work = move || {
            let before = read(&data)?;
            let mut holds = valid(before.clone(), now);
            let result = change(&mut holds, now);
            if holds.len() > MOST {
                holds.sort_by_key(|hold| hold.until_us);
                holds.drain(..holds.len() - MOST);
            }
            if holds != before {
                data.replace(FILE, &serde_json::to_vec(&Kept { holds })?)?;
            }
            Ok(result)
        };
        spawn_blocking(work).await.map_err(io::Error::other)?
    }
}

/// What is kept of a holder.
fn name(holder: &str) -> String {
    let digest = digest(&SHA256, holder.as_bytes());
    let (half, _) = digest.as_ref().split_at(16);
    hex::encode(half)
}

/// Without those that have ended. A clock that was set back makes none of them longer.
fn valid(mut holds: Vec<Hold>, now: Timestamp) -> Vec<Hold> {
    let latest = now.plus(LONGEST).as_micros();
    holds.retain(|hold| hold.until_us > now.as_micros());
    for hold in &mut holds {
        hold.until_us = hold.until_us.min(latest);
    }
    holds
}

fn read(data: &DataDir) -> io::Result<Vec<Hold>> {
    let text = match fs::read(data.join(FILE)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    match serde_json::from_slice::<Kept>(&text) {
        Ok(kept) => Ok(kept.holds),
        Err(error) => {
            // It is written as a whole, so somebody else has changed it. Nobody could ever log in
            // or out again if it were kept.
            tracing::warn!(%error, "who holds registry logins cannot be read and is begun anew");
            fs::rename(data.join(FILE), data.join(BROKEN))?;
            Ok(Vec::new())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Debug)]
    struct At(Mutex<Timestamp>);

    impl Clock for At {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap()
        }

        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }
    }

    struct World {
        dir: tempfile::TempDir,
        clock: Arc<At>,
    }

    impl World {
        fn new() -> Self {
            Self {
                dir: tempfile::tempdir().unwrap(),
                clock: Arc::new(At(Mutex::new(Timestamp::from_micros(1 << 50)))),
            }
        }

        /// As after a restart.
        fn holders(&self) -> Holders {
            let data = DataDir::open(self.dir.path()).unwrap();
            Holders::new(data, Arc::clone(&self.clock) as Arc<dyn Clock>)
        }

        fn pass(&self, time: Duration) {
            let mut now = self.clock.0.lock().unwrap();
            *now = now.plus(time);
        }

        fn text(&self) -> String {
            fs::read_to_string(self.dir.path().join(FILE)).unwrap()
        }
    }

    fn shared(config: &str, registry: &str) -> Shared {
        Shared {
            config: config.into(),
            registry: registry.into(),
        }
    }

    #[tokio::test]
    async fn holders_are_told_apart_and_outlive_a_restart() {
        let world = World::new();
        let here = shared("/root/.docker/config.json", "ghcr.io");
        let holders = world.holders();
        assert!(holders.hold(&here, "a/run/1").await.unwrap());
        assert!(!holders.hold(&here, "a/run/1").await.unwrap());
        assert!(holders.hold(&here, "a/run/2").await.unwrap());
        assert!(holders.hold(&here, "b/run/1").await.unwrap());
        for elsewhere in [
            shared("/home/ci/.docker/config.json", "ghcr.io"),
            shared("/root/.docker/config.json", "docker.io"),
        ] {
            assert_eq!(holders.others(&elsewhere, "x").await.unwrap(), 0);
        }
        let holders = world.holders();
        assert_eq!(holders.others(&here, "a/run/1").await.unwrap(), 2);
        assert_eq!(holders.others(&here, "a/key/1").await.unwrap(), 3);
        holders.release(&here, "a/run/2").await.unwrap();
        assert_eq!(holders.others(&here, "a/run/1").await.unwrap(), 1);
        holders.forget(&here).await.unwrap();
        assert_eq!(holders.others(&here, "x").await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_hold_ends_after_a_day_and_no_clock_makes_it_longer() {
        let world = World::new();
        let (here, holders) = (shared("c", "ghcr.io"), world.holders());
        holders.hold(&here, "early").await.unwrap();
        world.pass(LONGEST / 2);
        holders.hold(&here, "late").await.unwrap();
        world.pass(LONGEST / 2);
        assert_eq!(holders.others(&here, "x").await.unwrap(), 1);

        // The clock is set back by ten days, and goes on from there.
        *world.clock.0.lock().unwrap() = Timestamp::from_micros(1 << 50).minus(LONGEST * 10);
        assert_eq!(holders.others(&here, "x").await.unwrap(), 1);
        world.pass(LONGEST);
        assert_eq!(holders.others(&here, "x").await.unwrap(), 0);
    }

    #[tokio::test]
    async fn what_is_kept_is_bounded_and_no_secret() {
        let world = World::new();
        let (here, holders) = (shared("c", "ghcr.io"), world.holders());
        holders.hold(&here, "org/run/a-secret").await.unwrap();
        assert!(!world.text().contains("secret"), "{}", world.text());
        let now = world.clock.now().as_micros();
        let hold = |number: i64| Hold {
            config: "c".into(),
            registry: "ghcr.io".into(),
            holder: number.to_string(),
            until_us: now + 1 + number,
        };
        let holds = (0..5000).map(hold).collect();
        let text = serde_json::to_vec(&Kept { holds }).unwrap();
        fs::write(world.dir.path().join(FILE), text).unwrap();
        holders.hold(&here, "newest").await.unwrap();
        assert_eq!(holders.others(&here, "newest").await.unwrap(), MOST - 1);
    }

    #[tokio::test]
    async fn a_file_that_somebody_broke_is_put_aside() {
        let world = World::new();
        let (here, holders) = (shared("c", "ghcr.io"), world.holders());
        for text in ["", "{", "[]", "\0"] {
            fs::write(world.dir.path().join(FILE), text).unwrap();
            assert_eq!(holders.others(&here, "x").await.unwrap(), 0, "{text}");
            assert!(holders.hold(&here, "x").await.unwrap());
            assert!(world.dir.path().join(BROKEN).exists());
        }
        // What cannot be read at all is said.
        fs::remove_file(world.dir.path().join(FILE)).unwrap();
        fs::create_dir(world.dir.path().join(FILE)).unwrap();
        assert!(holders.hold(&here, "x").await.is_err());
    }
}
