use http::Method;
use reoclo_domain::Role;

use crate::on_both_databases;
use crate::world::{Answer, FORM, World, form};

on_both_databases!(
    a_sign_in_leads_only_to_our_own_pages,
    a_wrong_password_is_told_and_the_address_kept,
    signing_out_takes_the_session_away,
    refused_sign_ins_are_on_the_persons_own_page,
    the_sign_in_form_is_refused_to_other_sites,
    a_dead_set_up_link_is_told,
    an_invitation_says_where_to_and_joins,
);

const PASSWORD: &str = "correct horse battery";
const CHANGED: &str = "violet heron lamp 31";

/// Somebody with a password that an admin gave them.
async fn somebody(world: &World) -> String {
    let admin = world.session(&world.ours, Role::Admin).await;
    let fields = [
        ("email", "ada@example.com"),
        ("name", "Ada"),
        ("role", "viewer"),
    ];
    let invited = world.submit(&admin, "/users", &fields).await;
    join(world, invited.element("link"), PASSWORD)
        .await
        .leads_to("/sign-in?notice=joined");
    let list = world.look(Some(&admin), "/users?search=ada@example").await;
    let (_, rest) = list.text.split_once("href=\"/users/").unwrap();
    let (_, rest) = rest.split_once("<a class=\"title\" href=\"").unwrap();
    let place = rest.split_once('"').unwrap().0;
    let reset = format!("{place}/reset-password");
    let reset = world.submit(&admin, &reset, &[]).await;
    reset.element("password").to_owned()
}

async fn join(world: &World, link: &str, password: &str) -> Answer {
    let token = link.split_once("token=").unwrap().1;
    let fields = [("token", token), ("name", "Ada"), ("password", password)];
    world
        .send(Method::POST, "/invitation", None, &FORM, form(&fields))
        .await
}

async fn an_invitation_says_where_to_and_joins(world: &World) {
    let admin = world.session(&world.ours, Role::Admin).await;
    let fields = [
        ("email", "ada@example.com"),
        ("name", "Ada"),
        ("role", "viewer"),
    ];
    let invited = world.submit(&admin, "/users", &fields).await;
    invited.says(201, "Pass it on now");
    let link = invited.element("link").to_owned();
    let page = link.split_once("/invitation").unwrap().1;
    let page = world.look(None, &format!("/invitation{page}")).await;
    page.says(200, "Choose a password that only you know");
    assert_eq!(page.header("referrer-policy"), "strict-origin");
    join(world, &link, "short")
        .await
        .says(422, "must have 12 to 200 characters");
    join(world, &link, PASSWORD)
        .await
        .leads_to("/sign-in?notice=joined");
    join(world, &link, PASSWORD)
        .await
        .says(422, "This link is not open");
    sign_in(world, PASSWORD, "/").await.leads_to("/");
}

async fn sign_in(world: &World, password: &str, next: &str) -> Answer {
    let fields = [
        ("email", "ada@example.com"),
        ("password", password),
        ("next", next),
    ];
    world
        .send(Method::POST, "/sign-in", None, &FORM, form(&fields))
        .await
}

async fn a_sign_in_leads_only_to_our_own_pages(world: &World) {
    let temporary = somebody(world).await;
    let first = sign_in(world, &temporary, "/servers").await;
    first.leads_to("/password");
    let cookie = first.header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"));
    let token = cookie.split(['=', ';']).nth(1).unwrap();
    let page = send_with_cookie(world, Method::GET, token, String::new()).await;
    let (_, rest) = page.split_once("name=\"csrf_token\" value=\"").unwrap();
    let csrf = rest.split_once('"').unwrap().0;
    let fields = [
        ("csrf_token", csrf),
        ("current_password", &temporary),
        ("new_password", CHANGED),
    ];
    send_with_cookie(world, Method::POST, token, form(&fields)).await;
    for (next, place) in [
        ("/servers", "/servers"),
        ("/audit-log?action=x", "/audit-log?action=x"),
        ("https://evil.example", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("", "/"),
    ] {
        sign_in(world, CHANGED, next).await.leads_to(place);
    }
}

async fn refused_sign_ins_are_on_the_persons_own_page(world: &World) {
    let temporary = somebody(world).await;
    let first = sign_in(world, &temporary, "/").await;
    let token = first.header("set-cookie").split(['=', ';']).nth(1).unwrap();
    let page = send_with_cookie(world, Method::GET, token, String::new()).await;
    assert!(!page.contains("Refused sign-ins"));
    for _ in 0..3 {
        sign_in(world, "wrong horse battery", "/").await;
    }
    world.control.write_refused_uses(false).await;
    let page = send_with_cookie(world, Method::GET, token, String::new()).await;
    assert!(page.contains("Refused sign-ins"));
    assert!(page.contains("<code>127.0.0.1</code></td><td data-name=\"Tries\">3</td>"));
    let other = world.session(&world.ours, Role::Admin).await;
    let theirs = world.look(Some(&other), "/password").await;
    theirs.lacks("Refused sign-ins");
}

async fn send_with_cookie(world: &World, method: Method, token: &str, body: String) -> String {
    let cookie = format!("reoclo_session={token}");
    let headers = [FORM[0], FORM[1], ("cookie", cookie.as_str())];
    let answer = world.send(method, "/password", None, &headers, body).await;
    assert!(!answer.status.is_client_error(), "{}", answer.text);
    answer.text
}

async fn a_wrong_password_is_told_and_the_address_kept(world: &World) {
    somebody(world).await;
    let answer = sign_in(world, "wrong horse battery", "/servers").await;
    answer.says(401, "The e-mail address or the password is not right.");
    answer.says(401, "value=\"ada@example.com\"");
    answer.says(401, "value=\"/servers\"");
    assert!(answer.headers.get("set-cookie").is_none());
}

async fn signing_out_takes_the_session_away(world: &World) {
    for (fields, place) in [
        (&[][..], "/sign-in?notice=signed-out"),
        (
            &[("everywhere", "yes")],
            "/sign-in?notice=signed-out-everywhere",
        ),
    ] {
        let session = world.session(&world.ours, Role::Viewer).await;
        let out = world.submit(&session, "/sign-out", fields).await;
        out.leads_to(place);
        assert!(out.header("set-cookie").starts_with("reoclo_session=;"));
        world.look(Some(&session), "/").await.leads_to("/sign-in");
        world
            .look(None, place)
            .await
            .says(200, "You are signed out");
    }
}

async fn the_sign_in_form_is_refused_to_other_sites(world: &World) {
    let fields = form(&[("email", "a@b"), ("password", "x")]);
    for path in ["/sign-in", "/setup"] {
        for headers in [&FORM[..1], &[FORM[0], ("origin", "https://evil.example")]] {
            let answer = world
                .send(Method::POST, path, None, headers, fields.clone())
                .await;
            assert_eq!(answer.status, 403);
        }
    }
}

async fn a_dead_set_up_link_is_told(world: &World) {
    let page = world.look(None, "/setup?token=rsu_x").await;
    page.says(422, "This link is not open");
    page.lacks("Create the admin account");
    // Forms have an Origin, and nobody is told the link.
    assert_eq!(page.header("referrer-policy"), "strict-origin");
    let fields = form(&[
        ("token", "rsu_x"),
        ("name", "Ada"),
        ("email", "ada@example.com"),
        ("password", PASSWORD),
    ]);
    let answer = world
        .send(Method::POST, "/setup", None, &FORM, fields)
        .await;
    answer.says(422, "This link is not open");
    answer.lacks(PASSWORD);
}
