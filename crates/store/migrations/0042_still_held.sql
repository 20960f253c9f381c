-- How many others hold the registry login that a logout therefore left where it is.
ALTER TABLE operations ADD COLUMN still_held BIGINT NOT NULL DEFAULT 0;
