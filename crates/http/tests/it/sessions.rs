//! Signing in and out, and what a session is good for.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Method, Request};
use reoclo_domain::{Clock, PlainToken, Role, Secret, TokenKind, UserId};
use reoclo_http::{AppState, ConnectionInfo, Hosts, TrustedProxies, api};
use reoclo_store::NewPassword;
use reoclo_testkit::RealEntropy;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::on_both_databases;
use crate::world::{Answer, HOST, Session, World, request_with_body};

pub(crate) const PASSWORD: &str = "correct horse battery";

on_both_databases!(
    a_person_signs_in_and_works,
    a_wrong_password_and_an_unknown_account_look_the_same,
    many_wrong_passwords_shut_their_own_address_out,
    an_address_that_guesses_writes_one_row_a_minute,
    what_is_unknown_is_told_to_whoever_runs_the_instance,
    whoever_signed_in_before_is_not_harmed_by_many_strangers,
    what_nobody_looked_at_counts_for_nothing,
    who_hangs_up_has_not_guessed,
    in_a_storm_whoever_signed_in_before_and_a_quiet_address_get_in,
    strangers_do_not_keep_anybody_from_changing_their_password,
    a_stolen_session_does_not_guess_the_password,
    a_right_password_starts_the_count_anew,
    another_site_cannot_sign_its_visitor_in,
    signing_out_ends_the_session_and_everywhere_all_of_them,
    signing_in_again_replaces_the_session,
    a_session_that_rests_too_long_is_over,
    a_password_is_changed_and_other_sessions_end,
    a_temporary_password_must_be_changed_and_expires,
    a_person_works_in_one_of_several_organizations,
    sign_ins_are_in_the_audit_log,
    under_https_the_cookie_is_bound_to_the_host_and_browsers_stay,
    a_planted_cookie_does_not_shut_its_victim_out,
);

const HTTPS_HOST: &str = "app.example.com";

/// The surfaces of the same control plane behind an address with https.
fn under_https(world: &World) -> Router {
    let hosts = Hosts::of_public_url(&format!("https://{HTTPS_HOST}")).unwrap();
    let state = AppState::new(world.control.clone(), hosts, TrustedProxies::default());
    api(state, |registrar| registrar).router
}

/// The status of a look at the own session with these cookies.
async fn look_with(router: &Router, host: &str, cookies: &[String]) -> u16 {
    let request = Request::builder()
        .uri("/api/auth/session")
        .header("host", host);
    let request = request.header("cookie", cookies.join("; "));
    let mut request = request.body(Body::empty()).unwrap();
    let local = HOST.parse().unwrap();
    let info = ConnectionInfo { peer: local, local };
    request.extensions_mut().insert(info);
    router
        .clone()
        .oneshot(request)
        .await
        .unwrap()
        .status()
        .as_u16()
}

