-- Networks that are not public and that requests may go to all the same when somebody of the
-- organization names an address in them, with blanks between.
ALTER TABLE organizations ADD COLUMN trusted_networks TEXT NOT NULL DEFAULT '';
