-- The other outcome that people look for and that is rare; the store names it as a literal, so
-- that this fits.
CREATE INDEX audit_events_failed ON audit_events (chain, seq) WHERE outcome = 'failure';