async fn under_https_the_cookie_is_bound_to_the_host_and_browsers_stay(world: &World) {
    let (_, email) = account(world, Role::Viewer).await;
    let router = under_https(world);
    let request = Request::builder()
        .method(Method::POST)
        .uri("/api/auth/sign-in")
        .header("host", HTTPS_HOST)
        .header("content-type", "application/json")
        .body(Body::from(form(&email, PASSWORD).to_string()));
    let answer = router.clone().oneshot(request.unwrap()).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(
        answer.headers()["strict-transport-security"],
        "max-age=31536000"
    );
    let set = answer.headers().get_all("set-cookie").iter();
    let set: Vec<_> = set.map(|cookie| cookie.to_str().unwrap()).collect();
    assert_eq!(set.len(), 2);
    for (cookie, name) in set.iter().zip(["session", "device"]) {
        assert!(
            cookie.starts_with(&format!("__Host-reoclo_{name}=")),
            "{cookie}"
        );
        for part in ["; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
    let cookie = set[0].to_owned();
    let bound = cookie.split(';').next().unwrap().to_owned();
    let value = bound.split_once('=').unwrap().1;
    assert_eq!(
        look_with(&router, HTTPS_HOST, std::slice::from_ref(&bound)).await,
        200
    );
    // What a neighbour could plant counts for nothing.
    let planted = format!("reoclo_session={value}");
    assert_eq!(
        look_with(&router, HTTPS_HOST, std::slice::from_ref(&planted)).await,
        401
    );
    let both = [String::from("reoclo_session=x"), bound];
    assert_eq!(look_with(&router, HTTPS_HOST, &both).await, 200);
    // In clear there is neither.
    let plain = sign_in(world, &email, PASSWORD).await;
    assert!(!plain.headers.contains_key("strict-transport-security"));
}

async fn a_planted_cookie_does_not_shut_its_victim_out(world: &World) {
    let session = world.session(&world.ours, Role::Viewer).await;
    let unknown = PlainToken::generate(TokenKind::Session, &RealEntropy);
    let planted = [
        String::from("reoclo_session="),
        String::from("reoclo_session=x"),
        format!("reoclo_session={}", unknown.expose()),
    ];
    let router = &world.router;
    for planted in planted {
        for cookies in [
            [planted.clone(), session.cookie()],
            [session.cookie(), planted],
        ] {
            assert_eq!(look_with(router, HOST, &cookies).await, 200, "{cookies:?}");
        }
    }
    // As many as a browser keeps for a site.
    let mut many: Vec<String> = (0..180)
        .map(|_| PlainToken::generate(TokenKind::Session, &RealEntropy))
        .map(|token| format!("reoclo_session={}", token.expose()))
        .collect();
    many.push(session.cookie());
    assert_eq!(look_with(router, HOST, &many).await, 200);
    let strangers = [
        String::from("reoclo_session=x"),
        String::from("reoclo_session=y"),
    ];
    assert_eq!(look_with(router, HOST, &strangers).await, 401);
}

/// The address of somebody with `role` who can sign in.
async fn account(world: &World, role: Role) -> (UserId, String) {
    let user = world.person(&world.ours, role).await;
    set_password(world, user, false).await;
    (user, format!("{user}@people.example"))
}

/// Somebody who is signed in, and could sign in with [`PASSWORD`].
pub(crate) async fn with_password(world: &World, role: Role) -> Session {
    let (user, _) = account(world, role).await;
    world.session_of(&world.ours, user).await
}

async fn set_password(world: &World, user: UserId, is_temporary: bool) {
    let until = world.clock.now().plus(Duration::from_hours(1));
    let password = NewPassword {
        hash: Secret::new(hash()),
        temporary_until: is_temporary.then_some(until),
        replaces: None,
    };
    world
        .store()
        .set_password(user, password, None, Vec::new())
        .await
        .unwrap();
}

/// The hash of [`PASSWORD`], made with the least work, since a hash says how much it took.
fn hash() -> String {
    use argon2::password_hash::PasswordHasher;
    let params = argon2::Params::new(8, 1, 1, None).unwrap();
    let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    argon2
        .hash_password_with_salt(PASSWORD.as_bytes(), &[7; 16])
        .unwrap()
        .to_string()
}

fn form(email: &str, password: &str) -> Value {
    json!({ "email": email, "password": password })
}

async fn sign_in(world: &World, email: &str, password: &str) -> Answer {
    world
        .post("/api/auth/sign-in", None, &form(email, password))
        .await
}

fn session(answer: &Answer) -> Session {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    let value = cookie.split(';').next().unwrap();
    Session {
        user: answer.body["user"]["id"].as_str().unwrap().parse().unwrap(),
        token: value.strip_prefix("reoclo_session=").unwrap().into(),
        csrf: answer.body["csrf_token"].as_str().unwrap().into(),
    }
}

async fn a_person_signs_in_and_works(world: &World) {
    let (user, email) = account(world, Role::Developer).await;
    let answer = sign_in(world, &format!(" {} ", email.to_uppercase()), PASSWORD).await;
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    for part in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age="] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(
        !cookie.contains("Secure"),
        "it would not come back over http"
    );
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.body["user"]["id"], user.to_string());
    assert_eq!(answer.body["organization"]["slug"], "ours");
    assert_eq!(answer.body["organization"]["role"], "developer");
    let session = session(&answer);
    assert!(!answer.body.to_string().contains(&session.token));

    let servers = world.get_as(&session, "/api/servers").await;
    assert_eq!(servers.body[0]["id"], world.ours.server.to_string());
    let shown = world.get_as(&session, "/api/auth/session").await;
    assert_eq!(shown.body, answer.body);
}

