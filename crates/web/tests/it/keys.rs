use reoclo_domain::{AddressSourceId, Clock, Role};
use reoclo_store::AddressSourceRecord;
use reoclo_testkit::RealEntropy;

use crate::on_both_databases;
use crate::world::{Answer, Session, World};

on_both_databases!(
    an_integration_key_is_shown_once_and_works_until_it_is_revoked,
    an_automation_key_carries_what_the_form_says,
    what_is_wrong_is_told_beside_what_was_typed,
    cells_beyond_a_role_are_not_offered_and_refused,
    developers_see_their_own_keys_alone,
    replacing_revokes_and_duplicating_does_not,
    keys_are_found_by_search_and_status,
    the_organizations_maximum_is_held,
    built_operations_are_told_from_others,
    a_form_makes_one_key_however_often_it_is_sent,
    copies_and_successors_are_told_apart,
    credentials_are_chosen_and_never_all_by_leaving_them_out,
    published_lists_are_ticked_and_named,
);

const INTEGRATION: &str = "/api-keys/integration";
const AUTOMATION: &str = "/api-keys/automation";

async fn make(world: &World, session: &Session, label: &str) -> Answer {
    let fields = [
        ("label", label),
        ("preset", "full_access"),
        ("expires_in", "90d"),
    ];
    world.submit(session, INTEGRATION, &fields).await
}

