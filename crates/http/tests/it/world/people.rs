//! People of the world, signed in.

use std::convert::Infallible;
use std::time::Duration;

use http::Method;
use reoclo_domain::{Clock, PlainToken, Role, SessionId, TokenKind, UserId};
use reoclo_store::{Edit, MemberRecord, NewSession, NewUser, OrganizationRecord, SessionsEnded};
use reoclo_testkit::RealEntropy;
use serde_json::Value;

use super::{Answer, HOST, Organization, World, request_with_body};

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

impl World {
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

    /// Lets somebody of ours create organizations.
    pub(crate) async fn let_create_organizations(&self, user: UserId) {
        let rule = |member: &MemberRecord| {
            let mut member = member.clone();
            member.may_create_organizations = true;
            Ok::<_, Infallible>(Edit {
                record: Some(member),
                events: Vec::new(),
            })
        };
        self.store()
            .change_member(self.ours.id, user, rule)
            .await
            .unwrap();
    }

    /// Changes our organization as no admin could.
    pub(crate) async fn change_organization(
        &self,
        change: impl Fn(&mut OrganizationRecord) + Send + Sync + 'static,
    ) {
        let rule = move |record: &OrganizationRecord| {
            let mut record = record.clone();
            change(&mut record);
            Ok::<_, Infallible>(record)
        };
        let audit = crate::registry::unlogged(&*self.clock, "organization.update");
        self.store()
            .change_organization(self.ours.id, audit, rule)
            .await
            .unwrap();
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
}

pub(super) fn new_user(clock: &dyn Clock) -> NewUser {
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
