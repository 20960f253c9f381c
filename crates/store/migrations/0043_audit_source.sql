-- What a client called itself in `X-Reoclo-Source`. A row without it has the hash that it had.
ALTER TABLE audit_events ADD COLUMN source TEXT;
