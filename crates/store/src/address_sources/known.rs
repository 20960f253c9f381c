//! Lists that were read before, where keys are checked from the database.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use reoclo_domain::{AddressSourceId, Addresses, Allowlist, AutomationKeyId};

/// More than a few are never in use at a time; then all are read anew.
const MOST: usize = 1024;

/// Networks that were read: those of a key never change, those of a source with its revision.
#[derive(Debug, Default)]
pub(crate) struct KnownLists {
    written: Mutex<HashMap<AutomationKeyId, Allowlist>>,
    published: Mutex<HashMap<AddressSourceId, (i64, Addresses)>>,
}

impl KnownLists {
    pub(crate) fn written(&self, key: AutomationKeyId) -> Option<Allowlist> {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.get(&key).cloned()
    }

    pub(crate) fn keep_written(&self, key: AutomationKeyId, networks: Allowlist) {
        keep(&self.written, key, networks);
    }

    pub(super) fn published(&self, source: AddressSourceId, revision: i64) -> Option<Addresses> {
        let published = self
            .published
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (known, addresses) = published.get(&source)?;
        (*known == revision).then(|| addresses.clone())
    }

    pub(super) fn keep_published(
        &self,
        source: AddressSourceId,
        revision: i64,
        addresses: Addresses,
    ) {
        keep(&self.published, source, (revision, addresses));
    }
}

fn keep<K: Eq + Hash, V>(lists: &Mutex<HashMap<K, V>>, key: K, value: V) {
    let mut lists = lists.lock().unwrap_or_else(PoisonError::into_inner);
    if lists.len() >= MOST {
        lists.clear();
    }
    lists.insert(key, value);
}
