use reoclo_domain::Role;

use crate::on_both_databases;
use crate::world::World;

on_both_databases!(
    trusted_networks_are_kept_as_they_were_typed,
    what_is_no_private_network_is_told_by_its_line,
);

async fn trusted_networks_are_kept_as_they_were_typed(world: &World) {
    let admin = world.session(&world.ours, Role::Admin).await;
    let typed = "10.0.0.5\r\n\r\n 192.168.0.0/16 \r\n";
    let fields = [("name", "ours"), ("trusted_networks", typed)];
    let saved = world.submit(&admin, "/organization", &fields).await;
    saved.leads_to("/organization?notice=organization-changed");
    let page = world.look(Some(&admin), "/organization").await;
    assert_eq!(page.element("trusted_networks"), "10.0.0.5\n192.168.0.0/16");
    let viewer = world.session(&world.ours, Role::Viewer).await;
    let page = world.look(Some(&viewer), "/organization").await;
    page.says(200, "<code>10.0.0.5, 192.168.0.0/16</code>");
    let theirs = world.session(&world.theirs, Role::Admin).await;
    let page = world.look(Some(&theirs), "/organization").await;
    page.says(200, "none: only the public network is reached");
    let fields = [("name", "ours"), ("trusted_networks", "")];
    world.submit(&admin, "/organization", &fields).await;
    let page = world.look(Some(&admin), "/organization").await;
    assert_eq!(page.element("trusted_networks"), "");
}

async fn what_is_no_private_network_is_told_by_its_line(world: &World) {
    let admin = world.session(&world.ours, Role::Admin).await;
    let typed = "10.0.0.0/8\nhome<b>\n127.0.0.1\n10.0.0.5/8";
    let fields = [("name", "ours"), ("trusted_networks", typed)];
    let refused = world.submit(&admin, "/organization", &fields).await;
    refused.says(422, "Entry 2 is neither an address nor a network");
    refused.says(422, "Entry 3 is not a private network");
    refused.says(422, "Entry 4 10.0.0.5/8 has host bits set");
    refused.lacks("Entry 1");
    refused.lacks("home<b>");
    let page = world.look(Some(&admin), "/organization").await;
    assert_eq!(page.element("trusted_networks"), "");
}
