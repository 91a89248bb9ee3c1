//! Whether a refusal is about rows.
//!
//! An object that is alone with a refusal that names no object is a suspect: it may be bad, or something between here and
//! the service refuses everything. It counts as refused once the service has dealt with any object after the refusal.
//! Where suspects only follow each other with one message, the run ends and none of them is skipped.

use tokio::sync::watch;
use tokio::time::Instant;

use super::SyncError;

/// Suspects in a row with one message, where nothing was ever accepted.
const MOST_AT_FIRST: usize = 10;
/// The same where the service has dealt with objects before.
const MOST: usize = 500;
/// Suspects in a row with any messages.
const MOST_OF_ALL: usize = 1000;

/// The suspects of a run. All lanes share them.
#[derive(Debug)]
pub struct Suspects(watch::Sender<State>);

#[derive(Debug, Default)]
struct State {
    /// How often the service has dealt with objects.
    dealt: u64,
    dealt_last: Option<Instant>,
    /// Whether the job has ever had objects dealt with.
    ever: bool,
    /// How many suspects there were.
    suspects: u64,
    /// Of these so many, the oldest, are confirmed: they are refused for good.
    confirmed: u64,
    /// The message of the last suspect, and how many in a row have it.
    message: String,
    same: usize,
    /// Requests under way.
    under_way: usize,
}

impl State {
    fn is_too_much(&self) -> bool {
        let most = if self.ever { MOST } else { MOST_AT_FIRST };
        self.same >= most || self.suspects - self.confirmed >= MOST_OF_ALL as u64
    }

    fn everything_is_refused(&self) -> SyncError {
        SyncError::Config(format!(
            "the destination refuses everything with {:?} and names no row, so that no row was skipped for it; check `url`, \
             the workspace of `api_key`, and what stands between, such as a gateway",
            self.message
        ))
    }
}

/// A request that is under way until this is dropped.
pub struct UnderWay<'a>(&'a Suspects);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.0.send_modify(|state| state.under_way -= 1);
    }
}

impl Suspects {
    /// None yet.
    pub fn new() -> Suspects {
        Suspects(watch::Sender::new(State::default()))
    }

    /// Begins anew, as rows are read anew that were suspected before. `accepted` tells whether the job has had any accepted.
    pub fn begin(&self, accepted: bool) {
        self.0.send_modify(|state| {
            state.ever |= accepted;
            state.confirmed = state.suspects;
            state.same = 0;
        });
    }

    /// Takes note of a request.
    pub fn under_way(&self) -> UnderWay<'_> {
        self.0.send_modify(|state| state.under_way += 1);
        UnderWay(self)
    }

    /// Takes note that the service has dealt with objects: it looks at them, so whoever was suspected before is refused.
    pub fn dealt(&self) {
        self.0.send_modify(|state| {
            state.dealt += 1;
            state.dealt_last = Some(Instant::now());
            state.ever = true;
            state.confirmed = state.suspects;
            state.same = 0;
        });
    }

    /// How often the service has dealt with objects.
    pub fn times_dealt(&self) -> u64 {
        self.0.borrow().dealt
    }

    /// When it last did.
    pub fn dealt_last(&self) -> Option<Instant> {
        self.0.borrow().dealt_last
    }

    /// Whether the job has ever had objects dealt with.
    pub fn is_trusted(&self) -> bool {
        self.0.borrow().ever
    }

    /// Takes note of a suspect; its number.
    pub fn add(&self, message: &str) -> u64 {
        let mut number = 0;
        self.0.send_modify(|state| {
            number = state.suspects;
            state.suspects += 1;
            if state.message != message {
                state.message = message.to_owned();
                state.same = 0;
            }
            state.same += 1;
        });
        number
    }

    /// Suspects with a smaller number are refused for good.
    pub fn confirmed(&self) -> u64 {
        self.0.borrow().confirmed
    }

    /// Fails where there are too many suspects to believe that they are bad. Requests under way are heard first.
    pub async fn judge(&self) -> Result<(), SyncError> {
        let mut state = self.0.subscribe();
        match state.wait_for(|state| !state.is_too_much() || state.under_way == 0).await {
            Ok(state) if state.is_too_much() => Err(state.everything_is_refused()),
            // The sender is this one's own.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Judges those that are left when there are no more rows: where the service has never dealt with an object they are
    /// not refused.
    pub fn judge_rest(&self) -> Result<(), SyncError> {
        let state = self.0.borrow();
        if !state.ever && state.suspects > state.confirmed { Err(state.everything_is_refused()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn verdict(suspects: &Suspects) -> Option<Result<(), SyncError>> {
        suspects.judge().now_or_never()
    }

    #[test]
    fn suspects_in_a_row_end_the_run_sooner_where_nothing_was_ever_accepted() {
        for (accepted, most) in [(false, MOST_AT_FIRST), (true, MOST)] {
            let suspects = Suspects::new();
            suspects.begin(accepted);
            for number in 0..most as u64 {
                assert_eq!(verdict(&suspects), Some(Ok(())), "{number}");
                assert_eq!(suspects.add("Bad Request"), number);
            }
            let Some(Err(SyncError::Config(cause))) = verdict(&suspects) else { panic!("{most} are enough") };
            assert!(cause.contains("everything with \"Bad Request\"") && cause.contains("`url`"), "{cause}");
        }
    }

    #[test]
    fn what_is_dealt_with_confirms_those_before_and_begins_a_new_count() {
        let suspects = Suspects::new();
        for _ in 0..MOST_AT_FIRST - 1 {
            suspects.add("no");
        }
        assert_eq!(suspects.confirmed(), 0);
        suspects.dealt();
        assert_eq!(suspects.confirmed(), MOST_AT_FIRST as u64 - 1);
        for _ in 0..MOST - 1 {
            suspects.add("no");
        }
        assert_eq!(verdict(&suspects), Some(Ok(())));
        assert_eq!(suspects.judge_rest(), Ok(()), "what is left is refused");
        assert_eq!(suspects.confirmed(), MOST_AT_FIRST as u64 - 1);
    }

    #[test]
    fn messages_that_differ_are_about_rows_but_not_without_end() {
        let suspects = Suspects::new();
        for number in 0..MOST_OF_ALL {
            assert_eq!(verdict(&suspects), Some(Ok(())));
            suspects.add(&format!("request {number} is bad"));
        }
        assert!(matches!(verdict(&suspects), Some(Err(SyncError::Config(_)))));
    }

    #[tokio::test]
    async fn requests_under_way_are_heard_before_the_verdict() {
        let suspects = Suspects::new();
        let request = suspects.under_way();
        for _ in 0..MOST_AT_FIRST {
            suspects.add("no");
        }
        let verdict = suspects.judge();
        tokio::pin!(verdict);
        assert!(futures::poll!(&mut verdict).is_pending());
        suspects.dealt();
        drop(request);
        assert_eq!(verdict.await, Ok(()));
    }

    #[test]
    fn rows_that_are_read_again_are_not_counted_twice() {
        let suspects = Suspects::new();
        for _ in 0..MOST_AT_FIRST {
            suspects.begin(false);
            assert_eq!(verdict(&suspects), Some(Ok(())));
            suspects.add("no");
        }
        assert!(suspects.judge_rest().is_err());
    }

    #[test]
    fn a_run_of_suspects_alone_refuses_none() {
        let suspects = Suspects::new();
        assert_eq!(suspects.judge_rest(), Ok(()));
        suspects.add("no");
        assert!(matches!(suspects.judge_rest(), Err(SyncError::Config(_))));
    }
}
