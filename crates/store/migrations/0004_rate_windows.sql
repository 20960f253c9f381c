-- The sliding windows of automation keys, for replicas that share a limit. An embedded database
-- keeps them in memory and leaves this table empty.
CREATE TABLE rate_windows (
    key_id TEXT NOT NULL PRIMARY KEY,
    second BIGINT NOT NULL,
    -- Counts of one second each, the oldest first, separated by commas.
    counts TEXT NOT NULL
);
