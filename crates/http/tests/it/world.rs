//! Two organizations, with keys of every kind and state, behind a real router.

mod operations;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::request::Builder;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use reoclo_control::{Control, Drain, Settings};
use reoclo_domain::{
    Acl, AutomationKeyId, AutomationScope, Clock, IntegrationKeyId, KeyLife, OperationKind,
    OperationKinds, OrganizationId, PlainToken, Preset, RegistryCredentialId, Role, Scope,
    ServerId, SessionId, Slug, TokenKind, UserId,
};
use reoclo_http::{AppState, ConnectionInfo, Hosts, Route, TrustedProxies, api};
use reoclo_store::{
    AutomationKeyRecord, IntegrationKeyRecord, KeyRef, NewKey, NewOrganization, NewServer,
    NewSession, NewUser, SessionsEnded, Store, StoreOptions,
};
use reoclo_testkit::database::Database;
use reoclo_testkit::{ManualClock, RealEntropy};
use serde_json::Value;
use tower::ServiceExt;

use crate::registry;

pub(crate) const HOST: &str = "127.0.0.1:7676";

/// A control plane with two organizations.
pub(crate) struct World {
    pub(crate) router: Router,
    pub(crate) routes: Vec<Route>,
    pub(crate) control: Control,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) ours: Organization,
    pub(crate) theirs: Organization,
    _database: Database,
}

/// An organization with one server, its admin, and a key of each kind of theirs.
pub(crate) struct Organization {
    pub(crate) id: OrganizationId,
    pub(crate) server: ServerId,
    pub(crate) admin: UserId,
    pub(crate) viewer: UserId,
    pub(crate) registry_credential: RegistryCredentialId,
    /// Keys that nobody has.
    pub(crate) integration_key: IntegrationKeyId,
    pub(crate) automation_key: AutomationKeyId,
}

/// A signed-in person.
pub(crate) struct Session {
    pub(crate) user: UserId,
    pub(crate) token: String,
    pub(crate) csrf: String,
}

