//! When the end of a key is near.

use std::time::Duration;

/// How long before its end a key is said to expire soon.
pub(crate) const EXPIRY_NOTICE: Duration = Duration::from_hours(14 * 24);
