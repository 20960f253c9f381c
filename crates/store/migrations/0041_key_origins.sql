-- Where a key came from: the mark of the page's form that made it, which makes one key alone, and
-- the key that it is a copy of or has replaced.
ALTER TABLE api_keys ADD COLUMN made_from TEXT;
ALTER TABLE api_keys ADD COLUMN copy_of TEXT;
ALTER TABLE api_keys ADD COLUMN replaces TEXT;
CREATE UNIQUE INDEX api_keys_made_from ON api_keys (organization_id, made_from);
CREATE INDEX api_keys_replaces ON api_keys (replaces);
