//! The cookie by which a browser is known when its person signs in again. It lets nobody in.

use http::{HeaderMap, HeaderValue};
use reoclo_control::SignedIn;
use reoclo_domain::Secret;

use super::cookie::{MOST, set_as, values};

/// The cookie's name, but for browsers under https.
pub(crate) const NAME: &str = "reoclo_device";
const SECONDS: u64 = 365 * 24 * 60 * 60;
/// What we give away is 64 characters.
const TOKEN_LEN: usize = 64;

/// What the browser kept of earlier sign-ins, and what a neighbour may have planted beside it.
pub fn devices(headers: &HeaderMap) -> Vec<Secret> {
    let is_token = |value: &&str| {
        value.len() == TOKEN_LEN && value.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let found = values(headers, NAME).filter(is_token).take(MOST);
    found.map(Secret::new).collect()
}

/// Keeps it in the browser, if there is something to keep.
pub fn of_device(signed_in: &SignedIn) -> Option<HeaderValue> {
    let token = signed_in.device.as_ref()?.expose();
    Some(set_as(NAME, token, SECONDS))
}
