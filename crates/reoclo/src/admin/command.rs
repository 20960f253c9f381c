//! `reoclo admin`.

use std::process::ExitCode;

use super::{mask_stored, reset_password};
use crate::args::AdminCommand;

pub(crate) fn run(command: AdminCommand) -> anyhow::Result<ExitCode> {
    match command {
        AdminCommand::ResetPassword(options) => reset_password::run(options),
        AdminCommand::MaskStored(options) => mask_stored::run(&options),
    }
}
