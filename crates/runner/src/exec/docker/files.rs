//! What Docker's own file says of a registry: read as the user whose it is, and nothing of a secret
//! in it is kept.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reoclo_domain::RegistryAddress;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// Far above any list of logins.
const MOST: u64 = 4 << 20;
const NAME: &str = "config.json";
/// Docker's directory in a home.
const OF_DOCKER: &str = ".docker";
const OF_A_SNAP: &str = "snap/docker/current/.docker";
/// Where the package of that kind puts its programs. It gives each a home of its own.
const SNAP: &str = "/snap/bin";

/// What a file has of one registry.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Filed {
    /// Logins whose secret is in the file itself.
    pub(super) logins: Vec<Login>,
    /// Programs that may keep its logins instead, by the ends of their names.
    pub(super) helpers: BTreeSet<String>,
}

/// A login in the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Login {
    /// What the registry is called there.
    pub(super) name: String,
    /// The user; none where the entry does not say.
    pub(super) username: Option<String>,
}

/// Why a file tells nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unread {
    #[error("cannot be read ({0})")]
    File(#[from] io::Error),
    #[error("is no configuration of Docker ({0})")]
    Json(#[from] serde_json::Error),
    #[error("is no configuration of Docker (`{0}` is not what it should be)")]
    Form(&'static str),
}

/// The file in which Docker's command line keeps logins, with this program and environment.
pub(super) fn config_file(program: &Path, environment: &[(OsString, OsString)]) -> PathBuf {
    // A later variable of the same name counts.
    let variable = |name: &str| {
        let found = environment.iter().rev().find(|(key, _)| key == name);
        found
            .map(|(_, value)| value)
            .filter(|value| !value.is_empty())
    };
    if let Some(directory) = variable("DOCKER_CONFIG") {
        return Path::new(directory).join(NAME);
    }
    let home = variable("HOME").map(PathBuf::from).unwrap_or_default();
    let is_snap = variable("PATH").is_some_and(|path| is_snap(program, path));
    home.join(if is_snap { OF_A_SNAP } else { OF_DOCKER })
        .join(NAME)
}

fn is_snap(program: &Path, path: &OsString) -> bool {
    if program.components().count() > 1 {
        return program.starts_with(SNAP);
    }
    let mut directories = std::env::split_paths(path);
    let found = directories.find(|directory| directory.join(program).is_file());
    found.is_some_and(|directory| directory == Path::new(SNAP))
}

/// Reads what a file has of the registry; a file that is missing or empty has nothing.
pub(super) fn read(path: &Path, registry: &RegistryAddress) -> Result<Filed, Unread> {
    let Some(text) = text(path)? else {
        return Ok(Filed::default());
    };
    // Docker reads the first value and ignores what follows.
    let mut values = serde_json::Deserializer::from_slice(&text).into_iter::<Value>();
    match values.next() {
        None => Ok(Filed::default()),
        Some(value) => filed(&value?, registry),
    }
}

/// Whoever owns the file may have put a pipe, a device or something endless there.
fn text(path: &Path) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if is_missing(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut text = Zeroizing::new(Vec::new());
    file.take(MOST + 1).read_to_end(&mut text)?;
    if text.len() as u64 > MOST {
        return Err(io::Error::other("it is larger than 4 MiB"));
    }
    Ok(Some(text))
}

fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn filed(config: &Value, registry: &RegistryAddress) -> Result<Filed, Unread> {
    let config = config.as_object().ok_or(Unread::Form("{}"))?;
    let mut filed = Filed::default();
    for (name, entry) in object(config, "auths")? {
        if registry.is_filed_as(name)
            && let Some(username) = login(entry)?
        {
            filed.logins.push(Login {
                name: name.clone(),
                username: Some(username).filter(|name| !name.is_empty()),
            });
        }
    }
    for (name, helper) in object(config, "credHelpers")? {
        let helper = string(helper, "credHelpers")?;
        if registry.is_filed_as(name) && !helper.is_empty() {
            filed.helpers.insert(helper.to_owned());
        }
    }
    let store = field(config, "credsStore").map_or(Ok(""), |value| string(value, "credsStore"))?;
    if !store.is_empty() {
        filed.helpers.insert(store.to_owned());
    }
    Ok(filed)
}

/// The user of an entry that has a secret. One without is a note that a helper has the login.
fn login(entry: &Value) -> Result<Option<String>, Unread> {
    let Some(entry) = entry.as_object() else {
        return if entry.is_null() {
            Ok(None)
        } else {
            Err(Unread::Form("auths"))
        };
    };
    let text = |name| match field(entry, name) {
        None => Ok(""),
        Some(value) => string(value, "auths"),
    };
    let auth = text("auth")?;
    let token = !text("identitytoken")?.is_empty() || !text("registrytoken")?.is_empty();
    if auth.is_empty() && !token && text("password")?.is_empty() {
        return Ok(None);
    }
    if auth.is_empty() {
        return Ok(Some(text("username")?.to_owned()));
    }
    let decoded = STANDARD.decode(auth).map(Zeroizing::new);
    let decoded = decoded.ok().and_then(|bytes| {
        let (user, _) = std::str::from_utf8(&bytes).ok()?.split_once(':')?;
        Some(user.to_owned())
    });
    Ok(Some(decoded.unwrap_or_default()))
}

fn object<'v>(
    config: &'v Map<String, Value>,
    name: &'static str,
) -> Result<Vec<(&'v String, &'v Value)>, Unread> {
    match field(config, name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Object(object)) => Ok(object.iter().collect()),
        Some(_) => Err(Unread::Form(name)),
    }
}

