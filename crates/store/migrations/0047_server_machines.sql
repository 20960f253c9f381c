-- The machines that claimed to be one server, which a restart of the control plane must not forget:
-- a copy would get what it was refused. There is a row only where there was more than one.
CREATE TABLE server_machines (
    server_id TEXT NOT NULL PRIMARY KEY REFERENCES servers (id),
    known TEXT NOT NULL
);
