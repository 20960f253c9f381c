//! The cookie by which a browser is known when its person signs in again. It lets nobody in.

use http::{HeaderMap, HeaderValue, header};
use reoclo_control::{Control, SignedIn};
use reoclo_domain::Secret;

const NAME: &str = "reoclo_device";
/// Under TLS, browsers take a cookie of this name from nobody but this host.
const HOST_NAME: &str = "__Host-reoclo_device";
const SECONDS: u32 = 365 * 24 * 60 * 60;
/// What we give away is 64 characters.
const TOKEN_LEN: usize = 64;

/// What the browser kept of an earlier sign-in.
pub fn device(control: &Control, headers: &HeaderMap) -> Option<Secret> {
    let name = name(control);
    let lines = headers.get_all(header::COOKIE).iter();
    let pairs = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'));
    let mut values = pairs.filter_map(|pair| {
        let (of, value) = pair.trim().split_once('=')?;
        let is_token = value.len() == TOKEN_LEN && value.bytes().all(|b| b.is_ascii_hexdigit());
        (of == name && is_token).then(|| Secret::new(value))
    });
    values.next()
}

/// Keeps it in the browser, if there is something to keep.
pub fn of_device(control: &Control, signed_in: &SignedIn) -> Option<HeaderValue> {
    let token = signed_in.device.as_ref()?.expose();
    let secure = if is_secure(control) { "; Secure" } else { "" };
    let name = name(control);
    let cookie =
        format!("{name}={token}; Path=/; Max-Age={SECONDS}; HttpOnly; SameSite=Lax{secure}");
    let mut value = HeaderValue::from_str(&cookie).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn name(control: &Control) -> &'static str {
    if is_secure(control) { HOST_NAME } else { NAME }
}

fn is_secure(control: &Control) -> bool {
    control.settings().public_url.starts_with("https://")
}