fn string<'v>(value: &'v Value, name: &'static str) -> Result<&'v str, Unread> {
    match value {
        Value::Null => Ok(""),
        Value::String(text) => Ok(text),
        _ => Err(Unread::Form(name)),
    }
}

/// Docker minds no case in the names of fields.
fn field<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    object.get(name).or_else(|| {
        let mut fields = object.iter();
        let found = fields.find(|(field, _)| field.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value)
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn registry(name: &str) -> RegistryAddress {
        name.parse().unwrap()
    }

    fn names(config: &str, name: &str) -> Vec<String> {
        let value: Value = serde_json::from_str(config).unwrap();
        let filed = filed(&value, &registry(name)).unwrap();
        filed.logins.into_iter().map(|login| login.name).collect()
    }

    #[test]
    fn a_login_is_found_under_every_name_and_a_note_of_one_is_none() {
        let config = r#"{"auths":{
            "a.example":{"auth":"YTpi"},"https://a.example/v1/":{"identitytoken":"x"},
            "http://A.example":{"username":"a","password":"b"},"a.example/v2/":{"auth":"bad!"},
            "a.example:443":{"registrytoken":"x"},
            "https://a.example":{},"a.example/":{"auth":""},"a.example/x":null,
            "a.example/y":{"email":"a@b","username":"a"},
            "a.example:5000":{"auth":"YTpi"},"b.a.example":{"auth":"YTpi"}}}"#;
        let expected = [
            "a.example",
            "a.example/v2/",
            "a.example:443",
            "http://A.example",
            "https://a.example/v1/",
        ];
        assert_eq!(names(config, "a.example"), expected);
        assert_eq!(names(config, "a.example:5000"), ["a.example:5000"]);
        assert_eq!(
            names(r#"{"AUTHS":{"a.b":{"Auth":"YTpi"}}}"#, "a.b"),
            ["a.b"]
        );
        for none in ["{}", r#"{"auths":null}"#, r#"{"auths":{},"x":[1]}"#] {
            assert_eq!(names(none, "a.example"), [""; 0], "{none}");
        }
    }

    #[test]
    fn users_and_helpers_are_read() {
        let config = r#"{"auths":{"a.b":{"auth":"YWRhOnM6eA=="}},"credsStore":"pass",
            "credHelpers":{"https://a.b":"own","c.d":"other","a.b:1":"x","a.b":""}}"#;
        let filed = filed(&serde_json::from_str(config).unwrap(), &registry("a.b")).unwrap();
        assert_eq!(filed.logins[0].username.as_deref(), Some("ada"));
        assert_eq!(
            filed.helpers.into_iter().collect::<Vec<_>>(),
            ["own", "pass"]
        );
    }

    #[test]
    fn what_docker_could_not_read_is_said_and_what_is_missing_is_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.json");
        let read = || read(&path, &registry("a.b"));
        assert_eq!(read().unwrap(), Filed::default());
        for text in ["", " \n", "{}", "{} trash"] {
            fs::write(&path, text).unwrap();
            assert_eq!(read().unwrap(), Filed::default(), "{text:?}");
        }
        for text in [
            "{bad",
            "[]",
            "\u{feff}{}",
            r#"{"auths":[]}"#,
            r#"{"auths":{"a.b":7}}"#,
            r#"{"auths":{"a.b":{"auth":7}}}"#,
            r#"{"credsStore":{}}"#,
            r#"{"credHelpers":{"a.b":[]}}"#,
        ] {
            fs::write(&path, text).unwrap();
            let told = read().unwrap_err().to_string();
            assert!(
                told.contains("is no configuration of Docker"),
                "{text}: {told}"
            );
        }
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(read().unwrap_err().to_string().contains("cannot be read"));
        assert_eq!(
            super::read(&path.join("x/y"), &registry("a.b")).unwrap(),
            Filed::default()
        );
    }

    #[test]
    fn neither_a_pipe_nor_something_endless_holds_anybody_up() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.json");
        let mode = rustix::fs::Mode::RUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, mode).unwrap();
        assert!(read(&path, &registry("a.b")).is_err());
        assert!(read(Path::new("/dev/zero"), &registry("a.b")).is_err());
        let large = dir.path().join("large");
        fs::File::create(&large).unwrap().set_len(MOST + 1).unwrap();
        assert!(read(&large, &registry("a.b")).is_err());
    }

    #[test]
    fn the_file_is_where_docker_looks() {
        let variables = |list: &[(&str, &str)]| -> Vec<(OsString, OsString)> {
            let pair = |(name, value): &(&str, &str)| ((*name).into(), (*value).into());
            list.iter().map(pair).collect()
        };
        let file = |program: &str, list: &[(&str, &str)]| {
            config_file(Path::new(program), &variables(list))
                .display()
                .to_string()
        };
        let home = ("HOME", "/home/ci");
        assert_eq!(file("docker", &[home]), "/home/ci/.docker/config.json");
        let named = ("DOCKER_CONFIG", "/etc/d");
        assert_eq!(file("docker", &[home, named]), "/etc/d/config.json");
        let empty = ("DOCKER_CONFIG", "");
        assert_eq!(
            file("docker", &[home, empty]),
            "/home/ci/.docker/config.json"
        );
        assert_eq!(
            file("/snap/bin/docker", &[home, ("PATH", "/bin")]),
            "/home/ci/snap/docker/current/.docker/config.json"
        );
    }
}
