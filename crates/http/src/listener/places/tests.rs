use std::sync::atomic::{AtomicU64, Ordering};

use reoclo_domain::Timestamp;

use super::*;

/// Stands still until a test moves it.
#[derive(Default)]
struct Still(AtomicU64);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(0)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }
}

fn places(most: usize, kept: usize, most_of_address: usize) -> (Arc<Places>, Arc<Still>) {
    let clock = Arc::<Still>::default();
    let limits = ConnectionLimits {
        most,
        kept_for_runners: kept,
        kept_for_callers: kept,
        most_of_address,
        ..ConnectionLimits::default()
    };
    (Places::new(limits, clock.clone()), clock)
}

fn address(text: &str) -> IpAddr {
    counted(text.parse().unwrap())
}

fn try_at(places: &Arc<Places>, text: &str) -> Option<Place> {
    match places.try_enter(Some(address(text)), places.limits.grace) {
        Entry::Place(place) => Some(place),
        Entry::Wait | Entry::Refused => None,
    }
}

fn enter_from_proxy(places: &Arc<Places>) -> Place {
    match places.try_enter(None, places.limits.grace) {
        Entry::Place(place) => place,
        Entry::Wait | Entry::Refused => panic!("there is room"),
    }
}

fn pass(clock: &Still) {
    clock.0.fetch_add(1000, Ordering::SeqCst);
}

#[test]
fn of_one_address_the_oldest_that_keeps_us_waiting_makes_way() {
    let (places, clock) = places(100, 10, 2);
    let first = try_at(&places, "2001:db8::1").unwrap();
    let second = try_at(&places, "2001:db8::2").unwrap();
    assert!(
        try_at(&places, "2001:db8::3").is_none(),
        "nobody is old yet"
    );
    pass(&clock);
    first.0.pace(|pace, _| pace.request_begins());
    let third = try_at(&places, "2001:db8::3").unwrap();
    assert!(!first.0.is_evicted(), "it is we who keep it waiting");
    assert!(second.0.is_evicted());
    assert!(!third.0.is_evicted());
    drop(second);
    assert!(
        try_at(&places, "2001:db8::3").is_none(),
        "it was counted once"
    );
    assert!(try_at(&places, "2001:db8:0:1::3").is_some(), "another /64");
}

#[test]
fn who_authenticates_makes_room_and_need_not_make_way() {
    let (places, clock) = places(100, 10, 1);
    let caller = try_at(&places, "192.0.2.1").unwrap();
    caller.0.authenticated();
    let stranger = try_at(&places, "::ffff:192.0.2.1").unwrap();
    pass(&clock);
    let runner = try_at(&places, "192.0.2.1").unwrap();
    runner.0.is_a_runner();
    assert!(stranger.0.is_evicted() && !caller.0.is_evicted() && !runner.0.is_evicted());
    let taken = places.taken();
    assert_eq!(
        (taken.strangers.len(), taken.callers, taken.runners),
        (0, 1, 1)
    );
}

#[test]
fn strangers_of_many_addresses_leave_the_places_that_are_kept() {
    let (places, clock) = places(10, 2, 5);
    let mut held: Vec<_> = (0..6)
        .map(|host| try_at(&places, &format!("192.0.2.{host}")).unwrap())
        .collect();
    assert!(try_at(&places, "198.51.100.1").is_none());
    pass(&clock);
    let runner = try_at(&places, "198.51.100.1").unwrap();
    runner.0.is_a_runner();
    assert!(held[0].0.is_evicted(), "the oldest makes way");
    held.push(try_at(&places, "198.51.100.2").unwrap());
    assert!(held[1..].iter().all(|place| !place.0.is_evicted()));
    let caller = try_at(&places, "198.51.100.3").unwrap();
    caller.0.authenticated();
    assert!(held[1].0.is_evicted() && !held[2].0.is_evicted());
    assert!(!runner.0.is_evicted());
}

#[test]
fn callers_leave_the_places_of_runners_and_runners_those_of_callers() {
    let (places, _) = places(10, 2, 100);
    let enter = |as_runner: bool| {
        let place = try_at(&places, "192.0.2.1")?;
        if as_runner {
            place.0.is_a_runner();
        } else {
            place.0.authenticated();
        }
        Some(place)
    };
    let _callers: Vec<_> = (0..8).map(|_| enter(false).unwrap()).collect();
    let more = enter(false).unwrap();
    assert_eq!(
        more.0.kind(),
        Kind::Stranger,
        "it makes way for whoever comes"
    );
    drop(more);
    assert_eq!(enter(true).unwrap().0.kind(), Kind::Runner);
}

