//! The surfaces of the binary in this process, with one route more that takes no credential.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use reoclo_api_types::ServerBody;
use reoclo_control::{Control, HostFacts, ServerRecord};
use reoclo_domain::{
    IntegrationKeyId, KeyLife, OrganizationId, PlainToken, Preset, ServerId, TokenKind,
};
use reoclo_http::{
    AppState, ConnectionLimits, Doc, Front, Hosts, Listener, Public, Registrar, TrustedProxies,
    api, serve,
};
use reoclo_store::{IntegrationKeyRecord, NewServer};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::ambient;
use crate::database::Database;

/// Where the list is that takes no credential.
pub(super) const OPEN_PATH: &str = "/bench/servers";
const SERVERS: usize = 10;

/// A running server with a key for it.
pub(super) struct Service {
    host: String,
    key: PlainToken,
    database: Database,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Service {
    /// Starts it on a new database with some servers.
    pub(super) async fn start(directory: &Path) -> Result<Self> {
        let database = Database::create(directory).await?;
        for number in 1..SERVERS {
            add_server(&database, number).await?;
        }
        let key = create_key(&database).await?;
        let listener = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0)), None).await?;
        let host = listener.local_addr().to_string();
        let hosts = Hosts::of_public_url(&format!("http://{host}"));
        let hosts = hosts.context("the address is no host")?;
        let state = AppState::new(database.control(), hosts, TrustedProxies::default());
        let organization = database.organization;
        let router = api(state, |registrar| open(registrar, organization)).router;
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(async move {
            let stopped = async {
                // Also when the sender is gone.
                let _ = stopped.await;
            };
            let limits = ConnectionLimits::default();
            let front = Front::new(limits, TrustedProxies::default(), ambient::clock());
            serve(listener, router, front, stopped).await;
        });
        Ok(Self {
            host,
            key,
            database,
            stop,
            serving,
        })
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn key(&self) -> &str {
        self.key.expose()
    }

    pub(super) async fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.serving.await;
        self.database.store.close().await;
    }
}

/// Adds the list without a credential.
fn open(registrar: Registrar, organization: OrganizationId) -> Registrar {
    let list = move |_: Public, State(control): State<Control>| async move {
        answer(&control, organization).await
    };
    registrar.unlisted_get(OPEN_PATH, Doc::new("The servers, to anybody."), list)
}

/// What the authorized handler does once it has its proof.
async fn answer(control: &Control, organization: OrganizationId) -> Response {
    let Ok(servers) = control.store().servers(organization).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let bodies: Vec<ServerBody> = servers.into_iter().map(body).collect();
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    match serde_json::to_vec(&bodies) {
        Ok(bytes) => (headers, bytes).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// As the authorized handler writes it; the answers are compared.
fn body(server: ServerRecord) -> ServerBody {
    let facts = server.facts;
    let fact = |of: fn(&HostFacts) -> String| facts.as_ref().map(of);
    ServerBody {
        id: server.id.to_string(),
        slug: server.slug,
        name: server.name,
        hostname: fact(|facts| facts.hostname.clone()).unwrap_or_default(),
        public_ip: server.public_ip,
        status: server.status.as_str().into(),
        runner_version: server.runner_version,
        connection_type: "runner".into(),
        cpu_cores: facts.as_ref().map(|facts| facts.cpu_cores),
        ram_mb: facts.as_ref().map(|facts| facts.ram_mb),
        disk_gb: facts.as_ref().map(|facts| facts.disk_gb),
        os: fact(|facts| facts.os.clone()),
        kernel: fact(|facts| facts.kernel.clone()),
        architecture: fact(|facts| facts.architecture.clone()),
        docker_version: facts
            .as_ref()
            .and_then(|facts| facts.docker_version.clone()),
        last_seen_at: server.last_seen_at.map(|at| at.to_string()),
        created_at: server.created_at.to_string(),
        machines: Vec::new(),
    }
}

async fn add_server(database: &Database, number: usize) -> Result<()> {
    let (store, clock) = (&database.store, &*database.clock);
    let name = format!("web-{number}");
    let server = NewServer {
        id: ServerId::new(clock, &*database.entropy),
        organization: database.organization,
        slug: name.parse()?,
        name: name.parse()?,
        created_at: clock.now(),
    };
    let id = server.id;
    store.create_server(server, None, vec![]).await?;
    let facts = HostFacts {
        hostname: format!("{name}.internal"),
        os: "Debian GNU/Linux 13".into(),
        kernel: "6.12.0".into(),
        architecture: "x86_64".into(),
        cpu_cores: 4,
        ram_mb: 8192,
        disk_gb: 80,
        docker_version: Some("28.0.0".into()),
    };
    let ip = Some("203.0.113.7".to_owned());
    let told = store.record_facts(id, facts, "0.1.0".into(), ip, clock.now());
    Ok(told.await?)
}

async fn create_key(database: &Database) -> Result<PlainToken> {
    let Database { clock, entropy, .. } = database;
    let token = PlainToken::generate(TokenKind::Integration, &**entropy);
    let key = IntegrationKeyRecord {
        id: IntegrationKeyId::new(&**clock, &**entropy),
        organization: database.organization,
        label: "laptop".into(),
        prefix: token.display_prefix().into(),
        preset: Preset::ReadOnly,
        creator: database.admin,
        life: KeyLife::new(clock.now(), None),
        created_at: clock.now(),
    };
    let store = &database.store;
    store
        .create_integration_key(key, token.hash(), vec![])
        .await?;
    Ok(token)
}
