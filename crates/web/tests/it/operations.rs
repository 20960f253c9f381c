use std::time::Duration;

use reoclo_control::Control;
use reoclo_domain::{
    AuditEventId, Clock, OperationId, OperationKind, OperationState, Role, Secret,
};
use reoclo_store::{
    Actor, ActorKind, AuditOutcome, NewAuditEvent, NewOperation, NewServer, OperationOutcome,
    RequestSource, Resource, Tail,
};
use reoclo_testkit::RealEntropy;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::world::{Session, World};

on_both_databases!(
    the_page_tells_what_was_asked_for_and_who_ended_it,
    what_its_reader_sees_is_a_link,
    an_operation_is_run_again_from_its_page,
    the_list_is_found_by_run_and_by_day,
    servers_of_one_name_are_told_apart_by_slug,
);

const COMMAND: &str = "deploy --token=*** now";

pub(crate) fn viewer(world: &World) -> Actor {
    Actor {
        kind: ActorKind::User,
        id: Some(world.ours.viewer.as_uuid()),
        label: "Viewer".into(),
    }
}

pub(crate) async fn begun(world: &World, starter: Actor, run_id: Option<&str>) -> OperationId {
    world.clock.advance(Duration::from_millis(1));
    let new = NewOperation {
        id: OperationId::new(&*world.clock, &RealEntropy),
        organization: world.ours.id,
        server: world.ours.server,
        server_name: "web".into(),
        kind: OperationKind::Exec,
        starter: starter.clone(),
        via: None,
        command: Some(COMMAND.into()),
        timeout_seconds: 77,
        run_id: run_id.map(str::to_owned),
        run_context: None,
        boot_id: "boot".into(),
        instance_id: "instance".into(),
        created_at: world.clock.now(),
        queued_at: None,
    };
    let (id, payload) = (new.id, Secret::new("{}"));
    let detail = json!({
        "operation": "exec",
        "working_directory": "/srv/shop",
        "env_names": ["DEPLOY_TOKEN", "STAGE"],
    });
    let event = event(
        &world.control,
        world,
        id,
        ("operation.start", starter),
        detail,
    );
    let written = world.store().begin_operation(new, &payload, vec![event]);
    written.await.unwrap();
    id
}

