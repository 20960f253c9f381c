//! A database with a number of keys, half of each kind, and their tokens.

mod tokens;

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::Instant;

use anyhow::{Result, anyhow};
use futures_util::future::try_join_all;
use ipnet::IpNet;
use reoclo_control::{Control, Exec, Permission, Presented, RequestSource, ServersRead};
use reoclo_domain::{
    AutomationKeyId, AutomationScope, IntegrationKeyId, KeyLife, OperationKinds, PlainToken,
    Preset, Scope, TokenKind,
};
use reoclo_store::{AutomationKeyRecord, IntegrationKeyRecord, KeyRef, NewAuditEvent};

use crate::bench::audit;
use crate::database::Database;
use crate::instance::RATE_LIMIT;
use crate::unit::number;

pub(super) use tokens::InUse;
use tokens::Tokens;

/// Keys that are created at a time.
const BATCH: usize = 1000;

/// A database with keys.
pub(super) struct Keys {
    database: Database,
    control: Control,
    networks: usize,
    integration: Tokens,
    automation: Tokens,
}

impl Keys {
    /// Makes `count` keys, half of each kind, and uses each once. Automation keys list that many
    /// networks, of which the last one has the client.
    pub(super) async fn create(directory: &Path, count: usize, networks: usize) -> Result<Self> {
        let database = Database::create(directory).await?;
        let mut keys = Self {
            control: database.control(),
            database,
            networks,
            integration: Tokens::default(),
            automation: Tokens::default(),
        };
        let half = count / 2;
        keys.integration = Tokens::new(keys.create_integration(half).await?);
        keys.automation = Tokens::new(keys.create_automation(half).await?);
        keys.check_integration(InUse::All, half).await?;
        keys.check_automation(InUse::All, half).await?;
        Ok(keys)
    }

    /// How many keys there are.
    pub(super) fn count(&self) -> usize {
        self.integration.count() + self.automation.count()
    }

    /// The text of some token.
    pub(super) fn any_token(&self) -> &str {
        self.integration.first()
    }

    /// The seconds that one check of an integration key takes, on average over `checks`.
    pub(super) async fn check_integration(&self, in_use: InUse, checks: usize) -> Result<f64> {
        let tokens = self.integration.next(in_use, checks);
        self.check::<ServersRead>(&tokens).await
    }

    /// The same for automation keys.
    pub(super) async fn check_automation(&self, in_use: InUse, checks: usize) -> Result<f64> {
        let tokens = self.automation.next(in_use, checks);
        self.check::<Exec>(&tokens).await
    }

    /// Creates an automation key, with its audit row.
    pub(super) async fn create_another(&self) -> Result<KeyRef> {
        let token = PlainToken::generate(TokenKind::Automation, &*self.database.entropy);
        let key = self.automation_key(&token)?;
        let (key_ref, event) = (KeyRef::Automation(key.id), self.event("key.create"));
        let store = &self.database.store;
        store
            .create_automation_key(key, token.hash(), vec![event])
            .await?;
        Ok(key_ref)
    }

    /// Revokes a key, with its audit row.
    pub(super) async fn revoke(&self, key: KeyRef) -> Result<()> {
        let Database { store, clock, .. } = &self.database;
        let (organization, event) = (self.database.organization, self.event("key.revoke"));
        store
            .revoke_key(organization, key, clock.now(), vec![event])
            .await?;
        Ok(())
    }

    fn event(&self, action: &'static str) -> NewAuditEvent {
        audit::event(&self.database, action)
    }

    pub(super) async fn close(self) {
        self.database.store.close().await;
    }

    async fn check<P: Permission>(&self, tokens: &[&str]) -> Result<f64> {
        // Copied next to each other: a token arrives with its request and is not looked up.
        let tokens: Vec<String> = tokens.iter().copied().map(str::to_owned).collect();
        let start = Instant::now();
        for token in &tokens {
            let presented = Presented {
                bearer: Some(token),
                source: RequestSource {
                    ip: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
                    user_agent: Some("reoclo-bench".to_owned()),
                    via: None,
                    request_id: None,
                },
                ..Presented::default()
            };
            let proof = self.control.authorize::<P>(presented).await;
            black_box(proof.map_err(|refusal| anyhow!("a valid key was refused: {refusal:?}"))?);
        }
        Ok(start.elapsed().as_secs_f64() / number(tokens.len()))
    }

    async fn create_integration(&self, count: usize) -> Result<Vec<PlainToken>> {
        let tokens = self.tokens(TokenKind::Integration, count);
        for batch in tokens.chunks(BATCH) {
            let created = batch.iter().map(|token| {
                let key = self.integration_key(token);
                let store = &self.database.store;
                store.create_integration_key(key, token.hash(), vec![])
            });
            try_join_all(created).await?;
        }
        Ok(tokens)
    }

    async fn create_automation(&self, count: usize) -> Result<Vec<PlainToken>> {
        let tokens = self.tokens(TokenKind::Automation, count);
        for batch in tokens.chunks(BATCH) {
            let created: Vec<_> = batch
                .iter()
                .map(|token| Ok((self.automation_key(token)?, token.hash())))
                .collect::<Result<_>>()?;
            let store = &self.database.store;
            let created = created
                .into_iter()
                .map(|(key, hash)| store.create_automation_key(key, hash, vec![]));
            try_join_all(created).await?;
        }
        Ok(tokens)
    }

    fn tokens(&self, kind: TokenKind, count: usize) -> Vec<PlainToken> {
        let tokens = (0..count).map(|_| PlainToken::generate(kind, &*self.database.entropy));
        tokens.collect()
    }

    fn integration_key(&self, token: &PlainToken) -> IntegrationKeyRecord {
        let Database { clock, entropy, .. } = &self.database;
        IntegrationKeyRecord {
            id: IntegrationKeyId::new(&**clock, &**entropy),
            organization: self.database.organization,
            label: "laptop".into(),
            prefix: token.display_prefix().into(),
            preset: Preset::ReadOnly,
            creator: self.database.admin,
            life: KeyLife::new(clock.now(), None),
            created_at: clock.now(),
        }
    }

    fn automation_key(&self, token: &PlainToken) -> Result<AutomationKeyRecord> {
        let Database { clock, entropy, .. } = &self.database;
        Ok(AutomationKeyRecord {
            id: AutomationKeyId::new(&**clock, &**entropy),
            organization: self.database.organization,
            name: "deploy".into(),
            prefix: token.display_prefix().into(),
            scope: AutomationScope {
                servers: Scope::Only(vec![self.database.server]),
                operations: OperationKinds::all(),
                registry_credentials: Scope::All,
            },
            ip_allowlist: self.allowlist()?.into(),
            allowlist_sources: Vec::new(),
            rate_limit_per_minute: RATE_LIMIT,
            creator: self.database.admin,
            life: KeyLife::new(clock.now(), None),
            created_at: clock.now(),
        })
    }

    /// The client's own network stands last.
    fn allowlist(&self) -> Result<Vec<IpNet>> {
        // Every other network, so that none touches the next.
        let others = (1..self.networks)
            .map(|network| format!("11.{}.{}.0/25", network / 256, network % 256));
        let all = others.chain(["127.0.0.0/8".to_owned()]);
        all.map(|network| Ok(network.parse()?)).collect()
    }
}
