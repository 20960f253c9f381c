//! What a start prints on stdout.

use std::io::{IsTerminal, Write, stdout};
use std::thread;
use std::time::Duration;

use reoclo_control::{Bootstrapped, Control, MintedKeys, ServerRecord};
use serde::Serialize;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::args::Output;

/// How long a start waits for whoever reads its result, before it says that it waits.
const READ_WITHIN: Duration = Duration::from_secs(1);

/// Says that the start is complete, with the first keys if there are none yet and these can be
/// shown: they are made at this last moment, so that none is lost on the way here.
pub(crate) async fn announce(
    control: &Control,
    url: &str,
    found: &Bootstrapped,
    server: Option<ServerRecord>,
    output: Output,
) -> anyhow::Result<()> {
    let id = server.as_ref().map(|server| server.id);
    let keys = if can_show_keys(output) {
        control.instance().mint_first_keys(found, id).await?
    } else {
        None
    };
    let started = Started::new(url, found, server, keys.as_ref());
    // What serves goes on serving and can be stopped, whoever has stopped listening.
    match timeout(READ_WITHIN, started.print_aside(output)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(
            %error,
            "the result of this start could not be written to stdout; if it had keys, revoke them \
             on the API Keys page and make new ones there"
        ),
        Err(_) => tracing::warn!(
            "the result of this start is still to be written to stdout, which nobody reads"
        ),
    }
    Ok(())
}

/// Keys are shown to a program that asked for JSON, and to a person at a terminal.
fn can_show_keys(output: Output) -> bool {
    output == Output::Json || stdout().is_terminal()
}

/// The result of a start, exactly one line in JSON.
#[derive(Serialize)]
struct Started {
    url: String,
    setup_url: Option<String>,
    organization: Named,
    server: Option<Named>,
    integration_key: Option<String>,
    automation_key: Option<String>,
}

#[derive(Serialize)]
struct Named {
    id: String,
    slug: String,
}

impl Started {
    fn new(
        url: &str,
        found: &Bootstrapped,
        server: Option<ServerRecord>,
        keys: Option<&MintedKeys>,
    ) -> Self {
        let token = found.setup_token.as_ref();
        Self {
            url: url.to_owned(),
            setup_url: token.map(|token| format!("{url}/setup?token={}", token.expose())),
            organization: Named {
                id: found.organization.id.to_string(),
                slug: found.organization.slug.clone(),
            },
            server: server.map(|server| Named {
                id: server.id.to_string(),
                slug: server.slug,
            }),
            integration_key: keys.map(|keys| keys.integration.expose().to_owned()),
            automation_key: keys.map(|keys| keys.automation.expose().to_owned()),
        }
    }

    /// Prints in a thread of its own, which waits for a reader as long as it takes and holds
    /// nothing else up, the end of this process neither.
    async fn print_aside(self, output: Output) -> anyhow::Result<()> {
        let (done, printed) = oneshot::channel();
        thread::Builder::new().spawn(move || {
            // Whoever waits may have given up.
            let _ = done.send(self.print(output));
        })?;
        printed.await?
    }

    fn print(&self, output: Output) -> anyhow::Result<()> {
        let text = match output {
            Output::Json => serde_json::to_string(self)?,
            Output::Text => self.text(),
        };
        let mut out = stdout().lock();
        writeln!(out, "{text}")?;
        out.flush()?;
        Ok(())
    }

    fn text(&self) -> String {
        let mut text = format!("Reoclo is ready at {}\n", self.url);
        if let Some(server) = &self.server {
            text += &format!("\n  this machine   {} ({})\n", server.slug, server.id);
        }
        match (&self.integration_key, &self.automation_key) {
            (Some(integration), Some(automation)) if stdout().is_terminal() => {
                text += &self.keys_text(integration, automation);
            }
            _ if self.setup_url.is_some() && !stdout().is_terminal() => {
                text += "\nThe link to create the admin's account and the first keys are shown only \
                         at a terminal or with --output json: stop this, and start it again so.\n";
            }
            _ => {}
        }
        if let Some(setup_url) = self.setup_url.as_ref().filter(|_| stdout().is_terminal()) {
            text +=
                &format!("\nCreate the admin's account (once, within 24 hours):\n  {setup_url}\n");
        }
        text.trim_end().to_owned()
    }

    fn keys_text(&self, integration: &str, automation: &str) -> String {
        let url = &self.url;
        let server = self
            .server
            .as_ref()
            .map_or("<server-id>", |server| server.id.as_str());
        format!(
            "\nTwo keys, shown this one time; store them now.\n\
             \n  integration key   {integration}\n  automation key    {automation}\n\
             \nList the servers:\n\n  curl -H \"Authorization: Bearer {integration}\" \\\n    {url}/api/servers\n\
             \nRun a command:\n\n  curl -X POST {url}/api/automation/v1/exec \\\n    \
             -H \"Authorization: Bearer {automation}\" \\\n    \
             -H \"Content-Type: application/json\" \\\n    \
             -d '{{\"server_id\": \"{server}\", \"command\": \"uname -a\", \"timeout_seconds\": 300}}'\n"
        )
    }
}
