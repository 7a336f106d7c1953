-- Version 1 of the ledger. Never edited once released: later versions are further files.

-- A release is stored once, however often installed rows and operations name it, and never deleted.
CREATE TABLE release (
    id       INTEGER PRIMARY KEY,
    digest   TEXT NOT NULL UNIQUE,    -- of the document
    name     TEXT NOT NULL,
    version  TEXT NOT NULL,
    image    TEXT NOT NULL,
    meta     TEXT NOT NULL,
    document TEXT NOT NULL            -- JSON of a Release
) STRICT;

-- What is installed. `dam list` reads this table alone, so it carries what a row of the list shows.
CREATE TABLE installed (
    name         TEXT NOT NULL,
    version      TEXT NOT NULL,
    family       TEXT NOT NULL,
    multiversion INTEGER NOT NULL CHECK (multiversion IN (0, 1)),
    image        TEXT NOT NULL,
    source       TEXT NOT NULL,       -- JSON of a Source
    state        TEXT NOT NULL CHECK (state IN ('ok', 'healthy', 'broken')),
    installed_at INTEGER NOT NULL,    -- seconds since 1970, UTC
    release      INTEGER NOT NULL REFERENCES release (id),
    previous     INTEGER REFERENCES release (id),
    PRIMARY KEY (name, version)
) STRICT;

-- Every change that was begun: the journal while it is pending, the history afterwards.
CREATE TABLE operation (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT NOT NULL CHECK (kind IN ('install', 'upgrade', 'rollback', 'remove', 'migrate')),
    old        INTEGER REFERENCES release (id),
    new        INTEGER REFERENCES release (id),
    source     TEXT,                  -- JSON of a Source
    plan       TEXT NOT NULL,         -- JSON, the op's own
    state      TEXT NOT NULL CHECK (state IN ('pending', 'done', 'undone', 'broken')),
    started_at INTEGER NOT NULL,
    ended_at   INTEGER,
    error      TEXT,
    CHECK ((state = 'pending') = (ended_at IS NULL))
) STRICT;

CREATE UNIQUE INDEX one_pending ON operation (state) WHERE state = 'pending';
CREATE INDEX operation_old ON operation (old);
CREATE INDEX operation_new ON operation (new);
CREATE INDEX release_name ON release (name);

CREATE TABLE step (
    operation INTEGER NOT NULL REFERENCES operation (id),
    position  INTEGER NOT NULL,
    state     TEXT NOT NULL CHECK (state IN ('started', 'done', 'undone')),
    note      TEXT NOT NULL,          -- JSON: what undoing must remember
    PRIMARY KEY (operation, position)
) STRICT;

CREATE TABLE hook_log (
    id           INTEGER PRIMARY KEY,
    operation    INTEGER NOT NULL REFERENCES operation (id),
    name         TEXT NOT NULL,
    version      TEXT NOT NULL,
    hook         TEXT NOT NULL,
    ended        TEXT NOT NULL,       -- how, in words
    milliseconds INTEGER NOT NULL,
    text         BLOB NOT NULL        -- what the hook wrote, as the caller bounded it
) STRICT;

CREATE INDEX hook_log_operation ON hook_log (operation);

-- Registries taken over from DAM 1.x, without their passwords.
CREATE TABLE repos (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    server     TEXT NOT NULL,
    is_default INTEGER NOT NULL CHECK (is_default IN (0, 1)),
    username   TEXT NOT NULL
) STRICT;
