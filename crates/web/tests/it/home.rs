use std::time::Duration;

use reoclo_domain::{Clock, OperationId, OperationKind, OperationState, Role, Secret};
use reoclo_store::{Actor, ActorKind, NewOperation, OperationOutcome, Tail};
use reoclo_testkit::RealEntropy;

use crate::on_both_databases;
use crate::world::World;

on_both_databases!(the_last_days_are_a_plot_and_a_table);

async fn ran(world: &World, state: OperationState) {
    world.clock.advance(Duration::from_millis(1));
    let new = NewOperation {
        id: OperationId::new(&*world.clock, &RealEntropy),
        organization: world.ours.id,
        server: world.ours.server,
        server_name: "web".into(),
        kind: OperationKind::Exec,
        starter: Actor {
            kind: ActorKind::User,
            id: Some(world.ours.viewer.as_uuid()),
            label: "ada".into(),
        },
        via: None,
        command: Some("true".into()),
        timeout_seconds: 60,
        run_id: None,
        run_context: None,
        boot_id: "boot".into(),
        instance_id: "instance".into(),
        created_at: world.clock.now(),
        queued_at: None,
    };
    let (id, payload) = (new.id, Secret::new("{}"));
    let begun = world.store().begin_operation(new, &payload, Vec::new());
    begun.await.unwrap();
    let outcome = OperationOutcome {
        state,
        code: None,
        message: None,
        exit_code: 0,
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

async fn the_last_days_are_a_plot_and_a_table(world: &World) {
    let viewer = world.session(&world.ours, Role::Viewer).await;
    let page = world.look(Some(&viewer), "/").await;
    page.says(200, "None in the last 14 days");
    page.lacks("<rect class=");
    for _ in 0..3 {
        ran(world, OperationState::Completed).await;
    }
    ran(world, OperationState::Failed).await;
    world.clock.advance(Duration::from_hours(2));
    world.control.operations().count_by_day().await;
    ran(world, OperationState::Timeout).await;
    let page = world.look(Some(&viewer), "/").await;
    page.says(200, "3 succeeded, 1 failed, 1 timed out\"");
    page.says(
        200,
        "<title>2026-01-01: 3 succeeded, 1 failed, 1 timed out</title>",
    );
    page.says(200, "5 on the busiest day");
    page.says(200, "<rect class=\"timeout\"");
    page.says(200, "<td>2025-12-19</td>");
    page.lacks("2025-12-18");
    let theirs = world.session(&world.theirs, Role::Viewer).await;
    let page = world.look(Some(&theirs), "/").await;
    page.says(200, "None in the last 14 days");
}
