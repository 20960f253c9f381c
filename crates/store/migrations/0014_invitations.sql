-- People who were asked to join an organization. Nothing of theirs changes before they accept.
-- Without a token nobody was shown the link yet. `key_id` is the key that asked, if it was one.
CREATE TABLE invitations (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    token_hash BYTEA UNIQUE,
    key_id TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX invitations_email ON invitations (organization_id, email);

-- The key that brought a person in, if it was one.
ALTER TABLE memberships ADD COLUMN key_id TEXT;
-- Where a person was last.
ALTER TABLE users ADD COLUMN last_organization_id TEXT;
UPDATE users SET last_organization_id = (
    SELECT sessions.organization_id FROM sessions WHERE sessions.user_id = users.id
    ORDER BY sessions.last_seen_at DESC LIMIT 1
);
-- Whom keys brought in before: the audit log knows.
UPDATE memberships SET key_id = (
    SELECT audit_events.actor_id FROM audit_events
    WHERE audit_events.chain = memberships.organization_id
        AND audit_events.action IN ('user.create', 'user.add')
        AND audit_events.resource_id = memberships.user_id
        AND audit_events.actor_kind = 'integration_key'
    ORDER BY audit_events.seq DESC LIMIT 1
);
