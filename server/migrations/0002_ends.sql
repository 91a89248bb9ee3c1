-- When jobs end that would not by themselves.

ALTER TABLE jobs ADD COLUMN begun_at BIGINT;           -- when a worker first took it, by the store's clock
ALTER TABLE jobs ADD COLUMN cancelled_at BIGINT;       -- when somebody asked for its end, by the store's clock
