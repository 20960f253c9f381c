//! The pages as a browser meets them, on both databases.
#![allow(clippy::unwrap_used, missing_docs)]
#![forbid(unsafe_code)]

mod account;
mod assets;
mod audit_logs;
mod escaping;
mod home;
mod keys;
mod matrix;
mod once;
mod operations;
mod organizations;
mod refusals;
mod registry_credentials;
mod servers;
mod session_queries;
mod templates;
mod too_often;
mod users;
mod walk;
mod world;

/// Runs each test of a module on SQLite and on PostgreSQL.
macro_rules! on_both_databases {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name(&crate::world::World::on(reoclo_testkit::database::sqlite()).await).await;
                }
            )+
        }

        mod postgres {
            $(
                #[tokio::test]
                async fn $name() {
                    let database = reoclo_testkit::database::postgres().await;
                    super::$name(&crate::world::World::on(database).await).await;
                }
            )+
        }
    };
}

use on_both_databases;
