//! A room in which strangers wait, each network getting its turn. Pure: nothing in it waits.
//!
//! Who comes first is not who is served first: then whoever sends the most would be. The networks
//! take turns instead, from the widest to the address itself: that one goes on which was never
//! served and asked first, or else was served longest ago. Of a full room, the network leaves from
//! which the most wait. So whoever comes from a quiet network gets in however many wait that came
//! from a loud one; and one that was sent away keeps its turn for when it comes again.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::networks::{LEVELS, Network, OWN, networks};

/// Networks of each width whose turn is known; the ones that moved longest ago are forgotten.
const MOST_KNOWN: usize = 10_000;

/// Where somebody waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(u64);

/// A room, and `T` for each who waits in it.
#[derive(Debug)]
pub(crate) struct FairRoom<T> {
    most: usize,
    most_of_one: usize,
    /// In the order in which they came.
    waiting: Vec<Waiting<T>>,
    turns: [Turns; LEVELS],
    /// Counts what happens, so that there is an order.
    tick: u64,
}

#[derive(Debug)]
struct Waiting<T> {
    place: Place,
    networks: [Network; LEVELS],
    what: T,
}

/// Whose turn is when, of one width.
#[derive(Debug, Default)]
struct Turns(HashMap<Network, Turn>);

/// The smaller is served before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    /// When it was served last; 0 is never.
    served: u64,
    /// When it asked first.
    asked: u64,
}

impl<T> FairRoom<T> {
    /// A room for so many, and so many of one address.
    pub(crate) fn new(most: usize, most_of_one: usize) -> Self {
        Self {
            most,
            most_of_one,
            waiting: Vec::new(),
            turns: Default::default(),
            tick: 0,
        }
    }

    /// Lets somebody in, and says who had to leave for them; none when there is no room.
    pub(crate) fn enter(&mut self, address: Option<IpAddr>, what: T) -> Option<(Place, Option<T>)> {
        let networks = networks(address);
        self.tick += 1;
        for (turns, network) in self.turns.iter_mut().zip(networks) {
            turns.asks(network, self.tick);
        }
        let own = networks[OWN];
        let here = self.waiting.iter().filter(|one| one.networks[OWN] == own);
        if here.count() >= self.most_of_one {
            return None;
        }
        let leaves = if self.waiting.len() >= self.most {
            let at = self.who_leaves(networks)?;
            Some(self.waiting.remove(at).what)
        } else {
            None
        };
        let place = Place(self.tick);
        self.waiting.push(Waiting {
            place,
            networks,
            what,
        });
        Some((place, leaves))
    }

    /// Takes out whose turn it is.
    pub(crate) fn next(&mut self) -> Option<T> {
        let mut left: Vec<usize> = (0..self.waiting.len()).collect();
        for level in 0..LEVELS {
            let turn = |at: &usize| {
                let network = self.waiting[*at].networks[level];
                (self.turns[level].of(network), network)
            };
            let (_, first) = left.iter().map(turn).min()?;
            left.retain(|at| self.waiting[*at].networks[level] == first);
        }
        let place = self.waiting[*left.first()?].place;
        self.serve(place)
    }

    /// Takes out somebody who has got what they waited for.
    pub(crate) fn serve(&mut self, place: Place) -> Option<T> {
        let served = self.take(place)?;
        self.tick += 1;
        for (turns, network) in self.turns.iter_mut().zip(served.networks) {
            turns.is_served(network, self.tick);
        }
        Some(served.what)
    }

    /// Takes out somebody who waits no longer.
    pub(crate) fn leave(&mut self, place: Place) -> Option<T> {
        self.take(place).map(|left| left.what)
    }

    /// How many wait.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    fn take(&mut self, place: Place) -> Option<Waiting<T>> {
        let at = self.waiting.iter().position(|one| one.place == place)?;
        Some(self.waiting.remove(at))
    }

    /// Who of those that wait makes way for somebody of these networks; none when they are
    /// themselves the last.
    fn who_leaves(&self, newcomer: [Network; LEVELS]) -> Option<usize> {
        let networks_at = |at: usize| self.waiting.get(at).map_or(newcomer, |one| one.networks);
        let mut left: Vec<usize> = (0..=self.waiting.len()).collect();
        for level in 0..LEVELS {
            let mut counts: HashMap<Network, usize> = HashMap::new();
            for at in &left {
                *counts.entry(networks_at(*at)[level]).or_default() += 1;
            }
            let crowd = |network: &Network| (counts[network], self.turns[level].of(*network));
            let worst = counts.keys().copied().max_by_key(crowd)?;
            left.retain(|at| networks_at(*at)[level] == worst);
        }
        left.last().copied().filter(|at| *at < self.waiting.len())
    }
}

impl Turns {
    fn of(&self, network: Network) -> Turn {
        self.0.get(&network).copied().unwrap_or_default()
    }

    fn asks(&mut self, network: Network, tick: u64) {
        self.make_room(network);
        let asks = Turn {
            served: 0,
            asked: tick,
        };
        self.0.entry(network).or_insert(asks);
    }

