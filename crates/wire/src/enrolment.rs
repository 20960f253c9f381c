//! `POST /runner/v1/enrol`: a one-time token and a public key become a server's identity.
//!
//! The token is consumed with the first public key that comes with it; repeating the request with
//! the same token and key answers the same, so that a runner that crashed may ask again.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Path of the request, below the control plane's address.
pub const ENROL_PATH: &str = "/runner/v1/enrol";

/// What a new runner sends.
#[derive(Clone, Serialize, Deserialize)]
pub struct EnrolRequest {
    /// The one-time enrolment token (`ren_…`).
    pub token: String,
    /// The runner's ed25519 public key: 32 bytes in base64.
    pub public_key: String,
    /// The host's own name for itself; not trusted.
    pub hostname: String,
    /// The runner's version.
    pub version: String,
}

impl fmt::Debug for EnrolRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnrolRequest")
            .field("public_key", &self.public_key)
            .field("hostname", &self.hostname)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// Who the runner is from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolReply {
    /// The server that the token was made for.
    pub server_id: String,
    /// The organization that it belongs to.
    pub organization_id: String,
    /// The control plane; the runner pins it and signs it into every proof.
    pub control_plane_id: String,
    /// The key that the control plane signs with, in base64; the runner pins it too. One of before
    /// there was this key sends none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_plane_key: Option<String>,
}

/// A refusal (4xx).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolRefusal {
    /// A sentence that says what to do.
    pub detail: String,
    /// A stable name for it.
    #[serde(default)]
    pub code: String,
}
