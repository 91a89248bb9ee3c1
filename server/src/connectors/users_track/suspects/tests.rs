//! Tests that decide which suspects are refused.

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
            suspects.add("Bad Request");
        }
        let Some(Err(SyncError::Config(cause))) = verdict(&suspects) else { panic!("{most} are enough") };
        assert!(cause.contains("everything with \"Bad Request\"") && cause.contains("`url`"), "{cause}");
    }
}

#[test]
fn a_processed_request_confirms_earlier_suspects_and_resets_the_count() {
    let suspects = Suspects::new();
    for number in 0..MOST_AT_FIRST - 1 {
        suspects.add("no");
        assert_eq!(suspects.hold_back(), number as u64);
    }
    assert_eq!(suspects.confirmed(), 0);
    let early = suspects.begin_request();
    assert_eq!(suspects.hold_back(), MOST_AT_FIRST as u64 - 1);
    early.processed();
    assert_eq!(suspects.confirmed(), MOST_AT_FIRST as u64 - 1, "it says nothing of what came after it was sent");
    for _ in 0..MOST - 1 {
        suspects.add("no");
    }
    assert_eq!(verdict(&suspects), Some(Ok(())));
    assert_eq!(suspects.judge_rest(), Ok(()), "what is left is refused");
    suspects.begin_request().processed();
    assert_eq!(suspects.confirmed(), MOST_AT_FIRST as u64);
}

#[test]
fn requests_sent_before_a_refusal_are_no_evidence() {
    let suspects = Suspects::new();
    let (early, _refused) = (suspects.begin_request(), suspects.begin_request());
    let refused_at = suspects.begun();
    early.processed();
    assert!(!suspects.has_processed_after(refused_at));
    suspects.begin_request().processed();
    assert!(suspects.has_processed_after(refused_at));
}

#[tokio::test]
async fn deliveries_wait_for_each_other_and_then_all_retry() {
    let suspects = Suspects::new();
    let (_one, other) = (suspects.delivering(), suspects.delivering());
    let first = suspects.wait_for_signal(0);
    tokio::pin!(first);
    assert!(futures::poll!(&mut first).is_pending(), "the other delivery delivers");
    let request = suspects.begin_request();
    let second = suspects.wait_for_signal(0);
    tokio::pin!(second);
    assert!(futures::poll!(&mut second).is_pending(), "a request is under way");
    drop(request);
    let Signal::BackOff(pausing) = first.await else { panic!("this delivery must make the pause") };
    assert!(futures::poll!(&mut second).is_pending(), "the first delivery makes a pause");
    pausing.try_again();
    let first = suspects.wait_for_signal(0);
    tokio::pin!(first);
    assert!(futures::poll!(&mut first).is_pending(), "the second delivery has not tried yet");
    assert!(matches!(second.await, Signal::Retry));
    assert!(futures::poll!(&mut first).is_pending(), "it tries");
    suspects.begin_request().processed();
    assert!(matches!(first.await, Signal::Processed));
    drop(other);
}

#[tokio::test]
async fn all_deliveries_share_the_retries_until_something_is_processed() {
    let suspects = Suspects::new();
    let _delivering = suspects.delivering();
    for _ in 0..2 {
        for pause in [Some(1), Some(2), Some(4), Some(4), None, None] {
            let Signal::BackOff(pausing) = suspects.wait_for_signal(suspects.begun()).await else {
                panic!("this delivery must make the pause")
            };
            assert_eq!(pausing.next_pause(Duration::from_secs(1)), pause.map(Duration::from_secs));
        }
        suspects.begin_request().processed();
    }
}

#[test]
fn different_messages_allow_more_suspects_but_not_unlimited_ones() {
    let suspects = Suspects::new();
    for number in 0..MOST_OF_ALL {
        assert_eq!(verdict(&suspects), Some(Ok(())));
        suspects.add(&format!("request {number} is bad"));
    }
    assert!(matches!(verdict(&suspects), Some(Err(SyncError::Config(_)))));
}

#[tokio::test]
async fn requests_in_flight_are_awaited_before_the_verdict() {
    let suspects = Suspects::new();
    let request = suspects.begin_request();
    for _ in 0..MOST_AT_FIRST {
        suspects.add("no");
    }
    let verdict = suspects.judge();
    tokio::pin!(verdict);
    assert!(futures::poll!(&mut verdict).is_pending());
    request.processed();
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
        suspects.hold_back();
    }
    assert!(suspects.judge_rest().is_err());
}

#[test]
fn a_run_with_only_suspects_refuses_none() {
    let suspects = Suspects::new();
    assert_eq!(suspects.judge_rest(), Ok(()));
    suspects.add("no");
    suspects.hold_back();
    assert!(matches!(suspects.judge_rest(), Err(SyncError::Config(_))));
}
