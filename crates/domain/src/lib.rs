//! The words and rules of Reoclo: ids, roles, permissions, API keys and operation states.
//!
//! Everything here is pure. Time and randomness come in through [`Clock`] and [`Entropy`];
//! nothing here reads a file, a socket or the environment.
#![forbid(unsafe_code)]

mod allowlist;
mod ambient;
mod client_source;
mod counted;
mod error_code;
mod foreign_text;
pub mod hex;
mod id;
mod key;
mod lifetime;
pub mod masking;
mod metrics;
mod name;
mod operation;
mod period;
mod permission;
mod public_url;
mod registry;
mod role;
mod secret;
mod server;
mod sliding_window;
mod timestamp;
mod token;

pub use allowlist::{
    Addresses, Allowlist, AllowlistEntry, AllowlistEntryError, MAX_ALLOWLIST_ENTRIES,
    MAX_PUBLISHED_ENTRIES, PublishedListError, is_listed, read_published,
};
pub use ambient::{Clock, Entropy};
pub use client_source::{ClientSource, NoClientSource};
pub use counted::counted;
pub use error_code::{ErrorCode, UnknownErrorCode};
pub use foreign_text::escaped;
pub use id::*;
pub use key::{AutomationScope, KeyKind, KeyLife, KeyStatus, Scope};
pub use lifetime::{Lifetime, MaximumLifetime, UnknownLifetime};
pub use metrics::{HostChecks, HostSample, Metric, Resolution};
pub use name::{DisplayName, NameError, Slug, hides_something, is_deceptive, joins};
pub use operation::{
    EXIT_CANCELLED, EXIT_LOST, EXIT_NOT_RUN, EXIT_SIGNAL_BASE, EXIT_TIMEOUT, OperationKind,
    OperationKinds, OperationState, UnknownOperation,
};
pub use period::{ParsePeriodError, Period};
pub use permission::{Acl, Action, Cell, Preset, Resource, UnknownCell};
pub use public_url::Reach;
pub use registry::{
    RegistryAddress, RegistryAddressError, RegistryType, RegistryTypeName, UnknownRegistryType,
};
pub use role::{Role, UnknownRole};
pub use secret::Secret;
pub use server::ServerStatus;
pub use sliding_window::{RateVerdict, SlidingWindow, WINDOW_SECONDS};
pub use timestamp::Timestamp;
pub use token::{
    DISPLAY_PREFIX_LEN, PlainToken, TOKEN_RANDOM_BYTES, TokenError, TokenHash, TokenKind,
    find_tokens,
};
