//! Page × permission × role, committed: what may be seen by whom does not change unseen.

use reoclo_domain::Role;
use reoclo_testkit::database::sqlite;

use crate::walk::is_page;
use crate::world::World;

#[tokio::test]
async fn the_permission_matrix_of_pages_is_what_was_agreed() {
    let world = World::on(sqlite()).await;
    let head = "method page | needs | person as viewer developer manager admin\n";
    let mut rows = Vec::new();
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
        rows.push(format!("{} {} | {row}\n", route.method, route.path));
    }
    // By path, wherever in the code a page is listed.
    rows.sort_by_key(|row| row.split_once(' ').map(|(_, rest)| rest.to_owned()));
    insta::assert_snapshot!("page_matrix", format!("{head}{}", rows.concat()));
}
