-- What happens at run time. One text for SQLite and Postgres: times are microseconds since 1970, identifiers are texts.

CREATE TABLE jobs (
    id             TEXT   NOT NULL PRIMARY KEY,
    integration_id TEXT   NOT NULL,
    status         TEXT   NOT NULL,            -- running, success, partial, error, config_error
    started_at     BIGINT NOT NULL,            -- when the trigger was received; a key for clients, it never changes
    finished_at    BIGINT,                     -- null while the job is in progress
    synced_to      BIGINT,                     -- the highest UPDATED_AT it has dealt with
    rows_synced    BIGINT NOT NULL DEFAULT 0,
    rows_failed    BIGINT NOT NULL DEFAULT 0,
    cause          TEXT,                       -- why it ended in error or config_error
    position       TEXT,                       -- how far the destination had got at the last checkpoint, in its own words
    attempts       BIGINT NOT NULL DEFAULT 0,  -- workers that took it since it last dealt with a row
    lease_token    TEXT,                       -- the worker that has it
    lease_until    BIGINT                      -- by the store's clock
);

-- This index decides that an integration has at most one job in progress, on any number of replicas.
CREATE UNIQUE INDEX one_in_progress ON jobs (integration_id) WHERE finished_at IS NULL;
CREATE UNIQUE INDEX jobs_of_integration ON jobs (integration_id, started_at);

CREATE TABLE watermarks (
    integration_id TEXT   NOT NULL PRIMARY KEY,
    updated_at     BIGINT NOT NULL,            -- the UPDATED_AT that was reached
    rows_at        BIGINT NOT NULL,            -- how many rows at it are dealt with
    digest         BIGINT                      -- of those, where there may be more that are not
);

CREATE TABLE row_errors (
    job_id     TEXT   NOT NULL,
    number     BIGINT NOT NULL,                -- counts from 1 in the job
    identifier TEXT,                           -- as the destination would have been told it; null where the row has none
    updated_at BIGINT NOT NULL,
    reason     TEXT   NOT NULL,
    payload    TEXT,                           -- kept only where the integration asks for it
    PRIMARY KEY (job_id, number)
);

CREATE TABLE rate_limits (
    workspace    TEXT   NOT NULL,
    operation    TEXT   NOT NULL,
    window_start BIGINT NOT NULL,              -- Unix seconds
    used         BIGINT NOT NULL,
    PRIMARY KEY (workspace, operation, window_start)
);
