use reoclo_domain::Role;

use crate::on_both_databases;
use crate::world::World;

on_both_databases!(
    a_link_and_a_temporary_password_are_shown_once,
    a_role_is_changed_and_the_last_admin_kept,
    who_is_removed_leaves_a_list_of_keys_to_review,
    viewers_change_nothing,
);

async fn a_link_and_a_temporary_password_are_shown_once(world: &World) {
    let admin = world.session(&world.ours, Role::Admin).await;
    let fields = [
        ("email", "ada@example.com"),
        ("name", "Ada"),
        ("role", "developer"),
    ];
    let invited = world.submit(&admin, "/users", &fields).await;
    invited.says(201, "Pass it on now");
    let link = invited.element("link");
    let again = world.submit(&admin, "/users", &fields).await;
    again.says(409, "is invited already");
    let list = world.look(Some(&admin), "/users").await;
    list.says(200, "ada@example.com");
    list.lacks(link);
    let (_, rest) = list.text.split_once("action=\"/invitations/").unwrap();
    let id = rest.split_once('/').unwrap().0;
    let renewed = world
        .submit(&admin, &format!("/invitations/{id}/link"), &[])
        .await;
    renewed.says(200, "Pass it on now");
    assert_ne!(renewed.element("link"), link);
    let withdraw = format!("/invitations/{id}/withdraw");
    world
        .submit(&admin, &withdraw, &[])
        .await
        .leads_to("/users?notice=invitation-withdrawn");
    let list = world.look(Some(&admin), "/users").await;
    list.lacks("ada@example.com");

    let reset = format!("/users/{}/reset-password", world.ours.viewer);
    let reset = world.submit(&admin, &reset, &[]).await;
    reset.says(200, "has a new password");
    let password = reset.element("password");
    assert!(password.len() > 10);
    let list = world.look(Some(&admin), "/users").await;
    list.says(200, "Temporary password");
    list.lacks(password);
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
