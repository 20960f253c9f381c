//! Which machine a server is, when two claim to be it: a cloned disk has the identity too.

use std::time::Duration;

use reoclo_domain::Timestamp;
use reoclo_wire::handshake::Machine;
use reoclo_wire::proto::Description;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::fact;

/// Machines that are remembered of one server; the one that tried longest ago goes first.
const MOST: usize = 8;
/// One that has not tried for this long is not shown any more. Runners try every minute.
const SHOWN_FOR: Duration = Duration::from_mins(10);
/// How long the place is kept for the machine that was chosen.
pub(super) const KEPT_FOR: Duration = Duration::from_mins(10);
/// How long the machine that was the server has to be away before one that was refused for its
/// sake may take its place.
const AWAY_FOR: Duration = Duration::from_mins(10);
/// The same for another container of its host, which only the supervisor's process tells apart:
/// a supervisor may start anew.
const CONTAINER_AWAY_FOR: Duration = Duration::from_mins(1);

/// A machine whose runner proved that it is a server which another machine is already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherMachine {
    /// Names it among the machines of its server.
    pub id: String,
    /// Where it connects from.
    pub address: Option<String>,
    /// What it calls itself; empty when its runner is too old to say so.
    pub host_name: String,
    /// When it first tried.
    pub first_seen_at: Timestamp,
    /// When it last tried.
    pub last_seen_at: Timestamp,
    /// How often it tried.
    pub attempts: u64,
    pub(super) machine: Machine,
}

/// The machine that is connected, and those that claim to be the same server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineConflict {
    /// The one that is connected; none while one that was chosen is waited for.
    pub connected: Option<ConnectedMachine>,
    /// The others, the newest first.
    pub others: Vec<OtherMachine>,
}

/// The machine that is connected as a server which others claim to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectedMachine {
    /// Names it among the machines of its server.
    pub id: String,
    /// Where it connects from.
    pub address: Option<String>,
}

/// What is known of the machines of one server.
#[derive(Debug, Default)]
pub(super) struct Machines {
    /// The machine that is the server, or was it last.
    holder: Option<Machine>,
    /// Since when that one is away; none while it is connected.
    away_since: Option<Timestamp>,
    others: Vec<OtherMachine>,
    /// Those that a person decided against.
    barred: Vec<Decided>,
    /// The one that a person chose, until it is there, and until when it is waited for.
    chosen: Option<(Decided, Timestamp)>,
}

/// A machine that was decided about. Its supervisor may start anew, so that only counts where
/// nothing else tells the two apart.
#[derive(Debug, Serialize, Deserialize)]
struct Decided {
    machine: Machine,
    by_instance: bool,
}

impl Decided {
    fn is(&self, machine: &Machine) -> bool {
        is_same_host(&self.machine, machine)
            && (!self.by_instance || self.machine.instance_id == machine.instance_id)
    }
}

/// Whether all but the supervisor is the same.
fn is_same_host(one: &Machine, other: &Machine) -> bool {
    one.boot_id == other.boot_id && one.machine_id == other.machine_id
}

impl Machines {
    /// Notes a machine that was turned away; answers whether it is a new one.
    pub(super) fn note(&mut self, told: &Told, address: Option<String>, at: Timestamp) -> bool {
        let Told { machine, host_name } = told;
        let mut others = self.others.iter_mut();
        if let Some(known) = others.find(|known| is_same_host(&known.machine, machine)) {
            // Its supervisor may be another one, and so its name: people compare it with what the
            // machine itself says now.
            known.id = name(machine);
            known.machine = machine.clone();
            known.last_seen_at = at;
            known.attempts += 1;
            known.address = address;
            if !host_name.is_empty() {
                known.host_name.clone_from(host_name);
            }
            return false;
        }
        if self.others.len() >= MOST {
            let oldest = self.others.iter().enumerate();
            if let Some((index, _)) = oldest.min_by_key(|(_, other)| other.last_seen_at) {
                self.others.remove(index);
            }
        }
        self.others.push(OtherMachine {
            id: name(machine),
            address,
            host_name: host_name.clone(),
            first_seen_at: at,
            last_seen_at: at,
            attempts: 1,
            machine: machine.clone(),
        });
        true
    }

    /// Those that tried lately, the newest first.
    pub(super) fn others(&self, now: Timestamp) -> Vec<OtherMachine> {
        let since = now.minus(SHOWN_FOR);
        let mut lately: Vec<_> = self
            .others
            .iter()
            .filter(|other| other.last_seen_at >= since)
            .cloned()
            .collect();
        lately.sort_by_key(|other| std::cmp::Reverse(other.last_seen_at));
        lately
    }

    /// All that were turned away.
    pub(super) fn all(&self) -> impl Iterator<Item = &Machine> {
        self.others.iter().map(|other| &other.machine)
    }

    pub(super) fn find(&self, id: &str) -> Option<Machine> {
        let found = self.others.iter().find(|other| other.id == id);
        found.map(|other| other.machine.clone())
    }

    /// A person's decision: `machine` is the server, and `against` are not.
    pub(super) fn choose(&mut self, machine: Machine, against: Vec<Machine>, until: Timestamp) {
        let by_instance = against.iter().any(|other| is_same_host(other, &machine));
        let decided = |machine| Decided {
            machine,
            by_instance,
        };
        self.others.clear();
        self.barred.retain(|barred| !barred.is(&machine));
        self.barred.extend(against.into_iter().map(decided));
        let surplus = self.barred.len().saturating_sub(MOST);
        self.barred.drain(..surplus);
        self.chosen = Some((decided(machine), until));
    }

