-- The seed of the key that this control plane proves itself with to its runners, sealed; made at the
-- next start.
ALTER TABLE instance ADD COLUMN sealed_key BYTEA;
