-- Lists of operations, newest first. `created_at, id` stands last, so that a page is read from
-- where the one before ended, whatever the list is filtered by.
CREATE INDEX operations_newest ON operations (organization_id, created_at, id);
CREATE INDEX operations_server ON operations (organization_id, server_id, created_at, id);
CREATE INDEX operations_starter ON operations (organization_id, starter_id, created_at, id);
CREATE INDEX operations_run ON operations (organization_id, run_id, created_at, id)
    WHERE run_id IS NOT NULL;
-- What is rare among many commands that went well. The store names these as literals, so that the
-- indexes fit, and a common operation costs nothing here.
CREATE INDEX operations_rare_kind ON operations (organization_id, kind, created_at, id)
    WHERE kind <> 'exec';
CREATE INDEX operations_rare_state ON operations (organization_id, state, created_at, id)
    WHERE state IN ('failed', 'timeout');
-- Takes the place of one that did not begin with the organization.
DROP INDEX operations_running;
CREATE INDEX operations_running ON operations (organization_id, created_at, id)
    WHERE state = 'running';


-- The full output of operations that wrote more than their row holds. `length` stands before
-- `bytes`, so that it is read without them.
CREATE TABLE operation_logs (
    operation_id TEXT NOT NULL REFERENCES operations (id) ON DELETE CASCADE,
    -- 1 is standard output, 2 is standard error.
    stream BIGINT NOT NULL,
    -- Where the bytes stand in the stream; what lies between two rows was dropped.
    position BIGINT NOT NULL,
    length BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (operation_id, stream, position)
);
CREATE INDEX operation_logs_age ON operation_logs (created_at, operation_id, length);

-- Somebody wants it to end; kept until the server has heard of it.
ALTER TABLE operations ADD COLUMN cancel_requested_at BIGINT;
-- When it began to wait for room on its server, and when there was room.
ALTER TABLE operations ADD COLUMN queued_at BIGINT;
ALTER TABLE operations ADD COLUMN dequeued_at BIGINT;
