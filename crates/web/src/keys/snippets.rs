//! What a new key is pasted into, with the real address and the real key.

mod automation;
mod script;
mod target;

use reoclo_control::{KeyRecord, ServerRecord};
use reoclo_domain::{Preset, Reach};

use automation::automation;

/// Something to paste.
pub(super) struct Snippet {
    pub(super) title: &'static str,
    /// What must be known before it is used.
    pub(super) notes: Vec<String>,
    pub(super) text: String,
}

pub(super) fn snippets(
    key: &KeyRecord,
    url: &str,
    token: &str,
    servers: &[ServerRecord],
) -> Vec<Snippet> {
    let mut snippets = match key {
        KeyRecord::Integration(key) => integration(key.preset, url, token),
        KeyRecord::Automation(key) => automation(key, url, token, servers),
    };
    if let Some(hindrance) = Reach::of(url).hindrance(url) {
        for snippet in &mut snippets {
            snippet.notes.insert(0, format!("{hindrance}."));
        }
    }
    snippets
}

fn integration(preset: Preset, url: &str, token: &str) -> Vec<Snippet> {
    let reads_servers = preset.acl().contains(reoclo_domain::Cell::SERVERS_READ);
    let path = if reads_servers {
        "/api/servers"
    } else {
        "/api/keys/self"
    };
    let mcp = "The MCP server, npm package @reoclo/theta, is not published yet. This is what its \
               configuration will be: until then, use the key over HTTP, as under curl.";
    vec![
        Snippet {
            title: "curl",
            notes: Vec::new(),
            text: format!("curl -H \"Authorization: Bearer {token}\" \\\n  {url}{path}"),
        },
        Snippet {
            title: "Claude Code / Cursor / VS Code",
            notes: vec![mcp.to_owned()],
            text: mcp_servers(url, token),
        },
    ]
}

fn mcp_servers(url: &str, token: &str) -> String {
    format!(
        r#"{{
  "mcpServers": {{
    "reoclo": {{
      "command": "npx",
      "args": ["-y", "@reoclo/theta"],
      "env": {{
        "REOCLO_API_URL": "{url}",
        "REOCLO_API_KEY": "{token}"
      }}
    }}
  }}
}}"#
    )
}
