//! What people meet who asked too often.

use http::Method;
use reoclo_domain::Role;

use crate::on_both_databases;
use crate::world::{Answer, FORM, World, form};

on_both_databases!(
    whoever_guessed_is_told_when_and_what_to_do,
    a_person_who_guesses_their_own_password_is_told_too,
);

#[track_caller]
fn tells_when_to_come_again(answer: &Answer) -> u64 {
    answer.says(429, "There were too many attempts with a wrong password.");
    answer.says(429, "asks an admin for a new one");
    let seconds: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=900).contains(&seconds));
    let minutes = format!("Wait {} minutes and try again", seconds.div_ceil(60));
    answer.says(429, &minutes);
    seconds
}

async fn sign_in(world: &World, email: &str) -> Answer {
    let fields = form(&[("email", email), ("password", "no horse battery")]);
    world
        .send(Method::POST, "/sign-in", None, &FORM, fields)
        .await
}

async fn whoever_guessed_is_told_when_and_what_to_do(world: &World) {
    let email = "nobody@people.example";
    for _ in 0..10 {
        let wrong = sign_in(world, email).await;
        wrong.says(401, "The e-mail address or the password is not right.");
        assert_eq!(wrong.header("retry-after"), "");
    }
    let refused = sign_in(world, email).await;
    tells_when_to_come_again(&refused);
    // What they typed is still there, but for the password.
    refused.says(429, &format!("value=\"{email}\""));
    refused.lacks("no horse battery");
}

async fn a_person_who_guesses_their_own_password_is_told_too(world: &World) {
    let viewer = world.session(&world.ours, Role::Viewer).await;
    let fields = [
        ("current_password", "no horse battery"),
        ("new_password", "stapled correct giraffe 9"),
    ];
    for _ in 0..10 {
        let wrong = world.submit(&viewer, "/password", &fields).await;
        wrong.says(422, "This is not right.");
    }
    let refused = world.submit(&viewer, "/password", &fields).await;
    tells_when_to_come_again(&refused);
    world.control.write_refused_uses(true).await;
    let log = world.look(Some(&viewer), "/audit-log").await;
    log.says(200, "POST /password: too many attempts");
}
