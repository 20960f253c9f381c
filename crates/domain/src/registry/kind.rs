use std::fmt;
use std::str::FromStr;

use super::RegistryAddress;

/// Whose registry it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum RegistryType {
    DockerHub,
    Ghcr,
    Gitlab,
    AwsEcr,
    /// Google's Artifact Registry, and the Container Registry before it.
    Gcr,
    /// Azure's.
    Acr,
    Private,
}

/// The text names no type of registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be docker_hub, ghcr, gitlab, aws_ecr, gcr, acr or private")]
pub struct UnknownRegistryType;

impl RegistryType {
    /// Every type.
    pub const ALL: [Self; 7] = [
        Self::DockerHub,
        Self::Ghcr,
        Self::Gitlab,
        Self::AwsEcr,
        Self::Gcr,
        Self::Acr,
        Self::Private,
    ];

    /// The type's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DockerHub => "docker_hub",
            Self::Ghcr => "ghcr",
            Self::Gitlab => "gitlab",
            Self::AwsEcr => "aws_ecr",
            Self::Gcr => "gcr",
            Self::Acr => "acr",
            Self::Private => "private",
        }
    }

    /// The name that existing clients use instead (clients.md 3.3).
    const fn short_name(self) -> Option<&'static str> {
        match self {
            Self::DockerHub => Some("docker"),
            Self::AwsEcr => Some("ecr"),
            _ => None,
        }
    }

    /// Where the registry is when nobody says: none for those of which everybody has their own.
    pub const fn default_address(self) -> Option<&'static str> {
        match self {
            Self::DockerHub => Some("https://index.docker.io/v1/"),
            Self::Ghcr => Some("ghcr.io"),
            Self::Gitlab => Some("registry.gitlab.com"),
            Self::Gcr => Some("gcr.io"),
            Self::AwsEcr | Self::Acr | Self::Private => None,
        }
    }

    /// The user name that the registry gives to whoever logs in with a token or a key.
    pub const fn default_username(self) -> Option<&'static str> {
        match self {
            Self::AwsEcr => Some("AWS"),
            Self::Gcr => Some("_json_key"),
            Self::Acr => Some("00000000-0000-0000-0000-000000000000"),
            Self::DockerHub | Self::Ghcr | Self::Gitlab | Self::Private => None,
        }
    }

    /// The type that an address tells.
    pub fn of_address(address: &RegistryAddress) -> Self {
        let host = address.host();
        let within = |domain: &str| {
            let rest = host.strip_suffix(domain);
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        let is_amazon = within("amazonaws.com") || within("amazonaws.com.cn");
        if address.is_docker_hub() {
            Self::DockerHub
        } else if host == "ghcr.io" {
            Self::Ghcr
        } else if host == "registry.gitlab.com" {
            Self::Gitlab
        } else if (is_amazon && host.contains(".dkr.ecr")) || host == "public.ecr.aws" {
            Self::AwsEcr
        } else if within("pkg.dev") || within("gcr.io") {
            Self::Gcr
        } else if within("azurecr.io") || within("azurecr.cn") || within("azurecr.us") {
            Self::Acr
        } else {
            Self::Private
        }
    }
}

impl fmt::Display for RegistryType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RegistryType {
    type Err = UnknownRegistryType;

    fn from_str(text: &str) -> Result<Self, UnknownRegistryType> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text || kind.short_name() == Some(text))
            .ok_or(UnknownRegistryType)
    }
}

/// A type, with the name that it was sent under: `docker` for `docker_hub`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryTypeName {
    registry_type: RegistryType,
    name: String,
}

impl RegistryTypeName {
    /// The type.
    pub const fn registry_type(&self) -> RegistryType {
        self.registry_type
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for RegistryTypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl FromStr for RegistryTypeName {
    type Err = UnknownRegistryType;

    fn from_str(text: &str) -> Result<Self, UnknownRegistryType> {
        Ok(Self {
            registry_type: text.parse()?,
            name: text.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_names_of_a_type_are_read() {
        for kind in RegistryType::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert_eq!("docker".parse(), Ok(RegistryType::DockerHub));
        assert_eq!("ecr".parse(), Ok(RegistryType::AwsEcr));
        for unknown in ["", "Docker", "quay", "docker_hub "] {
            assert_eq!(unknown.parse::<RegistryType>(), Err(UnknownRegistryType));
        }
    }

    #[test]
    fn every_default_is_an_address_of_its_type() {
        for kind in RegistryType::ALL {
            if let Some(text) = kind.default_address() {
                let address = text.parse().unwrap();
                assert_eq!(RegistryType::of_address(&address), kind);
            }
        }
    }

    #[test]
    fn an_address_tells_its_type() {
        for (address, kind) in [
            ("docker.io", RegistryType::DockerHub),
            ("ghcr.io/team", RegistryType::Ghcr),
            ("registry.gitlab.com", RegistryType::Gitlab),
            (
                "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
                RegistryType::AwsEcr,
            ),
            ("public.ecr.aws", RegistryType::AwsEcr),
            (
                "europe-docker.pkg.dev/project/repository",
                RegistryType::Gcr,
            ),
            ("eu.gcr.io", RegistryType::Gcr),
            ("team.azurecr.io", RegistryType::Acr),
            ("registry.example.com:5000", RegistryType::Private),
            ("notgcr.io", RegistryType::Private),
            ("azurecr.io.example.com", RegistryType::Private),
        ] {
            assert_eq!(
                RegistryType::of_address(&address.parse().unwrap()),
                kind,
                "{address}"
            );
        }
    }
}
