//! The one authenticator, for every surface (rules 1, 4 and 8).

use std::sync::Arc;

use reoclo_domain::{Acl, KeyStatus, PlainToken, TokenKind};
use reoclo_store::{IntegrationKeyRecord, KeyRecord, RequestSource};

use crate::attempted::Attempted;
use crate::core::Core;
use crate::failed_authentications::FailedAuthentications;
use crate::key_use::KeyUses;
use crate::keys::EXPIRY_NOTICE;
use crate::presented::{KeyNotes, Presented};
use crate::refused_use::Refusals;
use crate::sessions::Sessions;
use crate::{Caller, Refusal};

/// Says who makes a request.
#[derive(Clone, Copy)]
pub(crate) struct Gate<'c> {
    pub(crate) core: &'c Core,
    pub(crate) refusals: Refusals<'c>,
    pub(crate) sessions: Sessions<'c>,
    pub(crate) key_uses: &'c KeyUses,
    pub(crate) unknown_keys: &'c FailedAuthentications,
}

impl Gate<'_> {
    /// Says who presents this. A key: token parses → known → active → address allowed → within the rate
    /// limit, when what it wants is counted. What it wants is also what the audit log says when
    /// the key is refused.
    pub(crate) async fn authenticate(
        self,
        presented: Presented<'_>,
        wanted: &Attempted,
    ) -> Result<Caller, Refusal> {
        if let (None, Some(session)) = (presented.bearer, presented.session) {
            let caller = self
                .sessions
                .authenticate(session, presented.source)
                .await?;
            return Ok(caller.asking(presented.asked));
        }
        let source = presented.source;
        let bearer = presented.bearer.ok_or(Refusal::MissingCredentials)?;
        let record = self.known_key(bearer, &source).await?;
        self.note_expiry(&record, &presented.notes);
        let checked = match self.check_life(&record) {
            Ok(()) => self.check_address(&record, &source).await,
            refused => refused,
        };
        checked.inspect_err(|refusal| {
            self.refusals
                .note(refusal, (&*record).into(), &source, wanted);
        })?;
        let caller = match &*record {
            KeyRecord::Integration(key) => self.integration_caller(&record, key, source).await?,
            KeyRecord::Automation(key) => {
                let is_counted = wanted.permission.is_counted();
                if is_counted {
                    let admitted = self.check_rate(key, &presented.notes).await;
                    admitted.inspect_err(|refusal| {
                        self.refusals
                            .note(refusal, (&*record).into(), &source, wanted);
                    })?;
                }
                Caller::automation(Arc::clone(&record), key, source, is_counted)
            }
        };
        let caller = caller.asking(presented.asked);
        self.key_uses
            .note_use(record.key_ref(), caller.source(), self.core.now());
        Ok(caller)
    }

    async fn known_key(
        self,
        bearer: &str,
        source: &RequestSource,
    ) -> Result<Arc<KeyRecord>, Refusal> {
        let known = match read_token(bearer) {
            Some(token) => self.core.store().find_key(&token.hash()).await?,
            None => None,
        };
        known.ok_or_else(|| {
            self.unknown_keys
                .refuse(self.core, self.sessions.failed, source)
        })
    }

    fn note_expiry(self, record: &KeyRecord, notes: &KeyNotes) {
        let life = record.life();
        let Some(expires_at) = life.expires_at else {
            return;
        };
        if life.ends_within(EXPIRY_NOTICE, self.core.now()) {
            let _ = notes.expires_soon_at.set(expires_at);
        }
    }

    fn check_life(self, record: &KeyRecord) -> Result<(), Refusal> {
        let life = record.life();
        match (life.status(self.core.now()), life.expires_at) {
            (KeyStatus::Active, _) => Ok(()),
            (KeyStatus::Expired, Some(expires_at)) => Err(Refusal::KeyExpired(expires_at)),
            (KeyStatus::Expired, None) | (KeyStatus::Revoked, _) => Err(Refusal::KeyRevoked),
        }
    }

    /// An automation key with networks of its own, or with published ones, is used from there.
    async fn check_address(
        self,
        record: &KeyRecord,
        source: &RequestSource,
    ) -> Result<(), Refusal> {
        let KeyRecord::Automation(key) = record else {
            return Ok(());
        };
        if key.ip_allowlist.is_empty() && key.allowlist_sources.is_empty() {
            return Ok(());
        }
        let Some(ip) = source.ip else {
            let seen = "an unknown address".into();
            return Err(Refusal::IpNotAllowed { seen });
        };
        if key.ip_allowlist.contains(ip) {
            return Ok(());
        }
        let lists = &key.allowlist_sources;
        if self
            .core
            .store()
            .is_published(key.organization, lists, ip)
            .await?
        {
            return Ok(());
        }
        let seen = ip.to_string();
        Err(Refusal::IpNotAllowed { seen })
    }

    /// The power of an integration key is its ACL within what its creator's role grants now;
    /// a creator who left leaves it without any.
    async fn integration_caller(
        self,
        record: &Arc<KeyRecord>,
        key: &IntegrationKeyRecord,
        source: RequestSource,
    ) -> Result<Caller, Refusal> {
        let role = self
            .core
            .store()
            .role_of(key.organization, key.creator)
            .await?;
        let granted = role.map_or_else(Acl::empty, reoclo_domain::Role::acl);
        Ok(Caller::integration(
            Arc::clone(record),
            key,
            key.preset.acl().intersect(granted),
            source,
        ))
    }
}

/// A malformed or mistyped token is none, without any look into the database.
fn read_token(bearer: &str) -> Option<PlainToken> {
    let token = PlainToken::parse(bearer).ok()?;
    match token.kind() {
        TokenKind::Integration | TokenKind::Automation => Some(token),
        TokenKind::Enrolment | TokenKind::Setup | TokenKind::Session | TokenKind::Invitation => {
            None
        }
    }
}
