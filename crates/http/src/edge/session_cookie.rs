//! The session's cookie between us and browsers.
//!
//! Under https it is called `__Host-reoclo_session`: browsers take such a cookie from this very
//! host alone, so that no neighbour (another site below the same domain) can plant one. In clear
//! there is no such promise, and of several that came the one that is a session counts. Behind the
//! edge it has one name and comes once.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use reoclo_control::Control;

use crate::sessions::cookie::{NAME, values};

const NAME_UNDER_HTTPS: &str = "__Host-reoclo_session";
/// More of one name than anybody has by accident; what is planted in clear is bounded.
const MOST: usize = 16;
const STRICT_TRANSPORT: HeaderName = header::STRICT_TRANSPORT_SECURITY;
/// A year, for this host alone: others below its name may not be ours.
const A_YEAR: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Leaves one cookie of a session in the request, or none.
pub(super) async fn settle(control: &Control, headers: &mut HeaderMap, is_https: bool) {
    let name = if is_https { NAME_UNDER_HTTPS } else { NAME };
    let mut found: Vec<String> = Vec::new();
    for value in values(headers, name) {
        if found.len() < MOST && !found.iter().any(|known| known == value) {
            found.push(value.to_owned());
        }
    }
    let is_settled = !is_https && found.len() < 2;
    if is_settled {
        return;
    }
    let counts = match found.as_slice() {
        [] => None,
        [only] => Some(only.clone()),
        several => Some(living(control, several).await),
    };
    put(headers, counts.as_deref());
}

/// The request with this cookie of a session, and with whatever other cookies it has.
fn put(headers: &mut HeaderMap, session: Option<&str>) {
    let lines = headers.get_all(header::COOKIE).iter();
    let pairs = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .map(str::trim);
    let is_of_session = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        name == NAME || name == NAME_UNDER_HTTPS
    };
    let mut kept: Vec<String> = pairs
        .filter(|pair| !pair.is_empty() && !is_of_session(pair))
        .map(str::to_owned)
        .collect();
    kept.extend(session.map(|value| format!("{NAME}={value}")));
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
    for value in found {
        if control.is_session(value).await {
            return value.clone();
        }
    }
    found[0].clone()
}

/// Gives a cookie that an answer sets the name and the promise of https, and has browsers stay
/// with https.
pub(super) fn secure(headers: &mut HeaderMap) {
    let prefix = format!("{NAME}=");
    let set: Vec<HeaderValue> = headers
        .get_all(header::SET_COOKIE)
        .iter()
        .cloned()
        .collect();
    headers.remove(header::SET_COOKIE);
    for cookie in set {
        let text = cookie.to_str().ok();
        let renamed = text.and_then(|text| text.strip_prefix(prefix.as_str()));
        let renamed = renamed.and_then(|rest| {
            HeaderValue::from_str(&format!("{NAME_UNDER_HTTPS}={rest}; Secure")).ok()
        });
        let mut cookie = renamed.unwrap_or(cookie);
        cookie.set_sensitive(true);
        headers.append(header::SET_COOKIE, cookie);
    }
    headers.insert(STRICT_TRANSPORT, A_YEAR);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_keeps_its_other_cookies() {
        let mut headers = HeaderMap::new();
        let came = "a=b; reoclo_session=x; __Host-reoclo_session=y;c=d";
        headers.append(header::COOKIE, HeaderValue::from_static(came));
        headers.append(header::COOKIE, HeaderValue::from_static("e=f"));
        put(&mut headers, Some("y"));
        assert_eq!(headers["cookie"], "a=b; c=d; e=f; reoclo_session=y");
        put(&mut headers, None);
        assert_eq!(headers["cookie"], "a=b; c=d; e=f");
    }

    #[test]
    fn under_https_a_cookie_is_bound_to_this_host() {
        let mut headers = HeaderMap::new();
        let plain = "reoclo_session=x; Path=/; Max-Age=5; HttpOnly; SameSite=Lax";
        headers.append(header::SET_COOKIE, HeaderValue::from_static(plain));
        headers.append(header::SET_COOKIE, HeaderValue::from_static("theme=dark"));
        secure(&mut headers);
        let set: Vec<_> = headers.get_all(header::SET_COOKIE).iter().collect();
        let bound = "__Host-reoclo_session=x; Path=/; Max-Age=5; HttpOnly; SameSite=Lax; Secure";
        assert_eq!(set, [bound, "theme=dark"]);
        assert_eq!(headers["strict-transport-security"], "max-age=31536000");
    }
}