async fn a_wrong_password_and_an_unknown_account_look_the_same(world: &World) {
    let (_, email) = account(world, Role::Viewer).await;
    let without_password = world.person(&world.ours, Role::Viewer).await;
    let cases = [
        (email.clone(), "wrong horse battery"),
        (email, ""),
        ("nobody@people.example".into(), PASSWORD),
        (format!("{without_password}@people.example"), PASSWORD),
        ("a\0b".into(), PASSWORD),
        (String::new(), PASSWORD),
    ];
    let mut details = Vec::new();
    for (email, password) in cases {
        let answer = sign_in(world, &email, password).await;
        answer.is_error(401, "invalid_credentials");
        assert!(!answer.headers.contains_key("set-cookie"));
        details.push(answer.body["detail"].clone());
    }
    details.dedup();
    assert_eq!(details.len(), 1);
}

async fn sign_in_from(world: &World, ip: [u8; 4], email: &str, password: &str) -> Answer {
    let body = form(email, password);
    let request = request_with_body(&Method::POST, "/api/auth/sign-in", &[], Some(&body));
    world.send_from(ip, request).await
}

async fn many_wrong_passwords_shut_their_own_address_out(world: &World) {
    let (_, email) = account(world, Role::Viewer).await;
    let wrong = "wrong horse battery";
    for number in 0..200 {
        let answer = sign_in_from(world, [192, 0, 2, 1], &email, wrong).await;
        match number {
            0..10 => answer.is_error(401, "invalid_credentials"),
            _ => answer.is_error(429, "too_many_attempts"),
        }
    }
    let refused = sign_in_from(world, [192, 0, 2, 1], &email, PASSWORD).await;
    refused.is_error(429, "too_many_attempts");
    let seconds: u64 = refused.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=900).contains(&seconds));
    // Nobody else is harmed, and the address may sign in to other accounts.
    let elsewhere = sign_in_from(world, [192, 0, 2, 2], &email, PASSWORD).await;
    assert_eq!(elsewhere.status, 200);
    let (_, other) = account(world, Role::Viewer).await;
    let same = sign_in_from(world, [192, 0, 2, 1], &other, PASSWORD).await;
    assert_eq!(same.status, 200);
    world.clock.advance(Duration::from_mins(15));
    let later = sign_in_from(world, [192, 0, 2, 1], &email, PASSWORD).await;
    assert_eq!(later.status, 200);
}

async fn an_address_that_guesses_writes_one_row_a_minute(world: &World) {
    let (user, email) = account(world, Role::Viewer).await;
    let before = world.store().statistics();
    for _ in 0..100 {
        sign_in_from(world, [192, 0, 2, 1], &email, "wrong horse battery").await;
    }
    assert_eq!(
        world.store().statistics(),
        before,
        "nothing was written yet"
    );
    world.control.write_refused_uses(false).await;
    let rows = async |organization| -> Vec<(i64, u64)> {
        let rows = world.store().audit_events(organization, 0, 100).await;
        let rows = rows.unwrap().into_iter();
        rows.filter(|row| row.action == "user.sign_in")
            .map(|row| (row.seq, row.detail["count"].as_u64().unwrap()))
            .collect()
    };
    let counts = |rows: Vec<(i64, u64)>| rows.into_iter().map(|row| row.1).collect::<Vec<_>>();
    assert_eq!(counts(rows(Some(world.ours.id)).await), [10]);
    // What was refused unseen is told to whoever runs the instance.
    assert_eq!(counts(rows(None).await), [90]);
    for _ in 0..50 {
        sign_in_from(world, [192, 0, 2, 1], &email, "wrong horse battery").await;
        world.control.write_refused_uses(false).await;
    }
    assert_eq!(counts(rows(None).await), [90]);
    world.clock.advance(Duration::from_mins(1));
    world.control.write_refused_uses(false).await;
    assert_eq!(counts(rows(None).await), [90, 50]);
    let shown = world.store().refused_passwords(user).await.unwrap();
    assert_eq!((shown.len(), shown[0].tries), (1, 10));
    let sign_ins = world.control.statistics().sign_ins;
    assert_eq!((sign_ins.wrong_passwords, sign_ins.too_many), (10, 140));
}

