//! Why there is no master key.

use std::io;
use std::path::PathBuf;

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The file is not there, and only the start of a control plane makes one.
    #[error(
        "there is no master key at {0}: name the data directory that has it with --data-dir, or set \
         REOCLO_MASTER_KEY"
    )]
    Absent(PathBuf),
    /// The file's text is no key.
    #[error("the master key {0} is damaged: it must hold 64 hexadecimal digits")]
    Damaged(PathBuf),
    /// Others on this machine may read the file.
    #[error("the master key {0} can be read by other users: run chmod 600 on it")]
    Exposed(PathBuf),
    /// The environment's text is no key.
    #[error("REOCLO_MASTER_KEY must be 32 bytes as hexadecimal digits or base64")]
    Environment,
    /// The file cannot be read or written.
    #[error("the master key {path} cannot be read or written")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The keys for its uses cannot be derived from it.
    #[error("the master key cannot be used")]
    Unusable,
}
