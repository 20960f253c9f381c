//! Two organizations behind a real router with the pages, and browsers that look at them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use reoclo_control::{Control, Drain, Settings};
use reoclo_domain::{
    Clock, OrganizationId, PlainToken, Role, Secret, ServerId, SessionId, Slug, TokenKind, UserId,
};
use reoclo_http::{AppState, ConnectionInfo, Hosts, Route, TrustedProxies, api};
use reoclo_store::{
    DatabaseAddress, NewOrganization, NewServer, NewSession, NewUser, Store, StoreOptions,
};
use reoclo_testkit::database::{Database, options, postgres};
use reoclo_testkit::{ManualClock, RealEntropy, Statements};

pub(crate) const HOST: &str = "127.0.0.1:7676";
pub(crate) const ORIGIN: &str = "http://127.0.0.1:7676";

pub(crate) struct World {
    pub(crate) router: Router,
    pub(crate) routes: Vec<Route>,
    pub(crate) control: Control,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) ours: Organization,
    pub(crate) theirs: Organization,
    pub(crate) database: Database,
}

pub(crate) struct Organization {
    pub(crate) id: OrganizationId,
    pub(crate) server: ServerId,
    pub(crate) viewer: UserId,
}

/// A signed-in person's browser.
pub(crate) struct Session {
    pub(crate) user: UserId,
    pub(crate) token: String,
    pub(crate) csrf: String,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    /// Asserts that it leads there.
    #[track_caller]
    pub(crate) fn leads_to(&self, place: &str) {
        assert_eq!(self.status, 303, "{}", self.text);
        assert_eq!(self.header("location"), place);
    }

    /// Asserts a page with that status and that text.
    #[track_caller]
    pub(crate) fn says(&self, status: u16, text: &str) {
        assert_eq!(self.status, status, "{}", self.text);
        assert!(self.text.contains(text), "{text:?} is not in {}", self.text);
        // Our own elements are no text.
        assert!(!self.text.contains("&#60;time"), "{}", self.text);
    }

    #[track_caller]
    pub(crate) fn lacks(&self, text: &str) {
        assert!(!self.text.contains(text), "{text:?} is in {}", self.text);
    }

    /// The text of the element with that id.
    #[track_caller]
    pub(crate) fn element(&self, id: &str) -> &str {
        let (_, rest) = self.text.split_once(&format!("id=\"{id}\"")).unwrap();
        let (_, rest) = rest.split_once('>').unwrap();
        rest.split_once('<').unwrap().0
    }
}

impl World {
    pub(crate) async fn on(database: Database) -> Self {
        let options = database.options();
        Self::opened(database, options).await
    }

    /// On a PostgreSQL, with what reads the statements that go there.
    pub(crate) async fn read_by_us() -> (Self, Statements) {
        let database = postgres().await;
        let DatabaseAddress::Postgres(url) = database.address() else {
            unreachable!("it is a PostgreSQL");
        };
        let statements = Statements::before(url.expose());
        let address = DatabaseAddress::Postgres(Secret::new(statements.url()));
        let options = options(address);
        (Self::opened(database, options).await, statements)
    }

