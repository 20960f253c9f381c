//! The limits of each field; what is wrong is added to `invalid`.

use reoclo_domain::masking::masked_shapes;
use reoclo_domain::{
    DisplayName, RegistryAddress, RegistryType, RegistryTypeName, Secret, hides_something,
    is_deceptive,
};

use crate::InvalidFields;

/// What stands in place of a secret wherever a credential is shown. Clients that send back what
/// they were shown do not change the secret with it.
pub const MASKED_SECRET: &str = "********";

const MAX_USERNAME_CHARS: usize = 255;
const MAX_DESCRIPTION_CHARS: usize = 500;
/// Keys of service accounts have about 3,000 bytes.
const MAX_SECRET_BYTES: usize = 16 * 1024;

/// The field of the secret, as existing clients call it.
pub(super) const SECRET_FIELD: &str = "encrypted_credential";

pub(super) fn checked_name(text: &str, invalid: &mut InvalidFields) -> Option<DisplayName> {
    text.parse()
        .inspect_err(|problem: &reoclo_domain::NameError| invalid.add("name", problem.to_string()))
        .ok()
}

pub(super) fn checked_type(text: &str, invalid: &mut InvalidFields) -> Option<RegistryTypeName> {
    text.parse()
        .inspect_err(|problem: &reoclo_domain::UnknownRegistryType| {
            invalid.add("registry_type", problem.to_string());
        })
        .ok()
}

/// The address that was given, or the usual one of the type.
pub(super) fn checked_address(
    text: Option<&str>,
    registry_type: Option<RegistryType>,
    invalid: &mut InvalidFields,
) -> Option<RegistryAddress> {
    let given = text.filter(|text| !text.is_empty());
    let Some(text) = given.or_else(|| registry_type?.default_address()) else {
        if let Some(kind) = registry_type {
            let problem = format!("is missing: registries of the type {kind} have none in common");
            invalid.add("registry_url", problem);
        }
        return None;
    };
    text.parse()
        .inspect_err(|problem: &reoclo_domain::RegistryAddressError| {
            invalid.add("registry_url", problem.to_string());
        })
        .ok()
}

/// An empty name is none.
pub(crate) fn checked_username(text: Option<&str>, invalid: &mut InvalidFields) -> Option<String> {
    let text = text.filter(|text| !text.is_empty())?;
    if text.chars().count() > MAX_USERNAME_CHARS {
        invalid.add("username", "must be at most 255 characters");
    } else if text.chars().any(is_deceptive) {
        invalid.add(
            "username",
            "must not contain control, text-direction or invisible characters",
        );
    } else if masked_shapes(text) != text {
        invalid.add(
            "username",
            "must not contain a key or a token: give it as the password",
        );
    } else if text.contains(':') {
        // It ends the name where a registry reads both (RFC 7617, section 2).
        invalid.add("username", "must not contain a colon");
    }
    Some(text.to_owned())
}

/// An empty description is none; it may have lines.
pub(super) fn checked_description(
    text: Option<&str>,
    invalid: &mut InvalidFields,
) -> Option<String> {
    let text = text.filter(|text| !text.is_empty())?;
    if text.chars().count() > MAX_DESCRIPTION_CHARS {
        invalid.add("description", "must be at most 500 characters");
    } else if text.split('\n').any(hides_something) {
        invalid.add(
            "description",
            "must not contain control, text-direction or invisible characters",
        );
    } else if masked_shapes(text) != text {
        invalid.add(
            "description",
            "must not contain a key, a token or a password",
        );
    }
    Some(text.to_owned())
}

/// The secret under either of its names.
pub(super) fn given_secret(
    credential: Option<&String>,
    password: Option<&String>,
    invalid: &mut InvalidFields,
) -> Option<Secret> {
    if credential.is_some() && password.is_some() {
        let problem = "is the same as encrypted_credential: send one of the two";
        invalid.add("password", problem);
    }
    credential
        .or(password)
        .map(|text| Secret::new(text.as_str()))
}

/// A secret that has to be there.
pub(crate) fn checked_secret(
    field: &'static str,
    secret: Option<Secret>,
    invalid: &mut InvalidFields,
) -> Option<Secret> {
    let Some(secret) = secret else {
        invalid.add(field, "is missing");
        return None;
    };
    let text = secret.expose();
    if text.trim().is_empty() {
        invalid.add(field, "must not be empty");
    } else if text.len() > MAX_SECRET_BYTES {
        invalid.add(field, "must be at most 16 KiB");
    } else if text.contains('\0') {
        invalid.add(field, "must not contain NUL");
    } else if text == MASKED_SECRET {
        invalid.add(
            field,
            "is the mask that stands in place of a password, not a password",
        );
    }
    Some(secret)
}
