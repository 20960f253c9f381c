-- What servers log in to container registries with. The type has the name that the client sent;
-- the secret is sealed; the revision grows with every change, so that none overwrites another.
CREATE TABLE registry_credentials (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    name TEXT NOT NULL,
    registry_type TEXT NOT NULL,
    registry_url TEXT NOT NULL,
    username TEXT,
    description TEXT,
    sealed_secret BYTEA NOT NULL,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX registry_credentials_organization ON registry_credentials (organization_id, name);
