//! An instance with so many things, and somebody who is signed in.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::future::try_join_all;
use reoclo_domain::{
    AutomationKeyId, AutomationScope, Clock, Entropy, IntegrationKeyId, KeyLife, OperationKinds,
    OrganizationId, PlainToken, Preset, Role, Scope, ServerId, SessionId, TokenKind, UserId,
};
use reoclo_store::{
    AutomationKeyRecord, IntegrationKeyRecord, KeyRef, KeyUse, NewSession, NewUser, Store,
};

use crate::fill::Filler;
use crate::http::Request;
use crate::instance::Instance;
use crate::lab::{Lab, runtime};
use crate::{ambient, database};

const LONG: Duration = Duration::from_hours(8);

/// How much there is to show: keys of each kind, and operations with two audit rows each.
#[derive(Clone, Copy)]
pub(super) struct Amount {
    pub(super) keys: usize,
    pub(super) operations: usize,
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (keys, rows) = (self.keys, self.operations * 2);
        write!(f, "{keys} keys, {rows} rows")
    }
}

/// An instance with so many things, and somebody who is signed in.
pub(super) struct World {
    pub(super) instance: Instance,
    pub(super) amount: Amount,
    session: String,
    /// The id of the key whose operations these are.
    key: String,
}

impl World {
    pub(super) fn make(lab: &Lab, amount: Amount) -> Result<Self> {
        let mut instance = lab.start()?;
        let mut filler = Filler::new(&instance)?;
        let data_dir = instance.data_dir().to_owned();
        let (organization, server) = (instance.organization().parse()?, instance.server().parse()?);
        let token = PlainToken::parse(instance.automation_key()?)?;
        let mut made = None;
        instance.pause(|| {
            filler.fill(&data_dir, amount.operations)?;
            made = Some(runtime()?.block_on(async {
                let store = database::reopen(&data_dir).await?;
                let known = store.find_key(&token.hash()).await?;
                let key = known.context("the automation key is not stored")?.key_ref();
                let maker = Maker::new(store, organization, server).await?;
                maker.keys(amount.keys).await?;
                let session = maker.session().await?;
                maker.store.close().await;
                anyhow::Ok((session, key.as_uuid().to_string()))
            })?);
            Ok(())
        })?;
        let (session, key) = made.context("nothing was made")?;
        Ok(Self {
            instance,
            amount,
            session: session.expose().to_owned(),
            key,
        })
    }

    /// The request for a page; `{key}` in its path is the key's id.
    pub(super) fn page(&self, path: &str) -> Result<Request> {
        let path = path.replace("{key}", &self.key);
        self.instance.page(&path, &self.session)
    }
}

/// Puts things into the database of an instance that has ended.
struct Maker {
    store: Store,
    clock: std::sync::Arc<dyn Clock>,
    entropy: std::sync::Arc<dyn Entropy>,
    organization: OrganizationId,
    server: ServerId,
    admin: UserId,
}

impl Maker {
    async fn new(store: Store, organization: OrganizationId, server: ServerId) -> Result<Self> {
        let (clock, entropy) = (ambient::clock(), ambient::entropy());
        let admin = NewUser {
            id: UserId::new(&*clock, &*entropy),
            email: Some("ada@bench.example".into()),
            name: Some("Ada".into()),
            password_hash: None,
            temporary_until: None,
            created_at: clock.now(),
        };
        let id = admin.id;
        store
            .create_user(admin, organization, Role::Admin, vec![])
            .await?;
        Ok(Self {
            store,
            clock,
            entropy,
            organization,
            server,
            admin: id,
        })
    }

    /// So many of each kind, each used once.
    async fn keys(&self, count: usize) -> Result<()> {
        let made = (0..count).map(|number| async move {
            let key = self.integration_key(number).await?;
            let other = self.automation_key(number).await?;
            let uses = [key, other].map(|key| KeyUse {
                key,
                at: self.clock.now(),
                ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
                user_agent: "curl/8.14.1".into(),
                count: 3,
            });
            anyhow::Ok(self.store.record_key_uses(uses.to_vec()).await?)
        });
        try_join_all(made).await?;
        Ok(())
    }

    async fn integration_key(&self, number: usize) -> Result<KeyRef> {
        let (clock, entropy) = (&*self.clock, &*self.entropy);
        let token = PlainToken::generate(TokenKind::Integration, entropy);
        let key = IntegrationKeyRecord {
            id: IntegrationKeyId::new(clock, entropy),
            organization: self.organization,
            label: format!("laptop {number}"),
            prefix: token.display_prefix().into(),
            preset: Preset::ReadOnly,
            creator: self.admin,
            life: KeyLife::new(clock.now(), None),
            created_at: clock.now(),
        };
        let id = KeyRef::Integration(key.id);
        self.store
            .create_integration_key(key, token.hash(), vec![])
            .await?;
        Ok(id)
    }

    async fn automation_key(&self, number: usize) -> Result<KeyRef> {
        let (clock, entropy) = (&*self.clock, &*self.entropy);
        let token = PlainToken::generate(TokenKind::Automation, entropy);
        let key = AutomationKeyRecord {
            id: AutomationKeyId::new(clock, entropy),
            organization: self.organization,
            name: format!("deploy {number}"),
            prefix: token.display_prefix().into(),
            scope: AutomationScope {
                servers: Scope::Only(vec![self.server]),
                operations: OperationKinds::all(),
                registry_credentials: Scope::All,
            },
            ip_allowlist: vec!["127.0.0.0/8".parse()?].into(),
            allowlist_sources: Vec::new(),
            rate_limit_per_minute: 60,
            creator: self.admin,
            life: KeyLife::new(clock.now(), None),
            created_at: clock.now(),
        };
        let id = KeyRef::Automation(key.id);
        self.store
            .create_automation_key(key, token.hash(), vec![])
            .await?;
        Ok(id)
    }

    async fn session(&self) -> Result<PlainToken> {
        let (clock, entropy) = (&*self.clock, &*self.entropy);
        let token = PlainToken::generate(TokenKind::Session, entropy);
        let now = clock.now();
        let new = NewSession {
            id: SessionId::new(clock, entropy),
            token: token.hash(),
            user: self.admin,
            organization: self.organization,
            created_at: now,
            expires_at: now.plus(LONG),
            ip: None,
            user_agent: None,
        };
        let idle_since = now.minus(LONG);
        self.store
            .create_session(new, None, idle_since, vec![])
            .await?;
        Ok(token)
    }
}
