-- Uses of a key by address and by day in UTC (days since 1970-01-01), so that those of the last
-- 90 days are counted exactly. An empty `ip` stands for the addresses of a day beyond the limit.
CREATE TABLE key_use_days (
    key_id TEXT NOT NULL REFERENCES api_keys (id),
    day BIGINT NOT NULL,
    ip TEXT NOT NULL,
    uses BIGINT NOT NULL,
    first_used_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    user_agent TEXT NOT NULL,
    PRIMARY KEY (key_id, day, ip)
);
-- Of earlier uses only the sum is known: it counts on the last day.
INSERT INTO key_use_days (key_id, day, ip, uses, first_used_at, last_used_at, user_agent)
SELECT key_id, last_used_at / 86400000000, ip, uses, first_used_at, last_used_at, user_agent
FROM key_uses;
DROP TABLE key_uses;

-- Lists of keys are read by id, which follows the time of creation.
DROP INDEX api_keys_organization;
CREATE INDEX api_keys_organization ON api_keys (organization_id, kind, id);
