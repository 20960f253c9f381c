//! Two organizations, with keys of every kind and state, behind a real router.

mod keys;
mod operations;
mod people;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::request::Builder;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use reoclo_control::{Control, Drain, Settings};
use reoclo_domain::{
    AddressSourceId, AutomationKeyId, AutomationScope, IntegrationKeyId, OperationKinds,
    OrganizationId, Preset, RegistryCredentialId, Role, Scope, ServerId, Slug, UserId, counted,
};
use reoclo_http::{AppState, ConnectionInfo, Hosts, Route, TrustedProxies, api};
use reoclo_store::{NewKey, NewOrganization, NewServer, Store, StoreOptions};
use reoclo_testkit::database::Database;
use reoclo_testkit::{ManualClock, RealEntropy};
use serde_json::Value;
use tower::ServiceExt;

use crate::{address_sources, registry};
pub(crate) use keys::all_but;
use keys::{automation_record, integration_record};
pub(crate) use people::Session;
use people::new_user;

pub(crate) const HOST: &str = "127.0.0.1:7676";

/// A control plane with two organizations.
pub(crate) struct World {
    pub(crate) router: Router,
    pub(crate) routes: Vec<Route>,
    pub(crate) control: Control,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) ours: Organization,
    pub(crate) theirs: Organization,
    pub(crate) database: Database,
}

/// An organization with one server, its admin, and a key of each kind of theirs.
pub(crate) struct Organization {
    pub(crate) id: OrganizationId,
    pub(crate) server: ServerId,
    pub(crate) admin: UserId,
    pub(crate) viewer: UserId,
    pub(crate) registry_credential: RegistryCredentialId,
    pub(crate) address_source: AddressSourceId,
    /// Keys that nobody has.
    pub(crate) integration_key: IntegrationKeyId,
    pub(crate) automation_key: AutomationKeyId,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// Asserts an error with everything that every error has.
    #[track_caller]
    pub(crate) fn is_error(&self, status: u16, code: &str) {
        assert_eq!(
            (self.status.as_u16(), self.code()),
            (status, code),
            "{}",
            self.body
        );
        assert!(self.body["detail"].is_string());
        let id = self.headers["x-request-id"].to_str().unwrap();
        assert_eq!(self.body["request_id"], id);
        assert_eq!(self.headers["content-type"], "application/json");
        self.tells_when_to_come_again();
    }

    /// Whoever asked too often is told in seconds, in the header, the body and the sentence.
    #[track_caller]
    fn tells_when_to_come_again(&self) {
        if self.status != StatusCode::TOO_MANY_REQUESTS {
            return;
        }
        let header = self.headers["retry-after"].to_str().unwrap();
        let seconds: u64 = header.parse().unwrap();
        assert!((1..=900).contains(&seconds), "{seconds}");
        assert_eq!(self.body["retry_after"], seconds);
        let detail = self.body["detail"].as_str().unwrap();
        assert!(
            detail.contains(&format!("try again in {}", counted(seconds, "second"))),
            "{detail}"
        );
    }
}

impl World {
    pub(crate) async fn on(database: Database) -> Self {
        Self::with(database, |_| {}).await
    }

    pub(crate) async fn with(database: Database, change: impl FnOnce(&mut Settings)) -> Self {
        let clock = Arc::new(ManualClock::default());
        let options = StoreOptions {
            clock: clock.clone(),
            ..database.options()
        };
        let store = Store::open(options).await.unwrap();
        let mut settings = Settings::new(format!("http://{HOST}"));
        // What a test itself serves.
        settings.sign_in_delay = std::time::Duration::from_millis(1);
        // Runners are asked when a test asks: one that answers with a status of 2 MiB loses its link
        // by it, and does not come back.
        settings.dispatch.metrics_interval = std::time::Duration::from_hours(24);
        settings.allowed_outbound = vec!["127.0.0.1/32".parse().unwrap()];
        change(&mut settings);
        let control = Control::new(
            store,
            clock.clone(),
            Arc::new(RealEntropy),
            settings,
            Drain::new(),
        );
        let hosts = Hosts::of_public_url(&format!("http://{HOST}")).unwrap();
        let state = AppState::new(control.clone(), hosts, TrustedProxies::default());
        let surfaces = api(state, |registrar| registrar);
        let ours = organization(&control, "ours").await;
        let theirs = organization(&control, "theirs").await;
        let (router, routes) = (surfaces.router, surfaces.routes);
        Self {
            router,
            routes,
            control,
            clock,
            ours,
            theirs,
            database,
        }
    }

