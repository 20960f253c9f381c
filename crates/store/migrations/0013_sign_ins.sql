-- From where somebody signed in before: a hash of the token that the browser keeps, or an address.
CREATE TABLE known_devices (
    user_id TEXT NOT NULL REFERENCES users (id),
    device TEXT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, device)
);

-- Passwords that were refused, by person, day in UTC and address.
CREATE TABLE refused_passwords (
    user_id TEXT NOT NULL REFERENCES users (id),
    day BIGINT NOT NULL,
    ip TEXT NOT NULL,
    tries BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, day, ip)
);