#[test]
fn what_went_leaves_nothing_behind() {
    let (places, clock) = places(10, 2, 3);
    for _ in 0..3 {
        let held: Vec<_> = (0..3).map(|_| try_at(&places, "192.0.2.1")).collect();
        pass(&clock);
        let newer = try_at(&places, "192.0.2.1").unwrap();
        newer.0.authenticated();
        drop((held, newer));
    }
    let asking = places.ask(address("192.0.2.7")).unwrap();
    drop(asking);
    let taken = places.taken();
    assert!(taken.strangers.is_empty() && taken.addresses.is_empty());
    assert_eq!((taken.callers, taken.runners, taken.at_door), (0, 0, 0));
}

#[test]
fn behind_a_proxy_requests_are_counted_until_they_authenticate() {
    let (places, _) = places(100, 10, 2);
    let [one, two, three] = [(); 3].map(|()| enter_from_proxy(&places));
    let proxy: IpAddr = "10.0.0.1".parse().unwrap();
    let client: IpAddr = "192.0.2.1".parse().unwrap();
    assert!(one.0.may_ask(proxy, client) && two.0.may_ask(proxy, client));
    assert!(!three.0.may_ask(proxy, client));
    assert!(three.0.may_ask(proxy, "192.0.2.2".parse().unwrap()));
    assert!(
        three.0.may_ask(proxy, proxy),
        "its own checks are not counted"
    );
    one.0.authenticated();
    assert!(three.0.may_ask(proxy, client));
    two.0.answered();
    assert!(one.0.may_ask(proxy, client));
}

#[tokio::test]
async fn who_waits_at_the_door_comes_in_when_somebody_goes() {
    let (places, _) = places(100, 10, 1);
    let first = try_at(&places, "192.0.2.1").unwrap();
    let waiting = tokio::spawn({
        let places = Arc::clone(&places);
        async move { places.enter(Some(address("192.0.2.1"))).await }
    });
    while places.taken().at_door == 0 {
        tokio::task::yield_now().await;
    }
    drop(first);
    assert!(waiting.await.unwrap().is_some());
    assert_eq!(places.taken().at_door, 0);
}

#[test]
fn who_keeps_us_waiting_longest_with_the_most_makes_way_for_bytes() {
    let (places, clock) = places_of_bytes(1 << 20);
    let enter = |text| {
        let place = try_at(&places, text).unwrap();
        assert!(place.0.hold(|held| held.opens(false)));
        place
    };
    let old = enter("192.0.2.1");
    let served = enter("192.0.2.2");
    assert!(served.0.hold(|held| held.read(500_000, true)));
    served.0.pace(|pace, _| pace.request_begins());
    let known = enter("192.0.2.3");
    known.0.authenticated();
    assert!(known.0.hold(|held| held.read(5_000_000, true)));
    pass(&clock);
    let large = enter("192.0.2.4");
    assert!(large.0.hold(|held| held.read(400_000, true)));
    pass(&clock);
    let newer = enter("192.0.2.5");
    assert!(newer.0.hold(|held| held.read(300_000, true)));
    let evicted = [&old, &served, &known, &large, &newer].map(|place| place.0.is_evicted());
    assert_eq!(evicted, [false, false, false, true, false]);
    // What it held is free once it is gone, and who is served need not go.
    drop(large);
    assert!(!newer.0.hold(|held| held.read(2_000_000, true)));
    assert!(newer.0.is_evicted() && !served.0.is_evicted());
    drop((old, served, known, newer));
    assert!(enter("192.0.2.6").0.hold(|held| held.read(900_000, true)));
}

#[tokio::test]
async fn a_proxy_has_its_places_while_strangers_hold_all_bytes() {
    let (places, _) = places_of_bytes(100_000);
    let served = try_at(&places, "192.0.2.1").unwrap();
    served.0.pace(|pace, _| pace.request_begins());
    assert!(!served.0.hold(|held| held.read(150_000, true)));
    let proxy = places.with_room(enter_from_proxy(&places), true).await;
    proxy.unwrap();
}

fn places_of_bytes(bytes: usize) -> (Arc<Places>, Arc<Still>) {
    let clock = Arc::<Still>::default();
    let limits = ConnectionLimits {
        bytes_of_strangers: bytes,
        ..ConnectionLimits::default()
    };
    (Places::new(limits, clock.clone()), clock)
}
