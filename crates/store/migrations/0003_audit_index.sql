-- What the audit log is filtered by. `seq` stands last, so that rows come in their order and a
-- page is read from where the one before ended.

CREATE INDEX audit_events_actor ON audit_events (chain, actor_id, seq);
CREATE INDEX audit_events_action ON audit_events (chain, action, seq);
CREATE INDEX audit_events_resource ON audit_events (chain, resource_kind, resource_id, seq);
CREATE INDEX audit_events_ip ON audit_events (chain, ip, seq);
CREATE INDEX audit_events_at ON audit_events (chain, at, seq);
-- The one outcome that people look for; the store names it as a literal, so that this fits.
CREATE INDEX audit_events_refused ON audit_events (chain, seq) WHERE outcome = 'refused';