async fn what_is_unknown_is_told_to_whoever_runs_the_instance(world: &World) {
    for number in 0..5 {
        let email = format!("{number}@people.example");
        sign_in_from(world, [192, 0, 2, 9], &email, PASSWORD).await;
    }
    world.get("/api/servers", Some("rk_t_nonsense")).await;
    world.control.write_refused_uses(false).await;
    let rows = world.store().audit_events(None, 0, 100).await.unwrap();
    let of = |action: &str| {
        let rows: Vec<_> = rows.iter().filter(|row| row.action == action).collect();
        assert_eq!(rows.len(), 1, "{action}");
        rows[0].detail["reasons"].clone()
    };
    assert_eq!(of("user.sign_in"), json!({ "unknown_account": 5 }));
    assert_eq!(of("key.unknown"), json!({ "unknown_key": 1 }));
    // What was typed may have been a password.
    let text = format!("{rows:?}");
    assert!(!text.contains("people.example"));
}

async fn whoever_signed_in_before_is_not_harmed_by_many_strangers(world: &World) {
    let (_, email) = account(world, Role::Viewer).await;
    let home = [198, 51, 100, 1];
    let first = sign_in_from(world, home, &email, PASSWORD).await;
    let cookies: Vec<_> = first.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies.len(), 2);
    let device = cookies[1].to_str().unwrap().split(';').next().unwrap();
    assert!(device.starts_with("reoclo_device="), "{device}");
    let delayed = || world.control.statistics().sign_ins.delayed;
    // 31 addresses guess, and so do those at the person's own.
    for number in 0..31 {
        sign_in_from(world, [203, 0, 113, number], &email, "wrong horse").await;
    }
    assert_eq!(delayed(), 1);
    assert_eq!(
        sign_in_from(world, home, &email, PASSWORD).await.status,
        200
    );
    assert_eq!(delayed(), 1, "the address is known");
    for _ in 0..11 {
        sign_in_from(world, home, &email, "wrong horse").await;
    }
    sign_in_from(world, home, &email, PASSWORD)
        .await
        .is_error(429, "too_many_attempts");
    let body = form(&email, PASSWORD);
    let with_cookie = async |cookie: &str| {
        let headers = [("cookie", cookie)];
        let path = "/api/auth/sign-in";
        let request = request_with_body(&Method::POST, path, &headers, Some(&body));
        world.send_from(home, request).await
    };
    assert_eq!(
        with_cookie(device).await.status,
        200,
        "the browser is known"
    );
    let forged = format!("reoclo_device={}", "0".repeat(64));
    with_cookie(&forged)
        .await
        .is_error(429, "too_many_attempts");
    // What a neighbour planted beside it shuts nobody out.
    for both in [format!("{forged}; {device}"), format!("{device}; {forged}")] {
        assert_eq!(with_cookie(&both).await.status, 200, "{both}");
    }
    under_https_the_browser_is_known_by_its_bound_cookie(world, &email, device, &forged).await;
}

async fn what_nobody_looked_at_counts_for_nothing(world: &World) {
    let (_, email) = account(world, Role::Viewer).await;
    let here = [192, 0, 2, 1];
    let (mut wrong, mut busy) = (0, 0);
    // An address has ten tries for an account, and 50 for all of them.
    while busy < 100 && wrong < 40 {
        let unknown: Vec<_> = (0..40)
            .map(|at| format!("{wrong}-{busy}-{at}@x.example"))
            .collect();
        let asked = unknown
            .iter()
            .map(|email| sign_in_from(world, here, email, "wrong"));
        for answer in futures_util::future::join_all(asked).await {
            match answer.status.as_u16() {
                503 => busy += 1,
                _ => wrong += 1,
            }
        }
    }
    assert!(busy > 50, "{busy} of {}", wrong + busy);
    let sign_ins = world.control.statistics().sign_ins;
    assert_eq!(sign_ins.unknown_accounts + sign_ins.too_many, wrong);
    assert_eq!(sign_ins.wrong_passwords, 0);
    if wrong < 50 {
        let right = sign_in_from(world, here, &email, PASSWORD).await;
        assert_eq!(right.status, 200);
    }
}

async fn who_hangs_up_has_not_guessed(world: &World) {
    let (_, email) = account(world, Role::Viewer).await;
    let here = [192, 0, 2, 1];
    for _ in 0..60 {
        let asked = std::pin::pin!(sign_in_from(world, here, &email, PASSWORD));
        tokio::select! {
            biased;
            _ = asked => panic!("it is answered already"),
            () = std::future::ready(()) => {}
        }
    }
    for _ in 0..9 {
        let wrong = sign_in_from(world, here, &email, "wrong horse").await;
        wrong.is_error(401, "invalid_credentials");
    }
    let right = sign_in_from(world, here, &email, PASSWORD).await;
    assert_eq!(right.status, 200);
}

