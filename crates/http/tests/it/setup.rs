//! The one-time set-up link.

use std::time::Duration;

use reoclo_control::Startup;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::world::World;

const SETUP: &str = "/api/auth/setup";

on_both_databases!(
    a_link_that_was_never_made_completes_nothing,
    unknown_fields_are_refused_by_name,
    wrong_fields_are_named_and_keep_the_link,
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

async fn wrong_fields_are_named_and_keep_the_link(world: &World) {
    for (field, value) in [("name", " "), ("email", "ada"), ("password", "short")] {
        let mut form = form("x");
        form[field] = json!(value);
        let answer = world.post(SETUP, None, &form).await;
        answer.is_error(422, "invalid_request");
        assert!(answer.body["fields"][field].is_string(), "{}", answer.body);
    }
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
        let startup = Startup { server: None };
        let first = control.start_up(&startup).await.unwrap();
        assert!(
            control
                .mint_first_keys(&first, None)
                .await
                .unwrap()
                .is_some()
        );
        let stale = first.setup_token.unwrap();
        let later = control.start_up(&startup).await.unwrap();
        assert_eq!(later.organization.id, first.organization.id);
        let again = control.mint_first_keys(&later, None).await.unwrap();
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
        let done = control.start_up(&startup).await.unwrap();
        assert!(done.setup_token.is_none() && done.pending_admin.is_none());
    }

    async fn an_old_link_has_expired(database: Database) {
        let (control, clock) = fresh(&database).await;
        let started = control.start_up(&Startup { server: None }).await.unwrap();
        clock.advance(Duration::from_hours(24));
        assert!(
            complete(&control, started.setup_token.unwrap().expose())
                .await
                .is_err()
        );
    }

    async fn complete(control: &Control, token: &str) -> Result<(), reoclo_control::Refusal> {
        let form = reoclo_control::SetupForm {
            token: reoclo_domain::Secret::new(token),
            name: "Ada".into(),
            email: "ada@example.com".into(),
            password: reoclo_domain::Secret::new("correct horse battery"),
        };
        control
            .complete_setup(form, reoclo_control::RequestSource::default())
            .await
            .map(|_| ())
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
