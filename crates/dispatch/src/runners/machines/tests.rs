use super::*;

fn machine(boot: &str) -> Machine {
    Machine {
        boot_id: boot.into(),
        machine_id: "m".into(),
        instance_id: "i".into(),
    }
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_micros(0).plus(Duration::from_secs(seconds))
}

#[test]
fn a_machine_is_new_once_and_forgotten_when_it_is_silent() {
    let mut machines = Machines::default();
    assert!(machines.note(&machine("a").into(), None, at(0)));
    assert!(!machines.note(&machine("a").into(), Some("192.0.2.1".into()), at(5)));
    let others = machines.others(at(6));
    assert_eq!((others.len(), others[0].attempts), (1, 2));
    assert_eq!(others[0].first_seen_at, at(0));
    assert_eq!(machines.others(at(700)), []);
}

#[test]
fn one_that_was_refused_stays_so_until_the_other_was_away_for_long() {
    let mut machines = Machines::default();
    assert!(!machines.seated(&machine("a")), "one machine is no news");
    machines.note(&machine("b").into(), None, at(10));
    assert!(machines.is_kept_from(&machine("b"), at(20)));
    machines.lost(at(30));

    let kept = machines.kept().unwrap();
    for mut machines in [machines, Machines::from_kept(&kept, at(30)).unwrap()] {
        assert!(machines.is_kept_from(&machine("b"), at(629)));
        assert!(!machines.is_kept_from(&machine("b"), at(630)));
        for other in ["a", "c"] {
            assert!(!machines.is_kept_from(&machine(other), at(31)), "{other}");
        }
        let anew = Machine {
            instance_id: "another".into(),
            ..machine("b")
        };
        assert!(machines.is_kept_from(&anew, at(31)), "whatever process");
        // The first one was started anew.
        assert!(machines.seated(&machine("c")), "it is to be kept");
        assert!(machines.is_kept_from(&machine("b"), at(10_000)));
        machines.lost(at(10_000));
        assert!(!machines.seated(&machine("b")), "nobody else is left");
        assert!(!machines.is_kept_from(&machine("c"), at(10_001)));
        assert_eq!(machines.kept(), None);
    }
}

#[test]
fn of_two_containers_of_a_host_the_one_that_was_refused_waits_for_less() {
    let container = |instance: &str| Machine {
        instance_id: instance.into(),
        ..machine("a")
    };
    let mut machines = Machines::default();
    machines.seated(&container("first"));
    machines.note(&container("copy").into(), None, at(10));
    machines.lost(at(30));
    assert!(machines.is_kept_from(&container("copy"), at(89)));
    assert!(!machines.is_kept_from(&container("copy"), at(90)));
    assert!(!machines.is_kept_from(&container("the first one's next"), at(31)));
}

#[test]
fn what_a_machine_is_called_is_its_last_word() {
    let mut machines = Machines::default();
    let told = |instance: &str, host_name: &str| Told {
        machine: Machine {
            instance_id: instance.into(),
            ..machine("a")
        },
        host_name: host_name.into(),
    };
    machines.note(&told("i", "web-1"), None, at(0));
    machines.note(&told("j", ""), None, at(1));
    let others = machines.others(at(1));
    assert_eq!(others[0].host_name, "web-1");
    assert_eq!(others[0].id, name(&told("j", "").machine));
    assert!(machines.find(&others[0].id).is_some());
}

#[test]
fn many_machines_do_not_grow_without_bound() {
    let mut machines = Machines::default();
    for number in 0..100 {
        machines.note(&machine(&number.to_string()).into(), None, at(number));
    }
    let others = machines.others(at(100));
    assert_eq!(others.len(), MOST);
    assert_eq!(others[0].machine, machine("99"));
}

#[test]
fn the_place_is_kept_for_the_one_that_was_chosen_until_it_is_there() {
    let mut machines = Machines::default();
    machines.note(&machine("b").into(), None, at(0));
    let found = machines.find(&name(&machine("b"))).unwrap();
    machines.choose(found, vec![machine("a")], at(60));
    assert!(machines.is_barred(&machine("a")) && !machines.is_barred(&machine("b")));
    assert!(machines.is_kept_from(&machine("c"), at(59)));
    assert!(!machines.is_kept_from(&machine("b"), at(59)));
    assert!(!machines.is_kept_from(&machine("c"), at(60)));
    machines.seated(&machine("b"));
    assert!(!machines.is_kept_from(&machine("c"), at(1)));
    // Somebody changes their mind.
    machines.choose(machine("a"), vec![machine("b")], at(60));
    assert!(!machines.is_barred(&machine("a")) && machines.is_barred(&machine("b")));
    // Whatever supervisor it has by then.
    let anew = |boot: &str| Machine {
        instance_id: "another".into(),
        ..machine(boot)
    };
    assert!(machines.is_barred(&anew("b")) && !machines.is_kept_from(&anew("a"), at(1)));
    // Of two containers of one host, only their supervisors differ.
    let mut machines = Machines::default();
    machines.choose(machine("a"), vec![anew("a")], at(60));
    assert!(machines.is_barred(&anew("a")) && !machines.is_barred(&machine("a")));
    assert!(machines.is_kept_from(&anew("a"), at(1)));
}
