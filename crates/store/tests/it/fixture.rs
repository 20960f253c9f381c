//! A store on a fresh database, and things to put into it.

use std::sync::Arc;

use reoclo_domain::{
    AuditEventId, AutomationKeyId, AutomationScope, Clock, IntegrationKeyId, KeyLife, OperationId,
    OperationKind, OperationKinds, OperationState, OrganizationId, PlainToken, Preset, Role, Scope,
    ServerId, TokenHash, TokenKind, UserId,
};
use reoclo_store::{
    Actor, ActorKind, Audit, AuditOutcome, AuditReader, AutomationKeyRecord, IntegrationKeyRecord,
    NewAuditEvent, NewEnrolment, NewOperation, NewOrganization, NewServer, NewUser,
    OperationOutcome, RequestSource, Resource, Store, StoreOptions, Tail,
};
use reoclo_testkit::{Database, ManualClock, SeededEntropy, database};
use serde_json::json;

/// A store on a fresh database, with a clock that stands still.
pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) entropy: Arc<SeededEntropy>,
    pub(crate) database: Database,
}

/// An organization with its admin.
#[derive(Clone, Copy)]
pub(crate) struct Team {
    pub(crate) organization: OrganizationId,
    pub(crate) admin: UserId,
}

impl Team {
    /// The admin, as the audit log names people.
    pub(crate) fn actor(self) -> Actor {
        Actor {
            kind: ActorKind::User,
            id: Some(self.admin.as_uuid()),
            label: "ada".into(),
        }
    }
}

impl Fixture {
    pub(crate) async fn sqlite() -> Self {
        Self::on(database::sqlite()).await
    }

    pub(crate) async fn postgres() -> Self {
        Self::on(database::postgres().await).await
    }

    async fn on(database: Database) -> Self {
        let clock = Arc::new(ManualClock::default());
        let entropy = Arc::new(SeededEntropy::new(7));
        let options = StoreOptions {
            clock: clock.clone(),
            entropy: entropy.clone(),
            ..database.options()
        };
        Self {
            store: Store::open(options).await.unwrap(),
            clock,
            entropy,
            database,
        }
    }

    /// Another store on the same database, as after a crash: the first one was not closed.
    pub(crate) async fn reopened(&self) -> Store {
        self.database.open().await
    }

    /// An organization with an admin.
    pub(crate) async fn team(&self, slug: &str) -> Team {
        let organization = self.new_organization(slug);
        let admin = self.new_user(&format!("admin@{slug}.example"));
        let team = Team {
            organization: organization.id,
            admin: admin.id,
        };
        self.store
            .create_organization(organization, vec![])
            .await
            .unwrap();
        let created = self
            .store
            .create_user(admin, team.organization, Role::Admin, vec![]);
        created.await.unwrap();
        team
    }

    /// A server of the team.
    pub(crate) async fn server(&self, team: Team, slug: &str) -> ServerId {
        let server = self.new_server(team, slug);
        let id = server.id;
        self.store
            .create_server(server, None, vec![])
            .await
            .unwrap();
        id
    }

    pub(crate) fn new_organization(&self, slug: &str) -> NewOrganization {
        NewOrganization {
            id: OrganizationId::new(&*self.clock, &*self.entropy),
            slug: slug.into(),
            name: format!("The {slug} team"),
            created_at: self.clock.now(),
        }
    }

    pub(crate) fn new_user(&self, email: &str) -> NewUser {
        NewUser {
            id: UserId::new(&*self.clock, &*self.entropy),
            email: Some(email.into()),
            name: Some("Ada".into()),
            password_hash: None,
            temporary_until: None,
            created_at: self.clock.now(),
        }
    }

    pub(crate) fn token(&self, kind: TokenKind) -> PlainToken {
        PlainToken::generate(kind, &*self.entropy)
    }

    pub(crate) fn token_hash(&self) -> TokenHash {
        self.token(TokenKind::Integration).hash()
    }

    pub(crate) fn integration_key(&self, team: Team) -> IntegrationKeyRecord {
        IntegrationKeyRecord {
            id: IntegrationKeyId::new(&*self.clock, &*self.entropy),
            organization: team.organization,
            label: "laptop".into(),
            prefix: "rk_t_abcdefg".into(),
            preset: Preset::FullAccess,
            creator: team.admin,
            life: KeyLife::new(self.clock.now(), None),
            created_at: self.clock.now(),
        }
    }

