//! Which variables are secret by their name.

/// A name with one of these words is secret.
const WORDS: [&str; 58] = [
    "APIKEY",
    "APITOKEN",
    "AUTH",
    "AUTHORIZATION",
    "BEARER",
    "CONNSTR",
    "COOKIE",
    "COOKIES",
    "CRED",
    "CREDENTIAL",
    "CREDENTIALS",
    "CREDS",
    "CSRF",
    "DOCKERCONFIGJSON",
    "DSN",
    "HMAC",
    "JWK",
    "JWKS",
    "JWT",
    "KEY",
    "KEYRING",
    "KEYS",
    "KEYSTORE",
    "KEYTAB",
    "KUBECONFIG",
    "MNEMONIC",
    "NETRC",
    "NPMRC",
    "OAUTH",
    "OTP",
    "PASS",
    "PASSCODE",
    "PASSKEY",
    "PASSPHRASE",
    "PASSWD",
    "PASSWORD",
    "PASSWORDS",
    "PAT",
    "PATS",
    "PEM",
    "PEPPER",
    "PIN",
    "PSK",
    "PSWD",
    "PW",
    "PWD",
    "SALT",
    "SAS",
    "SECRET",
    "SECRETS",
    "SESSION",
    "SESSIONID",
    "SIGNATURE",
    "SIGNING",
    "TOKEN",
    "TOKENS",
    "TOTP",
    "WEBHOOK",
];

/// A word that ends like this is secret, as `PGPASSWORD` and `GITHUBTOKEN` are.
const ENDINGS: [&str; 19] = [
    "APIKEY",
    "ACCESSKEY",
    "AUTH",
    "COOKIE",
    "CREDENTIALS",
    "CREDS",
    "DSN",
    "ENCRYPTIONKEY",
    "JWT",
    "PASS",
    "PASSPHRASE",
    "PASSWD",
    "PASSWORD",
    "PRIVATEKEY",
    "PWD",
    "SECRET",
    "SECRETKEY",
    "SSHKEY",
    "TOKEN",
];

/// Words that end like one of those and mean something else.
const OTHER_WORDS: [&str; 8] = [
    "BYPASS",
    "COMPASS",
    "ENCOMPASS",
    "OLDPWD",
    "OVERPASS",
    "SURPASS",
    "TRESPASS",
    "UNDERPASS",
];

/// What `…_URL` names when the address has a password in it as a rule.
const SERVICES: [&str; 37] = [
    "AMQP",
    "AMQPS",
    "BROKER",
    "CACHE",
    "CASSANDRA",
    "CELERY",
    "CLICKHOUSE",
    "CLOUDAMQP",
    "CLOUDINARY",
    "COCKROACH",
    "COUCHDB",
    "DATABASE",
    "DATASOURCE",
    "DB",
    "ELASTIC",
    "ELASTICSEARCH",
    "HOOK",
    "JDBC",
    "KAFKA",
    "LDAP",
    "MAILER",
    "MARIADB",
    "MEMCACHED",
    "MONGO",
    "MONGODB",
    "MYSQL",
    "NATS",
    "NEO4J",
    "OPENSEARCH",
    "PG",
    "POSTGRES",
    "POSTGRESQL",
    "RABBITMQ",
    "REDIS",
    "SMTP",
    "SQLALCHEMY",
    "SUPABASE",
];

/// A name that ends with one of these tells something about a secret, and not the secret.
const ABOUT: [&str; 23] = [
    "AGE",
    "ALGORITHM",
    "COUNT",
    "DIR",
    "DISABLED",
    "DOMAIN",
    "ENABLED",
    "EXPIRES",
    "EXPIRY",
    "FILE",
    "LAYOUT",
    "LENGTH",
    "LIMIT",
    "METHOD",
    "PATH",
    "PROVIDER",
    "REGION",
    "SIZE",
    "SOCK",
    "TIMEOUT",
    "TTL",
    "TYPE",
    "VERSION",
];

