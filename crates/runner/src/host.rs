//! What the host does now: measured when somebody asks, from /proc and without a timer.

mod counters;
mod firewall;
mod ports;
mod sample;
mod text;

pub(crate) use ports::ports;
pub(crate) use sample::Sampler;

/// What programs have to be built for to run here, such as `linux-x86_64`.
pub fn platform() -> String {
    format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH)
}
