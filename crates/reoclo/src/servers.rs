//! `reoclo servers`.

use std::io::{Write, stdout};
use std::process::ExitCode;

use reoclo_domain::Slug;
use serde_json::json;

use crate::admin::{Answer, Request, ask};
use crate::args::{AddServer, Output, ServersCommand};

pub(crate) fn run(command: ServersCommand) -> anyhow::Result<ExitCode> {
    match command {
        ServersCommand::Add(options) => add(options),
    }
}

/// Says what a server is called in addresses, where that is not plainly its name.
fn called(name: Option<&str>, slug: &str) -> String {
    let Some(name) = name.filter(|name| *name != slug) else {
        return String::new();
    };
    let plain = Slug::from_text(name);
    let why = if plain.as_str() == slug {
        "a slug has only a-z, 0-9 and -"
    } else {
        "another server has the slug that the name would give"
    };
    format!("\nIts slug is {slug}, and not {name}: {why}. With --slug it gets one that you choose.")
}

fn add(options: AddServer) -> anyhow::Result<ExitCode> {
    let request = Request::AddServer {
        name: options.name,
        slug: options.slug,
    };
    let wanted = match &request {
        Request::AddServer { name, slug: None } => Some(name.clone()),
        _ => None,
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
                "Added {slug} ({id}).{}\n\nRun this as root on that machine (or put sudo before sh); it works once, \
                 until {expires_at}:\n\n  {install_command}{warning}",
                called(wanted.as_deref(), &slug)
            ),
        };
        writeln!(stdout(), "{text}")?;
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_that_is_not_the_name_is_told_with_why() {
        assert_eq!(called(Some("web-1"), "web-1"), "");
        assert_eq!(called(None, "web-1"), "");
        assert!(called(Some("web-1"), "web-1-2").contains("another server has the slug"));
        let said = called(Some("Web 2 ünï"), "web-2-uni");
        assert!(said.contains("only a-z, 0-9 and -"), "{said}");
    }
}
