//! The server that a snippet names.

use reoclo_control::{AutomationKeyRecord, ServerRecord};
use reoclo_domain::ServerStatus;

/// A server of the key's scope, or where its id goes.
pub(super) struct Target {
    pub(super) id: String,
    /// What stands in the way of using it now.
    pub(super) note: Option<String>,
}

impl Target {
    /// One that is connected, if the key reaches such a one.
    pub(super) fn of(key: &AutomationKeyRecord, servers: &[ServerRecord]) -> Self {
        let in_scope = |server: &&ServerRecord| {
            key.scope.servers.contains(&server.id) && server.status != ServerStatus::Decommissioned
        };
        let connected = |server: &&ServerRecord| server.status == ServerStatus::Active;
        let mut found = servers.iter().filter(in_scope);
        if let Some(server) = found.clone().find(connected) {
            return Self {
                id: server.id.to_string(),
                note: None,
            };
        }
        match found.next() {
            Some(server) => Self {
                id: server.id.to_string(),
                note: Some(format!(
                    "The runner of {} is not connected, nor is that of any other server that the \
                     key may use: until it is, the request is refused.",
                    server.name
                )),
            },
            None => Self {
                id: "your-server-id".into(),
                note: Some(
                    "The key reaches no server yet: put a server's id in place of your-server-id."
                        .into(),
                ),
            },
        }
    }
}
