use reoclo_domain::Role;

use crate::on_both_databases;
use crate::world::{Session, World};

on_both_databases!(
    a_connection_is_tried_before_it_is_kept,
    a_kept_credential_is_tried_without_its_secret_being_typed,
);

/// What is refused before anything is asked: it is on this machine.
const HERE: [(&str, &str); 3] = [
    ("registry_type", "private"),
    ("registry_url", "http://127.0.0.1:1"),
    ("username", "ada"),
];

async fn manager(world: &World) -> Session {
    world.session(&world.ours, Role::Manager).await
}

async fn a_connection_is_tried_before_it_is_kept(world: &World) {
    let manager = manager(world).await;
    let fields = [&HERE[..], &[("name", "mine"), ("secret", "s3cret-word")]].concat();
    let tried = world
        .submit(&manager, "/registry-credentials/test", &fields)
        .await;
    tried.says(200, "The connection does not work.");
    tried.says(200, "--allow-outbound");
    tried.says(200, " ms</span>");
    // The form is as it was, but for the secret.
    tried.says(200, "value=\"http://127.0.0.1:1\"");
    tried.says(200, "value=\"mine\"");
    tried.lacks("s3cret-word");
    let list = world.look(Some(&manager), "/registry-credentials").await;
    list.says(200, "No registry credentials yet");
    let empty = world
        .submit(&manager, "/registry-credentials/test", &[])
        .await;
    empty.says(200, "The connection does not work.");
}

async fn a_kept_credential_is_tried_without_its_secret_being_typed(world: &World) {
    let manager = manager(world).await;
    let fields = [&HERE[..], &[("name", "mine"), ("secret", "s3cret-word")]].concat();
    let added = world
        .submit(&manager, "/registry-credentials", &fields)
        .await;
    added.leads_to("/registry-credentials?notice=credential-added");
    let list = world.look(Some(&manager), "/registry-credentials").await;
    let (_, rest) = list.text.split_once("class=\"title\" href=\"").unwrap();
    let place = rest.split_once('"').unwrap().0;
    let page = world.look(Some(&manager), place).await;
    page.says(200, ">Test connection<");
    let test = format!("{place}/test");
    let tried = world.submit(&manager, &test, &HERE).await;
    tried.says(200, "--allow-outbound");
    // A kept secret never goes to a new place.
    let elsewhere = [HERE[0], ("registry_url", "evil.example"), HERE[2]];
    let refused = world.submit(&manager, &test, &elsewhere).await;
    refused.says(200, "a kept password is not sent to a new address");
    let page = world.look(Some(&manager), place).await;
    page.says(200, "value=\"http://127.0.0.1:1\"");
    let log = world.look(Some(&manager), "/audit-log").await;
    log.says(200, "<code>registry_credential.test</code>");
    log.lacks("evil.example");
    let viewer = world.session(&world.ours, Role::Viewer).await;
    let page = world.look(Some(&viewer), place).await;
    page.lacks("Test connection");
}