/// Pairs of words at the end of a name that say nothing secret, as the first means another kind of
/// key or token than those that open something.
const OTHER_PAIRS: [[&str; 2]; 10] = [
    ["SORT", "KEY"],
    ["PRIMARY", "KEY"],
    ["FOREIGN", "KEY"],
    ["PARTITION", "KEY"],
    ["CACHE", "KEY"],
    ["OBJECT", "KEY"],
    ["JWT", "ALG"],
    ["JWT", "ISSUER"],
    ["JWT", "AUDIENCE"],
    ["AUTH", "URL"],
];

/// Parameters of URLs that are secret besides what variables are, in capitals.
const SECRET_PARAMETERS: [&str; 2] = ["PWD", "SIG"];
/// Parameters of URLs that say where in a list something is.
const PLACE_PARAMETERS: [&str; 4] = [
    "CONTINUATION_TOKEN",
    "NEXT_PAGE_TOKEN",
    "NEXT_TOKEN",
    "PAGE_TOKEN",
];

/// Names that every session has, and that say nothing secret.
const PLAIN_NAMES: [&str; 6] = [
    "PWD",
    "OLDPWD",
    "DESKTOP_SESSION",
    "SESSION_MANAGER",
    "TERM_SESSION_ID",
    "DBUS_SESSION_BUS_ADDRESS",
];

/// Whether the value of a variable with this name is a secret.
///
/// Goes by whole words, so that `SSH_KEY`, `sshKey` and `KEY2` are secret and `MONKEY` and
/// `KEYBOARD_LAYOUT` are not.
pub fn names_a_secret(name: &str) -> bool {
    let words = words(name);
    let upper = words.join("_");
    if PLAIN_NAMES.contains(&upper.as_str()) || upper.starts_with("XDG_") {
        return false;
    }
    let has = |word: &str| words.iter().any(|own| own == word);
    let Some(last) = words.last() else {
        return false;
    };
    if ABOUT.contains(&last.as_str()) || (has("PUBLIC") && has("KEY")) || is_other_pair(&words) {
        return false;
    }
    words.iter().any(|word| is_secret_word(word))
        || last == "PRIVATE"
        || (last == "HOOK" && words.len() > 1)
        || is_address_of_service(&words)
        || words.windows(2).any(|pair| {
            ["CONNECTION", "CONN"].contains(&pair[0].as_str())
                && ["STRING", "STR", "URL", "URI"].contains(&pair[1].as_str())
        })
}

/// What is evidently public within a document that is a secret, by the last word of its name.
const PUBLIC_WORDS: [&str; 42] = [
    "ALG",
    "AUDIENCE",
    "CLUSTER",
    "DATABASE",
    "DATE",
    "DBNAME",
    "DESCRIPTION",
    "DOMAIN",
    "EMAIL",
    "ENDPOINT",
    "ENGINE",
    "ENV",
    "ENVIRONMENT",
    "EXPIRATION",
    "EXPIRES",
    "EXPIRY",
    "FORMAT",
    "HOST",
    "HOSTNAME",
    "ID",
    "ISSUER",
    "KIND",
    "LOCATION",
    "NAME",
    "NAMESPACE",
    "PATH",
    "PORT",
    "PROJECT",
    "PROTOCOL",
    "PROVIDER",
    "REGION",
    "SCOPE",
    "SCOPES",
    "SERVER",
    "STAGE",
    "SUFFIX",
    "TENANT",
    "TYPE",
    "USER",
    "USERNAME",
    "VERSION",
    "ZONE",
];

/// Whether what has this name within something secret is public all the same.
pub(super) fn names_what_is_public(name: &str) -> bool {
    words(name)
        .last()
        .is_some_and(|last| PUBLIC_WORDS.contains(&last.as_str()))
}

