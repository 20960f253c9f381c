//! The one-time set-up link.

use std::time::Duration;

use reoclo_control::Startup;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::world::World;

const SETUP: &str = "/api/auth/setup";

const STARTUP: Startup = Startup {
    server: None,
    begun: None,
};

on_both_databases!(
    a_link_that_was_never_made_completes_nothing,
    unknown_fields_are_refused_by_name,
    without_an_open_link_nothing_else_is_looked_at,
);

fn form(token: &str) -> Value {
    json!({ "token": token, "name": "Ada", "email": "ada@example.com", "password": "correct horse battery" })
}

async fn a_link_that_was_never_made_completes_nothing(world: &World) {
    let made = reoclo_domain::PlainToken::generate(
        reoclo_domain::TokenKind::Setup,
        &reoclo_testkit::RealEntropy,
    );
    for token in ["", "nonsense", made.expose()] {
        let answer = world.post(SETUP, None, &form(token)).await;
        answer.is_error(422, "invalid_request");
        assert!(answer.body["fields"]["token"].is_string());
    }
}

async fn unknown_fields_are_refused_by_name(world: &World) {
    let mut form = form("x");
    form["role"] = json!("admin");
    let answer = world.post(SETUP, None, &form).await;
    answer.is_error(422, "invalid_request");
    assert!(answer.body["fields"]["role"].is_string(), "{}", answer.body);
}

async fn without_an_open_link_nothing_else_is_looked_at(world: &World) {
    let mut form = form("x");
    form["email"] = json!("ada");
    let answer = world.post(SETUP, None, &form).await;
    answer.is_error(422, "invalid_request");
    let fields = answer.body["fields"].as_object().unwrap();
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["token"]);
}

mod on_a_fresh_instance {
    use std::sync::Arc;

    use reoclo_control::{Control, Drain, Settings};
    use reoclo_store::{Store, StoreOptions};
    use reoclo_testkit::database::{Database, postgres, sqlite};
    use reoclo_testkit::{ManualClock, RealEntropy};

    use super::*;

