//! Whether one of the host's name services has failed, which the C library does not tell once
//! another of them has answered: with `passwd: sss files` and SSSD down, nobody but the users of
//! the file is known to it, as if there were no others.

use std::ffi::{CString, c_char, c_int};
use std::fs;
use std::mem::MaybeUninit;

/// Where the C library reads which services there are.
const CONFIGURATION: &str = "/etc/nsswitch.conf";
/// Files of the host. One that cannot be read is an error of the C library's own answer, and one
/// that is not there knows nobody.
const LOCAL: [&str; 3] = ["files", "compat", "db"];
/// Far more than an entry has.
const ROOM: usize = 1 << 16;

/// What a service answers (`enum nss_status` of the C library).
const NOT_FOUND: c_int = 0;
const UNAVAILABLE: c_int = -1;
const TRY_AGAIN: c_int = -2;

type ByName = unsafe extern "C" fn(
    *const c_char,
    *mut libc::passwd,
    *mut c_char,
    libc::size_t,
    *mut c_int,
) -> c_int;

/// Which service did not say whether it has this user, of those that would have been asked.
pub(super) fn failure(name: &str) -> Option<String> {
    let name = CString::new(name).ok()?;
    // Without it, there are files alone.
    let configuration = fs::read_to_string(CONFIGURATION).ok()?;
    for service in services(&configuration) {
        if LOCAL.contains(&service.name) {
            continue;
        }
        // One that is not installed knows nobody.
        let Some(status) = ask(service.name, &name) else {
            continue;
        };
        if matches!(status, UNAVAILABLE | TRY_AGAIN) {
            return Some(format!(
                "the name service {:?} does not answer",
                service.name
            ));
        }
        if status == NOT_FOUND && service.ends_when_not_found {
            return None;
        }
    }
    None
}

#[derive(Debug, PartialEq, Eq)]
struct Service<'a> {
    name: &'a str,
    /// The services after it are not asked for whom it does not know.
    ends_when_not_found: bool,
}

/// The services of users, in their order (nsswitch.conf(5)).
fn services(configuration: &str) -> Vec<Service<'_>> {
    let line = configuration.lines().find_map(|line| {
        let line = line.split('#').next()?;
        line.trim_start()
            .strip_prefix("passwd")?
            .trim_start()
            .strip_prefix(':')
    });
    let mut rest = line.unwrap_or_default().trim_start();
    let mut services: Vec<Service<'_>> = Vec::new();
    while !rest.is_empty() {
        let is_action = rest.starts_with('[');
        let end = if is_action {
            rest.find(']').map_or(rest.len(), |end| end + 1)
        } else {
            rest.find(|character: char| character.is_whitespace() || character == '[')
                .unwrap_or(rest.len())
        };
        let (word, after) = rest.split_at(end);
        if !is_action {
            services.push(Service {
                name: word,
                ends_when_not_found: false,
            });
        } else if let Some(service) = services.last_mut() {
            service.ends_when_not_found = ends_when_not_found(word);
        }
        rest = after.trim_start();
    }
    services
}

/// What `[NOTFOUND=return]` and `[!UNAVAIL=return]` say.
fn ends_when_not_found(action: &str) -> bool {
    let inner = action.trim_matches(['[', ']']).to_ascii_lowercase();
    let mut ends = false;
    for word in inner.split_ascii_whitespace() {
        let Some((status, action)) = word.split_once('=') else {
            continue;
        };
        let concerns = match status.strip_prefix('!') {
            Some(other) => other != "notfound",
            None => status == "notfound",
        };
        if concerns {
            ends = action == "return";
        }
    }
    ends
}

/// Asks one service; `None` where it is not installed.
#[expect(
    unsafe_code,
    reason = "a name service is a library with functions of known names"
)]
fn ask(service: &str, name: &CString) -> Option<c_int> {
    let library = CString::new(format!("libnss_{service}.so.2")).ok()?;
    let function = CString::new(format!("_nss_{service}_getpwnam_r")).ok()?;
    let mut found = MaybeUninit::<libc::passwd>::uninit();
    let mut room: Vec<c_char> = vec![0; ROOM];
    let mut error: c_int = 0;
    // SAFETY: texts that end with a zero. The library stays open, as the C library itself keeps
    // those of its services. The function's type is the C library's contract with every service
    // (`nss.h`), which has not changed since 1996; all that it is given is this function's own,
    // is as long as it says and outlives the call, and nothing that it writes is read.
    unsafe {
        let library = libc::dlopen(library.as_ptr(), libc::RTLD_NOW);
        if library.is_null() {
            return None;
        }
        let function = libc::dlsym(library, function.as_ptr());
        if function.is_null() {
            return None;
        }
        let function: ByName = std::mem::transmute(function);
        let status = function(
            name.as_ptr(),
            found.as_mut_ptr(),
            room.as_mut_ptr(),
            ROOM,
            &raw mut error,
        );
        // It has an answer, which is too long.
        let is_known = status == TRY_AGAIN && error == libc::ERANGE;
        Some(if is_known { 1 } else { status })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_read_in_their_order() {
        let names = |text: &str| -> Vec<String> {
            let services = services(text);
            services
                .into_iter()
                .map(|service| {
                    let end = if service.ends_when_not_found { "!" } else { "" };
                    format!("{}{end}", service.name)
                })
                .collect()
        };
        let text = "# passwd: nis\nshadow: files\n passwd :\tsss files[NOTFOUND=return] x # y\n";
        assert_eq!(names(text), ["sss", "files!", "x"]);
        assert_eq!(names("passwd: a [!unavail=return] b"), ["a!", "b"]);
        assert_eq!(
            names("passwd: a [UNAVAIL=return notfound=continue] b"),
            ["a", "b"]
        );
        assert_eq!(names("passwd: a [!NOTFOUND=return] b"), ["a", "b"]);
        assert_eq!(names("passwd: a [NOTFOUND"), ["a"]);
        assert!(names("group: files\npasswd:\n").is_empty());
    }

    #[test]
    fn a_service_that_is_not_installed_knows_nobody() {
        assert_eq!(ask("of-that-name-is-none", &c"x".to_owned()), None);
    }
}
