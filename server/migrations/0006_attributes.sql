-- Which attributes the destination has, for integrations with `only_changed`.

-- The sets of integrations, each for one destination. A set that is given up is not used any more; its attributes are deleted later, a few
-- at a time.
CREATE TABLE attribute_sets (
    id             BIGINT NOT NULL PRIMARY KEY,
    integration_id TEXT   NOT NULL,
    destination    TEXT   NOT NULL,
    given_up       BIGINT NOT NULL DEFAULT 0   -- 0, or 1
);
CREATE UNIQUE INDEX attribute_sets_in_use ON attribute_sets (integration_id) WHERE given_up = 0;

CREATE TABLE attributes (
    set_id    BIGINT NOT NULL,
    user_hash BYTEA  NOT NULL,                 -- 16 bytes
    digests   BYTEA  NOT NULL                  -- of the attributes that were acknowledged last, one after the other
);
-- Not the primary key: in SQLite a table that is ordered by random keys takes three times as long to fill.
CREATE UNIQUE INDEX attributes_by_user ON attributes (set_id, user_hash);

-- Of a job with `only_changed`: rows that were not sent because nothing in them had changed, and attributes.
ALTER TABLE jobs ADD COLUMN rows_unchanged BIGINT NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN attributes_sent BIGINT NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN attributes_spared BIGINT NOT NULL DEFAULT 0;
