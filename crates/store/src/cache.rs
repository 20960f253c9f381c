//! What every request needs, in memory (ADR 3). Only on SQLite, where nobody else writes.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use reoclo_domain::{
    AddressSourceId, Addresses, OrganizationId, Role, ServerId, Timestamp, TokenHash, UserId,
};

use crate::keys::{KeyRecord, KeyRef};

/// Every key that is not revoked, every role, the name of every server in use, and every
/// published list of networks.
#[derive(Debug, Default)]
pub(crate) struct Cache(RwLock<State>);

#[derive(Debug, Default)]
struct State {
    keys: HashMap<TokenHash, Arc<KeyRecord>>,
    tokens: HashMap<KeyRef, TokenHash>,
    roles: HashMap<(OrganizationId, UserId), Role>,
    servers: HashMap<ServerId, (OrganizationId, Arc<str>)>,
    published: HashMap<AddressSourceId, (OrganizationId, Addresses)>,
}

/// What a committed write means for the cache.
#[derive(Debug)]
pub(crate) enum Effect {
    /// A key was created.
    KeyCreated(TokenHash, Arc<KeyRecord>),
    /// A key was revoked.
    KeyRevoked(KeyRef),
    /// A key's expiry was changed.
    KeyExpiry(KeyRef, Option<Timestamp>),
    /// A person's role in an organization was changed; `None` is none.
    Role(OrganizationId, UserId, Option<Role>),
    /// A server of an organization was created or called otherwise, with its name.
    ServerCreated(ServerId, OrganizationId, Arc<str>),
    /// A server was decommissioned.
    ServerRemoved(ServerId),
    /// A list of networks was fetched.
    ListFetched(AddressSourceId, OrganizationId, Addresses),
    /// A list of networks was removed.
    ListRemoved(AddressSourceId),
}

impl Cache {
    /// The key with that token, unless it is unknown or revoked.
    pub(crate) fn key(&self, token: &TokenHash) -> Option<Arc<KeyRecord>> {
        self.read().keys.get(token).cloned()
    }

    /// The role of a person in an organization.
    pub(crate) fn role(&self, organization: OrganizationId, user: UserId) -> Option<Role> {
        self.read().roles.get(&(organization, user)).copied()
    }

    /// The name of a server, if it is one of the organization's.
    pub(crate) fn server_name(
        &self,
        organization: OrganizationId,
        server: ServerId,
    ) -> Option<Arc<str>> {
        let state = self.read();
        let (owner, name) = state.servers.get(&server)?;
        (*owner == organization).then(|| Arc::clone(name))
    }

    /// The networks of a published list, if it is one of the organization's.
    pub(crate) fn published(
        &self,
        organization: OrganizationId,
        source: AddressSourceId,
    ) -> Option<Addresses> {
        let state = self.read();
        let (owner, addresses) = state.published.get(&source)?;
        (*owner == organization).then(|| addresses.clone())
    }

    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.read().keys.len()
    }

    /// Makes the changes, all at once for whoever reads.
    pub(crate) fn apply(&self, effects: Vec<Effect>) {
        if effects.is_empty() {
            return;
        }
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for effect in effects {
            state.apply(effect);
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::KeyCreated(token, key) if key.life().revoked_at.is_none() => {
                self.tokens.insert(key.key_ref(), token);
                self.keys.insert(token, key);
            }
            Effect::KeyCreated(..) => {}
            Effect::KeyRevoked(key) => {
                if let Some(token) = self.tokens.remove(&key) {
                    self.keys.remove(&token);
                }
            }
            Effect::KeyExpiry(key, expires_at) => self.set_expiry(key, expires_at),
            Effect::Role(organization, user, Some(role)) => {
                self.roles.insert((organization, user), role);
            }
            Effect::ServerCreated(server, organization, name) => {
                self.servers.insert(server, (organization, name));
            }
            Effect::ServerRemoved(server) => {
                self.servers.remove(&server);
            }
            Effect::ListFetched(source, organization, addresses) => {
                self.published.insert(source, (organization, addresses));
            }
            Effect::ListRemoved(source) => {
                self.published.remove(&source);
            }
            Effect::Role(organization, user, None) => {
                self.roles.remove(&(organization, user));
            }
        }
    }

    fn set_expiry(&mut self, key: KeyRef, expires_at: Option<Timestamp>) {
        let token = self.tokens.get(&key);
        if let Some(key) = token.and_then(|token| self.keys.get_mut(token)) {
            Arc::make_mut(key).life_mut().expires_at = expires_at;
        }
    }
}
