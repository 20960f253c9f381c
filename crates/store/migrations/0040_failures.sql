-- A command that ended with another exit code than 0 has failed, like one that could not be run:
-- the two are found together, newest first.
CREATE INDEX operations_failure ON operations (organization_id, created_at, id)
    WHERE state IN ('failed', 'timeout') OR exit_code <> 0;
-- Days are counted again, but those of which no operation is kept any more.
DELETE FROM operation_days WHERE day >= (
    SELECT MIN(created_at) / 86400000000 FROM operations
    WHERE operations.organization_id = operation_days.organization_id
);
UPDATE organizations SET operations_counted_to = 0;