    /// Whether a person decided against this machine.
    pub(super) fn is_barred(&self, machine: &Machine) -> bool {
        self.barred.iter().any(|barred| barred.is(machine))
    }

    /// Whether the place is kept for another machine than this one.
    pub(super) fn is_kept_from(&self, machine: &Machine, now: Timestamp) -> bool {
        let chosen = self.chosen.as_ref().filter(|(_, until)| now < *until);
        chosen.is_some_and(|(chosen, _)| !chosen.is(machine)) || self.is_copy(machine, now)
    }

    /// Whether this machine was refused while the server was another one, which has not been away
    /// for long: a restart on either side does not give the server to its copy.
    fn is_copy(&self, machine: &Machine, now: Timestamp) -> bool {
        let Some(holder) = self.holder.as_ref().filter(|holder| *holder != machine) else {
            return false;
        };
        let long = if is_same_host(holder, machine) {
            CONTAINER_AWAY_FOR
        } else {
            AWAY_FOR
        };
        let is_away = self.away_since.is_some_and(|since| now >= since.plus(long));
        !is_away
            && self
                .others
                .iter()
                .any(|other| self.is_the_one(&other.machine, machine))
    }

    /// Whether a machine is one that was refused. Only their supervisors tell two containers of
    /// one host apart; other machines may start theirs anew.
    fn is_the_one(&self, refused: &Machine, machine: &Machine) -> bool {
        let holder = self.holder.as_ref();
        let by_instance = holder.is_some_and(|holder| is_same_host(holder, refused));
        is_same_host(refused, machine)
            && (!by_instance || refused.instance_id == machine.instance_id)
    }

    /// This machine has the place. Answers whether that is news to what is kept.
    pub(super) fn seated(&mut self, machine: &Machine) -> bool {
        self.chosen = None;
        let others = std::mem::take(&mut self.others);
        self.others = others
            .into_iter()
            .filter(|other| !self.is_the_one(&other.machine, machine))
            .collect();
        self.away_since = None;
        let is_news = self.holder.as_ref() != Some(machine);
        self.holder = Some(machine.clone());
        is_news && self.is_worth_keeping()
    }

    /// The machine that has the place has lost its connection.
    pub(super) const fn lost(&mut self, now: Timestamp) {
        self.away_since = Some(now);
    }

    const fn is_worth_keeping(&self) -> bool {
        !self.others.is_empty() || !self.barred.is_empty()
    }

    /// What a later process has to know; none where only one machine was ever seen.
    pub(super) fn kept(&self) -> Option<String> {
        let others = self.others.iter().map(|other| KeptMachine {
            machine: other.machine.clone(),
            address: other.address.clone(),
            host_name: other.host_name.clone(),
            first_seen_at: other.first_seen_at.as_micros(),
            last_seen_at: other.last_seen_at.as_micros(),
            attempts: other.attempts,
        });
        let kept = json!({
            "holder": self.holder,
            "others": others.collect::<Vec<_>>(),
            "barred": self.barred,
        });
        self.is_worth_keeping().then(|| kept.to_string())
    }

    /// From what an earlier process kept. The machine that was the server is away since now.
    pub(super) fn from_kept(text: &str, now: Timestamp) -> serde_json::Result<Self> {
        let kept: Kept = serde_json::from_str(text)?;
        let others = kept.others.into_iter().map(|other| OtherMachine {
            id: name(&other.machine),
            host_name: fact(&other.host_name),
            address: other.address,
            first_seen_at: Timestamp::from_micros(other.first_seen_at),
            last_seen_at: Timestamp::from_micros(other.last_seen_at),
            attempts: other.attempts,
            machine: other.machine,
        });
        Ok(Self {
            holder: kept.holder,
            away_since: Some(now),
            others: others.collect(),
            barred: kept.barred,
            chosen: None,
        })
    }
}

/// What is stored of the machines of a server that more than one claimed to be.
#[derive(Deserialize)]
struct Kept {
    #[serde(default)]
    holder: Option<Machine>,
    #[serde(default)]
    others: Vec<KeptMachine>,
    #[serde(default)]
    barred: Vec<Decided>,
}

/// A machine that was refused; times in microseconds since 1970.
#[derive(Serialize, Deserialize)]
struct KeptMachine {
    machine: Machine,
    address: Option<String>,
    #[serde(default)]
    host_name: String,
    first_seen_at: i64,
    last_seen_at: i64,
    attempts: u64,
}

/// What a connection said of its machine.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    pub(super) machine: Machine,
    /// Not proved: for people alone.
    pub(super) host_name: String,
}

impl From<Machine> for Told {
    fn from(machine: Machine) -> Self {
        Self {
            machine,
            host_name: String::new(),
        }
    }
}

/// A name among the few machines of one server, which tells nothing about it.
pub(super) fn name(machine: &Machine) -> String {
    machine.fingerprint()
}

/// What a connection is known by: the runner's signed word, or for one that is too old to give it,
/// the supervisor's.
pub(super) fn machine_of(signed: Option<Machine>, description: &Description) -> Machine {
    let signed = signed.unwrap_or_default();
    let or = |first: &str, second: &str| fact(if first.is_empty() { second } else { first });
    Machine {
        boot_id: or(&signed.boot_id, &description.boot_id),
        machine_id: fact(&signed.machine_id),
        // The supervisor may have been replaced since the runner asked it.
        instance_id: or(&description.instance_id, &signed.instance_id),
    }
}

#[cfg(test)]
mod tests;