/// Of a name that ends with `url` or `uri`, whether the address is a secret as a whole.
pub(super) fn address_of_a_secret(name: &str) -> Option<bool> {
    let words = words(name);
    let last = words.last()?;
    ["URL", "URLS", "URI", "URIS"]
        .contains(&last.as_str())
        .then(|| is_address_of_service(&words) || words.iter().any(|word| word.contains("HOOK")))
}

/// Whether the parameter of a URL with this name is a secret.
pub(super) fn names_a_secret_parameter(name: &str) -> bool {
    let name = words(name).join("_");
    let name = name.as_str();
    SECRET_PARAMETERS.contains(&name) || (!PLACE_PARAMETERS.contains(&name) && names_a_secret(name))
}

fn is_other_pair(words: &[String]) -> bool {
    let counted = ["MAX", "MIN", "NUM", "TOTAL"];
    if words.last().is_some_and(|last| last == "TOKENS")
        && words.iter().any(|word| counted.contains(&word.as_str()))
    {
        return true;
    }
    words
        .last_chunk()
        .is_some_and(|[first, last]| OTHER_PAIRS.contains(&[first.as_str(), last.as_str()]))
}

fn is_secret_word(word: &str) -> bool {
    if OTHER_WORDS.contains(&word) {
        return false;
    }
    WORDS.contains(&word)
        || ENDINGS.iter().any(|ending| word.ends_with(ending))
        || word.contains("PASSWORD")
        || word.starts_with("APIKEY")
        || word.starts_with("WEBHOOK")
}

/// `DATABASE_URL`, `MONGODB_URI` and `REDISURL`.
fn is_address_of_service(words: &[String]) -> bool {
    let serves = |word: &String| SERVICES.contains(&word.as_str());
    words.iter().any(|word| match word.as_str() {
        "URL" | "URLS" | "URI" | "URIS" => words.iter().any(serves),
        word => ["URL", "URI"]
            .iter()
            .filter_map(|ending| word.strip_suffix(ending))
            .any(|service| SERVICES.contains(&service)),
    })
}

