-- Version 2 of the ledger: operations on several apps. Never edited once released.

-- The same table with one more kind; SQLite cannot change a CHECK.
CREATE TABLE new_operation (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT NOT NULL CHECK (kind IN ('install', 'upgrade', 'rollback', 'remove', 'migrate', 'import')),
    old        INTEGER REFERENCES release (id), -- of an operation on one app
    new        INTEGER REFERENCES release (id),
    source     TEXT,                  -- JSON of a Source: of the new release, or of the product
    plan       TEXT NOT NULL,         -- JSON, the op's own
    state      TEXT NOT NULL CHECK (state IN ('pending', 'done', 'undone', 'broken')),
    started_at INTEGER NOT NULL,
    ended_at   INTEGER,
    error      TEXT,
    CHECK ((state = 'pending') = (ended_at IS NULL))
) STRICT;
INSERT INTO new_operation SELECT id, kind, old, new, source, plan, state, started_at, ended_at, error FROM operation;
DROP TABLE operation;
ALTER TABLE new_operation RENAME TO operation;
CREATE UNIQUE INDEX one_pending ON operation (state) WHERE state = 'pending';
CREATE INDEX operation_old ON operation (old);
CREATE INDEX operation_new ON operation (new);

-- What an operation on several apps does to each.
CREATE TABLE part (
    operation INTEGER NOT NULL REFERENCES operation (id),
    position  INTEGER NOT NULL,       -- the order of the plan
    kind      TEXT NOT NULL CHECK (kind IN ('install', 'upgrade', 'rollback', 'remove')),
    old       INTEGER REFERENCES release (id),
    new       INTEGER REFERENCES release (id),
    source    TEXT NOT NULL,          -- JSON of a Source
    PRIMARY KEY (operation, position)
) STRICT;

CREATE INDEX part_old ON part (old);
CREATE INDEX part_new ON part (new);
