use reoclo_domain::{Clock, Role, ServerId, ServerStatus};
use reoclo_store::NewServer;
use reoclo_testkit::RealEntropy;

use crate::on_both_databases;
use crate::world::World;

on_both_databases!(
    a_server_that_waits_gets_a_new_command,
    the_install_command_is_shown_once,
    a_server_is_renamed_and_decommissioned,
    servers_are_found_by_name_slug_and_status,
    very_many_servers_come_in_pages,
);

async fn very_many_servers_come_in_pages(world: &World) {
    let viewer = world.session(&world.ours, Role::Viewer).await;
    for number in 0..205 {
        let server = NewServer {
            id: ServerId::new(&*world.clock, &RealEntropy),
            organization: world.ours.id,
            slug: format!("many-{number:03}").parse().unwrap(),
            name: format!("Many {number:03}").parse().unwrap(),
            created_at: world.clock.now(),
        };
        let created = world.store().create_server(server, None, vec![]);
        created.await.unwrap();
    }
    let look = async |path: &str| world.look(Some(&viewer), path).await;
    let first = look("/servers?search=many").await;
    first.says(200, "1 to 100 of 205");
    first.says(200, "/servers/many-099");
    first.lacks("/servers/many-100");
    first.says(200, "page=2");
    let last = look("/servers?search=many&page=3").await;
    last.says(200, "201 to 205 of 205");
    last.says(200, "/servers/many-204");
    last.lacks("page=4");
    // Pages that are not there.
    look("/servers?search=many&page=99")
        .await
        .says(200, "201 to 205 of 205");
    for page in ["0", "-1", "x"] {
        let path = format!("/servers?search=many&page={page}");
        look(&path).await.says(200, "1 to 100 of 205");
    }
    // Too many to choose from: one types the slug.
    let operations = look("/operations?server=web-1").await;
    operations.says(200, r#"placeholder="Slug of a server""#);
    operations.lacks("No such server");
    let unknown = look("/operations?server=nobody").await;
    unknown.says(200, "No such server");
}

async fn servers_are_found_by_name_slug_and_status(world: &World) {
    let manager = world.session(&world.ours, Role::Manager).await;
    let fields = [("name", "Großer Rechner"), ("slug", "big")];
    world.submit(&manager, "/servers", &fields).await;
    for (query, is_found) in [
        ("search=gro%C3%9Fer", true),
        ("search=BIG", true),
        ("status=provisioning", true),
        ("search=big&status=active", false),
        ("search=zzz", false),
    ] {
        let path = format!("/servers?{query}");
        let list = world.look(Some(&manager), &path).await;
        assert_eq!(list.status, 200);
        assert_eq!(list.text.contains("/servers/big"), is_found, "{query}");
        assert_eq!(list.text.contains("No server fits"), !is_found, "{query}");
    }
}

async fn the_install_command_is_shown_once(world: &World) {
    let manager = world.session(&world.ours, Role::Manager).await;
    let added = world
        .submit(&manager, "/servers", &[("name", "Web 2")])
        .await;
    added.says(201, "Connect its runner");
    added.says(201, "as root");
    // The control plane of these tests is at a loopback address.
    added.says(201, "no other machine can reach it");
    added.says(201, "--public-url https://reoclo.example.com");
    let command = added.element("command");
    let (_, token) = command.split_once("--token ").unwrap();
    for path in ["/servers", "/servers/web-2", "/audit-log", "/"] {
        let page = world.look(Some(&manager), path).await;
        assert_eq!(page.status, 200);
        page.lacks(token);
    }
    let list = world.look(Some(&manager), "/servers").await;
    list.says(200, "Waiting for its runner");
    let twice = [("name", "Web 2"), ("slug", "web-2")];
    let conflict = world.submit(&manager, "/servers", &twice).await;
    conflict.says(
        409,
        "cannot be used: there is a server with the slug web-2 already.",
    );
    conflict.says(409, "href=\"#slug\"");
}

async fn a_server_is_renamed_and_decommissioned(world: &World) {
    let manager = world.session(&world.ours, Role::Manager).await;
    let fields = [("name", "Front"), ("slug", "front")];
    let renamed = world.submit(&manager, "/servers/web-1/edit", &fields).await;
    renamed.leads_to("/servers/front?notice=server-changed");
    world
        .look(Some(&manager), "/servers/web-1")
        .await
        .says(404, "There is nothing here");
    let confirm = world
        .look(Some(&manager), "/servers/front/decommission")
        .await;
    confirm.says(200, "Decommission Front?");
    let gone = world
        .submit(&manager, "/servers/front/decommission", &[])
        .await;
    gone.leads_to("/servers?notice=server-decommissioned");
    world
        .look(Some(&manager), "/servers")
        .await
        .says(200, "No servers yet");
}

async fn a_server_that_waits_gets_a_new_command(world: &World) {
    let manager = world.session(&world.ours, Role::Manager).await;
    let fields = [("name", "Web 2"), ("slug", "")];
    let added = world.submit(&manager, "/servers", &fields).await;
    let page = world.look(Some(&manager), "/servers/web-2").await;
    page.says(200, ">New install command<");
    let path = "/servers/web-2/enrolment-token";
    let renewed = world.submit(&manager, path, &[]).await;
    renewed.says(201, "A new command for Web 2");
    renewed.says(201, "data-countdown>in 1 hour</time>");
    let command = renewed.element("command");
    assert_ne!(command, added.element("command"));
    let (_, token) = command.split_once("--token ").unwrap();
    for path in ["/servers/web-2", "/audit-log"] {
        world.look(Some(&manager), path).await.lacks(token);
    }
    let viewer = world.session(&world.ours, Role::Viewer).await;
    let page = world.look(Some(&viewer), "/servers/web-2").await;
    page.says(200, "Whoever may add servers");
    page.lacks("New install command");

    let servers = world.store().servers(world.ours.id).await.unwrap();
    let server = servers
        .iter()
        .find(|server| server.slug == "web-2")
        .unwrap();
    let (id, now) = (server.id, world.control.clock().now());
    let active = world
        .store()
        .set_server_status(id, ServerStatus::Active, now, Vec::new());
    active.await.unwrap();
    let refused = world.submit(&manager, path, &[]).await;
    refused.says(409, "run install.sh there without a token");
    let page = world.look(Some(&manager), "/servers/web-2").await;
    page.lacks("New install command");
}
