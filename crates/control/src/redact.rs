//! The one boundary at which secrets that people send are taken out of what is stored.
//!
//! What is secret and what it looks like is the domain's to say ([`reoclo_domain::masking`]);
//! output is masked by the same rules where it arises, on the server.

use std::collections::BTreeMap;

use reoclo_domain::masking::{
    Patterns, SHORTEST_SECRET, names_a_secret, secrets_within, url_secrets,
};

/// More bytes of variables than this make work for a thread of its own.
const LIGHT_ENV: usize = 4 * 1024;

/// So many secrets within values are hidden in one command, and so many bytes of them: a runner
/// takes no more.
const MOST_WITHIN: usize = 4096;
const MOST_BYTES_WITHIN: usize = 512 * 1024;

/// What is secret in a command.
pub(crate) struct CommandSecrets {
    /// Values to hide in its output.
    pub(crate) in_output: Vec<String>,
    stored: Patterns,
}

impl CommandSecrets {
    /// In output, the values of the variables whose name says secret, of those named in `mask`,
    /// and the passwords in the URLs of any variable and of the command; of variables none when
    /// `mask` is there and empty. In what is stored, always all of them.
    pub(crate) fn of(
        command: &str,
        env: &BTreeMap<String, String>,
        mask: Option<&[String]>,
    ) -> Self {
        let of_command = hidden(url_secrets(command));
        let of_env = hidden(env_secrets(env, mask.unwrap_or_default()));
        let stored = Patterns::new(of_env.iter().chain(&of_command).map(String::as_bytes));
        let mut in_output = of_command;
        if !mask.is_some_and(<[String]>::is_empty) {
            in_output.extend(of_env);
        }
        Self { in_output, stored }
    }

    /// The text as it may be stored.
    pub(crate) fn masked(&self, text: &str) -> String {
        self.stored.masked(text)
    }
}

/// Whether finding the secrets of these variables takes so little time that it may hold others up.
pub(crate) fn is_light(env: &BTreeMap<String, String>) -> bool {
    env.values().map(String::len).sum::<usize>() <= LIGHT_ENV
}

fn env_secrets(env: &BTreeMap<String, String>, named: &[String]) -> Vec<String> {
    let mut secrets = Vec::new();
    let (mut within, mut bytes) = (0, 0);
    for (name, value) in env {
        let is_secret = named.contains(name) || names_a_secret(name);
        if is_secret {
            secrets.push(value.clone());
        }
        secrets.extend(url_secrets(value));
        secrets.extend(
            secrets_within(value, is_secret)
                .into_iter()
                .take_while(|secret| {
                    within += 1;
                    bytes += secret.len();
                    within <= MOST_WITHIN && bytes <= MOST_BYTES_WITHIN
                }),
        );
    }
    secrets
}

fn hidden(mut secrets: Vec<String>) -> Vec<String> {
    secrets.retain(|secret| secret.trim().len() >= SHORTEST_SECRET);
    secrets.sort_unstable();
    secrets.dedup();
    secrets
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn values_of_secret_names_are_secret_and_others_are_not() {
        let env = env(&[
            ("NPM_TOKEN", "abcdefgh"),
            ("db_password", "hunter22"),
            ("SHORT_KEY", "abc"),
            ("NODE_ENV", "production"),
            ("PWD", "/home/someone"),
            ("MIRROR", "https://ci:p%40ssword@mirror/x"),
        ]);
        let of = |mask: Option<&[String]>| CommandSecrets::of("true", &env, mask);
        let by_name = ["abcdefgh", "hunter22", "p%40ssword", "p@ssword"];
        assert_eq!(of(None).in_output, by_name);
        let named = ["NODE_ENV".to_owned()];
        let with_named = [&by_name[..], &["production"]].concat();
        assert_eq!(of(Some(&named)).in_output, with_named);
        assert!(of(Some(&[])).in_output.is_empty());
        for mask in [None, Some(&[][..])] {
            assert_eq!(of(mask).masked("x=hunter22"), "x=***");
        }
    }

    #[test]
    fn what_is_within_a_value_is_secret_too() {
        let env = env(&[
            ("A_TOKEN", r#"{"k":"s3cr3t-within"}"#),
            (
                "CONFIG",
                r#"{"stage":"production","db":{"password":"hunter"}}"#,
            ),
            ("DOTENV_SECRET", "A=1\nDB=hunter2-db"),
            ("LOGIN_AUTH", "YWRhOmh1bnRlcjItYjY0"),
        ]);
        let secrets = CommandSecrets::of("true", &env, None);
        assert_eq!(
            secrets.masked("true s3cr3t-within hunter hunter2-db hunter2-b64 production"),
            "true *** *** *** *** production"
        );
        let named: BTreeMap<String, String> = (0..200)
            .map(|at| {
                (
                    format!("KEY_{at}"),
                    format!("{:?}", vec![format!("secret-{at}"); 30]),
                )
            })
            .collect();
        assert!(CommandSecrets::of("true", &named, None).in_output.len() <= 400);
    }

    #[test]
    fn what_is_stored_is_masked_in_every_form() {
        let env = env(&[
            ("API_TOKEN", "s3cr3tvalue-123\n"),
            ("DATABASE_URL", "postgres://app:hunter2-db@db/prod"),
        ]);
        let secrets = CommandSecrets::of("true", &env, None);
        for (text, masked) in [
            ("echo s3cr3tvalue-123; date", "echo ***; date"),
            (
                "echo czNjcjN0dmFsdWUtMTIz | base64 -d",
                "echo *** | base64 -d",
            ),
            ("PGPASSWORD=hunter2-db psql", "PGPASSWORD=*** psql"),
            ("psql postgres://app:hunter2-db@db/prod", "psql ***"),
            (
                "git clone https://x:ghs_abc@host/r",
                "git clone https://x:***@host/r",
            ),
            ("é abc é", "é abc é"),
        ] {
            assert_eq!(secrets.masked(text), masked);
        }
    }
}
