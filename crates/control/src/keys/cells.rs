//! The cells of a custom key: those that exist, and that its creator's role has.

use std::collections::BTreeMap;

use reoclo_domain::{Acl, Cell, Role};

use crate::InvalidFields;

const FIELD: &str = "permissions";
/// Names of others are shown to this length.
const MAX_NAME_CHARS: usize = 40;
/// Resources in a request, known or not, whose problems are told one by one.
const MAX_RESOURCES: usize = 100;

/// The named cells. Whatever is wrong is noted under `permissions.<resource>`.
pub(super) fn named(
    permissions: &BTreeMap<String, Vec<String>>,
    role: Role,
    invalid: &mut InvalidFields,
) -> Acl {
    if permissions.len() > MAX_RESOURCES {
        invalid.add(FIELD, "names more resources than there are");
        return Acl::empty();
    }
    let mut acl = Acl::empty();
    for (resource, actions) in permissions {
        for action in actions {
            match cell(resource, action) {
                Ok(cell) => acl = acl.with(cell),
                Err(problem) => invalid.add(field(resource), problem),
            }
        }
        if actions.is_empty() && actions_of(resource).is_empty() {
            invalid.add(field(resource), no_resource());
        }
    }
    if acl.is_empty() && permissions.values().all(Vec::is_empty) {
        invalid.add(
            FIELD,
            "must have at least one action, such as {\"servers\": [\"read\"]}",
        );
    }
    check_role(acl, role, invalid);
    acl
}

/// Notes the cells that the role does not have.
pub(super) fn check_role(acl: Acl, role: Role, invalid: &mut InvalidFields) {
    let mut beyond: BTreeMap<&str, Vec<Cell>> = BTreeMap::new();
    for cell in acl.cells().filter(|cell| !role.acl().contains(*cell)) {
        let cells = beyond.entry(cell.resource().as_str()).or_default();
        cells.push(cell);
    }
    for (resource, cells) in beyond {
        let cells: Vec<_> = cells.iter().map(Cell::to_string).collect();
        let cells = cells.join(" and ");
        let problem = format!("must not have {cells}: your role, {role}, does not");
        invalid.add(field(resource), problem);
    }
}

fn cell(resource: &str, action: &str) -> Result<Cell, String> {
    let known = actions_of(resource);
    let found = known.iter().find(|cell| cell.action().as_str() == action);
    found.copied().ok_or_else(|| {
        if known.is_empty() {
            return no_resource();
        }
        let actions: Vec<_> = known.iter().map(|cell| cell.action().as_str()).collect();
        let (action, actions) = (shown(action), actions.join(", "));
        format!("has no action {action}: its actions are {actions}")
    })
}

fn actions_of(resource: &str) -> Vec<Cell> {
    let cells = Cell::ALL.into_iter();
    cells
        .filter(|cell| cell.resource().as_str() == resource)
        .collect()
}

fn no_resource() -> String {
    let mut names: Vec<_> = Cell::ALL.map(|cell| cell.resource().as_str()).into();
    names.dedup();
    format!("is not a resource: there are {}", names.join(", "))
}

fn field(resource: &str) -> String {
    format!("{FIELD}.{}", shown(resource))
}

fn shown(name: &str) -> String {
    name.chars().take(MAX_NAME_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problems(role: Role, permissions: serde_json::Value) -> serde_json::Value {
        let mut invalid = InvalidFields::default();
        let permissions = serde_json::from_value(permissions).unwrap();
        named(&permissions, role, &mut invalid);
        json!(invalid.fields())
    }

    #[test]
    fn cells_that_exist_and_that_the_role_has_are_taken() {
        let mut invalid = InvalidFields::default();
        let permissions = json!({ "servers": ["read", "read"], "logs": [], "env_vars": ["write"] });
        let permissions = serde_json::from_value(permissions).unwrap();
        let acl = named(&permissions, Role::Developer, &mut invalid);
        assert_eq!(invalid, InvalidFields::default());
        let cells: Vec<_> = acl.cells().collect();
        assert_eq!(cells, [Cell::SERVERS_READ, Cell::ENV_VARS_WRITE]);
    }

    #[test]
    fn each_problem_names_its_resource() {
        let wrong = json!({
            "servers": ["read", "write", "execute"], "logs": ["write"], "Servers": ["read"], "dogs": [],
        });
        let found = problems(Role::Developer, wrong);
        assert_eq!(
            found["permissions.servers"],
            "must not have servers:write and servers:execute: your role, developer, does not"
        );
        assert_eq!(
            found["permissions.logs"],
            "has no action write: its actions are read"
        );
        for unknown in ["permissions.Servers", "permissions.dogs"] {
            let problem = found[unknown].as_str().unwrap();
            assert!(problem.starts_with("is not a resource: there are servers, domains"));
        }
    }

    #[test]
    fn nothing_is_not_a_set_of_permissions() {
        for nothing in [json!({}), json!({ "servers": [] })] {
            let found = problems(Role::Admin, nothing);
            let problem = found["permissions"].as_str().unwrap();
            assert!(problem.starts_with("must have at least one action"));
        }
    }

    #[test]
    fn a_long_name_is_not_repeated_whole() {
        let found = problems(Role::Admin, json!({ "x".repeat(1000): ["read"] }));
        assert!(found.to_string().len() < 500);
        let many: BTreeMap<String, [&str; 1]> = (0..1000)
            .map(|number| (number.to_string(), ["read"]))
            .collect();
        assert!(problems(Role::Admin, json!(many)).to_string().len() < 500);
    }
}
