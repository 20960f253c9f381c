//! `DATA/admin.sock`: what the owner of the machine may do without a key.
//!
//! The socket's mode (0600) is the check. One line of JSON asks, one line answers.

mod client;
mod reset_password;
mod server;

use serde::{Deserialize, Serialize};

pub(crate) use client::ask;
pub(crate) use reset_password::run;
pub(crate) use server::serve;

/// What can be asked for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Request {
    /// Add a server to the first organization.
    AddServer { name: String, slug: Option<String> },
    /// Give somebody a temporary password.
    ResetPassword { email: String },
}

/// What comes back.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub(crate) enum Answer {
    ServerAdded {
        id: String,
        slug: String,
        enrolment_token: String,
        expires_at: String,
        install_command: String,
        /// Why other machines cannot use the command, and what to do.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hindrance: Option<String>,
    },
    PasswordReset {
        temporary_password: String,
        expires_at: String,
    },
    Refused {
        code: String,
        detail: String,
    },
}

/// Longest line that either side reads.
const MAX_LINE: u64 = 64 * 1024;

/// The socket below a directory: by way of an open descriptor, since the path of a socket may
/// have only 107 bytes.
fn socket_path(directory: &std::fs::File) -> std::path::PathBuf {
    use std::os::fd::AsRawFd;
    format!("/proc/self/fd/{}/admin.sock", directory.as_raw_fd()).into()
}
