//! What an exec asks for, and its limits (rule 14).

use std::collections::BTreeMap;

use reoclo_dispatch::{ExecPayload, Run, is_script};
use reoclo_domain::escaped;
use reoclo_domain::masking::SHORTEST_SECRET;

use super::run_note::RunNote;
use crate::redact::{self, CommandSecrets};
use crate::{InvalidFields, Refusal};

const MAX_COMMAND_CHARS: usize = 8_192;
const MAX_ENV_KEYS: usize = 200;
const MAX_ENV_BYTES: usize = 64 * 1024;
const MAX_PATH_BYTES: usize = 4_096;
/// Characters of a name that an error shows.
const SHOWN_NAME: usize = 100;
/// Names that an error tells of.
const SHOWN_UNKNOWN: usize = 10;
const TIMEOUT_SECONDS: std::ops::RangeInclusive<i64> = 1..=900;
/// As the published clients promise.
const DEFAULT_TIMEOUT_SECONDS: u32 = 600;

/// A command as it was asked for, not yet checked.
#[derive(Clone, Default)]
#[allow(missing_docs)]
pub struct ExecCommand {
    pub command: String,
    pub working_directory: Option<String>,
    pub env: BTreeMap<String, String>,
    pub timeout_seconds: Option<i64>,
    pub mask: Option<Vec<String>>,
    pub run_id: Option<String>,
    pub run_context: BTreeMap<String, String>,
}

/// A command within all limits.
pub(crate) struct ValidExec {
    pub(crate) payload: ExecPayload,
    pub(crate) timeout_seconds: u32,
    /// The command as it may be stored.
    pub(crate) masked_command: String,
    /// The same of the working directory.
    pub(crate) masked_directory: Option<String>,
    /// The same of the names of its variables.
    pub(crate) masked_names: Vec<String>,
    pub(super) run: Run,
}

impl ExecCommand {
    pub(crate) fn validate(mut self) -> Result<ValidExec, Refusal> {
        // A form or a file of another system; a shell would take the CR for a part of a word.
        self.command = self.command.replace("\r\n", "\n");
        let mut invalid = InvalidFields::default();
        check_command(&self.command, &mut invalid);
        check_working_directory(self.working_directory.as_deref(), &mut invalid);
        check_env(&self.env, is_script(&self.command), &mut invalid);
        if let Some(mask) = &self.mask {
            check_mask(mask, &self.env, &mut invalid);
        }
        let run = RunNote {
            run_id: self.run_id,
            run_context: self.run_context,
        };
        run.check(&mut invalid);
        let timeout_seconds = checked_timeout(self.timeout_seconds, &mut invalid);
        invalid.into_result()?;

        let secrets = CommandSecrets::of(&self.command, &self.env, self.mask.as_deref());
        let working_directory = self.working_directory.filter(|path| !path.is_empty());
        Ok(ValidExec {
            timeout_seconds,
            masked_command: secrets.masked(&self.command),
            masked_directory: working_directory
                .as_deref()
                .map(|path| secrets.masked(path)),
            masked_names: self.env.keys().map(|name| secrets.masked(name)).collect(),
            run: run.checked(|text| secrets.masked(text)),
            payload: ExecPayload {
                command: self.command,
                working_directory,
                env: self.env,
                mask: secrets.in_output,
            },
        })
    }

    /// The same, beside the requests of others when there is much to look through.
    pub(crate) async fn validated(self) -> Result<ValidExec, Refusal> {
        if redact::is_light(&self.env) {
            return self.validate();
        }
        tokio::task::spawn_blocking(|| self.validate())
            .await
            .map_err(Refusal::internal)?
    }
}

fn check_command(command: &str, invalid: &mut InvalidFields) {
    if command.trim().is_empty() {
        invalid.add("command", "must not be empty");
    }
    if command.chars().count() > MAX_COMMAND_CHARS {
        invalid.add(
            "command",
            "must be at most 8192 characters: put a longer script in a file on the server",
        );
    }
    if command.contains('\0') {
        invalid.add("command", "must not contain NUL");
    }
    if is_script(command) && !names_interpreter(command) {
        invalid.add(
            "command",
            "must name an interpreter by its absolute path after #!, such as #!/bin/bash or \
             #!/usr/bin/env python3",
        );
    }
}

