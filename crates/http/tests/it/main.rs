//! The surfaces as a client meets them, on both databases.
#![allow(clippy::unwrap_used, missing_docs)]
#![forbid(unsafe_code)]

mod address_sources;
mod audit_chain;
mod audit_logs;
mod audit_names;
mod changes;
mod edge;
mod exec;
mod hostile_runner;
mod identity;
mod keys_automation;
mod keys_integration;
mod keys_life;
mod keys_property;
mod late_answers;
mod one_caller;
mod operation_cancel;
mod operation_output;
mod operation_wait;
mod operations;
mod organizations;
mod planned;
mod rate;
mod reboot;
mod refused_use;
mod registry;
mod server_exec;
mod server_health;
mod servers;
mod sessions;
mod setup;
mod snapshots;
mod unknown_tokens;
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
