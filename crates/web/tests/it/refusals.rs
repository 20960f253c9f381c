use http::Method;
use reoclo_domain::Role;

use crate::on_both_databases;
use crate::world::{FORM, World, form};

on_both_databases!(
    a_page_that_is_not_there_says_so_in_html,
    programs_get_json_wherever_they_ask,
    the_way_back_is_kept_and_is_ours,
    the_api_takes_no_forms,
    a_person_is_told_what_their_role_lacks,
    whoever_is_signed_in_keeps_the_navigation,
    a_form_of_an_old_tab_has_a_reason_of_its_own,
);

async fn a_person_is_told_what_their_role_lacks(world: &World) {
    let viewer = world.session(&world.ours, Role::Viewer).await;
    let refused = world.look(Some(&viewer), "/servers/new").await;
    refused.says(403, "Your role does not have servers:write.");
    refused.lacks("use a key");
}

async fn a_page_that_is_not_there_says_so_in_html(world: &World) {
    let session = world.session(&world.ours, Role::Viewer).await;
    let answer = world
        .look(Some(&session), "/%3Cscript%3Ealert(1)%3C/script%3E")
        .await;
    assert!(answer.header("content-type").starts_with("text/html"));
    answer.says(404, "There is nothing here");
    answer.lacks("<script>alert");
    assert!(answer.text.contains(answer.header("x-request-id")));
    let post = world
        .send(
            Method::DELETE,
            "/servers",
            Some(&session),
            &[],
            String::new(),
        )
        .await;
    post.says(405, "That is not how this page is used");
}

async fn programs_get_json_wherever_they_ask(world: &World) {
    for path in ["/api/servers", "/mcp/auth/me", "/api/automation/v1/nothing"] {
        let answer = world.look(None, path).await;
        assert_eq!(answer.header("content-type"), "application/json", "{path}");
    }
    let plain = [("accept", "*/*")];
    let mut request = http::Request::builder()
        .uri("/servers")
        .header("host", crate::world::HOST);
    request = request.header(plain[0].0, plain[0].1);
    let answer = world
        .answer(request.body(axum::body::Body::empty()).unwrap())
        .await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("content-type"), "application/json");
}

async fn the_way_back_is_kept_and_is_ours(world: &World) {
    let answer = world.look(None, "/audit-log?action=key.create&x=%22").await;
    answer.leads_to("/sign-in?next=%2Faudit-log%3Faction%3Dkey.create%26x%3D%2522");
    world.look(None, "/").await.leads_to("/sign-in");
    let page = world.look(None, "/sign-in?next=https://evil.example").await;
    page.lacks("evil.example");
}

/// A form's token is no proof for a route of the API, and a form is no body of one.
async fn the_api_takes_no_forms(world: &World) {
    let admin = world.session(&world.ours, Role::Admin).await;
    let body = form(&[("csrf_token", &admin.csrf), ("name", "Web 2")]);
    for path in [
        "/api/servers",
        "/api/integration-keys",
        "/api/users",
        "/api/auth/switch",
    ] {
        let plain = world.send(Method::POST, path, Some(&admin), &FORM, body.clone());
        assert_eq!(plain.await.status, 403, "{path}");
        let headers = [FORM[0], FORM[1], ("x-csrf-token", &admin.csrf)];
        let marked = world.send(Method::POST, path, Some(&admin), &headers, body.clone());
        assert_eq!(marked.await.status, 415, "{path}");
    }
}

/// From a page that is not there, or not theirs, people go on; strangers are shown nothing.
async fn whoever_is_signed_in_keeps_the_navigation(world: &World) {
    let viewer = world.session(&world.ours, Role::Viewer).await;
    for (path, status) in [
        ("/no/such/page", 404),
        ("/servers/no-such-server", 404),
        ("/servers/new", 403),
        ("/api-keys/automation/new", 403),
    ] {
        let page = world.look(Some(&viewer), path).await;
        page.says(status, "<nav class=\"nav\"");
        page.says(status, "<a href=\"/servers\"");
        page.says(status, "action=\"/sign-out\"");
        // What their role lacks is not offered there either.
        page.lacks("<a href=\"/api-keys\"");
    }
    let stranger = world.look(None, "/no/such/page").await;
    stranger.says(404, "There is nothing here");
    stranger.lacks("<nav");
    // A form that was refused leads on as well.
    let refused = world.submit(&viewer, "/servers", &[("name", "x")]).await;
    refused.says(403, "<nav class=\"nav\"");
}

async fn a_form_of_an_old_tab_has_a_reason_of_its_own(world: &World) {
    let (ours, theirs) = (&world.ours, &world.theirs);
    let before = world.session(ours, Role::Admin).await;
    let now = world.signed_in(ours, before.user).await;
    let page = world.look(Some(&before), "/servers").await;
    page.says(200, &format!("name=\"page_of\" value=\"{}\"", ours.id));
    let send = async |of: &str| {
        let fields = [
            ("csrf_token", before.csrf.as_str()),
            ("page_of", of),
            ("name", "New"),
        ];
        let path = "/organization";
        world
            .send(Method::POST, path, Some(&now), &FORM, form(&fields))
            .await
    };
    let outdated = send(&ours.id.to_string()).await;
    outdated.says(403, "This page is out of date");
    outdated.says(403, "opened before you signed in again");
    let elsewhere = send(&theirs.id.to_string()).await;
    elsewhere.says(403, "This page is out of date");
    elsewhere.says(403, "This form is of a page of another organization");
    for of in ["", "x", "<b>"] {
        send(of)
            .await
            .says(403, "did not show that this form came from");
    }
    // Whoever is in one organization is not sent to look in another.
    let missing = world.look(Some(&now), "/servers/none-such").await;
    missing.says(404, "There is nothing here");
    missing.lacks("another organization of yours");
    let store = world.control.store();
    let joined = store.create_member(theirs.id, before.user, Role::Admin, Vec::new());
    joined.await.unwrap();
    let switched = world.signed_in(theirs, before.user).await;
    let of = ours.id.to_string();
    let fields = [("csrf_token", before.csrf.as_str()), ("page_of", &of)];
    let (method, session) = (Method::POST, Some(&switched));
    let body = form(&fields);
    let refused = world.send(method, "/organization", session, &FORM, body);
    refused
        .await
        .says(403, "This form is of a page of another organization");
    let missing = world.look(session, "/servers/none-such").await;
    missing.says(404, "another organization of yours");
}
