//! Many tokens that are none of ours.

use std::time::Duration;

use reoclo_domain::{OperationKind, PlainToken, TokenKind};
use reoclo_testkit::RealEntropy;

use crate::on_both_databases;
use crate::world::World;

on_both_databases!(many_are_asked_to_wait_and_a_valid_key_never_is);

async fn many_are_asked_to_wait_and_a_valid_key_never_is(world: &World) {
    let (valid, _) = world.automation_key(&world.ours, &OperationKind::ALL).await;
    let path = "/api/automation/v1/auth/me";
    for number in 0..100 {
        let token = if number % 2 == 0 {
            "nonsense".to_owned()
        } else {
            let made = PlainToken::generate(TokenKind::Automation, &RealEntropy);
            made.expose().to_owned()
        };
        world
            .get(path, Some(&token))
            .await
            .is_error(401, "invalid_key");
    }
    let refused = world.get(path, Some("nonsense")).await;
    refused.is_error(429, "too_many_attempts");
    let seconds: u64 = refused.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=61).contains(&seconds));
    assert_eq!(world.get(path, Some(&valid)).await.status, 200);
    world.clock.advance(Duration::from_secs(seconds));
    world
        .get(path, Some("nonsense"))
        .await
        .is_error(401, "invalid_key");
}