/// Strangers try unknown accounts from many networks at once, until what is awaited is over.
async fn in_a_storm<T>(world: &World, awaited: impl Future<Output = T>) -> T {
    let stranger = async |number: u8| {
        for round in (0..=u8::MAX).cycle() {
            let from = [203, number % 8, round, number];
            let email = format!("{number}-{round}@x.example");
            sign_in_from(world, from, &email, "wrong").await;
            tokio::task::yield_now().await;
        }
    };
    let strangers = futures_util::future::join_all((0..120).map(stranger));
    tokio::select! {
        done = awaited => done,
        _ = strangers => panic!("the storm is over"),
    }
}

async fn in_a_storm_whoever_signed_in_before_and_a_quiet_address_get_in(world: &World) {
    let (_, email) = account(world, Role::Viewer).await;
    let home = [198, 51, 100, 1];
    let first = sign_in_from(world, home, &email, PASSWORD).await;
    let cookies: Vec<_> = first.headers.get_all("set-cookie").iter().collect();
    let device = cookies[1].to_str().unwrap().split(';').next().unwrap();
    let body = form(&email, PASSWORD);
    let with_cookie = async |from: [u8; 4]| {
        let headers = [("cookie", device)];
        let path = "/api/auth/sign-in";
        let request = request_with_body(&Method::POST, path, &headers, Some(&body));
        world.send_from(from, request).await.status.as_u16()
    };
    in_a_storm(world, async {
        for number in 0..5 {
            let known = sign_in_from(world, home, &email, PASSWORD).await;
            assert_eq!(known.status, 200, "a known address");
            // Even from where the storm comes.
            assert_eq!(
                with_cookie([203, 7, number, 7]).await,
                200,
                "a known browser"
            );
        }
        let mut tries = 0;
        while sign_in_from(world, [192, 0, 2, 9], &email, PASSWORD)
            .await
            .status
            != 200
        {
            tries += 1;
            assert!(tries < 5, "a quiet address gets in");
        }
    })
    .await;
}

async fn under_https_the_browser_is_known_by_its_bound_cookie(
    world: &World,
    email: &str,
    device: &str,
    forged: &str,
) {
    let router = under_https(world);
    let ask = async |cookie: String| {
        let request = Request::builder()
            .method(Method::POST)
            .uri("/api/auth/sign-in")
            .header("host", HTTPS_HOST)
            .header("content-type", "application/json")
            .header("cookie", cookie)
            .body(Body::from(form(email, PASSWORD).to_string()));
        let answer = router.clone().oneshot(request.unwrap()).await.unwrap();
        answer.status().as_u16()
    };
    // These requests come from nowhere, which is a place like another.
    for _ in 0..11 {
        sign_in_wrongly(&router, email).await;
    }
    assert_eq!(ask(String::new()).await, 429);
    assert_eq!(ask(device.to_owned()).await, 429);
    assert_eq!(ask(format!("{forged}; __Host-{device}")).await, 200);
}

async fn sign_in_wrongly(router: &axum::Router, email: &str) {
    let request = Request::builder()
        .method(Method::POST)
        .uri("/api/auth/sign-in")
        .header("host", HTTPS_HOST)
        .header("content-type", "application/json")
        .body(Body::from(form(email, "wrong horse battery").to_string()));
    router.clone().oneshot(request.unwrap()).await.unwrap();
}

async fn strangers_do_not_keep_anybody_from_changing_their_password(world: &World) {
    let (_, email) = account(world, Role::Viewer).await;
    let here = session(&sign_in(world, &email, PASSWORD).await);
    for _ in 0..60 {
        sign_in(world, &email, "wrong horse battery").await;
    }
    sign_in(world, &email, PASSWORD)
        .await
        .is_error(429, "too_many_attempts");
    let change = async |current: &str| {
        let new = "another horse battery";
        let body = json!({ "current_password": current, "new_password": new });
        world.post_as(&here, "/api/auth/password", &body).await
    };
    for _ in 0..9 {
        change("wrong horse battery")
            .await
            .is_error(422, "invalid_request");
    }
    assert_eq!(change(PASSWORD).await.status, 200);
}