fn event(
    control: &Control,
    world: &World,
    id: OperationId,
    (action, actor): (&'static str, Actor),
    detail: Value,
) -> NewAuditEvent {
    NewAuditEvent {
        id: AuditEventId::new(control.clock(), &RealEntropy),
        organization: Some(world.ours.id),
        at: control.clock().now(),
        actor,
        source: RequestSource::default(),
        action,
        resource: Resource {
            kind: "operation",
            id: Some(id.to_string()),
            name: None,
        },
        outcome: AuditOutcome::Success,
        detail,
    }
}

async fn cancelled_by(world: &World, session: &Session, id: OperationId) {
    let path = format!("/operations/{id}/cancel");
    let answer = world.submit(session, &path, &[]).await;
    answer.leads_to(&format!("/operations/{id}?notice=operation-cancelled"));
}

async fn ended(world: &World, id: OperationId) {
    let outcome = OperationOutcome {
        state: OperationState::Failed,
        code: Some("cancelled".into()),
        message: Some("cancelled".into()),
        exit_code: 130,
        signal: None,
        duration_us: 1,
        left_running: 0,
        still_held: 0,
        stdout: Tail::default(),
        stderr: Tail::default(),
        completed_at: world.clock.now(),
    };
    let ended = world.store().finish_operation(id, outcome, Vec::new());
    assert!(ended.await.unwrap());
}

async fn the_page_tells_what_was_asked_for_and_who_ended_it(world: &World) {
    let admin = world.session(&world.ours, Role::Admin).await;
    let reader = world.session(&world.ours, Role::Viewer).await;
    let id = begun(world, viewer(world), None).await;
    let path = format!("/operations/{id}");
    let asked = [
        "<dt>Time limit</dt><dd>77 s</dd>",
        "<dt>Working directory</dt><dd><code>/srv/shop</code></dd>",
        "<code>DEPLOY_TOKEN</code>, <code>STAGE</code>",
    ];
    let page = world.look(Some(&reader), &path).await;
    for fact in asked {
        page.says(200, fact);
    }
    page.lacks("Asked to end by");
    page.lacks("Run again");

    cancelled_by(world, &admin, id).await;
    let notice = format!("{path}?notice=operation-cancelled");
    let page = world.look(Some(&reader), &notice).await;
    page.says(200, "The operation is asked to end.");
    ended(world, id).await;
    let page = world.look(Some(&reader), &notice).await;
    // What was asked for has happened, whatever the address says.
    page.lacks("The operation is asked to end.");
    page.says(200, "<dt>Asked to end by</dt><dd>");
    for fact in asked {
        page.says(200, fact);
    }
}

async fn what_its_reader_sees_is_a_link(world: &World) {
    let admin = world.session(&world.ours, Role::Admin).await;
    let reader = world.session(&world.ours, Role::Viewer).await;
    let person = format!("href=\"/users/{}\"", world.ours.viewer);
    let of_person = begun(world, viewer(world), None).await;
    let page = world
        .look(Some(&reader), &format!("/operations/{of_person}"))
        .await;
    page.says(200, "<a href=\"/servers/web-1\">");
    page.says(200, &person);

    let fields = [
        ("label", "ci"),
        ("preset", "full_access"),
        ("expires_in", "90d"),
    ];
    let made = world.submit(&admin, "/api-keys/integration", &fields).await;
    let (_, rest) = made
        .text
        .split_once("href=\"/api-keys/integration/0")
        .unwrap();
    let key = format!("0{}", rest.split_once('"').unwrap().0);
    let starter = Actor {
        kind: ActorKind::IntegrationKey,
        id: Some(key.parse().unwrap()),
        label: "ci".into(),
    };
    let of_key = begun(world, starter.clone(), None).await;
    let path = format!("/operations/{of_key}");
    let link = format!("href=\"/api-keys/integration/{key}\"");
    world.look(Some(&admin), &path).await.says(200, &link);
    // Keys of others are seen by managers alone.
    let developer = world.session(&world.ours, Role::Developer).await;
    for other in [&reader, &developer] {
        let page = world.look(Some(other), &path).await;
        page.says(200, "ci <span");
        page.lacks("/api-keys/integration/0");
    }
    // What is gone has no page.
    let gone = Actor {
        id: Some(world.ours.id.as_uuid()),
        ..starter
    };
    let of_gone = begun(world, gone, None).await;
    let page = world
        .look(Some(&admin), &format!("/operations/{of_gone}"))
        .await;
    page.says(200, "ci <span");
    page.lacks("/api-keys/integration/0");
}

async fn an_operation_is_run_again_from_its_page(world: &World) {
    let admin = world.session(&world.ours, Role::Admin).await;
    let reader = world.session(&world.ours, Role::Viewer).await;
    let id = begun(world, viewer(world), None).await;
    ended(world, id).await;
    let path = format!("/operations/{id}");
    let again = format!("/servers/web-1/run?again={id}");
    let page = world.look(Some(&admin), &path).await;
    page.says(200, &format!("href=\"{again}\""));
    world.look(Some(&reader), &path).await.lacks("Run again");

    let form = world.look(Some(&admin), &again).await;
    assert_eq!(form.element("command"), COMMAND);
    form.says(200, "name=\"working_directory\" value=\"/srv/shop\"");
    form.says(200, "value=\"77\"");
    form.says(200, "A secret was masked in the command");
    form.says(200, "It had the variables DEPLOY_TOKEN, STAGE");
    let plain = world.look(Some(&admin), "/servers/web-1/run").await;
    plain.lacks("It had the variables");
    plain.says(200, "names another interpreter");

    // Another organization's operation fills nothing.
    let stranger = world.session(&world.theirs, Role::Admin).await;
    let form = world.look(Some(&stranger), &again).await;
    form.says(404, "There is nothing here");
    form.lacks("deploy");
}

async fn the_list_is_found_by_run_and_by_day(world: &World) {
    let first = begun(world, viewer(world), Some("run 1&x")).await;
    world.clock.advance(Duration::from_hours(48));
    let reader = world.session(&world.ours, Role::Viewer).await;
    let second = begun(world, viewer(world), None).await;
    let look = async |path: &str| world.look(Some(&reader), path).await;
    let link = |id: OperationId| format!("href=\"/operations/{id}\"");
    let of_run = look("/operations?run_id=run+1%26x").await;
    of_run.says(200, &link(first));
    of_run.says(200, "value=\"run 1&#38;x\"");
    of_run.lacks(&link(second));
    look("/operations?run_id=run")
        .await
        .says(200, "Nothing fits");
    let since = look("/operations?from=2026-01-02").await;
    since.says(200, &link(second));
    since.lacks(&link(first));
    let odd = look("/operations?from=yesterday").await;
    odd.says(200, "Not readable, and left out: the first day");
    odd.says(200, &link(first));
}

async fn servers_of_one_name_are_told_apart_by_slug(world: &World) {
    let reader = world.session(&world.ours, Role::Viewer).await;
    let server = |slug: &str, name: &str| NewServer {
        id: reoclo_domain::ServerId::new(&*world.clock, &RealEntropy),
        organization: world.ours.id,
        slug: slug.parse().unwrap(),
        name: name.parse().unwrap(),
        created_at: world.clock.now(),
    };
    for server in [server("web-1-2", "Web 1 of ours"), server("db", "Db")] {
        let created = world.store().create_server(server, None, Vec::new());
        created.await.unwrap();
    }
    let page = world.look(Some(&reader), "/operations").await;
    page.says(200, ">Web 1 of ours (web-1)</option>");
    page.says(200, ">Web 1 of ours (web-1-2)</option>");
    page.says(200, ">Db</option>");
}
