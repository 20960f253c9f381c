//! Page × permission × role, committed: what may be seen by whom does not change unseen.

use std::fmt::Write;

use reoclo_domain::Role;
use reoclo_testkit::database::sqlite;

use crate::walk::is_page;
use crate::world::World;

#[tokio::test]
async fn the_permission_matrix_of_pages_is_what_was_agreed() {
    let world = World::on(sqlite()).await;
    let mut matrix =
        String::from("method page | needs | person as viewer developer manager admin\n");
    // The design system's page is in debug builds only.
    let pages = world.routes.iter();
    for route in pages.filter(|route| is_page(route) && route.path != "/styleguide") {
        let row = match route.requirement {
            None => "public | -".into(),
            Some(needed) => {
                let met = |role| {
                    if needed.met_by_role(role) {
                        "yes"
                    } else {
                        "no"
                    }
                };
                format!("{} | {}", needed.name(), Role::ALL.map(met).join(" "))
            }
        };
        writeln!(matrix, "{} {} | {row}", route.method, route.path).unwrap();
    }
    insta::assert_snapshot!("page_matrix", matrix);
}
