//! What every handler can reach.

use std::sync::Arc;

use axum::extract::FromRef;
use bytes::Bytes;
use reoclo_control::Control;
use reoclo_domain::Acl;

use crate::edge::{Hosts, TrustedProxies};
use crate::page::RefusalPage;
use crate::program::ProgramSlot;

/// The use cases, and what the edge needs to judge a request.
#[derive(Clone, Debug)]
pub struct AppState {
    pub(crate) control: Control,
    pub(crate) hosts: Arc<Hosts>,
    pub(crate) proxies: Arc<TrustedProxies>,
    pub(crate) openapi: Bytes,
    pub(crate) refusal_page: Option<RefusalPage>,
    pub(crate) served: Acl,
    pub(crate) program: ProgramSlot,
}

impl AppState {
    /// Puts the surfaces on the use cases.
    pub fn new(control: Control, hosts: Hosts, proxies: TrustedProxies) -> Self {
        Self {
            control,
            hosts: Arc::new(hosts),
            proxies: Arc::new(proxies),
            openapi: Bytes::new(),
            refusal_page: None,
            served: Acl::empty(),
            program: ProgramSlot::default(),
        }
    }

    /// With a program to give to runners.
    #[must_use]
    pub fn with_program(mut self, program: ProgramSlot) -> Self {
        self.program = program;
        self
    }
}

impl AppState {
    /// The use cases.
    pub const fn control(&self) -> &Control {
        &self.control
    }

    /// The cells that some route demands; the others open nothing yet.
    pub const fn served(&self) -> Acl {
        self.served
    }
}

impl FromRef<AppState> for Control {
    fn from_ref(state: &AppState) -> Self {
        state.control.clone()
    }
}
