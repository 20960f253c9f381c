//! A request is made by one caller: whatever is proven of it is proven of the same one.

use std::sync::Arc;

use reoclo_control::{
    AnyKey, Caller, Exec, KeyNotes, MadeBy, OrganizationManage, OwnOperations, OwnSession,
    Permission, Presented, PresentedSession, Refusal, ServersRead,
};
use reoclo_domain::{ErrorCode, OperationKind, Role};
use serde_json::json;

use crate::on_both_databases;
use crate::world::{Session, World};

on_both_databases!(
    two_proofs_of_a_request_see_one_role,
    a_temporary_password_proves_nothing_but_the_session,
    a_refusal_is_told_of_when_it_was_asked_for,
    a_request_counts_once_however_much_is_proven,
    what_counts_is_not_proven_of_a_request_that_did_not,
);

async fn identified<P: Permission>(
    world: &World,
    session: &Session,
) -> Result<Arc<Caller>, Refusal> {
    let presented = Presented {
        session: Some(PresentedSession {
            token: &session.token,
            changes: false,
            made_by: MadeBy::Script {
                csrf_token: None,
                same_site: true,
            },
        }),
        ..Presented::default()
    };
    world.control.identify(presented, P::REQUIREMENT).await
}

async fn two_proofs_of_a_request_see_one_role(world: &World) {
    let session = world.session(&world.ours, Role::Admin).await;
    let caller = identified::<ServersRead>(world, &session).await.unwrap();
    let (ours, viewer) = (world.ours.id, Some(Role::Viewer));
    let demoted = world
        .store()
        .set_role(ours, session.user, viewer, Vec::new());
    demoted.await.unwrap();
    let proof = world.control.prove::<OrganizationManage>(&caller).unwrap();
    let own = proof.held::<OwnSession>().unwrap();
    let shown = world.control.sessions().show(&own).await.unwrap();
    // The frame of a page and what stands in it are for the same role.
    assert_eq!(shown.current.role, Role::Admin);
    let own_entry = shown.memberships.iter().find(|of| of.organization == ours);
    assert_eq!(own_entry.unwrap().role, Role::Admin);
    let next = identified::<ServersRead>(world, &session).await.unwrap();
    let refused = world.control.prove::<OrganizationManage>(&next);
    assert_eq!(refused.unwrap_err().code(), ErrorCode::RoleInsufficient);
    // Once the session is over, no request is made in it.
    world.sign_out(&session).await;
    let gone = identified::<ServersRead>(world, &session).await;
    assert_eq!(gone.unwrap_err().code(), ErrorCode::SessionExpired);
}

async fn a_temporary_password_proves_nothing_but_the_session(world: &World) {
    let user = world.newcomer(&world.ours, Role::Admin).await;
    let session = world.session_of(&world.ours, user).await;
    let caller = identified::<OwnSession>(world, &session).await.unwrap();
    assert!(caller.prove::<OwnSession>().is_ok());
    let refused = caller.prove::<ServersRead>().unwrap_err();
    assert_eq!(refused.code(), ErrorCode::PasswordChangeRequired);
}

async fn a_refusal_is_told_of_when_it_was_asked_for(world: &World) {
    let session = world.session(&world.ours, Role::Viewer).await;
    let caller = identified::<ServersRead>(world, &session).await.unwrap();
    let proof = world.control.prove::<ServersRead>(&caller).unwrap();
    assert!(proof.held::<OrganizationManage>().is_none());
    assert!(told(world).await.is_empty());
    let refused = world.control.prove::<OrganizationManage>(&caller);
    assert_eq!(refused.unwrap_err().code(), ErrorCode::RoleInsufficient);
    assert_eq!(told(world).await, [json!("person:admin")]);
}

async fn told(world: &World) -> Vec<serde_json::Value> {
    world.control.write_refused_uses(true).await;
    let ours = Some(world.ours.id);
    let rows = world.store().audit_events(ours, 0, 1000).await.unwrap();
    let rows = rows.iter().filter(|row| row.action.ends_with(".refused"));
    rows.map(|row| row.detail["permission"].clone()).collect()
}

async fn key_caller(world: &World, key: &str, notes: &Arc<KeyNotes>, counts: bool) -> Arc<Caller> {
    let presented = Presented {
        bearer: Some(key),
        notes: Arc::clone(notes),
        ..Presented::default()
    };
    let demanded = if counts {
        Exec::REQUIREMENT
    } else {
        AnyKey::REQUIREMENT
    };
    let identified = world.control.identify(presented, demanded).await;
    identified.unwrap()
}

async fn a_request_counts_once_however_much_is_proven(world: &World) {
    let key = world
        .limited_key(&world.ours, &[OperationKind::Exec], 5)
        .await;
    for left in (0..5).rev() {
        let notes = Arc::<KeyNotes>::default();
        let caller = key_caller(world, &key, &notes, true).await;
        for _ in 0..3 {
            let proof = world.control.prove::<Exec>(&caller).unwrap();
            assert!(proof.held::<OwnOperations>().is_some());
        }
        assert_eq!(notes.rate.get().unwrap().remaining, left);
    }
}

async fn what_counts_is_not_proven_of_a_request_that_did_not(world: &World) {
    let key = world
        .limited_key(&world.ours, &[OperationKind::Exec], 5)
        .await;
    let notes = Arc::<KeyNotes>::default();
    let caller = key_caller(world, &key, &notes, false).await;
    assert!(notes.rate.get().is_none());
    assert!(caller.prove::<OwnOperations>().is_ok());
    let refused = caller.prove::<Exec>().unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Internal);
}
