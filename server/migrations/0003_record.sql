-- The record of what was acknowledged, and watermarks that it belongs to. Digests and their sum are 16 bytes each, the highest byte first.

ALTER TABLE watermarks RENAME TO watermarks_of_version_2;

CREATE TABLE watermarks (
    integration_id    TEXT   NOT NULL PRIMARY KEY,
    updated_at        BIGINT,                  -- the highest UPDATED_AT up to which every row that was there is dealt with; null before the first
    read_from         BIGINT,                  -- rows of this time and later ones are compared with the record; null: all rows
    overflow_at       BIGINT,                  -- the UPDATED_AT of row versions that the record had no room for; null: there are none
    overflow_versions BIGINT,                  -- how many they are
    overflow_sum      BYTEA,                   -- the sum of their digests
    source            TEXT,                    -- what it belongs to; null: the next sync decides
    destination       TEXT,
    kind              TEXT
);

-- Where no digest was kept, every row at the time was dealt with; otherwise some were, which nobody can tell any more.
INSERT INTO watermarks (integration_id, updated_at, read_from)
SELECT integration_id, updated_at, CASE WHEN digest IS NULL THEN updated_at + 1 ELSE updated_at END
FROM watermarks_of_version_2;

DROP TABLE watermarks_of_version_2;

CREATE TABLE record_changes (
    integration_id TEXT   NOT NULL,
    last           BIGINT NOT NULL,            -- the highest UPDATED_AT of these row versions
    seq            BIGINT NOT NULL,            -- tells changes with one `last` apart
    first          BIGINT NOT NULL,            -- their lowest UPDATED_AT
    action         TEXT   NOT NULL,            -- add, forget
    digests        BYTEA  NOT NULL,            -- one after the other
    PRIMARY KEY (integration_id, last, seq)
);

-- How many checkpoints a job has had: a claim that had to wait for one does not take what was there before it.
ALTER TABLE jobs ADD COLUMN checkpoints BIGINT NOT NULL DEFAULT 0;
-- Changes of the record that the job's present worker has written: those of a checkpoint whose answer was lost are not written twice.
ALTER TABLE jobs ADD COLUMN changes_written BIGINT NOT NULL DEFAULT 0;

-- One row: the key that digests are made with.
CREATE TABLE digest_key (
    id  BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    key BYTEA  NOT NULL                        -- 32 random bytes
);
