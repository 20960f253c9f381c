//! What a runner can do, by name: the actions that it starts and the calls that it answers.

use std::collections::BTreeSet;

use crate::proto::Description;

/// Makes the enum from one line for each: its name here, its name in the protocol, and what a
/// runner without it cannot do.
macro_rules! abilities {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $what:literal;)+) => {
        /// An action or a call of the protocol.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Ability {
            $($(#[$doc])* $name,)+
        }

        impl Ability {
            /// Everything that this version knows.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Its name in the protocol: that of the action's field, or of the call in snake case.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }

            /// What a runner without it cannot do, after "cannot".
            pub const fn what(self) -> &'static str {
                match self {
                    $(Self::$name => $what,)+
                }
            }
        }
    };
}

abilities! {
    /// Says who it is.
    Describe = "describe", "say who it is";
    /// Starts operations.
    Start = "start", "start operations";
    /// Tells of operations that it started.
    Follow = "follow", "be asked for operations again";
    /// Ends operations.
    Cancel = "cancel", "cancel operations";
    /// Lets go of what is stored elsewhere.
    Forget = "forget", "forget operations";
    /// Measures its host.
    Metrics = "metrics", "measure its host";
    /// Looks which ports are listened on.
    Ports = "ports", "list ports";
    /// Runs a command by `sh`.
    Exec = "exec", "run commands";
    /// Reboots its host.
    Reboot = "reboot", "reboot its host";
    /// Logs in to a registry.
    RegistryLogin = "registry_login", "log in to registries";
    /// Logs out of a registry.
    RegistryLogout = "registry_logout", "log out of registries";
    /// Runs a command by the interpreter that its first line names.
    Script = "script", "run commands that begin with #!";
}

/// What a runner of 0.1.0 can do. It does not say so: no list means this one.
const OF_0_1_0: &[Ability] = &[
    Ability::Describe,
    Ability::Start,
    Ability::Follow,
    Ability::Cancel,
    Ability::Forget,
    Ability::Metrics,
    Ability::Ports,
    Ability::Exec,
    Ability::Reboot,
    Ability::RegistryLogin,
    Ability::RegistryLogout,
    Ability::Script,
];

/// What one runner can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Abilities(BTreeSet<Ability>);

impl Abilities {
    /// As the runner says. Names that this version does not know are nothing to it.
    pub fn of(description: &Description) -> Self {
        let said = &description.abilities;
        if said.is_empty() {
            return Self(OF_0_1_0.iter().copied().collect());
        }
        let is_said = |ability: &&Ability| said.iter().any(|name| name == ability.as_str());
        Self(Ability::ALL.iter().filter(is_said).copied().collect())
    }

    /// Whether it can.
    pub fn has(&self, ability: Ability) -> bool {
        self.0.contains(&ability)
    }

    /// It has turned out that it cannot.
    pub fn remove(&mut self, ability: Ability) {
        self.0.remove(&ability);
    }

    /// What this version knows and the runner cannot do.
    pub fn lacking(&self) -> impl Iterator<Item = Ability> {
        let all = Ability::ALL.iter().copied();
        all.filter(|ability| !self.has(*ability))
    }
}

/// The names of everything that this version can do, for a description.
pub fn own() -> Vec<String> {
    let all = Ability::ALL.iter();
    all.map(|ability| ability.as_str().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> Abilities {
        Abilities::of(&Description {
            abilities: names.iter().map(|name| (*name).to_owned()).collect(),
            ..Description::default()
        })
    }

    #[test]
    fn a_runner_that_says_nothing_is_of_0_1_0() {
        assert_eq!(of(&[]).lacking().next(), None);
        assert!(of(&[]).has(Ability::RegistryLogin));
    }

    #[test]
    fn a_runner_can_do_what_it_says_and_nothing_else() {
        let abilities = of(&["exec", "start", "of_tomorrow"]);
        assert!(abilities.has(Ability::Exec) && abilities.has(Ability::Start));
        assert!(!abilities.has(Ability::Reboot));
        let own = own();
        let own: Vec<_> = own.iter().map(String::as_str).collect();
        assert_eq!(of(&own).lacking().next(), None);
    }
}
