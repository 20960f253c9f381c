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

