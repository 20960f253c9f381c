//! Completing the first admin's account.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{
    DisplayName, OrganizationId, PlainToken, Secret, TokenKind, UserId, is_deceptive,
};
use reoclo_store::{Profile, RequestSource, SetupOutcome};

use crate::core::Core;
use crate::passwords::PasswordHashing;
use crate::passwords::{Asker, check_password};
use crate::{InvalidFields, Refusal};

const MAX_EMAIL_LEN: usize = 254;

/// What the set-up page asks for.
#[derive(Debug)]
pub struct SetupForm {
    /// The token of the link.
    pub token: Secret,
    /// The admin's name.
    pub name: String,
    /// The admin's e-mail address.
    pub email: String,
    /// 12 to 200 characters.
    pub password: Secret,
}

/// Completing the first admin's account.
#[derive(Clone, Copy)]
pub struct Setup<'c> {
    pub(crate) core: &'c Core,
    pub(crate) passwords: &'c PasswordHashing,
}

impl Setup<'_> {
    /// Refuses when nobody can be set up with this link, for the page that shows the form.
    #[boxed]
    pub async fn check_link(&self, token: &Secret) -> Result<(), Refusal> {
        self.open_link(token).await.map(|_| ())
    }

    /// Whoever has no link costs one look at an index, and no hash.
    async fn open_link(self, text: &Secret) -> Result<PlainToken, Refusal> {
        let token = setup_token(text).ok_or_else(dead_link)?;
        let is_open = self
            .core
            .store()
            .setup_link_is_open(token.hash(), self.core.now());
        if is_open.await? {
            Ok(token)
        } else {
            Err(dead_link())
        }
    }

    /// Completes the pending admin's account and consumes the one-time link.
    #[boxed]
    pub async fn complete(
        &self,
        form: SetupForm,
        source: RequestSource,
    ) -> Result<(UserId, OrganizationId), Refusal> {
        let token = self.open_link(&form.token).await?;
        check_form(&form)?;
        let profile = Profile {
            name: form.name.trim().to_owned(),
            email: form.email.trim().to_lowercase(),
            password_hash: self
                .passwords
                .hash(
                    self.core.entropy(),
                    form.password,
                    Asker::with_link(&source),
                )
                .await?,
        };
        let completed = self
            .core
            .store()
            .complete_setup(token.hash(), self.core.now(), profile, source)
            .await;
        match completed.map_err(Refusal::of_write)? {
            SetupOutcome::Completed { user, organization } => Ok((user, organization)),
            SetupOutcome::Expired | SetupOutcome::Unknown => Err(dead_link()),
        }
    }
}

fn setup_token(text: &Secret) -> Option<PlainToken> {
    let token = PlainToken::parse(text.expose()).ok()?;
    (token.kind() == TokenKind::Setup).then_some(token)
}

/// Used, expired and never issued look the same.
fn dead_link() -> Refusal {
    Refusal::field(
        "token",
        "is not an open set-up link: it works once and for 24 hours; restart Reoclo to get a new one",
    )
}

fn check_form(form: &SetupForm) -> Result<(), Refusal> {
    let mut invalid = InvalidFields::default();
    if let Err(problem) = form.name.parse::<DisplayName>() {
        invalid.add("name", problem.to_string());
    }
    check_email(&mut invalid, &form.email);
    let about = [form.name.as_str(), form.email.as_str()];
    check_password(&mut invalid, "password", &form.password, &about);
    invalid.into_result()
}

/// Notes what is wrong with an e-mail address.
pub(crate) fn check_email(invalid: &mut InvalidFields, email: &str) {
    if !is_email(email.trim()) {
        invalid.add("email", "must be an e-mail address such as ada@example.com");
    }
}

/// Refuses what cannot be an address; only a delivered message proves that one is.
fn is_email(text: &str) -> bool {
    let visible = |character: char| !character.is_whitespace() && !is_deceptive(character);
    text.len() <= MAX_EMAIL_LEN
        && text.chars().all(visible)
        && text.rsplit_once('@').is_some_and(|(local, host)| {
            !local.is_empty() && !local.contains('@') && !host.is_empty()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_an_address_is_refused() {
        assert!(is_email("ada@example.com"));
        assert!(is_email("ada@localhost"));
        for wrong in [
            "",
            "ada",
            "@host",
            "ada@",
            "a da@host",
            "a@b@c",
            "ada@ho\nst",
        ] {
            assert!(!is_email(wrong), "{wrong:?}");
        }
    }
}
