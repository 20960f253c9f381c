-- How many processes a command left running when it ended by itself.
ALTER TABLE operations ADD COLUMN left_running BIGINT NOT NULL DEFAULT 0;
