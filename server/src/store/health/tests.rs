use super::*;

fn error(kind: Unavailability) -> Result<(), StoreError> {
    Err(StoreError::Unavailable { kind, reason: "why".into() })
}

#[test]
fn calls_fail_at_once_while_the_store_is_unreachable() {
    let health = Health::default();
    assert!(!health.record(&error(Unavailability::Busy), true));
    assert!(health.check().is_ok());
    assert!(health.record(&error(Unavailability::Unreachable), true));
    assert!(!health.record(&error(Unavailability::Unreachable), true), "it is probed already");
    assert!(health.check().unwrap_err().is_unavailable());
    // A call that started before the outage may still succeed.
    assert!(!health.record(&Ok(()), true));
    assert!(health.check().is_err());
    assert_eq!(health.time_since_recovery(), None);
    health.mark_recovered();
    assert!(health.check().is_ok() && health.time_since_recovery().is_some());
}

#[test]
fn one_successful_write_does_not_end_a_full_disk() {
    let health = Health::default();
    assert!(health.record(&error(Unavailability::DiskFull), true));
    assert!(health.check().is_ok(), "reading works");
    health.record(&Ok(()), true);
    assert!(!health.may_have_recovered() && health.time_since_recovery().is_none());
    assert!(!health.record(&error(Unavailability::Unreachable), true), "it is probed already");
    assert!(health.check().is_err() && health.may_have_recovered());
}

#[test]
fn a_busy_connection_pool_is_an_outage_only_if_the_store_answers_no_call() {
    let health = Health::default();
    health.record(&Ok(()), true);
    assert!(!health.record(&error(Unavailability::NoConnection), true));
    assert!(health.check().is_ok());
    assert!(health.record(&error(Unavailability::NoConnection), false), "there is none that callers wait for");
    let silent = Health::default();
    assert!(silent.record(&error(Unavailability::NoConnection), true));
    assert!(silent.check().is_err());
}

#[test]
fn refused_connections_are_an_outage_only_if_there_are_no_others() {
    let health = Health::default();
    health.record(&Ok(()), true);
    assert!(!health.record(&error(Unavailability::Refused), true), "others are in use");
    assert!(health.check().is_ok());
    assert!(health.record(&error(Unavailability::Refused), false));
    assert!(health.check().is_err());
}

#[test]
fn the_reason_of_an_outage_is_that_of_the_last_probe() {
    let health = Health::default();
    health.record(&error(Unavailability::NoConnection), false);
    assert!(health.is_unexplained());
    let refused = StoreError::Unavailable { kind: Unavailability::Refused, reason: "wrong password".into() };
    health.still_unreachable(&refused);
    assert_eq!(health.outage().unwrap(), "the store is unavailable: wrong password");
    let full = Health::default();
    full.record(&error(Unavailability::DiskFull), true);
    full.still_unreachable(&refused);
    assert_eq!(full.outage().unwrap(), "the store is out of disk space: why");
}

#[tokio::test(start_paused = true)]
async fn a_reason_that_has_changed_is_logged_but_not_often() {
    let (log, _logging) = crate::testing::logged();
    let health = Health::default();
    let lost = || StoreError::Unavailable { kind: Unavailability::Unreachable, reason: "connection lost".into() };
    let refused = StoreError::Unavailable { kind: Unavailability::Refused, reason: "wrong password".into() };
    health.record(&Err::<(), _>(lost()), false);
    health.log_outage();
    for _ in 0..300 {
        health.still_unreachable(&refused);
        tokio::time::advance(Duration::from_millis(250)).await;
    }
    health.mark_recovered();
    let told = ["connection lost", "wrong password", "available again"].map(|text| log.lines(text).len());
    assert_eq!(told, [1, 1, 1], "{}", log.text());
}

#[tokio::test(start_paused = true)]
async fn a_lack_of_connections_is_logged_if_it_goes_on() {
    let (log, _logging) = crate::testing::logged();
    let health = Health::default();
    let lacks = || {
        health.record(&Ok(()), true);
        assert!(!health.record(&error(Unavailability::NoConnection), true));
    };
    for pause in [30, 30, 100] {
        lacks();
        tokio::time::advance(Duration::from_secs(pause)).await;
    }
    lacks();
    assert_eq!(log.text(), "", "it is over each time");
    for _ in 0..60 {
        tokio::time::advance(Duration::from_secs(1)).await;
        lacks();
    }
    assert_eq!(log.lines("others get no connection").len(), 1, "{}", log.text());
}

#[tokio::test(start_paused = true)]
async fn outages_that_follow_one_another_are_logged_once() {
    let (log, _logging) = crate::testing::logged();
    let health = Health::default();
    let begins = || {
        assert!(health.record(&error(Unavailability::Unreachable), false));
        health.log_outage();
    };
    for _ in 0..100 {
        begins();
        tokio::time::advance(Duration::from_millis(250)).await;
        health.mark_recovered();
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    let told = || ["the store is unavailable", "available again"].map(|text| log.lines(text).len());
    assert_eq!(told(), [1, 1], "{}", log.text());
    // One that lasts is logged.
    begins();
    let why = StoreError::Unavailable { kind: Unavailability::Unreachable, reason: "why".into() };
    for _ in 0..100 {
        tokio::time::advance(Duration::from_millis(250)).await;
        health.still_unreachable(&why);
    }
    assert_eq!(told(), [2, 1], "{}", log.text());
    health.mark_recovered();
    assert_eq!(told(), [2, 2], "{}", log.text());
    tokio::time::advance(AGAIN).await;
    begins();
    assert_eq!(told(), [3, 2], "{}", log.text());
}
