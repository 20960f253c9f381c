-- One text for SQLite and PostgreSQL. Booleans are BIGINT 0 or 1, times are BIGINT microseconds
-- since 1970-01-01 UTC, ids are TEXT. Constraint names end in what the conflict is about, since
-- the store tells them apart by name.

CREATE TABLE instance (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    control_plane_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    master_key_check BYTEA NOT NULL
);

CREATE TABLE organizations (
    id TEXT NOT NULL PRIMARY KEY,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX organizations_slug ON organizations (slug);

CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    email TEXT,
    name TEXT,
    password_hash TEXT,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX users_email ON users (lower(email));

CREATE TABLE memberships (
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    role TEXT NOT NULL,
    PRIMARY KEY (organization_id, user_id)
);
CREATE INDEX memberships_user ON memberships (user_id);

CREATE TABLE setup_links (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (id),
    token_hash BYTEA NOT NULL UNIQUE,
    expires_at BIGINT NOT NULL
);

-- Both kinds of key, so that a token is looked up in one place. Lists are separated by blanks;
-- `*` stands for everything, now and later.
CREATE TABLE api_keys (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    token_hash BYTEA NOT NULL UNIQUE,
    prefix TEXT NOT NULL,
    label TEXT NOT NULL,
    creator_id TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    preset TEXT,
    cells TEXT,
    servers TEXT,
    operations TEXT,
    registry_credentials TEXT,
    ip_allowlist TEXT,
    rate_limit_per_minute BIGINT,
    last_used_at BIGINT,
    last_used_ip TEXT,
    last_used_user_agent TEXT
);
CREATE INDEX api_keys_organization ON api_keys (organization_id, kind, created_at);

CREATE TABLE key_uses (
    key_id TEXT NOT NULL REFERENCES api_keys (id),
    ip TEXT NOT NULL,
    uses BIGINT NOT NULL,
    first_used_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    user_agent TEXT NOT NULL,
    PRIMARY KEY (key_id, ip)
);

CREATE TABLE servers (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    public_key BYTEA,
    hostname TEXT,
    os TEXT,
    kernel TEXT,
    architecture TEXT,
    cpu_cores BIGINT,
    ram_mb BIGINT,
    disk_gb BIGINT,
    docker_version TEXT,
    public_ip TEXT,
    runner_version TEXT,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT,
    UNIQUE (organization_id, id)
);
-- A removed server leaves its slug to the next one.
CREATE UNIQUE INDEX servers_slug ON servers (organization_id, slug)
    WHERE status <> 'decommissioned';

CREATE TABLE enrolments (
    server_id TEXT NOT NULL PRIMARY KEY REFERENCES servers (id),
    token_hash BYTEA NOT NULL UNIQUE,
    expires_at BIGINT NOT NULL,
    used_by BYTEA
);

CREATE TABLE operations (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL,
    server_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    starter_kind TEXT NOT NULL,
    starter_id TEXT,
    starter_label TEXT NOT NULL,
    command TEXT,
    timeout_seconds BIGINT NOT NULL,
    run_id TEXT,
    run_context TEXT,
    boot_id TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    sealed_payload BYTEA,
    acknowledged_at BIGINT,
    state TEXT NOT NULL,
    code TEXT,
    message TEXT,
    exit_code BIGINT,
    signal BIGINT,
    duration_us BIGINT,
    stdout BYTEA,
    stdout_total BIGINT,
    stdout_truncated BIGINT,
    stderr BYTEA,
    stderr_total BIGINT,
    stderr_truncated BIGINT,
    completed_at BIGINT,
    FOREIGN KEY (organization_id, server_id) REFERENCES servers (organization_id, id)
);
CREATE INDEX operations_running ON operations (created_at) WHERE state = 'running';

-- `chain` is an organization's id, or `instance`.
CREATE TABLE audit_events (
    chain TEXT NOT NULL,
    seq BIGINT NOT NULL,
    id TEXT NOT NULL,
    at BIGINT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id TEXT,
    actor_label TEXT NOT NULL,
    ip TEXT,
    user_agent TEXT,
    request_id TEXT,
    action TEXT NOT NULL,
    resource_kind TEXT NOT NULL,
    resource_id TEXT,
    resource_name TEXT,
    outcome TEXT NOT NULL,
    detail TEXT NOT NULL,
    prev_hash BYTEA NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (chain, seq)
);

CREATE TABLE audit_heads (
    chain TEXT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    mac BYTEA NOT NULL
);
