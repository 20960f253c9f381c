//! The people whom a key added: with the key in the wrong hands, they are to be looked at too.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{Role, UserId};
use reoclo_store::KeyRef;
use uuid::Uuid;

use super::{Keys, ManagesKeys};
use crate::{Authorized, Refusal};

/// Somebody whom a key added or invited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPerson {
    /// Who it is, or the invitation that is open.
    pub place: KeyPersonPlace,
    /// Their address; none until the account is set up.
    pub email: Option<String>,
    /// Their name.
    pub name: Option<String>,
    /// The role that they have or will have.
    pub role: Role,
}

/// How far somebody whom a key added has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPersonPlace {
    /// They are in the organization.
    Member(UserId),
    /// Their link is open still, also when the key is revoked.
    Invited(Uuid),
}

impl Keys<'_> {
    /// The people whom a key that the caller may manage brought into the organization, and whom
    /// it invited and who can accept still.
    #[boxed]
    pub async fn people<P: ManagesKeys>(
        &self,
        proof: &Authorized<P>,
        key: KeyRef,
    ) -> Result<Vec<KeyPerson>, Refusal> {
        self.find(proof, key).await?;
        let (organization, key) = (proof.caller().organization(), key.as_uuid());
        let members = self.0.store().people_of_key(organization, key).await?;
        let members = members.into_iter().map(|member| KeyPerson {
            place: KeyPersonPlace::Member(member.id),
            email: member.email,
            name: member.name,
            role: member.role,
        });
        let invitations = self.0.store().invitations(organization).await?;
        let now = self.0.now();
        let invited = invitations
            .into_iter()
            .filter(|invitation| invitation.key == Some(key) && now < invitation.expires_at)
            .map(|invitation| KeyPerson {
                place: KeyPersonPlace::Invited(invitation.id.as_uuid()),
                email: Some(invitation.email),
                name: Some(invitation.name),
                role: invitation.role,
            });
        Ok(members.chain(invited).collect())
    }
}
