-- What the client that began it called itself in `X-Reoclo-Source`.
ALTER TABLE operations ADD COLUMN source TEXT;