async fn a_stolen_session_does_not_guess_the_password(world: &World) {
    let (_, email) = account(world, Role::Viewer).await;
    let here = session(&sign_in(world, &email, PASSWORD).await);
    let body = json!({ "current_password": "guess", "new_password": "another horse battery" });
    for _ in 0..10 {
        let answer = world.post_as(&here, "/api/auth/password", &body).await;
        answer.is_error(422, "invalid_request");
    }
    let answer = world.post_as(&here, "/api/auth/password", &body).await;
    answer.is_error(429, "too_many_attempts");
}

async fn a_right_password_starts_the_count_anew(world: &World) {
    let (_, email) = account(world, Role::Viewer).await;
    for _ in 0..3 {
        for _ in 0..9 {
            sign_in(world, &email, "wrong horse battery")
                .await
                .is_error(401, "invalid_credentials");
        }
        assert_eq!(sign_in(world, &email, PASSWORD).await.status, 200);
    }
}

async fn another_site_cannot_sign_its_visitor_in(world: &World) {
    let (_, email) = account(world, Role::Viewer).await;
    let ours = format!("http://{HOST}");
    for (headers, passes) in [
        ([("origin", "https://evil.example")], false),
        ([("sec-fetch-site", "cross-site")], false),
        ([("origin", ours.as_str())], true),
    ] {
        let path = "/api/auth/sign-in";
        let body = form(&email, PASSWORD);
        let request = request_with_body(&Method::POST, path, &headers, Some(&body));
        let answer = world.send(request).await;
        if passes {
            assert_eq!(answer.status, 200);
        } else {
            answer.is_error(403, "csrf_failed");
        }
    }
}

async fn signing_out_ends_the_session_and_everywhere_all_of_them(world: &World) {
    let (_, email) = account(world, Role::Viewer).await;
    let mut sessions = Vec::new();
    for _ in 0..3 {
        sessions.push(session(&sign_in(world, &email, PASSWORD).await));
    }
    let out = "/api/auth/sign-out";
    let answer = world.ask_as(&sessions[0], &Method::POST, out, None).await;
    assert_eq!(answer.status, 200);
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("reoclo_session=;") && cookie.contains("Max-Age=0"));
    let works = async |session: &Session| world.get_as(session, "/api/servers").await.status == 200;
    assert!(!works(&sessions[0]).await);
    assert!(works(&sessions[1]).await && works(&sessions[2]).await);
    world
        .post_as(&sessions[1], out, &json!({ "everywhere": true }))
        .await;
    assert!(!works(&sessions[1]).await && !works(&sessions[2]).await);
}

async fn signing_in_again_replaces_the_session(world: &World) {
    let (_, email) = account(world, Role::Viewer).await;
    let first = session(&sign_in(world, &email, PASSWORD).await);
    let cookie = first.cookie();
    let headers = [("cookie", cookie.as_str())];
    let body = form(&email, PASSWORD);
    let request = request_with_body(&Method::POST, "/api/auth/sign-in", &headers, Some(&body));
    let second = session(&world.send(request).await);
    assert_ne!(first.token, second.token);
    world
        .get_as(&first, "/api/servers")
        .await
        .is_error(401, "session_expired");
    assert_eq!(world.get_as(&second, "/api/servers").await.status, 200);
}

async fn a_session_that_rests_too_long_is_over(world: &World) {
    let (_, email) = account(world, Role::Viewer).await;
    let session = session(&sign_in(world, &email, PASSWORD).await);
    for _ in 0..3 {
        world.clock.advance(Duration::from_hours(23));
        assert_eq!(world.get_as(&session, "/api/servers").await.status, 200);
        world.control.write_session_uses().await;
    }
    world.clock.advance(Duration::from_hours(24));
    world
        .get_as(&session, "/api/servers")
        .await
        .is_error(401, "session_expired");
}

