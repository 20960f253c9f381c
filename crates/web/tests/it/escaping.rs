//! Names that want to be markup.

use reoclo_domain::Role;

use crate::on_both_databases;
use crate::world::{World, new_user};

on_both_databases!(
    hostile_names_are_text_on_every_page,
    what_was_typed_comes_back_as_it_was,
);

const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'&</textarea><script>";

async fn hostile_names_are_text_on_every_page(world: &World) {
    let user = new_user(&*world.clock, HOSTILE);
    let admin = world.session_as(&world.ours, user, Role::Admin).await;
    let integration = [
        ("label", HOSTILE),
        ("preset", "read_only"),
        ("expires_in", "30d"),
    ];
    let automation = [
        ("name", HOSTILE),
        ("servers", "all"),
        ("operations", "exec"),
        ("ip_allowlist", HOSTILE),
    ];
    let first = world
        .submit(&admin, "/api-keys/integration", &integration)
        .await;
    let again = world
        .submit(&admin, "/api-keys/automation", &automation)
        .await;
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 422));
    let second = world
        .submit(&admin, "/api-keys/automation", &automation[..3])
        .await;
    let server = world
        .submit(
            &admin,
            "/servers",
            &[("name", HOSTILE), ("slug", "hostile")],
        )
        .await;
    let wrong = world
        .submit(&admin, "/servers", &[("name", HOSTILE), ("slug", HOSTILE)])
        .await;
    let person = [
        ("email", "eve@example.com"),
        ("name", HOSTILE),
        ("role", HOSTILE),
    ];
    let unknown = world.submit(&admin, "/users", &person).await;
    let renamed = world
        .submit(&admin, "/organization", &[("name", HOSTILE)])
        .await;
    renamed.leads_to("/organization?notice=organization-changed");
    let mut pages = vec![first, again, second, server, wrong, unknown];
    let user = format!("/users/{}", admin.user);
    for path in [
        "/",
        "/servers",
        "/servers/hostile",
        "/servers/hostile/decommission",
        "/servers/hostile/edit",
        "/api-keys/integration",
        "/api-keys/automation",
        "/api-keys/automation/new",
        "/users",
        &user,
        "/audit-log",
        "/audit-log?action=%3Cscript%3E&ip=%22%3E%3Cscript%3E&key=%3Cscript%3E",
        "/organization",
        "/organizations",
        "/api-keys/integration?search=%22%3E%3Cscript%3E",
        "/users?search=%22%3E%3Cscript%3E",
        "/?notice=%3Cscript%3E",
    ] {
        pages.push(world.look(Some(&admin), path).await);
    }
    for page in pages {
        assert!(page.status.as_u16() < 500, "{}", page.text);
        page.lacks("<img");
        page.lacks("<script>");
        page.lacks("</textarea><");
    }
}

/// What shows elsewhere what cannot be seen would change what a field sends the next time.
async fn what_was_typed_comes_back_as_it_was(world: &World) {
    const TYPED: &str = "a\u{202e}b";
    let admin = world.session(&world.ours, Role::Admin).await;
    for (path, field) in [
        ("/api-keys/automation", "name"),
        ("/api-keys/integration", "label"),
        ("/api-keys/address-lists", "name"),
        ("/users", "name"),
        ("/servers", "name"),
        ("/registry-credentials", "name"),
    ] {
        let answer = world.submit(&admin, path, &[(field, TYPED)]).await;
        assert_eq!(answer.status, 422, "{path}");
        let sent_back = format!("value=\"{TYPED}\"");
        assert!(answer.text.contains(&sent_back), "{path}: {}", answer.text);
    }
}
