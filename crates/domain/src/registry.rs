//! Container registries: their types and their addresses.

mod address;
mod kind;

pub use address::{RegistryAddress, RegistryAddressError};
pub use kind::{RegistryType, RegistryTypeName, UnknownRegistryType};
