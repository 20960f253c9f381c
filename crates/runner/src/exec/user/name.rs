//! Names that cannot be a user's, told before anybody is asked.

/// The most bytes of a name, which is what the host's own limit is (LOGIN_NAME_MAX).
const MOST_BYTES: usize = 255;
/// Characters of a name that a message shows.
const MOST_SHOWN: usize = 40;

/// Why a text is not the name of a user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// There is nothing.
    #[error(
        "the user of commands has an empty name: name one, or leave --exec-user out to run \
         commands as the user that runs Reoclo"
    )]
    Empty,
    /// It is longer than any name.
    #[error("{0:?}… is too long for the name of a user: the most are {MOST_BYTES} bytes")]
    Long(String),
    /// It is a user's number.
    #[error("{0:?} is a number: give the user's name, which `getent passwd {0}` shows")]
    Number(String),
    /// It has what no name has.
    #[error("{0:?} is not the name of a user: {1}")]
    Other(String, &'static str),
}

/// Refuses what no source could have, or what a source might take for something else.
pub(super) fn check(name: &str) -> Result<(), NameError> {
    let shown = || name.chars().take(MOST_SHOWN).collect::<String>();
    let other = |why| Err(NameError::Other(shown(), why));
    if name.trim().is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > MOST_BYTES {
        return Err(NameError::Long(shown()));
    }
    if name.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NameError::Number(shown()));
    }
    if name.contains(char::is_control) {
        return other("it holds a control character, such as the end of a line");
    }
    if name.starts_with('-') {
        return other("it begins with a dash");
    }
    if name.starts_with(char::is_whitespace) || name.ends_with(char::is_whitespace) {
        return other("it begins or ends with a blank");
    }
    if name.contains([':', '/']) || name == "." || name == ".." {
        return other("it holds a colon or a slash, or is a directory");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_and_directory_services_pass() {
        let names = [
            "root",
            "_apt",
            "www-data",
            "a.b@example.com",
            "EXAMPLE\\john smith",
            "host$",
            "jürgen",
            "7zip",
        ];
        for name in names {
            assert_eq!(check(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn what_no_user_is_called_is_refused_and_said() {
        for (name, said) in [
            ("", "empty"),
            (" ", "empty"),
            ("a\0b", "\"a\\0b\""),
            ("..", "\"..\""),
            ("../../etc/passwd", "slash"),
            ("ci\nroot", "\"ci\\nroot\""),
            ("ci:x:0:0", "colon"),
            ("0", "number"),
            ("1000", "getent passwd 1000"),
            ("-x", "dash"),
            ("--help", "dash"),
            ("ci ", "blank"),
            ("a\u{1b}[31m", "control"),
        ] {
            let error = check(name).unwrap_err().to_string();
            assert!(error.contains(said), "{name:?}: {error}");
            assert!(!error.contains(char::is_control), "{error:?}");
        }
        let long = check(&"x".repeat(100_000)).unwrap_err().to_string();
        assert!(long.contains("too long") && long.len() < 200, "{long}");
    }
}
