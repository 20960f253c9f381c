//! Callers that do not give up, and what they ask for.

use std::fmt::Write;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use serde_json::{Value, json};

use super::storm::Dice;
use crate::fixture::{Ended, Key, eventually, wait_until};

const CALLERS: usize = 8;

/// What became of a call.
pub(super) enum Called {
    /// It was acknowledged, and this is how it ended.
    Ended(Box<Ended>),
    /// The connection broke before an answer came.
    Unanswered,
}

/// Commands by number: each writes its number down, says something, and ends with a code.
pub(super) struct Work {
    commands: Arc<Vec<Command>>,
    next: Arc<AtomicUsize>,
    done: Arc<AtomicUsize>,
}

struct Command {
    ledger: PathBuf,
    number: usize,
    lines: u64,
    pause: bool,
    exit_code: i64,
}

impl Command {
    fn text(&self) -> String {
        let pause = if self.pause { "sleep 0.2; " } else { "" };
        format!(
            "echo {} >> '{}'; {pause}seq 1 {}; exit {}",
            self.number,
            self.ledger.display(),
            self.lines,
            self.exit_code
        )
    }

    fn output(&self) -> String {
        let mut output = String::new();
        for line in 1..=self.lines {
            writeln!(output, "{line}").unwrap();
        }
        output
    }
}

impl Work {
    pub(super) fn new(many: usize, seed: u64, ledger: &Path) -> Self {
        let mut dice = Dice::new(seed);
        let commands = (0..many).map(|number| Command {
            ledger: ledger.to_owned(),
            number,
            lines: 1 + dice.below(8_000),
            pause: dice.below(10) == 0,
            exit_code: i64::try_from(dice.below(5)).unwrap(),
        });
        Self {
            commands: Arc::new(commands.collect()),
            next: Arc::default(),
            done: Arc::default(),
        }
    }

    /// Waits until so many calls have come back.
    pub(super) fn wait_for(&self, many: usize) {
        wait_until("calls come back", || {
            self.done.load(Ordering::Relaxed) >= many
        });
    }

    /// Starts callers that share the commands out among them.
    pub(super) fn call(&self, key: &Key) -> Vec<JoinHandle<Vec<(usize, Called)>>> {
        let caller = |_| {
            let (key, commands) = (key.clone(), Arc::clone(&self.commands));
            let (next, done) = (Arc::clone(&self.next), Arc::clone(&self.done));
            thread::spawn(move || {
                let mut called = Vec::new();
                while let Some(command) = commands.get(next.fetch_add(1, Ordering::Relaxed)) {
                    called.push((command.number, call(&key, &command.text())));
                    done.fetch_add(1, Ordering::Relaxed);
                }
                called
            })
        };
        (0..CALLERS).map(caller).collect()
    }

    /// What an acknowledged operation may come to.
    #[track_caller]
    pub(super) fn expect(&self, number: usize, ended: &Ended, times: usize) {
        let command = &self.commands[number];
        match ended.status.as_str() {
            "completed" => {
                ended.is("completed", command.exit_code);
                assert!(ended.stdout == command.output(), "the output of {number}");
                assert!(!ended.stdout_truncated);
                assert_eq!(times, 1, "{number} ran {times} times");
            }
            // No runner took it in time, so it never started.
            "failed" if ended.exit_code == 125 => assert_eq!(times, 0, "{number} ran: {ended:?}"),
            _ => panic!("{number}: {ended:?}"),
        }
    }
}

/// Asks until somebody answers, and then for the end.
fn call(key: &Key, command: &str) -> Called {
    let fields = json!({ "command": command });
    let answer = eventually("an exec is answered", || match key.try_exec(&fields) {
        // Nobody listens: the control plane is dead, and has not seen it.
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => None,
        Err(_) => Some(None),
        Ok(answer) => match answer.status {
            200 => Some(Some(answer.json())),
            // It was refused, and nothing was started.
            409 | 429 | 503 => None,
            _ => panic!("{}: {}", answer.status, answer.text()),
        },
    });
    let Some(answer) = answer else {
        return Called::Unanswered;
    };
    Called::Ended(Box::new(
        Ended::of_answer(&answer).unwrap_or_else(|| end(key, &answer)),
    ))
}

/// An operation that was acknowledged is there, whatever happens.
fn end(key: &Key, answer: &Value) -> Ended {
    let id = answer["operation_id"].as_str().unwrap();
    eventually("an operation ends", || {
        let answer = key.try_operation(id).ok()?;
        match answer.status {
            200 => Ended::of_record(&answer.json()),
            503 => None,
            _ => panic!("{}: {}", answer.status, answer.text()),
        }
    })
}