/// Where the new key's page is.
fn place(made: &Answer) -> String {
    let (_, rest) = made
        .text
        .split_once("<div class=\"actions\"><a class=\"button\" href=\"")
        .unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

async fn an_integration_key_is_shown_once_and_works_until_it_is_revoked(world: &World) {
    let admin = world.session(&world.ours, Role::Admin).await;
    let made = make(world, &admin, "Claude Code MCP").await;
    made.says(201, "Store it now");
    made.says(201, "mcpServers");
    assert_eq!(made.header("cache-control"), "no-store");
    let (token, place) = (made.element("token"), place(&made));
    assert!(token.starts_with("rk_t_"));
    let unused = world.look(Some(&admin), &format!("{place}/revoke")).await;
    unused.says(200, "No use of it is on record");
    assert_eq!(world.status_with_key(token, "/api/servers").await, 200);
    world.control.write_key_uses(true).await;

    for path in [
        INTEGRATION,
        &place,
        "/audit-log",
        "/",
        &format!("{place}/revoke"),
    ] {
        let page = world.look(Some(&admin), path).await;
        page.says(200, "Claude Code MCP");
        page.lacks(token);
    }
    let confirm = world.look(Some(&admin), &format!("{place}/revoke")).await;
    confirm.says(200, "It is in use");
    confirm.says(200, "127.0.0.1");
    let revoked = world.submit(&admin, &format!("{place}/revoke"), &[]).await;
    revoked.leads_to(&format!("{place}?notice=key-revoked"));
    assert_eq!(world.status_with_key(token, "/api/servers").await, 401);
    let page = world
        .look(Some(&admin), &format!("{place}?notice=key-revoked"))
        .await;
    page.says(200, "The key is revoked");
    page.lacks("/revoke\"");
}

async fn an_automation_key_carries_what_the_form_says(world: &World) {
    let manager = world.session(&world.ours, Role::Manager).await;
    let server = world.ours.server.to_string();
    let fields = [
        ("name", "github-prod-deploy"),
        ("servers", "some"),
        ("server_ids", server.as_str()),
        ("operations", "exec"),
        ("operations", "restart"),
        ("expires_in", "30d"),
        ("ip_allowlist", " 203.0.113.7 \r\n\r\n10.0.0.0/8\r\n"),
        ("rate_limit_per_minute", "7"),
    ];
    let made = world.submit(&manager, AUTOMATION, &fields).await;
    made.says(201, "GitHub Actions");
    made.says(201, &server);
    assert!(made.element("token").starts_with("rca_"));
    let page = world.look(Some(&manager), &place(&made)).await;
    for text in [
        "Web 1 of ours",
        "exec",
        "restart",
        "203.0.113.7",
        "10.0.0.0/8",
        "7 requests",
    ] {
        page.says(200, text);
    }
    // The server's own choice counts, whatever else was ticked before.
    let all = [
        ("name", "all"),
        ("servers", "all"),
        ("server_ids", &server),
        ("operations", "exec"),
    ];
    let made = world.submit(&manager, AUTOMATION, &all).await;
    made.says(201, "All servers");
}

async fn what_is_wrong_is_told_beside_what_was_typed(world: &World) {
    let manager = world.session(&world.ours, Role::Manager).await;
    let fields = [
        ("name", "typed name"),
        ("servers", "some"),
        ("operations", "fly"),
        ("ip_allowlist", "10.0.0.0/8\nhome"),
        ("rate_limit_per_minute", "many"),
    ];
    let page = world.submit(&manager, AUTOMATION, &fields).await;
    page.says(422, "value=\"typed name\"");
    page.says(422, "Entry 2 is neither an address nor a network");
    page.says(
        422,
        "<a href=\"#server_ids\">Servers</a> must have at least one: tick a server",
    );
    page.lacks("all_servers");
    page.says(422, "must be from 1 to 10000");
    page.says(422, "<details class=\"fold\" open>");
    let nothing = [("label", ""), ("preset", "custom"), ("expires_in", "2d")];
    let page = world.submit(&manager, INTEGRATION, &nothing).await;
    page.says(422, "must have at least one: tick an action");
    page.lacks("{&#34;");
    page.lacks("[&#34;");
    page.says(422, "id=\"label-problem\"");
    page.says(422, "id=\"expires_in-problem\"");
}

async fn cells_beyond_a_role_are_not_offered_and_refused(world: &World) {
    let developer = world.session(&world.ours, Role::Developer).await;
    let form = world
        .look(Some(&developer), "/api-keys/integration/new")
        .await;
    form.says(200, "Your role, developer, does not have servers:write");
    form.says(200, "has a part of this");
    let fields = [
        ("label", "x"),
        ("preset", "custom"),
        ("expires_in", "30d"),
        ("cell", "servers:read"),
        ("cell", "servers:write"),
    ];
    let page = world.submit(&developer, INTEGRATION, &fields).await;
    page.says(
        422,
        "must not have servers:write: your role, developer, does not",
    );
    let made = world.submit(&developer, INTEGRATION, &fields[..4]).await;
    made.says(201, "Servers: read");
}

async fn developers_see_their_own_keys_alone(world: &World) {
    let developer = world.session(&world.ours, Role::Developer).await;
    let other = world.session(&world.ours, Role::Developer).await;
    let manager = world.session(&world.ours, Role::Manager).await;
    let made = make(world, &developer, "of the developer").await;
    world
        .look(Some(&manager), INTEGRATION)
        .await
        .says(200, "of the developer");
    world
        .look(Some(&other), INTEGRATION)
        .await
        .lacks("of the developer");
    world
        .look(Some(&other), &place(&made))
        .await
        .says(404, "There is nothing here");
    world
        .look(Some(&developer), INTEGRATION)
        .await
        .lacks("/api-keys/automation\"");
    let viewer = world.session(&world.ours, Role::Viewer).await;
    world.look(Some(&viewer), "/").await.lacks("/api-keys");
}

async fn replacing_revokes_and_duplicating_does_not(world: &World) {
    let admin = world.session(&world.ours, Role::Admin).await;
    let made = make(world, &admin, "rotated").await;
    let (first, place) = (made.element("token"), place(&made));
    let copy = world
        .submit(&admin, &format!("{place}/duplicate"), &[])
        .await;
    copy.says(201, "The duplicate is created");
    assert_eq!(world.status_with_key(first, "/api/servers").await, 200);
    let new = world.submit(&admin, &format!("{place}/replace"), &[]).await;
    new.says(201, "The old key is revoked");
    assert_eq!(world.status_with_key(first, "/api/servers").await, 401);
    assert_eq!(
        world
            .status_with_key(new.element("token"), "/api/servers")
            .await,
        200
    );
    let twice = world.submit(&admin, &format!("{place}/replace"), &[]).await;
    twice.says(409, "The key is revoked already");
}

async fn keys_are_found_by_search_and_status(world: &World) {
    let admin = world.session(&world.ours, Role::Admin).await;
    for label in ["alpha", "beta"] {
        make(world, &admin, label).await;
    }
    let found = world
        .look(
            Some(&admin),
            "/api-keys/integration?search=alp&status=active",
        )
        .await;
    found.says(200, ">alpha<");
    found.lacks(">beta<");
    let none = world
        .look(Some(&admin), "/api-keys/integration?status=revoked")
        .await;
    none.says(200, "No key fits");
}

async fn the_organizations_maximum_is_held(world: &World) {
    let admin = world.session(&world.ours, Role::Admin).await;
    let fields = [("name", "ours"), ("max_key_lifetime_days", "60")];
    world.submit(&admin, "/organization", &fields).await;
    let form = world.look(Some(&admin), "/api-keys/integration/new").await;
    form.says(200, "60 days at most");
    form.says(200, "value=\"90d\" disabled");
    let made = make(world, &admin, "too long").await;
    made.says(422, "is longer than the 60 days");
}

/// What the pages say of an operation is what its route does.
async fn built_operations_are_told_from_others(world: &World) {
    let admin = world.session(&world.ours, Role::Admin).await;
    let form = world.look(Some(&admin), "/api-keys/automation/new").await;
    let routes = [
        ("exec", "/api/automation/v1/exec"),
        ("deploy", "/api/automation/v1/deploy"),
        ("restart", "/api/automation/v1/restart"),
        ("reboot", "/api/automation/v1/reboot"),
        (
            "registry_login",
            "/api/automation/v1/registry-auth/login-direct",
        ),
        ("registry_logout", "/api/automation/v1/registry-auth/logout"),
    ];
    for (operation, path) in routes {
        let fields = [
            ("name", "x"),
            ("servers", "all"),
            ("operations", operation),
            ("credentials", "all"),
        ];
        let made = world.submit(&admin, AUTOMATION, &fields).await;
        let body = serde_json::json!({
            "server_id": world.ours.server.to_string(), "command": "true",
            "application_id": world.ours.server.to_string(),
            "registry_url": "registry.example", "username": "u", "access_token": "t",
        });
        let request = http::Request::builder()
            .method("POST")
            .uri(path)
            .header("host", crate::world::HOST)
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", made.element("token")));
        let body = axum::body::Body::from(body.to_string());
        let answer = world.answer(request.body(body).unwrap()).await;
        let (_, rest) = form
            .text
            .split_once(&format!("value=\"{operation}\""))
            .unwrap();
        let line = rest.split_once("</label>").unwrap().0;
        let says_not = line.contains("does not run it yet");
        assert_eq!(
            says_not,
            answer.status == 501,
            "{operation}: {}",
            answer.text
        );
    }
}

/// The mark of the last form on a page.
fn mark(page: &Answer) -> String {
    let (_, rest) = page.text.rsplit_once("name=\"once\" value=\"").unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

/// Loading the page of a new key again sends its form again; so does a second press.
async fn a_form_makes_one_key_however_often_it_is_sent(world: &World) {
    let admin = world.session(&world.ours, Role::Admin).await;
    let server = world.ours.server.to_string();
    for path in [INTEGRATION, AUTOMATION] {
        let page = world.look(Some(&admin), &format!("{path}/new")).await;
        let again = world.look(Some(&admin), &format!("{path}/new")).await;
        assert_ne!(mark(&page), mark(&again));
        let mark = mark(&page);
        let fields = [
            ("once", mark.as_str()),
            ("label", "only one"),
            ("name", "only one"),
            ("preset", "full_access"),
            ("expires_in", "90d"),
            ("server_ids", &server),
            ("operations", "exec"),
        ];
        let (one, two) = tokio::join!(
            world.submit(&admin, path, &fields),
            world.submit(&admin, path, &fields),
        );
        let (made, told) = if one.status == 201 {
            (one, two)
        } else {
            (two, one)
        };
        made.says(201, "Store it now");
        let place = place(&made);
        let reloaded = world.submit(&admin, path, &fields).await;
        for told in [told, reloaded] {
            told.says(200, "This form has made its key already");
            told.says(200, &format!("href=\"{place}\""));
            told.lacks(made.element("token"));
        }
        let list = world.look(Some(&admin), path).await;
        assert_eq!(list.text.matches(">only one</a>").count(), 1);
        // The mark is of no use to another organization.
        let stranger = world.session(&world.theirs, Role::Admin).await;
        let theirs = world.submit(&stranger, INTEGRATION, &fields[..5]).await;
        theirs.says(201, "only one");
        theirs.lacks(&place);

        for verb in ["duplicate", "replace"] {
            let (from, path) = match verb {
                "replace" => (format!("{place}/replace"), format!("{place}/replace")),
                _ => (place.clone(), format!("{place}/duplicate")),
            };
            let page = world.look(Some(&admin), &from).await;
            let once = [("once", self::mark(&page))];
            let once = once.each_ref().map(|(name, mark)| (*name, mark.as_str()));
            world
                .submit(&admin, &path, &once)
                .await
                .says(201, "Store it now");
            let told = world.submit(&admin, &path, &once).await;
            told.says(200, "This form has made its key already");
        }
        let list = world.look(Some(&admin), path).await;
        assert_eq!(list.text.matches(">only one</a>").count(), 3);
    }
}

async fn copies_and_successors_are_told_apart(world: &World) {
    let admin = world.session(&world.ours, Role::Admin).await;
    let developer = world.session(&world.ours, Role::Developer).await;
    let made = make(world, &developer, "of three").await;
    let (first, old) = (made.element("token")[..12].to_owned(), place(&made));
    let copied = world.submit(&admin, &format!("{old}/duplicate"), &[]).await;
    let page = world.look(Some(&admin), &place(&copied)).await;
    page.says(200, "<dt>Copy of</dt>");
    page.says(200, &format!("<a href=\"{old}\"><code>{}", &first[..9]));
    let new = world.submit(&admin, &format!("{old}/replace"), &[]).await;
    let page = world.look(Some(&admin), &place(&new)).await;
    page.says(200, "<dt>Replaces</dt>");
    let page = world.look(Some(&admin), &old).await;
    page.says(200, "<dt>Replaced by</dt>");
    page.says(200, &format!("href=\"{}\"", place(&new)));
    let list = world.look(Some(&admin), INTEGRATION).await;
    for word in ["Copy of", "Replaces", "Replaced by", "by Grace"] {
        list.says(200, word);
    }
    // Whose key it was learns of the other, and has no way into it.
    let page = world.look(Some(&developer), &old).await;
    page.says(200, "<dt>Replaced by</dt>");
    page.lacks(&place(&new));
}

async fn credentials_are_chosen_and_never_all_by_leaving_them_out(world: &World) {
    let admin = world.session(&world.ours, Role::Admin).await;
    let fields = [
        ("name", "signs in"),
        ("servers", "all"),
        ("operations", "registry_login"),
        ("credentials", "all"),
    ];
    let page = world.submit(&admin, AUTOMATION, &fields[..3]).await;
    page.says(
        422,
        "<a href=\"#registry_credential_ids\">Registry credentials</a> must have at least one: tick a credential, or allow all credentials",
    );
    let made = world.submit(&admin, AUTOMATION, &fields).await;
    made.says(201, "Store it now");
    let page = world.look(Some(&admin), &place(&made)).await;
    page.says(200, "<dt>Registry credentials</dt><dd>all</dd>");
    // Without the operation that they are for, nothing is asked.
    let fields = [("name", "x"), ("servers", "all"), ("operations", "exec")];
    let made = world.submit(&admin, AUTOMATION, &fields).await;
    made.says(201, "Store it now");
}

async fn published_lists_are_ticked_and_named(world: &World) {
    let admin = world.session(&world.ours, Role::Admin).await;
    let form = world.look(Some(&admin), "/api-keys/automation/new").await;
    form.says(200, "href=\"/api-keys/address-lists\"");
    let unknown = world.ours.server.to_string();
    let fields = [
        ("name", "runners"),
        ("servers", "all"),
        ("operations", "exec"),
        ("ip_allowlist_source_ids", unknown.as_str()),
    ];
    let page = world.submit(&admin, AUTOMATION, &fields).await;
    page.says(422, "is not an address list of this organization");
    page.says(422, "<details class=\"fold\" open>");

    let now = world.clock.now();
    let list = AddressSourceRecord {
        id: AddressSourceId::new(&*world.clock, &RealEntropy),
        organization: world.ours.id,
        name: "Runners <of> the forge".parse().unwrap(),
        url: "https://forge.example/networks".into(),
        field: None,
        entries: 1,
        revision: 1,
        checked_at: now,
        fetched_at: now,
        problem: None,
        created_at: now,
    };
    let id = list.id.to_string();
    let networks = vec!["203.0.113.0/24".parse().unwrap()];
    let added = world
        .store()
        .create_address_source(list, networks, Vec::new());
    added.await.unwrap();
    let form = world.look(Some(&admin), "/api-keys/automation/new").await;
    form.says(200, "Runners &#60;of&#62; the forge");
    let fields = [fields[0], fields[1], fields[2], (fields[3].0, id.as_str())];
    let made = world.submit(&admin, AUTOMATION, &fields).await;
    made.says(201, "Store it now");
    let page = world.look(Some(&admin), &place(&made)).await;
    page.says(200, "Runners &#60;of&#62; the forge</strong>");
    page.lacks("every address");
}
