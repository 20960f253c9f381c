use std::fmt;
use std::sync::Arc;

use reoclo_domain::{Clock, Entropy};

use crate::ProxySettings;

/// Time, randomness and what the environment says about the way out, as parameters.
#[derive(Clone)]
pub struct Ambient {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Secure random bytes.
    pub entropy: Arc<dyn Entropy>,
    /// The proxy to go through.
    pub proxy: ProxySettings,
}

impl Ambient {
    /// A uniformly random fraction of `most`: jitter, not a secret.
    pub(crate) fn fraction_of(&self, most: std::time::Duration) -> std::time::Duration {
        let mut random = [0; 4];
        self.entropy.fill(&mut random);
        most.mul_f64(f64::from(u32::from_be_bytes(random)) / f64::from(u32::MAX))
    }
}

impl fmt::Debug for Ambient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ambient")
    }
}
