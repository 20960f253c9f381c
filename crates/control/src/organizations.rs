//! Organizations: their settings, and making more of them.

use async_recursion::async_recursion as boxed;
use ipnet::IpNet;
use reoclo_api_types::{ChangeOrganizationRequest, NewOrganizationRequest};
use reoclo_domain::{DisplayName, OrganizationId, Role, Slug};
use reoclo_store::{
    AuditOutcome, Conflict, NewAuditEvent, NewOrganization, OrganizationRecord, StoreError,
};
use serde_json::json;

use crate::audit::{AuditedAction, resource};
use crate::core::Core;
use crate::edit::settled;
use crate::outbound::TrustedNetwork;
use crate::settings::Settings;
use crate::{Authorized, InvalidFields, Member, OrganizationManage, Refusal};

/// The maxima that can be set: below the shortest lifetime of a key, none could be created.
const MAX_LIFETIME_DAYS: std::ops::RangeInclusive<i64> = 30..=3_650;

/// The most networks that an organization trusts.
const MAX_TRUSTED_NETWORKS: usize = 100;
const NETWORKS: &str = "trusted_networks";

/// The settings of organizations, and making more of them.
#[derive(Clone, Copy)]
pub struct Organizations<'c> {
    pub(crate) core: &'c Core,
    pub(crate) settings: &'c Settings,
}

impl Organizations<'_> {
    /// The caller's organization.
    #[boxed]
    pub async fn show(&self, proof: &Authorized<Member>) -> Result<OrganizationRecord, Refusal> {
        self.find(proof.caller().organization()).await
    }

    async fn find(self, id: OrganizationId) -> Result<OrganizationRecord, Refusal> {
        let found = self.core.store().organization(id).await?;
        found.ok_or(Refusal::NotFound("the organization"))
    }

    /// Changes the caller's organization. A maximum lifetime is for keys made from then on: those
    /// that exist are listed as longer, and not cut.
    #[boxed]
    pub async fn change(
        &self,
        proof: &Authorized<OrganizationManage>,
        form: ChangeOrganizationRequest,
    ) -> Result<OrganizationRecord, Refusal> {
        let change = self.checked(&form)?;
        let rule = move |before: &OrganizationRecord| change.applied(before);
        let audit = self.core.audit(proof.caller(), "organization.update");
        let id = proof.caller().organization();
        let edited = self.core.store().change_organization(id, audit, rule).await;
        settled(edited, "the organization")
    }

    /// Makes an organization, of which the caller is the first admin. For the instance's first
    /// admin and those whom they named.
    #[boxed]
    pub async fn create(
        &self,
        proof: &Authorized<Member>,
        form: NewOrganizationRequest,
    ) -> Result<OrganizationRecord, Refusal> {
        let caller = proof.caller();
        let person = caller.person().ok_or(Refusal::SessionExpired)?;
        if !person.may_create_organizations {
            return Err(Refusal::MayNotCreateOrganizations);
        }
        let (name, slug) = checked_new(&form)?;
        let new = NewOrganization {
            id: OrganizationId::new(self.core.clock(), self.core.entropy()),
            slug: slug.to_string(),
            name: name.to_string(),
            created_at: self.core.now(),
        };
        let events = vec![self.organization_created(proof, &new)];
        let created = self
            .core
            .store()
            .create_organization_with_admin(new.clone(), person.user, events)
            .await;
        match created {
            Ok(()) => Ok(new.into()),
            Err(StoreError::Conflict(Conflict::Taken { column: "slug", .. })) => {
                Err(Refusal::Taken {
                    field: "slug",
                    detail: format!("there is an organization with the slug {slug} already"),
                })
            }
            Err(error) => Err(Refusal::of_write(error)),
        }
    }

    fn organization_created(
        self,
        proof: &Authorized<Member>,
        new: &NewOrganization,
    ) -> NewAuditEvent {
        let audited = AuditedAction {
            action: "organization.create",
            resource: resource("organization", new.id, Some(&new.name)),
            outcome: AuditOutcome::Success,
            detail: json!({ "slug": new.slug, "first_role": Role::Admin.as_str() }),
        };
        let caller = proof.caller();
        self.core.event(
            Some(new.id),
            caller.actor(),
            caller.source().clone(),
            audited,
        )
    }

    fn checked(self, form: &ChangeOrganizationRequest) -> Result<OrganizationChange, Refusal> {
        let mut invalid = InvalidFields::default();
        let days = form.max_key_lifetime_days.map(|days| {
            days.map(|days| {
                let within = MAX_LIFETIME_DAYS.contains(&days);
                u32::try_from(days).ok().filter(|_| within)
            })
        });
        if days == Some(Some(None)) {
            let (least, most) = (MAX_LIFETIME_DAYS.start(), MAX_LIFETIME_DAYS.end());
            let problem = format!("must be {least} to {most}, or null for no maximum");
            invalid.add("max_key_lifetime_days", problem);
        }
        let networks = form.trusted_networks.as_ref();
        let networks = networks.map(|texts| self.trusted(texts, &mut invalid));
        if form.name.is_none() && days.is_none() && networks.is_none() {
            invalid.add("body", "names nothing to change");
        }
        invalid.into_result()?;
        Ok(OrganizationChange {
            name: form.name.clone(),
            max_key_lifetime_days: days.map(Option::flatten),
            trusted_networks: networks,
        })
    }

    /// The networks, each once. What is wrong with one is noted under its place.
    fn trusted(self, entries: &[String], invalid: &mut InvalidFields) -> Vec<IpNet> {
        if !self.settings.organization_networks && !entries.is_empty() {
            let problem = "is turned off by whoever runs this Reoclo: leave it empty";
            invalid.add(NETWORKS, problem);
        } else if entries.len() > MAX_TRUSTED_NETWORKS {
            let problem = format!("must have at most {MAX_TRUSTED_NETWORKS} entries");
            invalid.add(NETWORKS, problem);
        }
        let mut networks = Vec::new();
        for (place, text) in entries.iter().enumerate().take(MAX_TRUSTED_NETWORKS) {
            match text.parse::<TrustedNetwork>() {
                Ok(TrustedNetwork(network)) if networks.contains(&network) => {}
                Ok(TrustedNetwork(network)) => networks.push(network),
                Err(problem) => invalid.add(format!("{NETWORKS}[{place}]"), problem.to_string()),
            }
        }
        networks
    }
}

