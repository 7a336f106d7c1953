-- Version 3 of the ledger: repos that can be used. Never edited once released.
--
-- The rows of the table before are taken over by `old_repos.rs`, which makes their names good and unique and then drops
-- it: SQL cannot.

ALTER TABLE repos RENAME TO old_repos;

-- Registries as the user configured them. A number is never used again, so that what a script kept means the same or
-- nothing.
CREATE TABLE repos (
    id          INTEGER PRIMARY KEY AUTOINCREMENT, -- 1 is Docker Hub, built in
    name        TEXT NOT NULL UNIQUE,
    server      TEXT NOT NULL,
    is_default  INTEGER NOT NULL CHECK (is_default IN (0, 1)),
    username    TEXT,
    password    TEXT,
    ca          TEXT,                              -- PEM: the content, for the file may be on a stick
    client_cert TEXT,                              -- PEM, with those between it and its authority
    client_key  TEXT,                              -- PEM
    insecure    INTEGER NOT NULL CHECK (insecure IN (0, 1)),
    mirror_of   TEXT,                              -- a server
    CHECK (password IS NULL OR username IS NOT NULL),
    CHECK ((client_cert IS NULL) = (client_key IS NULL))
) STRICT;

CREATE UNIQUE INDEX one_default ON repos (is_default) WHERE is_default = 1;

INSERT INTO repos (id, name, server, is_default, insecure) VALUES (1, 'official', 'docker.io', 1, 0);

-- Registries of DAM 1.x whose server is none, as that has written them.
CREATE TABLE left_repos (
    name   TEXT NOT NULL,
    server TEXT NOT NULL,
    UNIQUE (name, server)
) STRICT;
