//! What a login to a registry takes, kept or not; what is wrong with it is added to `invalid`.

use reoclo_domain::masking::masked_shapes;
use reoclo_domain::{RegistryAddress, RegistryType, Secret, is_deceptive};

use crate::InvalidFields;

/// What stands in place of a secret wherever a credential is shown. Clients that send back what
/// they were shown do not change the secret with it.
pub const MASKED_SECRET: &str = "********";

const MAX_USERNAME_CHARS: usize = 255;
/// Keys of service accounts have about 3,000 bytes.
const MAX_SECRET_BYTES: usize = 16 * 1024;

/// The field of the secret, as existing clients call it.
pub(crate) const SECRET_FIELD: &str = "encrypted_credential";

/// The address that was given, or the usual one of the type.
pub(crate) fn checked_address(
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
    invalid.parse("registry_url", text)
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

/// The secret under either of its names.
pub(crate) fn given_secret(
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
