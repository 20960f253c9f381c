use super::windows::{MOST_COUNTED, WINDOW};
use super::*;

fn place(number: u32) -> Place {
    Place::Address(Some(IpAddr::from(number.to_be_bytes())))
}

fn address(text: &str) -> Place {
    Place::Address(Some(text.parse().unwrap()))
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The steps of delay, or the seconds to wait.
fn begin(attempts: &Attempts, email: &str, place: Place, second: u64) -> Result<Attempt, u64> {
    match attempts.begin(Account::of(email), place, seconds(second)) {
        Verdict::After(_, attempt) => Ok(attempt),
        Verdict::Refused(seconds) => Err(seconds),
    }
}

/// A wrong password. The steps that it was delayed, or the seconds to wait.
fn wrong(attempts: &Attempts, email: &str, place: Place, second: u64) -> Result<u32, u64> {
    match attempts.begin(Account::of(email), place, seconds(second)) {
        Verdict::After(steps, attempt) => {
            attempt.failed(seconds(second));
            Ok(steps)
        }
        Verdict::Refused(seconds) => Err(seconds),
    }
}

#[test]
fn a_place_is_refused_for_one_account_and_others_are_not() {
    let attempts = Attempts::default();
    for _ in 0..10 {
        assert_eq!(wrong(&attempts, "ada", place(1), 5), Ok(0));
    }
    assert_eq!(wrong(&attempts, "ada", place(1), 65), Err(840));
    assert_eq!(wrong(&attempts, "ada", place(2), 65), Ok(0));
    assert_eq!(wrong(&attempts, "eve", place(1), 65), Ok(0));
    assert_eq!(wrong(&attempts, "ada", place(1), 905), Ok(0));
}

#[test]
fn an_address_that_tries_many_accounts_is_refused() {
    let attempts = Attempts::default();
    for number in 0..50 {
        wrong(&attempts, &number.to_string(), place(1), 0).unwrap();
    }
    assert_eq!(wrong(&attempts, "ada", place(1), 0), Err(900));
    assert_eq!(wrong(&attempts, "ada", place(2), 0), Ok(0));
}

#[test]
fn many_addresses_make_an_account_slower_and_never_refuse_it() {
    let attempts = Attempts::default();
    let mut last = 0;
    for number in 0..1000 {
        let steps = wrong(&attempts, "ada", place(number), 0).unwrap();
        assert!(steps >= last && steps <= MOST_DOUBLED);
        assert_eq!(steps == 0, number < BEFORE_DELAY);
        last = steps;
    }
    assert_eq!(last, MOST_DOUBLED);
    let device = Place::Device(TokenHash::of("known"));
    assert_eq!(wrong(&attempts, "ada", device, 0), Ok(0));
    let home = Place::KnownAddress(Some([203, 0, 113, 1].into()));
    assert_eq!(wrong(&attempts, "ada", home, 0), Ok(0));
    assert_eq!(wrong(&attempts, "eve", place(1), 0), Ok(0));
}

#[test]
fn a_good_attempt_starts_the_place_anew() {
    let attempts = Attempts::default();
    for _ in 0..9 {
        wrong(&attempts, "ada", place(1), 0).unwrap();
    }
    begin(&attempts, "ada", place(1), 0).unwrap().succeeded();
    for _ in 0..10 {
        assert_eq!(wrong(&attempts, "ada", place(1), 0), Ok(0));
    }
    assert_eq!(wrong(&attempts, "ada", place(1), 0), Err(900));
    attempts.forgive(Account::of("ada"));
    assert_eq!(wrong(&attempts, "ada", place(1), 0), Ok(0));
}

#[test]
fn what_nobody_looked_at_counts_for_nothing() {
    let attempts = Attempts::default();
    let device = Place::Device(TokenHash::of("known"));
    for place in [place(1), Place::KnownAddress(None), device] {
        for _ in 0..100 {
            drop(begin(&attempts, "ada", place, 0).unwrap());
        }
    }
    let counts = attempts.counts();
    assert_eq!(counts.addresses_of_accounts.sizes(), [0; LEVELS]);
    assert_eq!(counts.addresses.sizes(), [0; LEVELS]);
    assert_eq!((counts.known.size(), counts.accounts.size()), (0, 0));
}

#[test]
fn of_many_at_once_no_more_than_the_limit_are_tried() {
    let attempts = Attempts::default();
    let begin = || begin(&attempts, "ada", place(1), 0);
    let mut open: Vec<Attempt> = (0..10).map(|_| begin().unwrap()).collect();
    assert_eq!(begin().unwrap_err(), 1);
    // One that was never looked at leaves its place.
    open.pop();
    open.push(begin().unwrap());
    for attempt in open {
        attempt.failed(seconds(0));
    }
    assert_eq!(begin().unwrap_err(), 900);
}

/// As many pairs as an attacker makes who has a /48.
fn attack(attempts: &Attempts) {
    for number in 0..MOST_COUNTED + MOST_COUNTED / 5 {
        let from = address(&format!(
            "2001:db8:a:{number:x}::1",
            number = number % 65_536
        ));
        wrong(attempts, &number.to_string(), from, 0).ok();
    }
}

#[test]
fn a_full_table_fails_closed_for_who_filled_it_and_for_nobody_else() {
    let attempts = Attempts::default();
    let before = address("198.51.100.7");
    for _ in 0..10 {
        wrong(&attempts, "ada", before, 0).unwrap();
    }
    attack(&attempts);
    assert_eq!(wrong(&attempts, "ada", before, 1), Err(899));
    // A /64 of theirs that nobody saw before.
    let fresh = address("2001:db8:a:ffff::1");
    assert_eq!(wrong(&attempts, "ada", fresh, 1), Err(899));
    for elsewhere in ["203.0.113.1", "2001:db8:b:1::1", "2001:db9::1"] {
        let elsewhere = address(elsewhere);
        for _ in 0..10 {
            assert_eq!(wrong(&attempts, "grace", elsewhere, 1), Ok(0));
        }
        assert_eq!(wrong(&attempts, "grace", elsewhere, 1), Err(900));
        attempts.forgive(Account::of("grace"));
    }
    // Whoever was let in before is, even from there.
    let device = Place::Device(TokenHash::of("known"));
    let home = Place::KnownAddress(Some("2001:db8:a:ffff::1".parse().unwrap()));
    for known in [device, home] {
        assert_eq!(wrong(&attempts, "ada", known, 1), Ok(0));
    }
    let over = WINDOW.as_secs() + 1;
    assert_eq!(wrong(&attempts, "eve", fresh, over), Ok(0));
}

#[test]
fn who_guesses_once_from_each_address_of_a_network_is_limited_when_the_table_is_full() {
    let attempts = Attempts::default();
    let from = |number: u32| place(0x0a0a_0000 | number);
    for number in 0..65_536_u32 {
        // Every other one is for ada.
        let other = number.to_string();
        let email = if number % 2 == 0 { "ada" } else { &other };
        wrong(&attempts, email, from(number), 0).ok();
    }
    let networks = (0..256).map(|network| from(network << 8 | 1));
    let refused = networks.filter(|from| begin(&attempts, "ada", *from, 1).is_err());
    assert!(refused.count() > 100);
    assert!(begin(&attempts, "ada", address("203.0.113.1"), 1).is_ok());
}

#[test]
fn what_is_counted_takes_no_more_than_so_much_memory() {
    let attempts = Attempts::default();
    for number in 0..110_000_u32 {
        let spread = number.wrapping_mul(0x9e37_79b1);
        wrong(&attempts, &number.to_string(), place(spread), 0).ok();
    }
    let sizes = || {
        let counts = attempts.counts();
        let [of_accounts, of_any] = [
            counts.addresses_of_accounts.sizes(),
            counts.addresses.sizes(),
        ];
        let mut sizes = of_accounts.to_vec();
        sizes.extend(of_any);
        sizes.push(counts.accounts.size());
        sizes
    };
    assert!(
        sizes().iter().all(|size| *size <= MOST_COUNTED),
        "{:?}",
        sizes()
    );
    assert!(sizes()[OWN] > MOST_COUNTED / 2);
}
