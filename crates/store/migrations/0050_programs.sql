-- Which version of Reoclo brought the tables to a migration: the one to use with them, at least.
CREATE TABLE programs (
    migration BIGINT NOT NULL PRIMARY KEY,
    version TEXT NOT NULL
);
