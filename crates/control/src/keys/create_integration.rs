//! Creating an integration key.

use std::collections::BTreeMap;

use async_recursion::async_recursion as boxed;
use reoclo_domain::{Acl, DisplayName, MaximumLifetime, Preset, Role};

use super::mint::{Blueprint, Power};
use super::{Keys, MintedKey, cells, lifetime, person};
use crate::{Authorized, IntegrationKeysManage, InvalidFields, Refusal};

/// An integration key as a person wants it.
#[derive(Clone, Debug)]
pub struct NewIntegrationKeyForm {
    /// 1 to 100 characters.
    pub label: String,
    /// `30d`, `90d`, `1y` or `never`.
    pub expires_in: String,
    /// The name of a preset.
    pub preset: String,
    /// Resource → actions, for the preset `custom`.
    pub permissions: BTreeMap<String, Vec<String>>,
    /// The mark of the page's form, which makes one key however often it is sent.
    pub once: Option<String>,
}

impl Keys<'_> {
    /// Creates an integration key of the caller. A preset is taken by its name, whatever the
    /// caller's role: the key has the part of it that the role allows. A custom cell beyond the
    /// role is refused.
    #[boxed]
    pub async fn create_integration(
        &self,
        proof: &Authorized<IntegrationKeysManage>,
        form: NewIntegrationKeyForm,
    ) -> Result<MintedKey, Refusal> {
        let person = person(proof)?;
        let maximum = self.maximum_lifetime(proof).await?;
        let blueprint = checked(&form, person.role, maximum)?;
        self.create(proof.caller(), person, blueprint, maximum, form.once)
            .await
    }
}

fn checked(
    form: &NewIntegrationKeyForm,
    role: Role,
    maximum: Option<MaximumLifetime>,
) -> Result<Blueprint, Refusal> {
    let mut invalid = InvalidFields::default();
    let label = form.label.parse::<DisplayName>();
    if let Err(problem) = &label {
        invalid.add("label", problem.to_string());
    }
    let lifetime = lifetime::chosen(&form.expires_in, maximum, &mut invalid);
    let preset = preset(form, role, &mut invalid);
    match (label, preset) {
        (Ok(label), Some(preset)) => {
            invalid.into_result()?;
            Ok(Blueprint {
                label: label.to_string(),
                lifetime,
                power: Power::Integration(preset),
            })
        }
        _ => Err(Refusal::InvalidRequest(invalid)),
    }
}

fn preset(form: &NewIntegrationKeyForm, role: Role, invalid: &mut InvalidFields) -> Option<Preset> {
    let found = Preset::from_name(&form.preset, Acl::empty());
    match found {
        None => invalid.add(
            "preset",
            "is not a preset: use full_access, deploy_only, read_only or custom",
        ),
        Some(Preset::Custom(_)) => {
            let cells = cells::named(&form.permissions, role, invalid);
            return Some(Preset::Custom(cells));
        }
        Some(_) if !form.permissions.is_empty() => invalid.add(
            "permissions",
            "is for the preset custom: leave it out, or choose custom",
        ),
        Some(_) => {}
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> NewIntegrationKeyForm {
        NewIntegrationKeyForm {
            label: " Claude Code ".into(),
            expires_in: "90d".into(),
            preset: "full_access".into(),
            permissions: BTreeMap::new(),
            once: None,
        }
    }

    fn problems(form: &NewIntegrationKeyForm) -> Vec<String> {
        match checked(form, Role::Developer, None) {
            Err(Refusal::InvalidRequest(invalid)) => invalid.fields().keys().cloned().collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_developer_takes_any_preset_by_its_name() {
        let blueprint = checked(&form(), Role::Developer, None).unwrap();
        assert_eq!(blueprint.label, "Claude Code");
        assert!(matches!(
            blueprint.power,
            Power::Integration(Preset::FullAccess)
        ));
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let wrong = NewIntegrationKeyForm {
            label: "  ".into(),
            expires_in: "2d".into(),
            preset: "all".into(),
            permissions: BTreeMap::new(),
            once: None,
        };
        assert_eq!(problems(&wrong), ["expires_in", "label", "preset"]);
    }

    #[test]
    fn permissions_belong_to_custom_alone() {
        let permissions = [("servers".to_owned(), vec!["read".to_owned()])].into();
        let both = NewIntegrationKeyForm {
            permissions,
            ..form()
        };
        assert_eq!(problems(&both), ["permissions"]);
        let custom = NewIntegrationKeyForm {
            preset: "custom".into(),
            ..both.clone()
        };
        assert!(checked(&custom, Role::Viewer, None).is_ok());
        let none = NewIntegrationKeyForm {
            permissions: BTreeMap::new(),
            ..custom
        };
        assert_eq!(problems(&none), ["permissions"]);
    }
}
