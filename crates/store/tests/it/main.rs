//! The contract of the store: what every method does, on both engines.
//!
//! A test is written once, generic over its fixture, and runs as `…::sqlite::…` and
//! `…::postgres::…`.
#![allow(clippy::unwrap_used)]

mod fixture;

/// Runs each test on each engine.
macro_rules! contract {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::fixture::Fixture::sqlite().await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::fixture::Fixture::postgres().await).await;
            })+
        }
    };
}

mod address_sources;
mod audit;
mod crash;
mod data_dir;
mod keys;
mod metrics;
mod open;
mod operation_days;
mod operations;
mod organizations;
mod registry_credentials;
mod servers;
mod sessions;
mod setup;
mod users;
mod writer;
