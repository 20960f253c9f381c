//! Forms that show something once do their work once.

use reoclo_domain::Role;

use crate::on_both_databases;
use crate::world::{Answer, Session, World, new_user};

on_both_databases!(
    a_form_adds_one_server_however_often_it_is_sent,
    a_form_makes_one_install_command,
    a_form_invites_once_and_makes_one_link,
    a_form_gives_one_password,
    of_two_that_come_at_once_one_does_its_work,
    what_was_refused_can_be_sent_again,
);

/// The mark of the first form on a page.
#[track_caller]
fn mark(page: &Answer) -> String {
    let (_, rest) = page.text.split_once("name=\"once\" value=\"").unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

/// Looks at a page, and answers the mark of its forms.
async fn mark_on(world: &World, session: &Session, path: &str) -> String {
    mark(&world.look(Some(session), path).await)
}

async fn a_form_adds_one_server_however_often_it_is_sent(world: &World) {
    let admin = world.session(&world.ours, Role::Admin).await;
    let once = mark_on(world, &admin, "/servers/new").await;
    let fields = [("name", "Build 7"), ("once", once.as_str())];
    let added = world.submit(&admin, "/servers", &fields).await;
    added.says(201, "--token ren_");
    for _ in 0..2 {
        let again = world.submit(&admin, "/servers", &fields).await;
        again.says(200, "This form has added its server already");
        again.lacks("--token ren_");
    }
    let servers = world.look(Some(&admin), "/servers").await;
    servers.says(200, "build-7");
    servers.lacks("build-7-2");
    let again = world.submit(&admin, "/servers", &fields).await;
    let (_, rest) = again.text.split_once("href=\"/servers/0").unwrap();
    let id = rest.split_once('"').unwrap().0;
    let server = world.look(Some(&admin), &format!("/servers/0{id}")).await;
    server.says(200, "Build 7");
    // Another page is another form, and another organization does not know it.
    let other = mark_on(world, &admin, "/servers/new").await;
    assert_ne!(other, once);
    let fields = [("name", "Build 7"), ("once", other.as_str())];
    let added = world.submit(&admin, "/servers", &fields).await;
    added.says(201, "build-7-2");
    let theirs = world.session(&world.theirs, Role::Admin).await;
    let added = world.submit(&theirs, "/servers", &fields).await;
    added.says(201, "--token ren_");
}

async fn a_form_makes_one_install_command(world: &World) {
    let admin = world.session(&world.ours, Role::Admin).await;
    let added = world.submit(&admin, "/servers", &[("name", "waits")]).await;
    added.says(201, "--token ren_");
    let once = mark_on(world, &admin, "/servers/waits").await;
    let (path, fields) = ("/servers/waits/enrolment-token", [("once", once.as_str())]);
    let renewed = world.submit(&admin, path, &fields).await;
    renewed.says(201, "--token ren_");
    let again = world.submit(&admin, path, &fields).await;
    again.says(200, "This form has made its command already");
    again.lacks("--token ren_");
    let log = world.look(Some(&admin), "/audit-log?action=enrolment.create");
    assert_eq!(
        log.await
            .text
            .matches("<code>enrolment.create</code>")
            .count(),
        1
    );
}

async fn a_form_invites_once_and_makes_one_link(world: &World) {
    let admin = world.session(&world.ours, Role::Admin).await;
    let once = mark_on(world, &admin, "/users/new").await;
    let fields = |email| {
        [
            ("email", email),
            ("name", "Ada"),
            ("role", "viewer"),
            ("once", once.as_str()),
        ]
    };
    let invite = |email| {
        let (fields, admin) = (fields(email), &admin);
        async move { world.submit(admin, "/users", &fields).await }
    };
    invite("ada@people.example")
        .await
        .says(201, "/invitation?token=");
    for email in ["ada@people.example", "eve@people.example"] {
        let again = invite(email).await;
        again.says(200, "This form has invited its person already");
        again.lacks("/invitation?token=");
    }
    let users = world.look(Some(&admin), "/users").await;
    users.lacks("eve@people.example");
    // All links of a page have its mark, and are told apart.
    world
        .submit(
            &admin,
            "/users",
            &[
                ("email", "bob@people.example"),
                ("name", "Bob"),
                ("role", "viewer"),
            ],
        )
        .await
        .says(201, "/invitation?token=");
    let users = world.look(Some(&admin), "/users").await;
    let once = mark(&users);
    let paths: Vec<&str> = users
        .text
        .split("action=\"")
        .filter_map(|rest| rest.split_once('"'))
        .map(|(path, _)| path)
        .filter(|path| path.ends_with("/link"))
        .collect();
    assert_eq!(paths.len(), 2);
    for path in paths {
        let fields = [("once", once.as_str())];
        let renewed = world.submit(&admin, path, &fields).await;
        renewed.says(200, "/invitation?token=");
        let again = world.submit(&admin, path, &fields).await;
        again.says(200, "This form has made its link already");
        again.lacks("/invitation?token=");
    }
}

async fn a_form_gives_one_password(world: &World) {
    let admin = world.session(&world.ours, Role::Admin).await;
    let ada = new_user(&*world.clock, "Ada");
    let ada = world.session_as(&world.ours, ada, Role::Viewer).await;
    let page = format!("/users/{}", ada.user);
    let once = mark_on(world, &admin, &page).await;
    let (path, fields) = (format!("{page}/reset-password"), [("once", once.as_str())]);
    let reset = world.submit(&admin, &path, &fields).await;
    reset.says(200, "id=\"password\"");
    let password = reset.element("password").to_owned();
    let again = world.submit(&admin, &path, &fields).await;
    again.says(200, "This form has given its password already");
    again.lacks(&password);
    again.says(200, &format!("href=\"{page}\""));
    let log = world.look(Some(&admin), "/audit-log?action=user.password_reset");
    let rows = log
        .await
        .text
        .matches("<code>user.password_reset</code>")
        .count();
    assert_eq!(rows, 1);
}

async fn of_two_that_come_at_once_one_does_its_work(world: &World) {
    let admin = world.session(&world.ours, Role::Admin).await;
    let once = mark_on(world, &admin, "/servers/new").await;
    let fields = [("name", "Twice"), ("once", once.as_str())];
    let sent = (0..8).map(|_| world.submit(&admin, "/servers", &fields));
    let answers = futures_util::future::join_all(sent).await;
    let added = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(added, 1);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.says(200, "This form has added its server already");
    }
    world.look(Some(&admin), "/servers").await.lacks("twice-2");
}

async fn what_was_refused_can_be_sent_again(world: &World) {
    let admin = world.session(&world.ours, Role::Admin).await;
    let once = mark_on(world, &admin, "/servers/new").await;
    let wrong = [("name", ""), ("once", once.as_str())];
    let refused = world.submit(&admin, "/servers", &wrong).await;
    refused.says(422, "must not be empty");
    let taken = [("name", "x"), ("slug", "web-1"), ("once", once.as_str())];
    let refused = world.submit(&admin, "/servers", &taken).await;
    refused.says(409, "there is a server with the slug web-1 already");
    let right = [("name", "Right"), ("once", once.as_str())];
    let added = world.submit(&admin, "/servers", &right).await;
    added.says(201, "--token ren_");
}
