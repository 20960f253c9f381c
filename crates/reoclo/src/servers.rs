//! `reoclo servers`.

use std::io::{Write, stdout};
use std::process::ExitCode;

use serde_json::json;

use crate::admin::{Answer, Request, ask};
use crate::args::{AddServer, Output, ServersCommand};

pub(crate) fn run(command: ServersCommand) -> anyhow::Result<ExitCode> {
    match command {
        ServersCommand::Add(options) => add(options),
    }
}

fn add(options: AddServer) -> anyhow::Result<ExitCode> {
    let request = Request::AddServer {
        name: options.name,
        slug: options.slug,
    };
    let answer = ask(&options.data_dir, &request)?;
    if let Answer::ServerAdded {
        id,
        slug,
        enrolment_token,
        expires_at,
        install_command,
        hindrance,
    } = answer
    {
        let warning = hindrance.map_or_else(String::new, |text| format!("\n\nwarning: {text}."));
        let text = match options.output {
            Output::Json => json!({
                "server": { "id": id, "slug": slug },
                "enrolment_token": enrolment_token,
                "expires_at": expires_at,
                "install_command": install_command,
            })
            .to_string(),
            Output::Text => format!(
                "Added {slug} ({id}).\n\nRun this as root on that machine (or put sudo before sh); it works once, \
                 until {expires_at}:\n\n  {install_command}{warning}"
            ),
        };
        writeln!(stdout(), "{text}")?;
    }
    Ok(ExitCode::SUCCESS)
}
