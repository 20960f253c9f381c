//! Our cookies between us and browsers: the session's, and that by which a browser is known.
//!
//! Under https their names begin with `__Host-`: browsers take such a cookie from this very host
//! alone, so that no neighbour (another site below the same domain) can plant one. In clear there
//! is no such promise, and of several that came the one that is a session counts, or is known.
//! Behind the edge each has one name, and the session's comes once.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use reoclo_control::Control;

use crate::sessions::cookie::{MOST, NAME, values};
use crate::sessions::device;

/// The name of each of our cookies, and the one that it has under https.
const NAMES: [(&str, &str); 2] = [
    (NAME, "__Host-reoclo_session"),
    (device::NAME, "__Host-reoclo_device"),
];
const STRICT_TRANSPORT: HeaderName = header::STRICT_TRANSPORT_SECURITY;
/// A year, for this host alone: others below its name may not be ours.
const A_YEAR: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Leaves one cookie of a session in the request, or none, and those of devices by one name.
pub(super) async fn settle(control: &Control, headers: &mut HeaderMap, is_https: bool) {
    let [sessions, devices] = NAMES.map(|(plain, bound)| {
        let name = if is_https { bound } else { plain };
        distinct(headers, name)
    });
    let is_settled = !is_https && sessions.len() < 2;
    if is_settled {
        return;
    }
    let session = match sessions.as_slice() {
        [] => None,
        [only] => Some(only.clone()),
        several => Some(living(control, several).await),
    };
    put(headers, session.as_deref(), &devices);
}

fn distinct(headers: &HeaderMap, name: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for value in values(headers, name) {
        if found.len() < MOST && !found.iter().any(|known| known == value) {
            found.push(value.to_owned());
        }
    }
    found
}

/// The request with these cookies of ours, and with whatever other cookies it has.
fn put(headers: &mut HeaderMap, session: Option<&str>, devices: &[String]) {
    let lines = headers.get_all(header::COOKIE).iter();
    let pairs = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .map(str::trim);
    let is_ours = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        NAMES
            .iter()
            .any(|(plain, bound)| name == *plain || name == *bound)
    };
    let mut kept: Vec<String> = pairs
        .filter(|pair| !pair.is_empty() && !is_ours(pair))
        .map(str::to_owned)
        .collect();
    kept.extend(session.map(|value| format!("{NAME}={value}")));
    let devices = devices.iter();
    kept.extend(devices.map(|value| format!("{}={value}", device::NAME)));
    headers.remove(header::COOKIE);
    if let Ok(mut cookie) = HeaderValue::from_str(&kept.join("; "))
        && !kept.is_empty()
    {
        cookie.set_sensitive(true);
        headers.insert(header::COOKIE, cookie);
    }
}

/// The first that is a session; if none is, the first.
async fn living(control: &Control, found: &[String]) -> String {
    let living = control
        .sessions()
        .first_living(found)
        .await
        .unwrap_or_default();
    found[living].clone()
}

/// Gives the cookies of ours that an answer sets the name and the promise of https, and has
/// browsers stay with https.
pub(super) fn secure(headers: &mut HeaderMap) {
    let set: Vec<HeaderValue> = headers
        .get_all(header::SET_COOKIE)
        .iter()
        .cloned()
        .collect();
    headers.remove(header::SET_COOKIE);
    for cookie in set {
        let bound = cookie.to_str().ok().and_then(bound);
        let mut cookie = bound.unwrap_or(cookie);
        cookie.set_sensitive(true);
        headers.append(header::SET_COOKIE, cookie);
    }
    headers.insert(STRICT_TRANSPORT, A_YEAR);
}

/// One of ours as it is set under https.
fn bound(cookie: &str) -> Option<HeaderValue> {
    let (name, rest) = cookie.split_once('=')?;
    let (_, bound) = NAMES.iter().find(|(plain, _)| name == *plain)?;
    HeaderValue::from_str(&format!("{bound}={rest}; Secure")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_keeps_its_other_cookies() {
        let mut headers = HeaderMap::new();
        let came = "a=b; reoclo_session=x; __Host-reoclo_session=y;c=d; reoclo_device=z";
        headers.append(header::COOKIE, HeaderValue::from_static(came));
        headers.append(header::COOKIE, HeaderValue::from_static("e=f"));
        let devices = ["v".to_owned(), "w".to_owned()];
        put(&mut headers, Some("y"), &devices);
        let left = "a=b; c=d; e=f; reoclo_session=y; reoclo_device=v; reoclo_device=w";
        assert_eq!(headers["cookie"], left);
        put(&mut headers, None, &[]);
        assert_eq!(headers["cookie"], "a=b; c=d; e=f");
    }

    #[test]
    fn under_https_our_cookies_are_bound_to_this_host() {
        let mut headers = HeaderMap::new();
        let rest = "=x; Path=/; Max-Age=5; HttpOnly; SameSite=Lax";
        for (name, _) in NAMES {
            let plain = HeaderValue::from_str(&format!("{name}{rest}")).unwrap();
            headers.append(header::SET_COOKIE, plain);
        }
        headers.append(header::SET_COOKIE, HeaderValue::from_static("theme=dark"));
        secure(&mut headers);
        let set: Vec<_> = headers.get_all(header::SET_COOKIE).iter().collect();
        let [session, device] = NAMES.map(|(_, bound)| format!("{bound}{rest}; Secure"));
        assert_eq!(set, [session.as_str(), device.as_str(), "theme=dark"]);
        assert_eq!(headers["strict-transport-security"], "max-age=31536000");
    }
}
