//! What is committed and must not change unseen.

use reoclo_control::Requirement;
use reoclo_domain::{OperationKinds, Preset, Role};
use reoclo_http::document;
use reoclo_testkit::database::sqlite;

use crate::world::World;

/// Route × permission × role × key kind. A route without a proof in its handler does not
/// compile; one that is public shows up here as such.
#[tokio::test]
async fn the_permission_matrix_is_what_was_agreed() {
    let world = World::on(sqlite()).await;
    let head = "method path | needs | integration key of viewer developer manager admin \
         | person as viewer developer manager admin | automation key\n";
    let mut rows = Vec::new();
    for route in &world.routes {
        let row = match route.requirement {
            None => "public | - | - | -".into(),
            Some(requirement) => row(requirement, has_sessions(&route.path)),
        };
        rows.push(format!("{} {} | {row}\n", route.method, route.path));
    }
    // By path, wherever in the code a route is listed.
    rows.sort_by_key(|row| row.split_once(' ').map(|(_, rest)| rest.to_owned()));
    insta::assert_snapshot!("permission_matrix", format!("{head}{}", rows.concat()));
}

/// Where programs call, a cookie is not looked at.
fn has_sessions(path: &str) -> bool {
    !["/mcp/", "/api/automation/", "/runner/"]
        .iter()
        .any(|start| path.starts_with(start))
}

fn row(requirement: Requirement, has_sessions: bool) -> String {
    let roles = Role::ALL.map(|role| {
        let acl = Preset::FullAccess.acl().intersect(role.acl());
        yes_or_no(requirement.met_by_acl(acl))
    });
    let people = Role::ALL.map(|role| yes_or_no(has_sessions && requirement.met_by_role(role)));
    let automation = match requirement {
        Requirement::Operation(kind) => {
            assert!(!requirement.met_by_operations(OperationKinds::default()));
            assert!(requirement.met_by_operations([kind].into_iter().collect()));
            "with the operation"
        }
        Requirement::OwnOperations => "what it started",
        _ => yes_or_no(requirement.met_by_operations(OperationKinds::default())),
    };
    format!(
        "{} | {} | {} | {automation}",
        requirement.name(),
        roles.join(" "),
        people.join(" ")
    )
}

const fn yes_or_no(met: bool) -> &'static str {
    if met { "yes" } else { "no" }
}

#[tokio::test]
async fn the_openapi_document_is_what_was_agreed() {
    let world = World::on(sqlite()).await;
    let made = document(&world.routes);
    let served = world.get("/api/openapi.json", None).await;
    assert_eq!(
        served.body,
        serde_json::from_str::<serde_json::Value>(&made).unwrap()
    );
    insta::assert_snapshot!("openapi", made);
}

/// A route without a signature would be left out unseen.
#[tokio::test]
async fn every_route_for_programs_is_in_the_document() {
    let world = World::on(sqlite()).await;
    let made: serde_json::Value = serde_json::from_str(&document(&world.routes)).unwrap();
    let of_programs = |path: &str| path.starts_with("/api/") || path.starts_with("/mcp/tenants/");
    let mut count = 0;
    for route in world.routes.iter().filter(|route| of_programs(&route.path)) {
        let method = route.method.as_str().to_lowercase();
        let listed = &made["paths"][&*route.path][&method];
        assert!(listed["responses"].is_object(), "{method} {}", route.path);
        count += 1;
    }
    assert!(count > 90, "{count}");
}
