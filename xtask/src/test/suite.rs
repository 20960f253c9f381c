//! The suites and the cargo commands they consist of.

use std::fmt;
use std::process::Command;

use clap::ValueEnum;

use crate::cargo::cargo;

use super::POSTGRES_URL;

/// A set of checks that is run and reported as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Suite {
    /// The formatting
    Fmt,
    /// The lints, warnings included
    Clippy,
    /// Unit tests and the examples in the documentation
    Unit,
    /// Integration tests, except those for PostgreSQL
    Sqlite,
    /// Integration tests with `postgres` in their name, against a real server
    Postgres,
    /// The dashboard in Chromium, as people use it
    Browser,
}

impl Suite {
    /// The suites of `only`, or all of them, in the order in which they find mistakes fastest.
    pub(crate) fn selected(only: &[Self]) -> Vec<Self> {
        Self::value_variants()
            .iter()
            .copied()
            .filter(|suite| only.is_empty() || only.contains(suite))
            .collect()
    }

    /// What the suite runs, one after the other. No suite but `postgres` is told of a PostgreSQL.
    pub(crate) fn commands(self) -> Vec<Command> {
        self.lines()
            .iter()
            .map(|line| {
                let mut command = cargo();
                command.args(*line).env_remove(POSTGRES_URL);
                command
            })
            .collect()
    }

    /// The arguments of each cargo command. The tests of all suites share their binaries.
    #[rustfmt::skip]
    fn lines(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Fmt => &[&["fmt", "--all", "--check"]],
            Self::Clippy => &[&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]],
            Self::Unit => &[
                &["test", "--workspace", "--no-fail-fast", "--lib", "--bins"],
                &["test", "--workspace", "--no-fail-fast", "--doc"],
            ],
            Self::Sqlite => &[
                &["test", "--workspace", "--no-fail-fast", "--test", "*", "--", "--skip", "postgres"],
            ],
            Self::Postgres => &[
                &["test", "--workspace", "--no-fail-fast", "--test", "*", "--", "postgres"],
            ],
            // Not cargo's: `browser.rs` runs them.
            Self::Browser => &[],
        }
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Fmt => "fmt",
            Self::Clippy => "clippy",
            Self::Unit => "unit",
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Browser => "browser",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_runs_unless_suites_are_named() {
        assert_eq!(Suite::selected(&[]), Suite::value_variants());
        assert_eq!(
            Suite::selected(&[Suite::Sqlite, Suite::Unit, Suite::Sqlite]),
            [Suite::Unit, Suite::Sqlite]
        );
    }

    #[test]
    fn a_suite_is_printed_as_it_is_named_on_the_command_line() {
        for suite in Suite::value_variants() {
            let named = Suite::from_str(&suite.to_string(), false).unwrap();
            assert_eq!(named, *suite);
        }
    }
}