async fn a_password_is_changed_and_other_sessions_end(world: &World) {
    let (_, email) = account(world, Role::Viewer).await;
    let here = session(&sign_in(world, &email, PASSWORD).await);
    let there = session(&sign_in(world, &email, PASSWORD).await);
    let path = "/api/auth/password";
    let change =
        |current: &str, new: &str| json!({ "current_password": current, "new_password": new });
    for (body, field) in [
        (change("wrong", "another horse battery"), "current_password"),
        (change(PASSWORD, "short"), "new_password"),
        (change(PASSWORD, PASSWORD), "new_password"),
    ] {
        let answer = world.post_as(&here, path, &body).await;
        answer.is_error(422, "invalid_request");
        assert!(answer.body["fields"][field].is_string(), "{}", answer.body);
    }
    let body = change(PASSWORD, "another horse battery");
    let after = session(&world.post_as(&here, path, &body).await);
    for old in [&here, &there] {
        world
            .get_as(old, "/api/servers")
            .await
            .is_error(401, "session_expired");
    }
    assert_eq!(world.get_as(&after, "/api/servers").await.status, 200);
    sign_in(world, &email, PASSWORD)
        .await
        .is_error(401, "invalid_credentials");
    let again = sign_in(world, &email, "another horse battery").await;
    assert_eq!(again.status, 200);
}

async fn a_temporary_password_must_be_changed_and_expires(world: &World) {
    let (user, email) = account(world, Role::Admin).await;
    set_password(world, user, true).await;
    let answer = sign_in(world, &email, PASSWORD).await;
    assert_eq!(answer.body["user"]["must_change_password"], true);
    let first = session(&answer);
    world
        .get_as(&first, "/api/servers")
        .await
        .is_error(403, "password_change_required");
    let body = json!({ "current_password": PASSWORD, "new_password": "another horse battery" });
    let answer = world.post_as(&first, "/api/auth/password", &body).await;
    assert_eq!(answer.body["user"]["must_change_password"], false);
    let second = session(&answer);
    assert_eq!(world.get_as(&second, "/api/servers").await.status, 200);

    set_password(world, user, true).await;
    world.clock.advance(Duration::from_hours(1));
    sign_in(world, &email, PASSWORD)
        .await
        .is_error(401, "invalid_credentials");
}

async fn a_person_works_in_one_of_several_organizations(world: &World) {
    let (user, email) = account(world, Role::Viewer).await;
    let theirs = world.theirs.id;
    world
        .store()
        .create_member(theirs, user, Role::Manager, Vec::new())
        .await
        .unwrap();
    let answer = sign_in(world, &email, PASSWORD).await;
    assert_eq!(answer.body["organization"]["slug"], "ours");
    assert_eq!(answer.body["organizations"][1]["slug"], "theirs");
    let first = session(&answer);
    let to = async |session: &Session, name: &str| {
        let body = json!({ "organization": name });
        world.post_as(session, "/api/auth/switch", &body).await
    };
    to(&first, "nowhere").await.is_error(422, "invalid_request");
    let answer = to(&first, "theirs").await;
    assert_eq!(answer.body["organization"]["role"], "manager");
    let second = session(&answer);
    let servers = world.get_as(&second, "/api/servers").await;
    assert_eq!(servers.body[0]["id"], world.theirs.server.to_string());
    world
        .get_as(&first, "/api/servers")
        .await
        .is_error(401, "session_expired");

    let mut form = form(&email, PASSWORD);
    form["organization"] = json!(theirs.to_string());
    let answer = world.post("/api/auth/sign-in", None, &form).await;
    assert_eq!(answer.body["organization"]["slug"], "theirs");
    form["organization"] = json!("nowhere");
    let answer = world.post("/api/auth/sign-in", None, &form).await;
    answer.is_error(422, "invalid_request");
}

async fn sign_ins_are_in_the_audit_log(world: &World) {
    let (_, email) = account(world, Role::Viewer).await;
    sign_in(world, &email, "wrong horse battery").await;
    world.control.write_refused_uses(false).await;
    let session = session(&sign_in(world, &email, PASSWORD).await);
    world
        .ask_as(&session, &Method::POST, "/api/auth/sign-out", None)
        .await;
    let admin = world.session_of(&world.ours, world.ours.admin).await;
    let log = world.get_as(&admin, "/api/audit-logs").await;
    let rows: Vec<_> = log.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                row["action"].as_str().unwrap(),
                row["outcome"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("user.sign_out", "success"),
            ("user.sign_in", "success"),
            ("user.sign_in", "refused")
        ]
    );
    assert_eq!(log.body["items"][0]["actor_email"], email);
    assert!(!log.body.to_string().contains(&session.token));
}
