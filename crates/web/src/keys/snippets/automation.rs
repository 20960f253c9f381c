//! What an automation key is pasted into: only what this one may do.

use reoclo_control::{AutomationKeyRecord, ServerRecord};
use reoclo_domain::{OperationKind, OperationKinds, Scope};

use super::Snippet;
use super::script::{Ask, run_and_wait};
use super::target::Target;

/// How a pipeline gives the key to a shell.
const FROM_ENVIRONMENT: &str = "\"${REOCLO_API_KEY:?}\"";
const CREDENTIAL: &str = "your-credential-id";
const LIMIT: &str = "\"timeout_seconds\": 600";

/// What the exit codes of a script mean that are not the operation's own.
const OTHER_CODES: &str = "It ends with 1 when nothing was started, and with 254 when that cannot \
                           be told or the operation may run on: then it says under which run_id \
                           to look for it.";

pub(super) fn automation(
    key: &AutomationKeyRecord,
    url: &str,
    token: &str,
    servers: &[ServerRecord],
) -> Vec<Snippet> {
    let target = Target::of(key, servers);
    let does = Does(key.scope.operations);
    let Some(ask) = does.ask(key, &target.id) else {
        return vec![identity(url, token)];
    };
    let script = |key: &str| run_and_wait(url, key, &ask);
    let mut notes: Vec<String> = target.note.into_iter().collect();
    if ask.fields.iter().any(|field| field.contains(CREDENTIAL)) {
        notes.push(format!(
            "The key may use every registry credential: put the id of one in place of {CREDENTIAL}."
        ));
    }
    let with = |note: &str| {
        let mut notes = notes.clone();
        notes.push(note.to_owned());
        notes
    };
    let mut of_script = vec![OTHER_CODES.to_owned()];
    if ask.command.is_some() {
        of_script.push(
            "Write the command between the two lines END_OF_COMMAND, as on the server itself: \
             quotes, backslashes and further lines need nothing before them."
                .to_owned(),
        );
    }
    let script_with = |note: &str| {
        let mut notes = with(note);
        notes.extend(of_script.iter().cloned());
        notes
    };
    let mut snippets = vec![Snippet {
        title: "curl",
        notes: script_with(
            "It waits, shows the output, and ends with the exit code of the operation.",
        ),
        text: script(&format!("'{token}'")),
    }];
    let secret = "Store the key as the secret REOCLO_API_KEY of the repository.";
    if let Some(steps) = does.actions(key, url, &target.id) {
        snippets.push(Snippet {
            title: "GitHub Actions",
            notes: with(&format!("{secret} A command that fails, fails its step.")),
            text: steps,
        });
    }
    snippets.push(Snippet {
        title: "GitHub, shell only",
        notes: script_with(&format!(
            "{secret} The step ends with the exit code of the operation."
        )),
        text: github_shell(&script(FROM_ENVIRONMENT)),
    });
    snippets.push(Snippet {
        title: "GitLab CI",
        notes: script_with(
            "Store the key as the masked variable REOCLO_API_KEY of the project. The job ends with \
             the exit code of the operation.",
        ),
        text: gitlab(&script(FROM_ENVIRONMENT)),
    });
    snippets
}

/// What the key may do.
#[derive(Clone, Copy)]
struct Does(OperationKinds);

impl Does {
    fn can(self, kind: OperationKind) -> bool {
        self.0.contains(kind)
    }

    /// The request that shows best what the key is for.
    fn ask(self, key: &AutomationKeyRecord, server: &str) -> Option<Ask> {
        let (path, more) = if self.can(OperationKind::Exec) {
            ("exec", LIMIT.to_owned())
        } else if self.can(OperationKind::RegistryLogin) {
            let more = format!(r#""credential_id": "{}""#, credential(key));
            ("registry-auth/login", more)
        } else if self.can(OperationKind::RegistryLogout) {
            let more = r#""registry_url": "ghcr.io""#.to_owned();
            ("registry-auth/logout", more)
        } else if self.can(OperationKind::Reboot) {
            ("reboot", LIMIT.to_owned())
        } else {
            return None;
        };
        Some(Ask {
            path,
            command: (path == "exec").then_some("docker compose up -d"),
            fields: vec![format!("\"server_id\": \"{server}\""), more],
        })
    }

    /// Steps with the published actions, in the order in which a pipeline needs them.
    fn actions(self, key: &AutomationKeyRecord, url: &str, server: &str) -> Option<String> {
        let with = |name: &str, uses: &str, more: &str| {
            format!(
                "  - name: {name}\n    uses: reoclo/{uses}@v1\n    with:\n      api_url: {url}\n      \
                 api_key: ${{{{ secrets.REOCLO_API_KEY }}}}\n      server_id: {server}\n{more}"
            )
        };
        let mut steps = String::from("steps:\n");
        if self.can(OperationKind::Exec) {
            let token = "      token: ${{ github.token }}\n";
            steps += &with("Check the code out on the server", "checkout", token);
        }
        if self.can(OperationKind::RegistryLogin) {
            let mut more = format!("      credential_id: {}\n", credential(key));
            if !self.can(OperationKind::RegistryLogout) {
                more += "      cleanup: false\n";
            }
            steps += &with("Log Docker in to the registry", "docker-auth", &more);
        }
        if self.can(OperationKind::Exec) {
            let run = "      working_directory: /opt/deploy/workspace\n      command: |\n        \
                       docker compose build\n        docker compose up -d\n      timeout: 600\n";
            steps += &with("Build and deploy", "run", run);
        }
        (self.can(OperationKind::Exec) || self.can(OperationKind::RegistryLogin))
            .then(|| steps.trim_end().to_owned())
    }
}

/// A credential that the key may use, or where its id goes.
fn credential(key: &AutomationKeyRecord) -> String {
    match &key.scope.registry_credentials {
        Scope::All => CREDENTIAL.into(),
        Scope::Only(ids) => ids
            .first()
            .map_or_else(|| CREDENTIAL.into(), ToString::to_string),
    }
}

fn identity(url: &str, token: &str) -> Snippet {
    Snippet {
        title: "curl",
        notes: vec![
            "What the key may do is not built yet: until it is, such requests are answered with \
             501. This one says what the key is."
                .into(),
        ],
        text: format!(
            "curl -H \"Authorization: Bearer {token}\" \\\n  {url}/api/automation/v1/auth/me"
        ),
    }
}

fn github_shell(script: &str) -> String {
    let script = indented(script, "        ");
    format!(
        "steps:\n  - name: Build and deploy\n    env:\n      \
         REOCLO_API_KEY: ${{{{ secrets.REOCLO_API_KEY }}}}\n    run: |\n{script}"
    )
}

fn gitlab(script: &str) -> String {
    let script = indented(script, "      ");
    format!("deploy:\n  image: curlimages/curl:latest\n  script:\n    - |\n{script}")
}

fn indented(script: &str, by: &str) -> String {
    let lines = script.lines().map(|line| {
        if line.is_empty() {
            String::new()
        } else {
            format!("{by}{line}")
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}
