-- Published lists of networks, such as those of a CI provider's machines, which automation keys
-- may name. The revision grows with every new list; `problem` says why the last attempt to fetch
-- one failed, and the list before it stays.
CREATE TABLE address_sources (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    name TEXT NOT NULL,
    url TEXT NOT NULL,
    field TEXT,
    networks TEXT NOT NULL,
    entries BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    checked_at BIGINT NOT NULL,
    fetched_at BIGINT NOT NULL,
    problem TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX address_sources_organization ON address_sources (organization_id, name);
ALTER TABLE api_keys ADD COLUMN ip_allowlist_sources TEXT;
