use reoclo_domain::Role;

use crate::on_both_databases;
use crate::world::World;

on_both_databases!(
    a_temporary_password_is_shown_once,
    a_role_is_changed_and_the_last_admin_kept,
    who_is_removed_leaves_a_list_of_keys_to_review,
    viewers_change_nothing,
);

async fn a_temporary_password_is_shown_once(world: &World) {
    let admin = world.session(&world.ours, Role::Admin).await;
    let fields = [
        ("email", "ada@example.com"),
        ("name", "Ada"),
        ("role", "developer"),
    ];
    let added = world.submit(&admin, "/users", &fields).await;
    added.says(201, "Pass it on now");
    let password = added.element("password");
    assert!(password.len() > 10);
    let list = world.look(Some(&admin), "/users?search=ada").await;
    list.says(200, "Temporary password");
    list.lacks(password);
    let again = world.submit(&admin, "/users", &fields).await;
    again.says(409, "is in this organization already");
    let (_, rest) = added
        .text
        .split_once("<a class=\"button\" href=\"")
        .unwrap();
    let place = rest.split_once('"').unwrap().0;
    let reset = world
        .submit(&admin, &format!("{place}/reset-password"), &[])
        .await;
    reset.says(200, "has a new password");
    assert_ne!(reset.element("password"), password);
}

async fn a_role_is_changed_and_the_last_admin_kept(world: &World) {
    let admin = world.session(&world.ours, Role::Admin).await;
    let viewer = format!("/users/{}", world.ours.viewer);
    let changed = world.submit(&admin, &viewer, &[("role", "manager")]).await;
    changed.leads_to(&format!("{viewer}?notice=user-changed"));
    world
        .look(Some(&admin), &viewer)
        .await
        .says(200, "<dd>manager</dd>");
    let own = format!("/users/{}", admin.user);
    let last = world.submit(&admin, &own, &[("role", "viewer")]).await;
    assert_eq!(last.status, 409);
    let unknown = world.submit(&admin, &viewer, &[("role", "owner")]).await;
    unknown.says(422, "is not a role");
}

async fn who_is_removed_leaves_a_list_of_keys_to_review(world: &World) {
    let admin = world.session(&world.ours, Role::Admin).await;
    let manager = world.session(&world.ours, Role::Manager).await;
    let fields = [
        ("name", "left-behind"),
        ("servers", "all"),
        ("operations", "exec"),
    ];
    world
        .submit(&manager, "/api-keys/automation", &fields)
        .await;
    let removal = format!("/users/{}/remove", manager.user);
    world
        .look(Some(&admin), &removal)
        .await
        .says(200, "You get the list to review");
    let removed = world.submit(&admin, &removal, &[]).await;
    removed.says(200, "left-behind");
    world.look(Some(&manager), "/").await.leads_to("/sign-in");
    let list = world.look(Some(&admin), "/api-keys/automation").await;
    list.says(200, "(has left)");
}

async fn viewers_change_nothing(world: &World) {
    let viewer = world.session(&world.ours, Role::Viewer).await;
    for path in ["/users", "/servers", "/servers/web-1", "/organization"] {
        let page = world.look(Some(&viewer), path).await;
        assert_eq!(page.status, 200);
        for offer in [
            "/new\"",
            "/remove\"",
            "/decommission\"",
            "/edit\"",
            ">Save<",
        ] {
            page.lacks(offer);
        }
    }
    // Nobody is noted as refused for what their own pages left out.
    for path in ["/", "/users", "/organization"] {
        world.look(Some(&viewer), path).await;
    }
    world.control.write_refused_uses(true).await;
    let log = world
        .look(Some(&viewer), "/audit-log?outcome=refused")
        .await;
    log.says(200, "Nothing fits");
}
