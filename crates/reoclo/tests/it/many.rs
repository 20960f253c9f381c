//! Many commands at once.

use std::collections::HashSet;
use std::fs;
use std::thread;

use crate::fixture::Home;

const COMMANDS: usize = 100;

#[test]
fn a_hundred_commands_on_two_servers_each_run_once() {
    let home = Home::new();
    let serve = home.serve_with(&[]);
    let servers = ["one", "two"].map(|name| home.add_server(name));
    let _runners = ["one", "two"].map(|name| {
        let added = &servers[usize::from(name == "two")];
        home.runner(name, Some((serve.url(), &added.token)))
    });
    for added in &servers {
        serve.integration().wait_for_status(&added.server, "active");
    }

    let runs = |server: usize| home.path(&format!("runs-{server}"));
    let waiting: Vec<_> = (0..COMMANDS)
        .map(|number| {
            let server = number % 2;
            let key = serve.automation().on(&servers[server].server);
            let command = format!(
                "echo {number} >> '{}'; echo out {number}; echo err {number} >&2; exit {}",
                runs(server).display(),
                number % 7
            );
            thread::spawn(move || (number, key.run(&command)))
        })
        .collect();
    let mut ids = HashSet::new();
    for thread in waiting {
        let (number, ended) = thread.join().unwrap();
        ended.is("completed", i64::try_from(number % 7).unwrap());
        assert_eq!(ended.stdout, format!("out {number}\n"));
        assert_eq!(ended.stderr, format!("err {number}\n"));
        ids.insert(ended.id);
    }
    assert_eq!(ids.len(), COMMANDS);

    for server in 0..2 {
        let lines = fs::read_to_string(runs(server)).unwrap();
        let mut numbers: Vec<usize> = lines.lines().map(|line| line.parse().unwrap()).collect();
        numbers.sort_unstable();
        let expected: Vec<usize> = (server..COMMANDS).step_by(2).collect();
        assert_eq!(numbers, expected);
    }
    assert_eq!(home.audit("verify", &[]).code, Some(0));
}
