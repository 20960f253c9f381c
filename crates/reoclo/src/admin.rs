//! `DATA/admin.sock`: what the owner of the machine may do without a key.
//!
//! The socket's mode (0600) is the check. One line of JSON asks, one line answers.

mod client;
mod command;
mod mask_stored;
mod reset_password;
mod server;

use serde::{Deserialize, Serialize};

pub(crate) use client::ask;
pub(crate) use command::run;
pub(crate) use server::serve;

/// What can be asked for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Request {
    /// Add a server to the first organization.
    AddServer { name: String, slug: Option<String> },
    /// Give somebody a temporary password.
    ResetPassword { email: String },
    /// Look at the stored operations behind one for what would be masked today.
    MaskOperations { after: Option<String>, apply: bool },
    /// The same for rows of the audit log, which are only found.
    FindAuditRows { after: Option<AuditPlace> },
}

/// A row of the audit log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AuditPlace {
    pub(crate) chain: String,
    pub(crate) seq: i64,
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
    OperationsMasked {
        examined: u64,
        found: Vec<String>,
        next: Option<String>,
    },
    AuditRowsFound {
        examined: u64,
        found: Vec<AuditPlace>,
        next: Option<AuditPlace>,
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
