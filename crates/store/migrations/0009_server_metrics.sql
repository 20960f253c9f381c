-- What servers measured, and whether they answered: one row for a span of time, with the
-- measurements in it packed (see metrics/packed.rs). `resolution` is the seconds between them.
CREATE TABLE server_metrics (
    server_id TEXT NOT NULL REFERENCES servers (id),
    resolution BIGINT NOT NULL,
    at BIGINT NOT NULL,
    -- How often it answered: of two replicas, the one that holds the runner knows.
    answered BIGINT NOT NULL,
    points BYTEA NOT NULL,
    PRIMARY KEY (server_id, resolution, at)
);
-- For folding old rows and for removing them.
CREATE INDEX server_metrics_age ON server_metrics (resolution, at);
