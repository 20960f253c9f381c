-- How the operations of a day ended, so that a plot does not read all of them. A day is one in UTC,
-- in days since 1970, and an operation belongs to the day on which it began.
CREATE TABLE operation_days (
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    day BIGINT NOT NULL,
    completed BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    timed_out BIGINT NOT NULL,
    PRIMARY KEY (organization_id, day)
);
-- What began before this is counted there, and nothing that began later.
ALTER TABLE organizations ADD COLUMN operations_counted_to BIGINT NOT NULL DEFAULT 0;