/// What is to change, checked but for a name that may be the old one; none leaves it as it is.
struct OrganizationChange {
    name: Option<String>,
    #[expect(clippy::option_option, reason = "an inner none is for ever")]
    max_key_lifetime_days: Option<Option<u32>>,
    trusted_networks: Option<Vec<IpNet>>,
}

impl OrganizationChange {
    fn applied(&self, before: &OrganizationRecord) -> Result<OrganizationRecord, Refusal> {
        let mut record = before.clone();
        if let Some(name) = &self.name {
            let name = DisplayName::instead_of(&before.name, name)
                .map_err(|problem| Refusal::field("name", problem.to_string()))?;
            record.name = name.to_string();
        }
        if let Some(days) = self.max_key_lifetime_days {
            record.max_key_lifetime_days = days;
        }
        if let Some(networks) = &self.trusted_networks {
            record.trusted_networks.clone_from(networks);
        }
        Ok(record)
    }
}

fn checked_new(form: &NewOrganizationRequest) -> Result<(DisplayName, Slug), Refusal> {
    let mut invalid = InvalidFields::default();
    let name = form.name.parse::<DisplayName>();
    if let Err(problem) = &name {
        invalid.add("name", problem.to_string());
    }
    let slug = match &form.slug {
        Some(slug) => slug.parse::<Slug>(),
        None => Ok(Slug::from_text(&form.name)),
    };
    if let Err(problem) = &slug {
        invalid.add("slug", problem.to_string());
    }
    match (name, slug) {
        (Ok(name), Ok(slug)) => Ok((name, slug)),
        _ => Err(Refusal::InvalidRequest(invalid)),
    }
}