fn names_interpreter(command: &str) -> bool {
    let line = command.split('\n').next().unwrap_or_default();
    let named = line
        .trim_start_matches("#!")
        .trim_start_matches([' ', '\t']);
    named.starts_with('/')
}

fn check_working_directory(path: Option<&str>, invalid: &mut InvalidFields) {
    let Some(path) = path else { return };
    if path.contains('\0') {
        invalid.add("working_directory", "must not contain NUL");
    }
    if path.len() > MAX_PATH_BYTES {
        invalid.add("working_directory", "must be at most 4096 bytes");
    }
}

fn check_env(env: &BTreeMap<String, String>, is_script: bool, invalid: &mut InvalidFields) {
    if env.len() > MAX_ENV_KEYS {
        invalid.add("env", "must have at most 200 variables");
    }
    let bytes: usize = env
        .iter()
        .map(|(name, value)| name.len() + value.len() + 2)
        .sum();
    if bytes > MAX_ENV_BYTES {
        invalid.add("env", "must be at most 64 KiB together");
    }
    if let Some(name) = env.keys().find(|name| !is_a_name(name, is_script)) {
        invalid.add("env", why_no_name(name));
    }
    if let Some((name, _)) = env.iter().find(|(_, value)| value.contains('\0')) {
        invalid.add(
            "env",
            format!("must not contain NUL, as the value of {name:?} does"),
        );
    }
}

/// What `mask` names and `env` does not have would be printed in clear.
fn check_mask(mask: &[String], env: &BTreeMap<String, String>, invalid: &mut InvalidFields) {
    let unknown = mask.iter().enumerate();
    let unknown = unknown.filter(|(_, name)| !env.contains_key(*name));
    let told: Vec<_> = unknown
        .take(SHOWN_UNKNOWN)
        .map(|(position, entry)| why_not_masked(position, entry, env))
        .collect();
    if !told.is_empty() {
        let problem = format!(
            "must have names of variables in env alone: {}",
            told.join("; ")
        );
        invalid.add("mask", problem);
    }
}

/// An entry that can be no name may be the secret itself, and the answer is printed where the
/// output would have been: it is told by its place.
fn why_not_masked(position: usize, entry: &str, env: &BTreeMap<String, String>) -> String {
    let number = position + 1;
    let is_of = |value: &str| match entry.len() {
        0..SHORTEST_SECRET => !entry.is_empty() && value == entry,
        _ => value.contains(entry),
    };
    if let Some((name, _)) = env.iter().find(|(_, value)| is_of(value)) {
        let shown = escaped(name, SHOWN_NAME);
        return format!("entry {number} is from the value of \"{shown}\": give the name instead");
    }
    if is_a_name(entry, false) {
        let shown = escaped(entry, SHOWN_NAME);
        return format!("\"{shown}\" is not in env");
    }
    format!("entry {number} is not in env, and could be no name of a variable there")
}

/// The shell passes on what it could name itself, and drops the rest without a word.
fn is_a_name(name: &str, is_script: bool) -> bool {
    if is_script {
        return !name.is_empty() && !name.contains(['=', '\0']);
    }
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.is_empty() && name.bytes().all(is_part) && !name.as_bytes()[0].is_ascii_digit()
}

fn why_no_name(name: &str) -> String {
    let shown = escaped(name, SHOWN_NAME);
    if name.is_empty() || name.contains(['=', '\0']) {
        return format!(
            "must not have the variable \"{shown}\": a name is not empty and has neither = nor NUL"
        );
    }
    format!(
        "must not have the variable \"{shown}\", which sh would drop: use letters, digits and _, \
         not a digit first, or begin the command with #! and an interpreter, which gets them all"
    )
}

fn checked_timeout(seconds: Option<i64>, invalid: &mut InvalidFields) -> u32 {
    match seconds {
        None => DEFAULT_TIMEOUT_SECONDS,
        Some(seconds) if TIMEOUT_SECONDS.contains(&seconds) => {
            u32::try_from(seconds).unwrap_or(DEFAULT_TIMEOUT_SECONDS)
        }
        Some(_) => {
            invalid.add("timeout_seconds", "must be from 1 to 900");
            DEFAULT_TIMEOUT_SECONDS
        }
    }
}

#[cfg(test)]
mod tests;
