//! What a key may do, as JSON.

use std::collections::BTreeMap;

use reoclo_control::AutomationKeyRecord;
use reoclo_domain::{Acl, OperationKind, Scope};

/// Resource → actions.
pub(crate) fn permissions(acl: Acl) -> BTreeMap<String, Vec<String>> {
    let mut permissions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for cell in acl.cells() {
        let actions = permissions
            .entry(cell.resource().as_str().to_owned())
            .or_default();
        actions.push(cell.action().as_str().to_owned());
    }
    permissions
}

/// The names of the operations.
pub(crate) fn operations(key: &AutomationKeyRecord) -> Vec<String> {
    key.scope
        .operations
        .iter()
        .map(OperationKind::as_str)
        .map(str::to_owned)
        .collect()
}

/// The listed ids; none for everything.
pub(crate) fn ids<Id: ToString>(scope: &Scope<Id>) -> Vec<String> {
    match scope {
        Scope::All => Vec::new(),
        Scope::Only(ids) => ids.iter().map(ToString::to_string).collect(),
    }
}