    /// A control plane before its first start.
    async fn fresh(database: &Database) -> (Control, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::default());
        let options = StoreOptions {
            clock: clock.clone(),
            ..database.options()
        };
        let store = Store::open(options).await.unwrap();
        let settings = Settings::new("http://127.0.0.1:7676");
        let control = Control::new(
            store,
            clock.clone(),
            Arc::new(RealEntropy),
            settings,
            Drain::new(),
        );
        (control, clock)
    }

    async fn the_link_works_once_and_for_a_day(database: Database) {
        let (control, clock) = fresh(&database).await;
        let startup = STARTUP;
        let first = control.instance().start_up(&startup).await.unwrap();
        assert!(
            control
                .instance()
                .mint_first_keys(&first, None)
                .await
                .unwrap()
                .is_some()
        );
        let stale = first.setup_token.unwrap();
        let later = control.instance().start_up(&startup).await.unwrap();
        assert_eq!(later.organization.id, first.organization.id);
        let again = control
            .instance()
            .mint_first_keys(&later, None)
            .await
            .unwrap();
        assert!(again.is_none(), "the first keys are made once");
        let link = later.setup_token.unwrap();

        assert!(
            complete(&control, stale.expose()).await.is_err(),
            "a replaced link is dead"
        );
        clock.advance(Duration::from_secs(24 * 60 * 60 - 1));
        assert!(complete(&control, link.expose()).await.is_ok());
        assert!(
            complete(&control, link.expose()).await.is_err(),
            "a link works once"
        );
        let done = control.instance().start_up(&startup).await.unwrap();
        assert!(done.setup_token.is_none() && done.pending_admin.is_none());
    }

    async fn a_link_that_is_not_open_costs_no_hash(database: Database) {
        let (control, clock) = fresh(&database).await;
        let started = control.instance().start_up(&STARTUP).await.unwrap();
        let link = started.setup_token.unwrap();
        let unknown = reoclo_domain::PlainToken::generate(
            reoclo_domain::TokenKind::Setup,
            &reoclo_testkit::RealEntropy,
        );
        let refused = |token: String| {
            let control = control.clone();
            async move {
                let many = (0..200).map(|_| {
                    let (control, token) = (control.clone(), token.clone());
                    tokio::spawn(async move { complete(&control, &token).await })
                });
                for answer in many.collect::<Vec<_>>() {
                    let refusal = answer.await.unwrap().unwrap_err();
                    // A hash would have had a place in the line, which has fewer than these.
                    assert_eq!(refusal.code(), reoclo_domain::ErrorCode::InvalidRequest);
                }
            }
        };
        refused(unknown.expose().to_owned()).await;
        clock.advance(Duration::from_hours(24));
        refused(link.expose().to_owned()).await;
        let renewed = control.instance().start_up(&STARTUP).await.unwrap();
        let renewed = renewed.setup_token.unwrap();
        complete(&control, renewed.expose()).await.unwrap();
        refused(renewed.expose().to_owned()).await;
    }

    async fn wrong_fields_are_named_and_keep_the_link(database: Database) {
        let (control, _) = fresh(&database).await;
        let started = control.instance().start_up(&STARTUP).await.unwrap();
        let token = started.setup_token.unwrap();
        for (field, value) in [("name", " "), ("email", "ada"), ("password", "short")] {
            let mut form = form_with(token.expose());
            match field {
                "name" => form.name = value.into(),
                "email" => form.email = value.into(),
                _ => form.password = reoclo_domain::Secret::new(value),
            }
            let source = reoclo_control::RequestSource::default();
            match control.setup().complete(form, source).await.unwrap_err() {
                reoclo_control::Refusal::InvalidRequest(invalid) => {
                    assert!(invalid.fields().contains_key(field));
                }
                other => panic!("{other}"),
            }
        }
        complete(&control, token.expose()).await.unwrap();
    }

    async fn an_old_link_has_expired(database: Database) {
        let (control, clock) = fresh(&database).await;
        let started = control.instance().start_up(&STARTUP).await.unwrap();
        clock.advance(Duration::from_hours(24));
        assert!(
            complete(&control, started.setup_token.unwrap().expose())
                .await
                .is_err()
        );
    }

    async fn complete(control: &Control, token: &str) -> Result<(), reoclo_control::Refusal> {
        control
            .setup()
            .complete(form_with(token), reoclo_control::RequestSource::default())
            .await
            .map(|_| ())
    }

    fn form_with(token: &str) -> reoclo_control::SetupForm {
        reoclo_control::SetupForm {
            token: reoclo_domain::Secret::new(token),
            name: "Ada".into(),
            email: "ada@example.com".into(),
            password: reoclo_domain::Secret::new("correct horse battery"),
        }
    }

    #[tokio::test]
    async fn sqlite_a_link_that_is_not_open_costs_no_hash() {
        a_link_that_is_not_open_costs_no_hash(sqlite()).await;
    }

    #[tokio::test]
    async fn postgres_a_link_that_is_not_open_costs_no_hash() {
        a_link_that_is_not_open_costs_no_hash(postgres().await).await;
    }

    #[tokio::test]
    async fn sqlite_wrong_fields_are_named_and_keep_the_link() {
        wrong_fields_are_named_and_keep_the_link(sqlite()).await;
    }

    #[tokio::test]
    async fn postgres_wrong_fields_are_named_and_keep_the_link() {
        wrong_fields_are_named_and_keep_the_link(postgres().await).await;
    }

    #[tokio::test]
    async fn sqlite_the_link_works_once_and_for_a_day() {
        the_link_works_once_and_for_a_day(sqlite()).await;
    }

    #[tokio::test]
    async fn postgres_the_link_works_once_and_for_a_day() {
        the_link_works_once_and_for_a_day(postgres().await).await;
    }

    #[tokio::test]
    async fn sqlite_an_old_link_has_expired() {
        an_old_link_has_expired(sqlite()).await;
    }

    #[tokio::test]
    async fn postgres_an_old_link_has_expired() {
        an_old_link_has_expired(postgres().await).await;
    }
}