    pub(crate) fn store(&self) -> &Store {
        self.control.store()
    }

    pub(crate) async fn get(&self, path: &str, token: Option<&str>) -> Answer {
        self.ask(&Method::GET, path, token, None).await
    }

    pub(crate) async fn post(&self, path: &str, token: Option<&str>, body: &Value) -> Answer {
        self.ask(&Method::POST, path, token, Some(body)).await
    }

    pub(crate) async fn ask(
        &self,
        method: &Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", HOST);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        self.send(with_body(request, body)).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        answer(self.open(request).await).await
    }

    /// The answer to somebody at another address.
    pub(crate) async fn send_from(&self, ip: [u8; 4], request: Request<Body>) -> Answer {
        answer(self.open_from(ip, request).await).await
    }

    /// An answer whose body is still to be read.
    pub(crate) async fn open(&self, request: Request<Body>) -> Response<Body> {
        self.open_from([127, 0, 0, 1], request).await
    }

    async fn open_from(&self, ip: [u8; 4], mut request: Request<Body>) -> Response<Body> {
        let local: SocketAddr = HOST.parse().unwrap();
        let peer = SocketAddr::from((ip, 50_000));
        request
            .extensions_mut()
            .insert(ConnectionInfo { peer, local });
        self.router.clone().oneshot(request).await.unwrap()
    }
}

async fn answer(response: Response<Body>) -> Answer {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Answer {
        status: parts.status,
        headers: parts.headers,
        body,
    }
}

pub(crate) fn request_with_body(
    method: &Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> Request<Body> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", HOST);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    with_body(request, body)
}

fn with_body(request: Builder, body: Option<&Value>) -> Request<Body> {
    let request = match body {
        Some(body) => request
            .header("content-type", "application/json")
            .body(Body::from(body.to_string())),
        None => request.body(Body::empty()),
    };
    request.unwrap()
}

async fn organization(control: &Control, name: &str) -> Organization {
    let (store, clock) = (control.store(), control.clock());
    let id = OrganizationId::new(clock, &RealEntropy);
    let created_at = clock.now();
    let organization = NewOrganization {
        id,
        slug: name.into(),
        name: name.into(),
        created_at,
    };
    store
        .create_organization(organization, Vec::new())
        .await
        .unwrap();
    let admin = new_user(clock);
    let admin_id = admin.id;
    store
        .create_user(admin, id, Role::Admin, Vec::new())
        .await
        .unwrap();
    let viewer = new_user(clock);
    let viewer_id = viewer.id;
    store
        .create_user(viewer, id, Role::Viewer, Vec::new())
        .await
        .unwrap();
    let server = NewServer {
        id: ServerId::new(clock, &RealEntropy),
        organization: id,
        slug: "web-1".parse::<Slug>().unwrap(),
        name: format!("web 1 of {name}").parse().unwrap(),
        created_at,
    };
    let server_id = server.id;
    store.create_server(server, None, Vec::new()).await.unwrap();
    let (integration, token) = integration_record(clock, id, Preset::FullAccess, admin_id);
    let integration = (
        integration.id,
        NewKey::Integration(integration, token.hash()),
    );
    let scope = AutomationScope {
        servers: Scope::All,
        operations: OperationKinds::all(),
        registry_credentials: Scope::All,
    };
    let (automation, token) = automation_record(clock, id, admin_id, scope);
    let automation = (automation.id, NewKey::Automation(automation, token.hash()));
    let keys = vec![integration.1, automation.1];
    store.create_keys(keys, Vec::new()).await.unwrap();
    Organization {
        id,
        server: server_id,
        admin: admin_id,
        viewer: viewer_id,
        registry_credential: registry::kept(store, clock, id).await,
        address_source: address_sources::kept(store, clock, id, &["192.0.2.0/24"]).await,
        integration_key: integration.0,
        automation_key: automation.0,
    }
}
