//! A key as a line of the list and as the head of its page.

use reoclo_control::{AutomationKeyRecord, KeyRecord, KeyRelative, ManagedKey, ServerRecord};
use reoclo_domain::{KeyKind, OperationKind, Preset, Role, Scope};

use super::KeyPages;
use crate::moment::Moment;
use crate::servers::told_apart;
use crate::shell::Shell;
use crate::words::{self, Badge};

const NAMES_SHOWN: usize = 3;

/// A key, in words.
pub(crate) struct Entry {
    pub(crate) href: String,
    pub(crate) label: String,
    pub(crate) prefix: String,
    /// The preset, or the servers.
    pub(crate) scope: String,
    /// What the preset comes to, or the operations.
    pub(crate) detail: String,
    pub(crate) last_use: Option<(Moment, String)>,
    pub(crate) expires: Option<Moment>,
    pub(crate) is_active: bool,
    pub(crate) exceeds_maximum_lifetime: bool,
    pub(crate) status: Badge,
    pub(crate) creator: String,
    pub(crate) creator_is_gone: bool,
    pub(crate) created: Moment,
    /// What tells it from others of its name.
    pub(crate) kin: Vec<Kin>,
}

/// A key that it came from, or that stands in for it.
pub(crate) struct Kin {
    /// `Copy of`, `Replaces` or `Replaced by`.
    pub(crate) word: &'static str,
    pub(crate) prefix: String,
    /// Its page, for whoever may see it.
    pub(crate) href: Option<String>,
}

impl Entry {
    pub(crate) fn of<P: KeyPages>(
        key: &ManagedKey,
        servers: &[ServerRecord],
        shell: &Shell,
    ) -> Self {
        let (scope, detail) = match &key.key {
            KeyRecord::Integration(record) => integration(record.preset, key),
            KeyRecord::Automation(record) => automation(record, servers),
        };
        let life = key.key.life();
        let last_use = key.last_use.as_ref();
        let creator = &key.creator;
        Self {
            href: format!("{}/{}", P::PATH, key.key.key_ref().as_uuid()),
            label: key.key.label().to_owned(),
            prefix: key.key.prefix().to_owned(),
            scope,
            detail,
            last_use: last_use.map(|last| (shell.moment(last.at), last.ip.to_string())),
            expires: life.expires_at.map(|at| shell.moment(at)),
            is_active: key.status == reoclo_domain::KeyStatus::Active,
            exceeds_maximum_lifetime: key.exceeds_maximum_lifetime,
            status: words::key_status(key),
            creator: creator
                .name
                .clone()
                .or_else(|| creator.email.clone())
                .unwrap_or_else(|| "the first start".into()),
            creator_is_gone: creator.role.is_none(),
            created: shell.moment(key.key.created_at()),
            kin: kin::<P>(key, shell),
        }
    }
}

fn kin<P: KeyPages>(key: &ManagedKey, shell: &Shell) -> Vec<Kin> {
    let sees_all = P::KIND == KeyKind::Automation || shell.role() >= Role::Manager;
    let told = |word, relative: &Option<KeyRelative>| {
        let relative = relative.as_ref()?;
        let sees = sees_all || relative.creator == shell.session.user;
        Some(Kin {
            word,
            prefix: relative.prefix.clone(),
            href: sees.then(|| format!("{}/{}", P::PATH, relative.id)),
        })
    };
    let kin = &key.kin;
    [
        told("Copy of", &kin.copy_of),
        told("Replaces", &kin.replaces),
        told("Replaced by", &kin.replaced_by),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn integration(preset: Preset, key: &ManagedKey) -> (String, String) {
    let detail = if key.effective.is_empty() {
        "No power: its creator has left".to_owned()
    } else if let Preset::Custom(_) = preset {
        let lines = words::acl_lines(key.effective);
        let lines = lines
            .iter()
            .map(|(resource, actions)| format!("{resource}: {actions}"));
        shortened(lines.collect(), "; ")
    } else if key.effective != preset.acl() {
        "The part that its creator's role allows".to_owned()
    } else {
        String::new()
    };
    (words::preset_title(preset).to_owned(), detail)
}

fn automation(record: &AutomationKeyRecord, servers: &[ServerRecord]) -> (String, String) {
    let scope = match &record.scope.servers {
        Scope::All => "All servers".to_owned(),
        Scope::Only(_) => shortened(server_names(record, servers), ", "),
    };
    let operations = record.scope.operations.iter();
    let operations: Vec<_> = operations.map(OperationKind::as_str).collect();
    (scope, operations.join(", "))
}

/// The names of the servers that the key lists; one that is gone is told as such.
pub(super) fn server_names(record: &AutomationKeyRecord, servers: &[ServerRecord]) -> Vec<String> {
    let Scope::Only(ids) = &record.scope.servers else {
        return Vec::new();
    };
    let called = told_apart(servers);
    let name = |id: &_| {
        let mut all = servers.iter().zip(&called);
        let found = all.find(|(server, _)| server.id == *id);
        found.map_or_else(
            || "a decommissioned server".to_owned(),
            |(_, (_, called))| called.clone(),
        )
    };
    ids.iter().map(name).collect()
}

fn shortened(names: Vec<String>, separator: &str) -> String {
    let more = names.len().saturating_sub(NAMES_SHOWN);
    let shown: Vec<_> = names.into_iter().take(NAMES_SHOWN).collect();
    let shown = shown.join(separator);
    if more == 0 {
        shown
    } else {
        format!("{shown} and {more} more")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_shortened() {
        let names = |count: usize| (0..count).map(|number| number.to_string()).collect();
        assert_eq!(shortened(names(3), ", "), "0, 1, 2");
        assert_eq!(shortened(names(5), ", "), "0, 1, 2 and 2 more");
    }
}