impl Session {
    /// What the browser sends.
    pub(crate) fn cookie(&self) -> String {
        format!("reoclo_session={}", self.token)
    }
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
            _database: database,
        }
    }

    pub(crate) fn store(&self) -> &Store {
        self.control.store()
    }

    /// An integration key of somebody with `role`.
    pub(crate) async fn integration_key(
        &self,
        of: &Organization,
        preset: Preset,
        role: Role,
    ) -> String {
        let user = self.person(of, role).await;
        self.integration_key_of(of, preset, user).await.0
    }

    pub(crate) async fn integration_key_of(
        &self,
        of: &Organization,
        preset: Preset,
        creator: UserId,
    ) -> (String, KeyRef) {
        let (key, token) = integration_record(&*self.clock, of.id, preset, creator);
        let id = KeyRef::Integration(key.id);
        self.store()
            .create_integration_key(key, token.hash(), Vec::new())
            .await
            .unwrap();
        (token.expose().into(), id)
    }

    /// Somebody new with `role`, signed in.
    pub(crate) async fn session(&self, of: &Organization, role: Role) -> Session {
        let user = self.person(of, role).await;
        self.session_of(of, user).await
    }

    pub(crate) async fn session_of(&self, of: &Organization, user: UserId) -> Session {
        let token = PlainToken::generate(TokenKind::Session, &RealEntropy);
        let now = self.clock.now();
        let session = NewSession {
            id: SessionId::new(&*self.clock, &RealEntropy),
            token: token.hash(),
            user,
            organization: of.id,
            created_at: now,
            expires_at: now.plus(Duration::from_hours(10)),
            ip: None,
            user_agent: None,
        };
        self.store()
            .create_session(
                session,
                None,
                now.minus(Duration::from_hours(24)),
                Vec::new(),
            )
            .await
            .unwrap();
        Session {
            user,
            token: token.expose().into(),
            csrf: token.csrf_token().expose().into(),
        }
    }

    pub(crate) async fn sign_out(&self, session: &Session) {
        self.store()
            .end_sessions(session.user, SessionsEnded::All, Vec::new())
            .await
            .unwrap();
    }

    /// Asks as the page of a person who is signed in.
    pub(crate) async fn ask_as(
        &self,
        session: &Session,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> Answer {
        let (cookie, origin) = (session.cookie(), format!("http://{HOST}"));
        let headers = [
            ("cookie", cookie.as_str()),
            ("origin", origin.as_str()),
            ("x-csrf-token", session.csrf.as_str()),
        ];
        self.send(request_with_body(method, path, &headers, body))
            .await
    }

    pub(crate) async fn get_as(&self, session: &Session, path: &str) -> Answer {
        self.ask_as(session, &Method::GET, path, None).await
    }

    pub(crate) async fn post_as(&self, session: &Session, path: &str, body: &Value) -> Answer {
        self.ask_as(session, &Method::POST, path, Some(body)).await
    }

    pub(crate) async fn person(&self, of: &Organization, role: Role) -> UserId {
        let user = new_user(&*self.clock);
        let id = user.id;
        self.store()
            .create_user(user, of.id, role, Vec::new())
            .await
            .unwrap();
        id
    }

    /// Somebody whose password was given to them.
    pub(crate) async fn newcomer(&self, of: &Organization, role: Role) -> UserId {
        let mut user = new_user(&*self.clock);
        user.temporary_until = Some(self.clock.now().plus(Duration::from_hours(1)));
        let id = user.id;
        self.store()
            .create_user(user, of.id, role, Vec::new())
            .await
            .unwrap();
        id
    }

    /// An automation key for all servers with `operations`.
    pub(crate) async fn automation_key(
        &self,
        of: &Organization,
        operations: &[OperationKind],
    ) -> (String, KeyRef) {
        self.automation_key_for(of, operations, Scope::All).await
    }

    pub(crate) async fn automation_key_for(
        &self,
        of: &Organization,
        operations: &[OperationKind],
        servers: Scope<ServerId>,
    ) -> (String, KeyRef) {
        let operations: OperationKinds = operations.iter().copied().collect();
        let scope = AutomationScope {
            servers,
            operations,
            registry_credentials: Scope::All,
        };
        self.automation_key_with(of, scope, &[]).await
    }

    /// A key for all servers that may ask `limit` times a minute.
    pub(crate) async fn limited_key(
        &self,
        of: &Organization,
        operations: &[OperationKind],
        limit: u32,
    ) -> String {
        let scope = AutomationScope {
            servers: Scope::All,
            operations: operations.iter().copied().collect(),
            registry_credentials: Scope::All,
        };
        self.new_automation_key(of, scope, &[], limit).await.0
    }

    pub(crate) async fn automation_key_with(
        &self,
        of: &Organization,
        scope: AutomationScope,
        ip_allowlist: &[&str],
    ) -> (String, KeyRef) {
        self.new_automation_key(of, scope, ip_allowlist, 10_000)
            .await
    }

    async fn new_automation_key(
        &self,
        of: &Organization,
        scope: AutomationScope,
        ip_allowlist: &[&str],
        rate_limit_per_minute: u32,
    ) -> (String, KeyRef) {
        let (mut key, token) = automation_record(&*self.clock, of.id, of.admin, scope);
        let networks = ip_allowlist.iter();
        key.ip_allowlist = networks.map(|network| network.parse().unwrap()).collect();
        key.rate_limit_per_minute = rate_limit_per_minute;
        let id = KeyRef::Automation(key.id);
        self.store()
            .create_automation_key(key, token.hash(), Vec::new())
            .await
            .unwrap();
        (token.expose().into(), id)
    }

    pub(crate) async fn expire(&self, of: &Organization, key: KeyRef) {
        let now = Some(self.clock.now());
        assert!(
            self.store()
                .set_key_expiry(of.id, key, now, Vec::new())
                .await
                .unwrap()
        );
        self.clock.advance(Duration::from_secs(1));
    }

    pub(crate) async fn revoke(&self, of: &Organization, key: KeyRef) {
        let revoked = self
            .store()
            .revoke_key(of.id, key, self.clock.now(), Vec::new())
            .await;
        assert!(revoked.unwrap());
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
        let response = self.open(request).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    /// An answer whose body is still to be read.
    pub(crate) async fn open(&self, mut request: Request<Body>) -> Response<Body> {
        let local: SocketAddr = HOST.parse().unwrap();
        let peer = SocketAddr::from(([127, 0, 0, 1], 50_000));
        request
            .extensions_mut()
            .insert(ConnectionInfo { peer, local });
        self.router.clone().oneshot(request).await.unwrap()
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
        integration_key: integration.0,
        automation_key: automation.0,
    }
}

fn integration_record(
    clock: &dyn Clock,
    organization: OrganizationId,
    preset: Preset,
    creator: UserId,
) -> (IntegrationKeyRecord, PlainToken) {
    let token = PlainToken::generate(TokenKind::Integration, &RealEntropy);
    let key = IntegrationKeyRecord {
        id: IntegrationKeyId::new(clock, &RealEntropy),
        organization,
        label: "test".into(),
        prefix: token.display_prefix().into(),
        preset,
        creator,
        life: KeyLife::new(clock.now(), None),
        created_at: clock.now(),
    };
    (key, token)
}

fn automation_record(
    clock: &dyn Clock,
    organization: OrganizationId,
    creator: UserId,
    scope: AutomationScope,
) -> (AutomationKeyRecord, PlainToken) {
    let token = PlainToken::generate(TokenKind::Automation, &RealEntropy);
    let key = AutomationKeyRecord {
        id: AutomationKeyId::new(clock, &RealEntropy),
        organization,
        name: "test".into(),
        prefix: token.display_prefix().into(),
        scope,
        ip_allowlist: Vec::new(),
        rate_limit_per_minute: 100,
        creator,
        life: KeyLife::new(clock.now(), None),
        created_at: clock.now(),
    };
    (key, token)
}

fn new_user(clock: &dyn Clock) -> NewUser {
    let id = UserId::new(clock, &RealEntropy);
    NewUser {
        id,
        email: Some(format!("{id}@people.example")),
        name: Some(format!("Person {id}")),
        password_hash: None,
        temporary_until: None,
        created_at: clock.now(),
    }
}

/// Every cell but `without`.
pub(crate) fn all_but(without: reoclo_domain::Cell) -> Preset {
    Preset::Custom(Acl::all().without(without))
}
