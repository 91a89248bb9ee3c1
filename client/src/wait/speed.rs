//! How fast a job reads rows.

use std::time::{Duration, Instant};

use crate::generated::types::Job;

/// Measures how fast a job reads rows, from its states over time.
#[derive(Debug, Clone, Default)]
pub struct Speed {
    first: Option<(Instant, u64)>,
    last: Option<(Instant, u64)>,
}

impl Speed {
    /// Records the job's state at a moment. A job with fewer rows than before is another job, and the measurement restarts.
    pub fn note(&mut self, job: &Job, at: Instant) {
        let rows = job.rows_read();
        if self.last.is_some_and(|(_, before)| rows < before) {
            *self = Speed::default();
        }
        self.first.get_or_insert((at, rows));
        self.last = Some((at, rows));
    }

    /// Rows per second between the first and the last recorded state, refused rows included; `None` if no row was read between
    /// them.
    pub fn rows_per_second(&self) -> Option<f64> {
        let ((begin, before), (end, after)) = self.first.zip(self.last)?;
        let seconds = end.saturating_duration_since(begin).as_secs_f64();
        (after > before && seconds > 0.0).then(|| (after - before) as f64 / seconds)
    }

    /// The time that the job still needs after the last recorded state, if it has this many rows in all and keeps its speed.
    pub fn time_left(&self, rows: u64) -> Option<Duration> {
        let (_, done) = self.last?;
        Duration::try_from_secs_f64(rows.saturating_sub(done) as f64 / self.rows_per_second()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;
    use crate::generated::types::JobStatus;

    fn job(synced: u64, failed: u64) -> Job {
        Job {
            job_status: JobStatus::Running,
            sync_start_time: Utc::now(),
            sync_finish_time: None,
            last_timestamp_synced: None,
            rows_synced: synced,
            rows_failed_with_errors: failed,
        }
    }

    #[test]
    fn rate_and_time_left_come_from_the_first_look_and_the_last() {
        let begin = Instant::now();
        let after = |seconds| begin + Duration::from_secs(seconds);
        let mut speed = Speed::default();
        assert_eq!((speed.rows_per_second(), speed.time_left(1000)), (None, None));
        speed.note(&job(100, 0), begin);
        assert_eq!(speed.rows_per_second(), None, "one state is not enough");
        speed.note(&job(100, 0), after(1));
        assert_eq!((speed.rows_per_second(), speed.time_left(1000)), (None, None), "no row was read");
        speed.note(&job(280, 20), after(2));
        assert_eq!(speed.rows_per_second(), Some(100.0));
        assert_eq!(speed.time_left(1000), Some(Duration::from_secs(7)));
        assert_eq!(speed.time_left(200), Some(Duration::ZERO), "there are fewer rows than were read");
        speed.note(&job(5, 0), after(3));
        assert_eq!(speed.rows_per_second(), None, "another job");
    }

    #[test]
    fn nonsense_is_no_rate() {
        let begin = Instant::now();
        let mut speed = Speed::default();
        speed.note(&job(0, 0), begin);
        speed.note(&job(u64::MAX, u64::MAX), begin);
        assert_eq!((speed.rows_per_second(), speed.time_left(u64::MAX)), (None, None));
    }
}
