-- Messages about jobs that have ended, and about integrations that have not succeeded for long.

-- 1: the job has ended, and its messages are still to be written. 2: the same, and a replica that does not have its integration
-- has left it to the others.
ALTER TABLE jobs ADD COLUMN announce BIGINT NOT NULL DEFAULT 0;
CREATE INDEX jobs_to_announce ON jobs (started_at) WHERE announce = 1;
CREATE INDEX jobs_left_to_others ON jobs (started_at) WHERE announce = 2;

CREATE TABLE messages (
    id             TEXT   NOT NULL PRIMARY KEY,
    notify         TEXT   NOT NULL,            -- the name of its [[notify]] entry
    integration_id TEXT   NOT NULL,
    job_id         TEXT,
    event          TEXT   NOT NULL,
    body           TEXT   NOT NULL,            -- JSON
    created_at     BIGINT NOT NULL,
    due_at         BIGINT NOT NULL,            -- when it is sent next; while it is being sent, when another process may try
    attempts       BIGINT NOT NULL DEFAULT 0,
    error          TEXT,                       -- why the last attempt failed
    sent_at        BIGINT,
    given_up_at    BIGINT
);
CREATE INDEX messages_due ON messages (notify, due_at) WHERE sent_at IS NULL AND given_up_at IS NULL;
CREATE INDEX messages_by_age ON messages (created_at);

-- One row for each [[notify]] entry with `overdue` and each of its integrations.
CREATE TABLE overdue_watches (
    integration_id TEXT   NOT NULL,
    notify         TEXT   NOT NULL,
    succeeded_at   BIGINT NOT NULL,            -- the end of the last successful job, or when the watch began
    overdue_at     BIGINT,                     -- when the message was written that there has been none for too long
    PRIMARY KEY (integration_id, notify)
);
CREATE INDEX overdue_watches_well ON overdue_watches (notify, succeeded_at) WHERE overdue_at IS NULL;
CREATE INDEX overdue_watches_overdue ON overdue_watches (integration_id) WHERE overdue_at IS NOT NULL;
