//! People's sessions: each in one organization, found by the hash of its token.

mod create;
mod end;
mod find;
mod touch;

pub(crate) use create::insert;
pub(crate) use end::end_all;

use std::net::IpAddr;

use reoclo_domain::{OrganizationId, Role, SessionId, Timestamp, TokenHash, UserId};

/// A session to create.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Its id.
    pub id: SessionId,
    /// The hash of its token.
    pub token: TokenHash,
    /// Whose it is.
    pub user: UserId,
    /// The organization that it works in.
    pub organization: OrganizationId,
    /// When the person signed in.
    pub created_at: Timestamp,
    /// From this moment on it is over, however much it is used.
    pub expires_at: Timestamp,
    /// Where it began.
    pub ip: Option<IpAddr>,
    /// What it began with.
    pub user_agent: Option<String>,
}

/// A session with its person as both are now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// The address that the person signs in with.
    pub email: String,
    /// The person's name.
    pub name: String,
    /// The organization that it works in.
    pub organization: OrganizationId,
    /// The person's role there; none when they were removed.
    pub role: Option<Role>,
    /// The person has yet to choose a password of their own.
    pub must_change_password: bool,
    /// The person may create organizations.
    pub may_create_organizations: bool,
    /// When the person signed in.
    pub created_at: Timestamp,
    /// From this moment on it is over, however much it is used.
    pub expires_at: Timestamp,
    /// The last request, within about a minute.
    pub last_seen_at: Timestamp,
}

/// Which of a person's sessions end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionsEnded {
    /// Only this one.
    One(SessionId),
    /// Every one.
    All,
}
