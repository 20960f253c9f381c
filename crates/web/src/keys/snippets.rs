//! What a new key is pasted into, with the real address and the real key.

use reoclo_control::{AutomationKeyRecord, KeyRecord, ServerRecord};
use reoclo_domain::{Preset, Scope};

/// Something to paste.
pub(super) struct Snippet {
    pub(super) title: &'static str,
    /// What must be known before it is used.
    pub(super) note: Option<&'static str>,
    pub(super) text: String,
}

pub(super) fn snippets(
    key: &KeyRecord,
    url: &str,
    token: &str,
    servers: &[ServerRecord],
) -> Vec<Snippet> {
    match key {
        KeyRecord::Integration(key) => integration(key.preset, url, token),
        KeyRecord::Automation(key) => automation(url, token, &server_id(key, servers)),
    }
}

fn integration(preset: Preset, url: &str, token: &str) -> Vec<Snippet> {
    let reads_servers = preset.acl().contains(reoclo_domain::Cell::SERVERS_READ);
    let path = if reads_servers {
        "/api/servers"
    } else {
        "/api/keys/self"
    };
    vec![
        Snippet {
            title: "curl",
            note: None,
            text: format!("curl -H \"Authorization: Bearer {token}\" \\\n  {url}{path}"),
        },
        Snippet {
            title: "Claude Code / Cursor / VS Code",
            note: Some(
                "The MCP server, npm package @reoclo/theta, is not published yet. This is what its \
                 configuration will be: until then, use the key over HTTP, as under curl.",
            ),
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

fn automation(url: &str, token: &str, server: &str) -> Vec<Snippet> {
    vec![
        Snippet {
            title: "curl",
            note: None,
            text: curl(url, token, server),
        },
        Snippet {
            title: "GitHub Actions",
            note: Some(
                "The action reoclo/run is not published yet: until it is, run the curl command as \
                 a step. Store the key as the secret REOCLO_API_KEY of the repository.",
            ),
            text: github(url, server),
        },
        Snippet {
            title: "GitLab CI",
            note: Some("Store the key as the masked variable REOCLO_API_KEY of the project."),
            text: gitlab(url, server),
        },
    ]
}

fn curl(url: &str, token: &str, server: &str) -> String {
    format!(
        r#"curl -X POST {url}/api/automation/v1/exec \
  -H "Authorization: Bearer {token}" \
  -H "Content-Type: application/json" \
  -d '{{
    "server_id": "{server}",
    "command": "docker compose up -d",
    "timeout_seconds": 300
  }}'"#
    )
}

fn github(url: &str, server: &str) -> String {
    format!(
        r"steps:
  - name: Build and deploy
    uses: reoclo/run@v1
    with:
      api_url: {url}
      api_key: ${{{{ secrets.REOCLO_API_KEY }}}}
      server_id: {server}
      working_directory: /opt/deploy/workspace
      command: |
        docker compose build
        docker compose up -d
      timeout: 600"
    )
}

fn gitlab(url: &str, server: &str) -> String {
    format!(
        r#"deploy:
  image: curlimages/curl:latest
  script:
    - |
      curl --fail-with-body -X POST {url}/api/automation/v1/exec \
        -H "Authorization: Bearer $REOCLO_API_KEY" \
        -H "Content-Type: application/json" \
        -d '{{"server_id": "{server}", "command": "docker compose up -d", "timeout_seconds": 300}}'"#
    )
}

/// A server that the key may touch, or where its id goes.
fn server_id(key: &AutomationKeyRecord, servers: &[ServerRecord]) -> String {
    let found = match &key.scope.servers {
        Scope::All => servers.first().map(|server| server.id),
        Scope::Only(ids) => ids.first().copied(),
    };
    found.map_or_else(|| "your-server-id".to_owned(), |id| id.to_string())
}
