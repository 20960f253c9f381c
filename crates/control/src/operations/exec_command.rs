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
mod tests {
    use super::*;

    fn problem(exec: ExecCommand) -> String {
        match exec.validate() {
            Err(refusal) => refusal.to_string(),
            Ok(_) => "nothing".into(),
        }
    }

    fn command(text: &str) -> ExecCommand {
        ExecCommand {
            command: text.into(),
            ..ExecCommand::default()
        }
    }

    #[test]
    fn the_limits_are_where_the_design_says() {
        assert!(command(&"ü".repeat(8_192)).validate().is_ok());
        assert!(problem(command(&"a".repeat(8_193))).starts_with("command "));
        assert!(problem(command("a\0b")).starts_with("command "));
        assert!(problem(command(" \n")).starts_with("command "));
        for seconds in [0, 901, -1, i64::MAX] {
            let exec = ExecCommand {
                timeout_seconds: Some(seconds),
                ..command("true")
            };
            assert!(problem(exec).starts_with("timeout_seconds "), "{seconds}");
        }
        for seconds in [1, 900] {
            let exec = ExecCommand {
                timeout_seconds: Some(seconds),
                ..command("true")
            };
            assert_eq!(
                i64::from(exec.validate().ok().unwrap().timeout_seconds),
                seconds
            );
        }
    }

    #[test]
    fn mask_names_variables_that_are_there() {
        let env = BTreeMap::from([
            ("FOO".to_owned(), "vallue-1234".to_owned()),
            ("BAR".to_owned(), String::new()),
        ]);
        let with = |mask: &[&str]| ExecCommand {
            env: env.clone(),
            mask: Some(mask.iter().map(|&name| name.to_owned()).collect()),
            ..command("true")
        };
        for mask in [&[][..], &["FOO"], &["BAR", "FOO", "FOO"]] {
            assert!(with(mask).validate().is_ok(), "{mask:?}");
        }
        let unknown = problem(with(&["FO", "BAR", "BAZ"]));
        assert!(unknown.starts_with("mask must have names"), "{unknown}");
        assert!(unknown.contains("\"FO\" is not in env"), "{unknown}");
        assert!(unknown.contains("\"BAZ\" is not in env"), "{unknown}");
        assert!(!unknown.contains("BAR"), "{unknown}");
        // A value there is a mistake that is easily made, and the answer does not print it.
        for value in ["vallue-1234", "vallue"] {
            let told = problem(with(&["FOO", value]));
            assert!(
                told.contains("entry 2 is from the value of \"FOO\""),
                "{told}"
            );
            assert!(!told.contains("vallue"), "{told}");
        }
        for entry in ["hunter-22", "", "a=b", " FOO"] {
            let told = problem(with(&[entry]));
            assert!(told.contains("entry 1 is not in env"), "{told}");
            assert!(entry.is_empty() || !told.contains(entry), "{told}");
        }
        let many: Vec<_> = (0..1000).map(|number| format!("V{number}")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        assert!(problem(with(&many)).len() < 500);
        let alone = ExecCommand {
            mask: Some(vec!["FOO".into()]),
            ..command("true")
        };
        assert!(problem(alone).contains("\"FOO\" is not in env"));
    }

    #[test]
    fn env_is_bounded_and_has_plain_names() {
        let with = |env: BTreeMap<String, String>| ExecCommand {
            env,
            ..command("true")
        };
        let many = |count: usize| {
            (0..count)
                .map(|n| (format!("V{n}"), String::new()))
                .collect()
        };
        assert!(with(many(200)).validate().is_ok());
        assert!(problem(with(many(201))).starts_with("env "));
        let named = |name: &str| BTreeMap::from([(name.to_owned(), "x".to_owned())]);
        for name in [
            "",
            "A=B",
            "A\0B",
            "a.b",
            "a-b",
            "1A",
            "A B",
            "\u{e9}",
            "A\u{202e}",
            "A\n",
            "BASH_FUNC_x%%",
        ] {
            assert!(problem(with(named(name))).starts_with("env "), "{name:?}");
        }
        assert!(problem(with(named("my.name"))).contains("\"my.name\""));
        for name in ["A", "_", "a1_B"] {
            assert!(with(named(name)).validate().is_ok(), "{name:?}");
        }
        let env = BTreeMap::from([("A".to_owned(), "x".repeat(64 * 1024))]);
        assert!(problem(with(env)).starts_with("env "));
        let env = BTreeMap::from([("A".to_owned(), "x\0".to_owned())]);
        assert!(problem(with(env)).starts_with("env "));
    }

    #[test]
    fn a_command_that_names_its_interpreter_gets_every_variable() {
        let with = |command_text: &str, name: &str| ExecCommand {
            env: BTreeMap::from([(name.to_owned(), "x".to_owned())]),
            ..command(command_text)
        };
        for name in ["a.b", "a-b", "1A", "BASH_FUNC_x%%", "\u{e9}"] {
            assert!(
                with("#!/bin/bash\nenv", name).validate().is_ok(),
                "{name:?}"
            );
            assert!(problem(with(" #!/bin/bash\nenv", name)).starts_with("env "));
        }
        for name in ["", "A=B", "A\0B"] {
            assert!(problem(with("#!/bin/bash\nenv", name)).starts_with("env "));
        }
        for text in ["#!", "#!bash", "#! \n/bin/sh", "#!./x\n"] {
            assert!(problem(command(text)).starts_with("command "), "{text:?}");
        }
    }

    #[test]
    fn line_ends_of_another_system_become_ours_in_the_command_alone() {
        let exec = ExecCommand {
            env: BTreeMap::from([("A".to_owned(), "1\r\n2".to_owned())]),
            ..command("#!/bin/sh\r\necho a\r\n")
        };
        let valid = exec.validate().ok().unwrap();
        assert_eq!(valid.payload.command, "#!/bin/sh\necho a\n");
        assert_eq!(valid.masked_command, "#!/bin/sh\necho a\n");
        assert_eq!(valid.payload.env["A"], "1\r\n2");
    }

    #[test]
    fn without_a_limit_it_is_what_the_clients_promise() {
        let valid = command("true").validate().ok().unwrap();
        assert_eq!(valid.timeout_seconds, 600);
    }

    #[test]
    fn every_problem_is_named_at_once() {
        let exec = ExecCommand {
            timeout_seconds: Some(0),
            ..command("")
        };
        let text = problem(exec);
        assert!(
            text.contains("command ") && text.contains("timeout_seconds "),
            "{text}"
        );
    }

    #[test]
    fn secrets_of_env_and_urls_are_masked_in_what_is_kept() {
        let env = BTreeMap::from([("API_TOKEN".to_owned(), "s3cr3t-value".to_owned())]);
        let text = "echo s3cr3t-value; git clone https://x:ghs_token@host/r";
        let valid = ExecCommand {
            env,
            ..command(text)
        }
        .validate()
        .ok()
        .unwrap();
        assert_eq!(
            valid.masked_command,
            "echo ***; git clone https://x:***@host/r"
        );
        assert_eq!(valid.payload.mask, ["ghs_token", "s3cr3t-value"]);
        assert_eq!(valid.payload.command, text);
    }
}