    async fn opened(database: Database, options: StoreOptions) -> Self {
        let clock = Arc::new(ManualClock::default());
        let options = StoreOptions {
            clock: clock.clone(),
            ..options
        };
        let store = Store::open(options).await.unwrap();
        let settings = Settings::new(ORIGIN);
        let (entropy, drain) = (Arc::new(RealEntropy), Drain::new());
        let control = Control::new(store, clock.clone(), entropy, settings, drain);
        let hosts = Hosts::of_public_url(ORIGIN).unwrap();
        let state = AppState::new(control.clone(), hosts, TrustedProxies::default());
        let surfaces = api(state, reoclo_web::add);
        let ours = organization(&control, "ours").await;
        let theirs = organization(&control, "theirs").await;
        Self {
            router: surfaces.router,
            routes: surfaces.routes,
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

    pub(crate) async fn session(&self, of: &Organization, role: Role) -> Session {
        let user = new_user(&*self.clock, "Grace");
        self.session_as(of, user, role).await
    }

    pub(crate) async fn session_as(&self, of: &Organization, user: NewUser, role: Role) -> Session {
        let id = user.id;
        let created = self.store().create_user(user, of.id, role, Vec::new());
        created.await.unwrap();
        self.signed_in(of, id).await
    }

    /// A further session of somebody who is there.
    pub(crate) async fn signed_in(&self, of: &Organization, id: UserId) -> Session {
        let (store, now) = (self.store(), self.clock.now());
        let token = PlainToken::generate(TokenKind::Session, &RealEntropy);
        let session = NewSession {
            id: SessionId::new(&*self.clock, &RealEntropy),
            token: token.hash(),
            user: id,
            organization: of.id,
            created_at: now,
            expires_at: now.plus(Duration::from_hours(10)),
            ip: None,
            user_agent: None,
        };
        let idle = now.minus(Duration::from_hours(24));
        let created = store.create_session(session, None, idle, Vec::new());
        created.await.unwrap();
        Session {
            user: id,
            token: token.expose().into(),
            csrf: token.csrf_token().expose().into(),
        }
    }

    pub(crate) async fn newcomer(&self, of: &Organization, role: Role) -> Session {
        let mut user = new_user(&*self.clock, "Newcomer");
        user.temporary_until = Some(self.clock.now().plus(Duration::from_hours(1)));
        self.session_as(of, user, role).await
    }

    /// Looks at a page, with what a browser sends along.
    pub(crate) async fn look(&self, session: Option<&Session>, path: &str) -> Answer {
        self.send(Method::GET, path, session, &[], String::new())
            .await
    }

    /// Sends a form as its page does.
    pub(crate) async fn submit(
        &self,
        session: &Session,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let token = [("csrf_token", session.csrf.as_str())];
        let body = form(&[&token, fields].concat());
        self.send(Method::POST, path, Some(session), &FORM, body)
            .await
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        session: Option<&Session>,
        headers: &[(&str, &str)],
        body: String,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        let html = [("host", HOST), ("accept", "text/html,*/*;q=0.8")];
        for (name, value) in html.iter().chain(headers) {
            request = request.header(*name, *value);
        }
        if let Some(session) = session {
            request = request.header("cookie", format!("reoclo_session={}", session.token));
        }
        self.answer(request.body(Body::from(body)).unwrap()).await
    }

    pub(crate) async fn answer(&self, mut request: Request<Body>) -> Answer {
        let local: SocketAddr = HOST.parse().unwrap();
        let peer = SocketAddr::from(([127, 0, 0, 1], 50_000));
        let extensions = request.extensions_mut();
        extensions.insert(ConnectionInfo { peer, local });
        let response = tower::ServiceExt::oneshot(self.router.clone(), request);
        let (parts, body) = response.await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    /// What a key gets for a request of the API.
    pub(crate) async fn status_with_key(&self, key: &str, path: &str) -> u16 {
        let request = Request::builder()
            .uri(path)
            .header("host", HOST)
            .header("authorization", format!("Bearer {key}"));
        let answer = self.answer(request.body(Body::empty()).unwrap()).await;
        answer.status.as_u16()
    }
}

pub(crate) const FORM: [(&str, &str); 2] = [
    ("content-type", "application/x-www-form-urlencoded"),
    ("origin", ORIGIN),
];

pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(fields);
    body.finish()
}

async fn organization(control: &Control, name: &str) -> Organization {
    let (store, clock) = (control.store(), control.clock());
    let (id, created_at) = (OrganizationId::new(clock, &RealEntropy), clock.now());
    let new = NewOrganization {
        id,
        slug: name.into(),
        name: name.into(),
        created_at,
    };
    store.create_organization(new, Vec::new()).await.unwrap();
    let viewer = new_user(clock, "Viewer");
    let viewer_id = viewer.id;
    let created = store.create_user(viewer, id, Role::Viewer, Vec::new());
    created.await.unwrap();
    let server = NewServer {
        id: ServerId::new(clock, &RealEntropy),
        organization: id,
        slug: "web-1".parse::<Slug>().unwrap(),
        name: format!("Web 1 of {name}").parse().unwrap(),
        created_at,
    };
    let server_id = server.id;
    store.create_server(server, None, Vec::new()).await.unwrap();
    Organization {
        id,
        server: server_id,
        viewer: viewer_id,
    }
}

pub(crate) fn new_user(clock: &dyn Clock, name: &str) -> NewUser {
    let id = UserId::new(clock, &RealEntropy);
    NewUser {
        id,
        email: Some(format!("{id}@people.example")),
        name: Some(name.into()),
        password_hash: None,
        temporary_until: None,
        created_at: clock.now(),
    }
}
