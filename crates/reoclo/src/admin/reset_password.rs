//! `reoclo admin reset-password`.

use std::io::{Write, stdout};
use std::process::ExitCode;

use serde_json::json;

use super::{Answer, Request, ask};
use crate::args::{Output, ResetPassword};

pub(super) fn run(options: ResetPassword) -> anyhow::Result<ExitCode> {
    let request = Request::ResetPassword {
        email: options.email,
    };
    if let Answer::PasswordReset {
        temporary_password,
        expires_at,
    } = ask(&options.data_dir, &request)?
    {
        let text = match options.output {
            Output::Json => json!({
                "temporary_password": temporary_password,
                "expires_at": expires_at,
            })
            .to_string(),
            Output::Text => format!(
                "The temporary password is\n\n  {temporary_password}\n\nIt works until {expires_at}, and only for choosing another. Every session of the account has ended."
            ),
        };
        writeln!(stdout(), "{text}")?;
    }
    Ok(ExitCode::SUCCESS)
}
