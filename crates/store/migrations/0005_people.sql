-- A password given by somebody else is good until this moment, and only for choosing another.
ALTER TABLE users ADD COLUMN temporary_until BIGINT;
ALTER TABLE users ADD COLUMN may_create_organizations BIGINT NOT NULL DEFAULT 0;

-- The instance's first admin.
UPDATE users SET may_create_organizations = 1 WHERE id = (
    SELECT users.id FROM users JOIN memberships ON memberships.user_id = users.id
    WHERE memberships.role = 'admin' ORDER BY users.created_at, users.id LIMIT 1
);

-- The longest that a new key may live; NULL is for ever.
ALTER TABLE organizations ADD COLUMN max_key_lifetime_days BIGINT;

CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    token_hash BYTEA NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES users (id),
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    ip TEXT,
    user_agent TEXT
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- Attempts to sign in since `first_at`, by account and by address; the account's name is hashed.
CREATE TABLE sign_in_attempts (
    subject TEXT NOT NULL PRIMARY KEY,
    attempts BIGINT NOT NULL,
    first_at BIGINT NOT NULL
);
CREATE INDEX sign_in_attempts_age ON sign_in_attempts (first_at);
