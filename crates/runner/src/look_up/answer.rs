//! What the process that looks users up says: a word and its fields, each with a NUL at its end,
//! which no name, directory or message of a source can hold.

use std::path::PathBuf;

use super::{bytes, os_text};

/// The most groups that a process can have on Linux.
const MOST_GROUPS: usize = 65_536;
/// Bytes of an answer: room for so many groups, and for everything else.
pub(crate) const LONGEST: u64 = 1 << 20;
/// The number that stands for "leave it as it is" in the calls that take on a user's numbers.
const NOBODY_S: u32 = u32::MAX;

const FOUND: &str = "found";
const UNKNOWN: &str = "unknown";
const FAILED: &str = "failed";

/// What is known of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) home: PathBuf,
    pub(crate) shell: PathBuf,
    /// All of them, the user's own among them; none where nobody asked.
    pub(crate) groups: Vec<u32>,
}

/// What a look-up ends with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Found(Account),
    /// Every source has answered, and none has the user.
    Unknown,
    /// A source has failed, so nobody knows.
    Failed(String),
}

impl Answer {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let fields: Vec<Vec<u8>> = match self {
            Self::Found(account) => vec![
                bytes(FOUND),
                bytes(&account.name),
                bytes(account.uid.to_string()),
                bytes(account.gid.to_string()),
                bytes(&account.home),
                bytes(&account.shell),
                bytes(list(&account.groups)),
            ],
            Self::Unknown => vec![bytes(UNKNOWN)],
            Self::Failed(why) => vec![bytes(FAILED), bytes(why)],
        };
        fields
            .into_iter()
            .flat_map(|mut field| {
                field.push(0);
                field
            })
            .collect()
    }

    /// Reads a whole answer; `None` for anything else, such as one that was cut off.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let whole = bytes.strip_suffix(&[0])?;
        let fields: Vec<&[u8]> = whole.split(|byte| *byte == 0).collect();
        let (word, fields) = fields.split_first()?;
        match (str::from_utf8(word).ok()?, fields) {
            (FOUND, [name, uid, gid, home, shell, groups]) => {
                let account = Account {
                    name: str::from_utf8(name).ok()?.to_owned(),
                    uid: number(uid)?,
                    gid: number(gid)?,
                    home: os_text(home).into(),
                    shell: os_text(shell).into(),
                    groups: numbers(groups)?,
                };
                (!account.name.is_empty()).then_some(Self::Found(account))
            }
            (UNKNOWN, []) => Some(Self::Unknown),
            (FAILED, [why]) => Some(Self::Failed(str::from_utf8(why).ok()?.to_owned())),
            _ => None,
        }
    }
}

fn list(numbers: &[u32]) -> String {
    let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
    numbers.join(",")
}

fn numbers(list: &[u8]) -> Option<Vec<u32>> {
    if list.is_empty() {
        return Some(Vec::new());
    }
    let numbers: Option<Vec<u32>> = list.split(|byte| *byte == b',').map(number).collect();
    numbers.filter(|numbers| numbers.len() <= MOST_GROUPS)
}

fn number(digits: &[u8]) -> Option<u32> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = str::from_utf8(digits).ok()?.parse().ok()?;
    (number != NOBODY_S).then_some(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn account() -> Account {
        Account {
            name: "ci".to_owned(),
            uid: 1001,
            gid: 1002,
            home: "/home/c i\n".into(),
            shell: "".into(),
            groups: vec![1002, 998],
        }
    }

    #[test]
    fn an_answer_is_read_as_it_was_meant() {
        let failed = Answer::Failed("the service is away".to_owned());
        for answer in [Answer::Found(account()), Answer::Unknown, failed] {
            let bytes = answer.to_bytes();
            assert_eq!(Answer::read(&bytes), Some(answer));
            for end in 0..bytes.len() {
                assert_eq!(Answer::read(&bytes[..end]), None, "cut off at {end}");
            }
        }
    }

    #[test]
    fn numbers_that_give_no_other_rights_are_no_answer() {
        for [uid, gid, groups] in [
            ["4294967295", "5", "5"],
            ["5", "4294967295", "5"],
            ["5", "5", "5,4294967295"],
            ["-1", "5", "5"],
            ["+5", "5", "5"],
            ["", "5", "5"],
            ["0x0", "5", "5"],
            ["4294967296", "5", "5"],
            ["5", "5", "5,"],
            ["5", "5", "5 6"],
        ] {
            let text = format!("found\0a\0{uid}\0{gid}\0/\0/bin/sh\0{groups}\0");
            assert_eq!(Answer::read(text.as_bytes()), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_written_as_it_came(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Some(answer) = Answer::read(&bytes) {
                prop_assert_eq!(Answer::read(&answer.to_bytes()), Some(answer));
            }
        }
    }
}