    fn is_served(&mut self, network: Network, tick: u64) {
        self.make_room(network);
        self.0.entry(network).or_default().served = tick;
    }

    /// Forgets the half that moved longest ago.
    fn make_room(&mut self, network: Network) {
        if self.0.len() < MOST_KNOWN || self.0.contains_key(&network) {
            return;
        }
        let moved = |turn: &Turn| turn.served.max(turn.asked);
        let mut times: Vec<u64> = self.0.values().map(moved).collect();
        let (_, middle, _) = times.select_nth_unstable(MOST_KNOWN / 2);
        let middle = *middle;
        self.0.retain(|_, turn| moved(turn) > middle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 8;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn come(room: &mut FairRoom<String>, from: &str) -> bool {
        room.enter(Some(address(from)), from.to_owned()).is_some()
    }

    /// One more of an attack that has every address of these networks.
    fn storm(room: &mut FairRoom<String>, number: u32) {
        let [_, a, b, c] = number.to_be_bytes();
        come(room, &format!("2001:db8:{a:x}:{b:x}{c:02x}::1"));
        come(room, &format!("198.51.{b}.{c}"));
    }

    #[test]
    fn a_quiet_address_takes_the_place_of_a_loud_network() {
        let mut room = FairRoom::new(MOST, 4);
        for number in 0..1_000 {
            room.next();
            storm(&mut room, number);
        }
        assert_eq!(room.len(), MOST);
        for quiet in ["203.0.113.7", "2001:db9::1", "198.51.255.1"] {
            assert!(come(&mut room, quiet), "{quiet}");
        }
        let served: Vec<String> = (0..MOST).filter_map(|_| room.next()).collect();
        for quiet in ["203.0.113.7", "2001:db9::1", "198.51.255.1"] {
            assert!(served.iter().any(|one| one == quiet), "{quiet}: {served:?}");
        }
    }

    #[test]
    fn an_address_takes_no_more_than_its_share() {
        let mut room = FairRoom::new(MOST, 4);
        let entered = (0..10).filter(|_| come(&mut room, "203.0.113.7")).count();
        assert_eq!(entered, 4);
        // Its share is what nobody else wants.
        for number in 0..u8::try_from(MOST).unwrap() - 1 {
            assert!(come(&mut room, &format!("10.{number}.0.1")));
        }
        let here = |one: &&Waiting<String>| one.what == "203.0.113.7";
        assert_eq!(room.waiting.iter().filter(here).count(), 1);
    }

    #[test]
    fn networks_take_turns_whoever_came_first() {
        let mut room = FairRoom::new(MOST, 4);
        for from in ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.1.0.1", "10.1.0.2"] {
            assert!(come(&mut room, from));
        }
        let served: Vec<String> = (0..4).filter_map(|_| room.next()).collect();
        assert_eq!(served, ["10.0.0.1", "10.1.0.1", "10.0.0.2", "10.1.0.2"]);
        // A network that was never served goes before.
        assert!(come(&mut room, "10.2.0.1"));
        assert_eq!(room.next().unwrap(), "10.2.0.1");
        assert_eq!(room.next().unwrap(), "10.0.0.3");
        assert_eq!(room.next(), None);
    }

    #[test]
    fn who_is_sent_away_by_many_networks_gets_in_when_it_comes_again() {
        let mut room = FairRoom::new(MOST, 4);
        let mut fresh = (0_u32..).map(|number| {
            let [_, a, b, _] = number.to_be_bytes();
            format!("{}.{}.{}.1", 11 + a, b, number % 256)
        });
        // Each attempt of the attack is of a network that nobody has seen.
        let mut attack = |room: &mut FairRoom<String>, many: usize| {
            for from in fresh.by_ref().step_by(256).take(many) {
                come(room, &from);
            }
        };
        attack(&mut room, 100);
        let mut tries = 0;
        while !come(&mut room, "203.0.113.7") {
            tries += 1;
            assert!(tries < 200, "it gets in");
            room.next();
            attack(&mut room, 3);
        }
        let mut served = 0;
        while room.next().unwrap() != "203.0.113.7" {
            served += 1;
            assert!(served < MOST, "it is served");
            attack(&mut room, 3);
        }
    }

    #[test]
    fn who_leaves_makes_room_and_is_not_served() {
        let mut room = FairRoom::new(MOST, 4);
        let (place, _) = room.enter(None, 1).unwrap();
        room.enter(None, 2).unwrap();
        assert_eq!(room.leave(place), Some(1));
        assert_eq!(room.leave(place), None);
        assert_eq!(room.next(), Some(2));
        assert_eq!(room.next(), None);
    }

    #[test]
    fn what_is_known_takes_no_more_than_so_much_memory() {
        let mut room = FairRoom::new(MOST, 4);
        for number in 0..60_000_u32 {
            let address = Some(IpAddr::from((number << 12).to_be_bytes()));
            room.enter(address, ());
            room.next();
        }
        assert!(room.turns.iter().all(|turns| turns.0.len() <= MOST_KNOWN));
    }
}
