-- Counts the control planes that held this database, so that one that lost its place knows.
CREATE TABLE control_plane_epoch (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    epoch BIGINT NOT NULL
);
INSERT INTO control_plane_epoch (id, epoch) VALUES (1, 0);
