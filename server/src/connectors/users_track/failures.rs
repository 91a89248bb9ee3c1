//! Whether failures of the service are caused by a single object.
//!
//! They are if the service fails at the object so often, while it processes others, that chance does not explain it.
//! Gateway errors say nothing about objects.

use http::StatusCode;

use super::suspects::Answers;

/// The service must have processed this many requests since its first failure at the object.
const PROCESSED: u64 = 5;
/// The failures must be less probable than this if they occur by chance.
const IMPROBABLE: f64 = 1e-6;

/// The failures in a row at some objects, including failures at larger parts that contained them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Failures {
    /// All failures.
    own: u64,
    /// Failures that may be caused by the objects.
    attributable: u64,
    /// The service's answers up to the first failure.
    before: Option<Answers>,
}

impl Failures {
    /// Adds a failure. `says_when` is whether the answer has a `Retry-After`; `answers` counts the answers of the run,
    /// including this one.
    pub fn add(&mut self, status: StatusCode, says_when: bool, answers: Answers) {
        let gateway = [StatusCode::BAD_GATEWAY, StatusCode::SERVICE_UNAVAILABLE, StatusCode::GATEWAY_TIMEOUT];
        self.before.get_or_insert(Answers { failed: answers.failed.saturating_sub(1), ..answers });
        self.own += 1;
        self.attributable += u64::from(!says_when && !gateway.contains(&status));
    }

    /// Whether the object causes the failures.
    pub fn are_about_the_object(&self, answers: Answers) -> bool {
        let Some(before) = self.before else { return false };
        let processed = answers.processed - before.processed;
        let failed_at_others = (answers.failed - before.failed).saturating_sub(self.own);
        let chance_of_one = (failed_at_others + 1) as f64 / (failed_at_others + processed + 1) as f64;
        let by_chance = chance_of_one.powf(self.attributable as f64);
        processed >= PROCESSED && processed >= failed_at_others && by_chance <= IMPROBABLE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ERROR: StatusCode = StatusCode::INTERNAL_SERVER_ERROR;

    /// Whether `own` failures are caused by an object while the service processed and failed at this many other
    /// requests.
    fn about(status: StatusCode, own: u64, processed: u64, failed: u64) -> bool {
        let mut failures = Failures::default();
        for number in 1..=own {
            failures.add(status, false, Answers { processed: 100, failed: 50 + number });
        }
        failures.are_about_the_object(Answers { processed: 100 + processed, failed: 50 + own + failed })
    }

    #[test]
    fn failures_are_about_an_object_if_all_others_are_processed() {
        assert!(about(ERROR, 5, 20, 0));
        assert!(about(StatusCode::NOT_IMPLEMENTED, 23, 5, 0));
        assert!(!about(ERROR, 23, 4, 0), "few others");
        assert!(!about(ERROR, 3, 20, 0), "few failures");
        assert!(!Failures::default().are_about_the_object(Answers { processed: 100, failed: 0 }));
    }

    #[test]
    fn a_service_that_often_fails_needs_more_failures_and_one_that_mostly_fails_proves_nothing() {
        assert!(!about(ERROR, 8, 100, 50) && about(ERROR, 15, 100, 50));
        assert!(!about(ERROR, 10, 100, 100) && about(ERROR, 25, 100, 100));
        assert!(!about(ERROR, 1000, 100, 101));
    }

    #[test]
    fn gateway_errors_say_nothing_about_an_object() {
        for status in [502, 503, 504] {
            assert!(!about(StatusCode::from_u16(status).unwrap(), 1000, 1000, 0), "{status}");
        }
    }
}
