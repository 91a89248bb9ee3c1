-- Claiming, schedules and retention.

-- Workers take the oldest waiting job and the lease that expired first: each reads the first entry of an index.
CREATE INDEX jobs_waiting ON jobs (started_at) WHERE finished_at IS NULL AND lease_until IS NULL;
CREATE INDEX jobs_leased ON jobs (lease_until) WHERE finished_at IS NULL AND lease_until IS NOT NULL;

-- When an integration last succeeded, however many jobs have failed since.
CREATE INDEX jobs_succeeded ON jobs (integration_id, started_at) WHERE status IN ('success', 'partial');

CREATE INDEX jobs_with_row_errors ON jobs (integration_id, started_at) WHERE rows_failed > 0;

-- Retention: old jobs, and jobs whose row errors are old and still kept.
ALTER TABLE jobs ADD COLUMN row_errors_deleted_at BIGINT;   -- by the store's clock; null while they are kept
CREATE INDEX jobs_ended ON jobs (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX jobs_with_old_row_errors ON jobs (finished_at)
    WHERE finished_at IS NOT NULL AND rows_failed > 0 AND row_errors_deleted_at IS NULL;

CREATE INDEX rate_limits_by_time ON rate_limits (window_start);
ALTER TABLE rate_limits ADD COLUMN free BIGINT NOT NULL DEFAULT 0; -- what the limit left free before the last count

ALTER TABLE jobs ADD COLUMN scheduled_for BIGINT;           -- the tick that started it; null: a request did

-- One row for each integration that has a schedule: it decides which replica starts the job of a tick.
CREATE TABLE schedules (
    integration_id TEXT   NOT NULL PRIMARY KEY,
    ticked_at      BIGINT NOT NULL             -- the last tick that was dealt with, or when the schedule was first seen
);

-- A claim reads the watermark after it holds the lease, so it need not compare checkpoints any more.
ALTER TABLE jobs DROP COLUMN checkpoints;
