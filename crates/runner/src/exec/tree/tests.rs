use super::*;

const SUPERVISOR: u32 = 10;

fn around() -> Surroundings {
    Surroundings {
        supervisor: SUPERVISOR,
        groups: vec![SUPERVISOR],
        sessions: Sessions::AllBut(vec![SUPERVISOR]),
        others: Box::new(|pid| pid == 50),
    }
}

fn process(pid: u32, parent: u32, group: u32, session: u32) -> Process {
    Process {
        pid,
        name: "x".into(),
        has_ended: false,
        parent,
        group,
        session,
        begun: 1,
    }
}

/// What belongs to the command that 20 leads.
fn found(all: &[Process]) -> Vec<u32> {
    let found = closure(all, &around(), |process| {
        process.pid == 20 || process.group == 20
    });
    let mut found: Vec<u32> = found.into_iter().collect();
    found.sort_unstable();
    found
}

#[test]
fn descendants_groups_and_sessions_belong_to_the_command() {
    let all = [
        process(SUPERVISOR, 1, SUPERVISOR, SUPERVISOR),
        process(20, SUPERVISOR, 20, SUPERVISOR),
        // `timeout` and `set -m` make groups, `setsid` makes a session.
        process(21, 20, 21, SUPERVISOR),
        process(22, 20, 22, 22),
        // Taken in by the supervisor, in a group and a session of those.
        process(23, SUPERVISOR, 21, SUPERVISOR),
        process(24, SUPERVISOR, 24, 22),
        // A child of one of those.
        process(25, 24, 25, 25),
    ];
    assert_eq!(found(&all), [20, 21, 22, 23, 24, 25]);
}

#[test]
fn the_supervisor_and_other_commands_do_not() {
    let all = [
        process(1, 0, 1, 1),
        process(SUPERVISOR, 1, SUPERVISOR, SUPERVISOR),
        process(20, SUPERVISOR, 20, SUPERVISOR),
        // It has gone back to the supervisor's group, and another's.
        process(21, 20, SUPERVISOR, SUPERVISOR),
        process(22, 20, 50, SUPERVISOR),
        process(50, SUPERVISOR, 50, SUPERVISOR),
        process(51, 50, 50, SUPERVISOR),
        // Something that the supervisor started for itself.
        process(30, SUPERVISOR, SUPERVISOR, SUPERVISOR),
    ];
    assert_eq!(found(&all), [20, 21, 22]);
}

/// Of a supervisor that is gone, whose other commands have its session.
#[test]
fn neither_do_other_commands_of_another_supervisor() {
    let gone = 5;
    let leader = |session| Leader {
        pid: 20,
        begun: 1,
        session,
    };
    let all = [
        process(1, 0, 1, 1),
        process(20, 1, 20, gone),
        process(21, 20, 21, 21),
        process(22, 1, 22, 21),
        // It has gone back to that supervisor's group.
        process(23, 20, gone, gone),
        process(60, 1, 60, gone),
        process(61, 60, gone, gone),
    ];
    let found = |origin| {
        let around = Surroundings::now(Some(20), origin);
        let found = closure(&all, &around, |process| process.pid == 20);
        let mut found: Vec<u32> = found.into_iter().collect();
        found.sort_unstable();
        found
    };
    assert_eq!(
        found(Origin::Elsewhere(Some(leader(gone)))),
        [20, 21, 22, 23]
    );
    // Without its word, no session says anything.
    assert_eq!(found(Origin::Elsewhere(None))[..2], [20, 21]);
    assert!(!found(Origin::Elsewhere(None)).contains(&60));
}
