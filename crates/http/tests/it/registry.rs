//! Registry credentials and logins, as far as they go without a runner.

mod connection;
mod credentials;
mod logins;

/// Values that are no address of a registry.
fn hostile_registries() -> Vec<String> {
    let corpus = include_str!("../../../testkit/corpus/hostile_registries.json");
    serde_json::from_str(corpus).unwrap()
}