/// The words of a name, in capitals: split at what is no letter, and where a small letter is
/// followed by a large one.
fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| letters[before]);
        let after = letters.get(at + 1);
        let begins = letter.is_uppercase()
            && (before.is_some_and(char::is_lowercase)
                || (before.is_some_and(char::is_uppercase)
                    && after.is_some_and(|after| after.is_lowercase())));
        if begins || !letter.is_alphabetic() {
            words.push(String::new());
        }
        if letter.is_alphabetic()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_uppercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_say_secret_are_told_from_those_that_do_not() {
        let secret = "
            TOKEN API_TOKEN NPM_TOKEN NPM_AUTH_TOKEN GITHUB_TOKEN CI_JOB_TOKEN TOKENS TOKEN2
            SECRET CLIENT_SECRET SECRET_KEY_BASE SECRETS AWS_SECRET_ACCESS_KEY
            PASSWORD DB_PASSWORD db_password dbPassword PGPASSWORD MYSQL_ROOT_PASSWORD PASSWORD1
            DB_PASS PGPASS SSHPASS PASS SMTP_PASS PASSPHRASE GPG_PASSPHRASE PASSWD MYSQL_PWD DB_PWD
            DB_PW KEY API_KEY APIKEY apiKey APIKey SSH_KEY PRIVATE_KEY DEPLOY_KEY KEY_1
            ENCRYPTION_KEY STRIPE_SK_KEY CREDS AWS_CREDS CREDENTIALS
            GOOGLE_APPLICATION_CREDENTIALS GCP_CREDENTIAL AUTH BASIC_AUTH DOCKER_AUTH_CONFIG OAUTH
            AUTHORIZATION AUTH_HEADER HTTP_AUTHORIZATION SENTRY_DSN DSN COOKIE SESSION_COOKIE
            SESSION SESSION_ID SESSION_SECRET JWT JWT_SIGNING BEARER BEARER_VALUE WEBHOOK_URL
            SLACK_WEBHOOK SLACK_WEBHOOK_URL DISCORD_WEBHOOK GH_PAT PAT AZURE_PAT PRIVATE_PEM
            TLS_PEM RSA_PRIVATE SALT PASSWORD_SALT SIGNING SIGNING_CERT SIGNATURE OTP TOTP_SEED
            KUBECONFIG KUBE_CONFIG_KEY DATABASE_URL DB_URL REDIS_URL MONGODB_URI MONGO_URL
            AMQP_URL RABBITMQ_URL POSTGRES_URL CELERY_BROKER_URL DATABASEURL REDISURL databaseUrl
            AZURE_STORAGE_CONNECTION_STRING CONN_STR DB_CONNECTION_URL JDBC_URL SMTP_URL
            SLACK_HOOK DEPLOY_HOOK APP_JWT JWT_KEY AUTH_KEY CACHE_TOKEN
            npm_config__authToken OAUTH2_TOKEN GITHUBTOKEN DBPASS KEYSTORE CSRF_TOKEN TF_VAR_pat
        ";
        for name in secret.split_whitespace() {
            assert!(names_a_secret(name), "{name}");
        }
        let plain = "
            AUTHOR AUTHORS GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL AUTHORITY AUTHORIZED_USERS MONKEY
            TURKEY HOCKEY DONKEY WHISKEY KEYBOARD_LAYOUT KEYBOARD KEYMAP KEYNOTE PATH COMPASS
            BYPASS PASSENGER PASSIVE PASSAGE TOKENIZER TOKENIZERS_PARALLELISM SECRETARY PWD OLDPWD
            HOME USER LANG SHELL TERM NODE_ENV CI COMMIT_SHA GIT_HASH REGION AWS_REGION PORT HOST
            DB_HOST DB_NAME DB_USER DATABASE DATABASE_NAME REDIS_HOST PUBLIC_URL BASE_URL APP_URL
            URL SITE_URL PUBLIC_KEY SSH_PUBLIC_KEY SSH_AUTH_SOCK XDG_SESSION_TYPE DESKTOP_SESSION
            DBUS_SESSION_BUS_ADDRESS COOKIECUTTER DESIGN ASSIGNEE SIGNAL CONSIGNMENT PATTERN
            PATCH SPATIAL PINNED SHIPPING SALTY SESSIONS_ARE KEYWORDS HOTKEYS LOG_LEVEL DEBUG
            TOKEN_TYPE TOKEN_TTL PASSWORD_MIN_LENGTH AUTH_ENABLED COOKIE_DOMAIN SESSION_TIMEOUT
            DB_PASSWORD_FILE SSH_KEY_PATH PRIVATE_NETWORK CONNECTION_LIMIT HOOKS WEB_HOST _ 1
            MAX_TOKENS MAX_OUTPUT_TOKENS SORT_KEY PRIMARY_KEY CACHE_KEY CI_CACHE_KEY JWT_ALG AUTH_URL OAUTH_AUTH_URL
            MY_CERT HOOK
        ";
        for name in plain.split_whitespace() {
            assert!(!names_a_secret(name), "{name}");
        }
        assert!(!names_a_secret(""));
    }

    #[test]
    fn parameters_that_say_secret_are_told_from_those_that_do_not() {
        let secret = "
            token access_token api_key apikey key sig signature X-Amz-Signature pwd password secret
            client_secret X-Amz-Security-Token user[password] sessionId auth
        ";
        for name in secret.split_whitespace() {
            assert!(names_a_secret_parameter(name), "{name}");
        }
        let plain = "
            page q code state id user pageToken next_page_token sort_key X-Amz-Date expires sign
            X-Amz-SignedHeaders token_type
        ";
        for name in plain.split_whitespace() {
            assert!(!names_a_secret_parameter(name), "{name}");
        }
    }
}