    pub(crate) fn automation_key(&self, team: Team) -> AutomationKeyRecord {
        AutomationKeyRecord {
            id: AutomationKeyId::new(&*self.clock, &*self.entropy),
            organization: team.organization,
            name: "deploy".into(),
            prefix: "rca_abcdefgh".into(),
            scope: AutomationScope {
                servers: Scope::All,
                operations: OperationKinds::all(),
                registry_credentials: Scope::All,
            },
            ip_allowlist: vec![].into(),
            allowlist_sources: vec![],
            rate_limit_per_minute: 100,
            creator: team.admin,
            life: KeyLife::new(self.clock.now(), None),
            created_at: self.clock.now(),
        }
    }

    pub(crate) fn new_server(&self, team: Team, slug: &str) -> NewServer {
        NewServer {
            id: ServerId::new(&*self.clock, &*self.entropy),
            organization: team.organization,
            slug: slug.parse().unwrap(),
            name: slug.parse().unwrap(),
            created_at: self.clock.now(),
        }
    }

    pub(crate) fn enrolment(&self) -> NewEnrolment {
        NewEnrolment {
            token: self.token(TokenKind::Enrolment).hash(),
            expires_at: self.clock.now().plus(std::time::Duration::from_hours(1)),
        }
    }

    pub(crate) fn new_operation(&self, team: Team, server: ServerId) -> NewOperation {
        NewOperation {
            id: OperationId::new(&*self.clock, &*self.entropy),
            organization: team.organization,
            server,
            server_name: "web".into(),
            kind: OperationKind::Exec,
            starter: team.actor(),
            via: Some("mcp".parse().unwrap()),
            command: Some("true".into()),
            timeout_seconds: 60,
            run_id: Some("42".into()),
            run_context: Some(r#"{"provider":"github"}"#.into()),
            boot_id: "boot".into(),
            instance_id: "supervisor".into(),
            created_at: self.clock.now(),
            queued_at: None,
        }
    }

    pub(crate) fn outcome(&self) -> OperationOutcome {
        OperationOutcome {
            state: OperationState::Completed,
            code: None,
            message: None,
            exit_code: 0,
            signal: None,
            duration_us: 1200,
            left_running: 0,
            still_held: 0,
            stdout: Tail {
                bytes: b"hello\0\xff".to_vec(),
                total: 7,
                truncated: false,
            },
            stderr: Tail::default(),
            completed_at: self.clock.now(),
        }
    }

    /// An event on the team's chain.
    pub(crate) fn event(&self, team: Team, action: &'static str) -> NewAuditEvent {
        NewAuditEvent {
            id: AuditEventId::new(&*self.clock, &*self.entropy),
            organization: Some(team.organization),
            at: self.clock.now(),
            actor: team.actor(),
            source: RequestSource {
                ip: Some("192.0.2.7".parse().unwrap()),
                user_agent: Some("curl/8".into()),
                via: Some("mcp".parse().unwrap()),
                request_id: None,
            },
            action,
            resource: Resource {
                kind: "server",
                id: Some("1".into()),
                name: Some("web".into()),
            },
            outcome: AuditOutcome::Success,
            detail: json!({"b": 1, "a": ["ü", null]}),
        }
    }

    /// What the store completes to an event on the team's chain.
    pub(crate) fn audit(&self, team: Team, action: &'static str) -> Audit {
        Audit {
            id: AuditEventId::new(&*self.clock, &*self.entropy),
            organization: Some(team.organization),
            at: self.clock.now(),
            actor: team.actor(),
            source: RequestSource::default(),
            action,
            detail: json!({}),
        }
    }

    /// A reader of the audit log.
    pub(crate) async fn audit_reader(&self) -> AuditReader {
        let opened = AuditReader::open(self.database.address(), database::master_key()).await;
        opened.unwrap()
    }

    /// The actions on the team's chain, in order.
    pub(crate) async fn actions(&self, team: Team) -> Vec<String> {
        let organization = Some(team.organization);
        let rows = self
            .store
            .audit_events(organization, 0, 1000)
            .await
            .unwrap();
        rows.into_iter().map(|row| row.action).collect()
    }
}
