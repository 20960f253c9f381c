//! For any ACL, role and route: access is granted exactly when the cell is in ACL ∩ role.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::TestRunner;
use reoclo_control::Requirement;
use reoclo_domain::{Acl, Cell, Preset, Role};
use reoclo_testkit::database::{self, Database};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::keys_integration::{KEYS, text};
use crate::world::{Session, World};

const CASES: u32 = 48;

/// Routes that demand a cell of a key and answer a read, with that cell.
fn routes(world: &World) -> Vec<(String, Cell)> {
    let of_cells = world.routes.iter().filter_map(|route| {
        let Some(Requirement::Cell(cell)) = route.requirement else {
            return None;
        };
        let path = route.path.replace("{tid}", &world.ours.id.to_string());
        (route.method == "GET" && !path.contains('{')).then_some((path, cell))
    });
    let routes: Vec<_> = of_cells.collect();
    assert!(routes.len() >= 4);
    routes
}

fn acl() -> impl Strategy<Value = Acl> {
    let cells = subsequence(Cell::ALL.to_vec(), 0..=Cell::ALL.len());
    cells.prop_map(|cells| cells.into_iter().collect())
}

fn preset() -> impl Strategy<Value = Preset> {
    prop_oneof![
        1 => select(vec![Preset::FullAccess, Preset::DeployOnly, Preset::ReadOnly]),
        3 => acl().prop_map(Preset::Custom),
    ]
}

fn role() -> impl Strategy<Value = Role> {
    select(Role::ALL.to_vec())
}

fn run<S: Strategy>(
    strategy: &S,
    database: impl Future<Output = Database>,
    check: &impl AsyncFn(&World, S::Value),
) {
    let runtime = Runtime::new().unwrap();
    let world = runtime.block_on(async { World::on(database.await).await });
    let config = ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let checked = TestRunner::new(config).run(strategy, |value| {
        runtime.block_on(check(&world, value));
        Ok(())
    });
    checked.unwrap();
}

/// The key is used in two roles of its creator, one after the other.
async fn access_follows_acl_and_role(world: &World, (preset, first, second): (Preset, Role, Role)) {
    let user = world.person(&world.ours, first).await;
    let (token, _) = world.integration_key_of(&world.ours, preset, user).await;
    for role in [first, second] {
        let set = world
            .store()
            .set_role(world.ours.id, user, Some(role), Vec::new());
        set.await.unwrap();
        for (path, cell) in routes(world) {
            let answer = world.get(&path, Some(&token)).await;
            if preset.acl().contains(cell) && role.acl().contains(cell) {
                assert_eq!(answer.status, 200, "{path} {preset:?} {role}");
            } else {
                answer.is_error(403, "permission_denied");
                assert_eq!(answer.body["missing"], cell.to_string());
            }
        }
    }
}

/// A custom key can be made exactly when it has cells, and all of them are the role's.
async fn a_key_is_made_within_the_role(world: &World, (acl, role): (Acl, Role)) {
    let session = world.session(&world.ours, role).await;
    let mut permissions = json!({});
    for cell in acl.cells() {
        let actions = &mut permissions[cell.resource().as_str()];
        if actions.is_null() {
            *actions = json!([]);
        }
        let action = json!(cell.action().as_str());
        actions.as_array_mut().unwrap().push(action);
    }
    let answer = create(world, &session, &permissions).await;
    let is_within = acl.intersect(role.acl()) == acl;
    match (role, acl.is_empty()) {
        (Role::Viewer, _) => answer.is_error(403, "role_insufficient"),
        (_, false) if is_within => {
            assert_eq!(answer.status, 201, "{}", answer.body);
            assert_eq!(answer.body["permissions"], permissions);
            let token = text(&answer.body["token"]);
            let own = world.get("/api/keys/self", Some(token)).await;
            assert_eq!(own.body["effective_permissions"], permissions);
        }
        _ => answer.is_error(422, "invalid_request"),
    }
}

async fn create(world: &World, session: &Session, permissions: &Value) -> crate::world::Answer {
    let form = json!({
        "label": "any", "expires_in": "30d", "preset": "custom", "permissions": permissions,
    });
    world.post_as(session, KEYS, &form).await
}

#[test]
fn sqlite_access_is_granted_exactly_when_the_cell_is_in_acl_and_role() {
    let database = async { database::sqlite() };
    run(
        &(preset(), role(), role()),
        database,
        &access_follows_acl_and_role,
    );
}

#[test]
fn postgres_access_is_granted_exactly_when_the_cell_is_in_acl_and_role() {
    let database = database::postgres();
    run(
        &(preset(), role(), role()),
        database,
        &access_follows_acl_and_role,
    );
}

#[test]
fn sqlite_a_custom_key_is_made_exactly_when_its_cells_are_the_role_s() {
    let database = async { database::sqlite() };
    run(&(acl(), role()), database, &a_key_is_made_within_the_role);
}

#[test]
fn postgres_a_custom_key_is_made_exactly_when_its_cells_are_the_role_s() {
    let database = database::postgres();
    run(&(acl(), role()), database, &a_key_is_made_within_the_role);
}
