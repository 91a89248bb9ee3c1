//! Leases, checkpoints, and the end of jobs.

use super::*;

on_both! {
    a_job_has_one_worker_until_its_lease_expires
    a_worker_without_the_lease_changes_nothing
    a_job_that_is_handed_back_continues_from_its_checkpoint
    a_checkpoint_is_written_completely
    row_errors_are_numbered_from_one_up_to_the_limit
    a_waiting_job_is_cancelled_at_once_and_a_running_one_by_its_worker
    a_job_has_its_running_time_and_watermark
}

async fn a_job_has_one_worker_until_its_lease_expires(location: StoreLocation) {
    let store = open(location).await;
    let integration = id();
    assert!(claim(&store, integration, LEASE).await.is_none(), "there is no job");
    assert!(started(&store, integration, Utc::now()).await);
    let claims = join_all((0..16).map(|_| claim(&store, integration, Duration::from_millis(300)))).await;
    let first = claims.into_iter().flatten().collect::<Vec<_>>();
    assert_eq!(first.len(), 1, "only one of the simultaneous claims succeeds");
    assert_eq!(first[0].attempts, 1);
    let second = loop {
        match claim(&store, integration, LEASE).await {
            Some(claimed) => break claimed,
            None => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    assert_eq!(second.attempts, 2);
    assert!(matches!(store.renew(&first[0].lease, None).await, Err(StoreError::LeaseLost)));
    store.renew(&second.lease, None).await.unwrap();
}

async fn a_worker_without_the_lease_changes_nothing(location: StoreLocation) {
    let store = open(location).await;
    let integration = id();
    assert!(started(&store, integration, Utc::now()).await);
    let late = claim(&store, integration, Duration::ZERO).await.unwrap().lease;
    let holder = claim(&store, integration, LEASE).await.unwrap().lease;
    let checkpoint = Checkpoint {
        watermark: reached(77),
        route: Some(a_route("users")),
        record: vec![added(77, &[7])],
        rows_synced: 1,
        ..Checkpoint::default()
    };
    let still_held = LeaseStatus { cancelled: false };
    for lost in [
        store.checkpoint(&late, integration, &checkpoint).await,
        store.renew(&late, None).await,
        store.finish(&late, integration, &checkpoint, JobStatus::Success, None).await.map(|()| still_held),
        store.release(&late).await.map(|()| still_held),
    ] {
        assert!(matches!(lost, Err(StoreError::LeaseLost)), "{lost:?}");
    }
    assert_eq!(store.watermark(integration).await.unwrap(), Watermark::default());
    assert_eq!(store.record_size(integration).await.unwrap(), RecordSize::default());
    let job = store.jobs(integration, &Page::First, 1).await.unwrap().items.remove(0);
    assert_eq!((job.status, job.rows_synced), (JobStatus::Running, 0));
    store.finish(&holder, integration, &checkpoint, JobStatus::Success, None).await.unwrap();
    let twice = store.finish(&holder, integration, &checkpoint, JobStatus::Error, None).await;
    assert!(matches!(twice, Err(StoreError::LeaseLost)), "a job ends once");
}

async fn a_job_that_is_handed_back_continues_from_its_checkpoint(location: StoreLocation) {
    let store = open(location).await;
    let integration = id();
    assert!(started(&store, integration, Utc::now()).await);
    let first = claim(&store, integration, LEASE).await.unwrap();
    let overflow = Some(Overflow { updated_at: time(77), versions: 3, sum: u128::MAX - 1 });
    let (watermark, route) = (Watermark { overflow, ..reached(77) }, a_route("users"));
    let checkpoint = Checkpoint {
        watermark,
        route: Some(Arc::clone(&route)),
        rows_synced: 5,
        position: Some("1234".into()),
        ..Checkpoint::default()
    };
    store.checkpoint(&first.lease, integration, &checkpoint).await.unwrap();
    store.release(&first.lease).await.unwrap();
    let second = claim(&store, integration, LEASE).await.unwrap();
    assert_eq!((second.watermark, second.route.as_ref()), (watermark, Some(&*route)));
    assert_eq!(first.route, None);
    assert_eq!((second.rows_synced, second.position.as_deref()), (5, Some("1234")));
    assert_eq!(second.attempts, 1, "handing a job back is not a failed attempt");
}

async fn a_checkpoint_is_written_completely(location: StoreLocation) {
    let store = open(location).await;
    let integration = id();
    assert!(started(&store, integration, Utc::now()).await);
    let lease = claim(&store, integration, LEASE).await.unwrap().lease;
    let error = |reason: &str| RowError {
        identifier: Some("{\"external_id\":\"ü\"}".into()),
        updated_at: time(7),
        reason: reason.into(),
        payload: None,
    };
    let mut checkpoint =
        Checkpoint { rows_failed: 2, row_errors: vec![error("a"), error("b")], ..Checkpoint::default() };
    store.checkpoint(&lease, integration, &checkpoint).await.unwrap();
    (checkpoint.rows_failed, checkpoint.row_errors) = (3, vec![error("c")]);
    store.finish(&lease, integration, &checkpoint, JobStatus::Error, Some("why")).await.unwrap();
    let job = store.jobs(integration, &Page::First, 1).await.unwrap().items.remove(0);
    let kept = store.row_errors(job.id, 0, 10).await.unwrap();
    assert_eq!(kept, [(1, error("a")), (2, error("b")), (3, error("c"))]);
    assert_eq!(store.row_errors(job.id, 1, 1).await.unwrap(), [(2, error("b"))]);
    assert_eq!((job.rows_failed_with_errors, job.cause.as_deref()), (3, Some("why")));
    assert_eq!(job.last_timestamp_synced, None, "nothing was ever synced");
    assert_eq!(store.row_errors(job.id, 0, 10).await.unwrap().len(), 3);
    assert_eq!(store.newest_job_with_row_errors(integration).await.unwrap(), Some(job.id));
    assert_eq!(store.newest_job_with_row_errors(id()).await.unwrap(), None, "of another integration");
}

async fn row_errors_are_numbered_from_one_up_to_the_limit(location: StoreLocation) {
    let store = open(location).await;
    let integration = id();
    assert!(started(&store, integration, Utc::now()).await);
    let lease = claim(&store, integration, LEASE).await.unwrap().lease;
    let errors = |from: u64, to: u64| {
        let error =
            |number: u64| RowError { identifier: None, updated_at: time(7), reason: number.to_string(), payload: None };
        (from..=to).map(error).collect::<Vec<_>>()
    };
    for (rows_failed, row_errors) in [
        (MAX_ROW_ERRORS - 3, errors(1, MAX_ROW_ERRORS - 3)),
        // Of nine further rows three are kept.
        (MAX_ROW_ERRORS + 6, errors(MAX_ROW_ERRORS - 2, MAX_ROW_ERRORS)),
        (MAX_ROW_ERRORS + 500, Vec::new()),
    ] {
        let checkpoint = Checkpoint { rows_failed, row_errors, ..Checkpoint::default() };
        store.checkpoint(&lease, integration, &checkpoint).await.unwrap();
        // Written again, as when the response was lost.
        store.checkpoint(&lease, integration, &checkpoint).await.unwrap();
    }
    let kept = store.row_errors(lease.job, 0, 100_000).await.unwrap();
    assert_eq!(kept.len() as u64, MAX_ROW_ERRORS);
    assert!((1..).zip(&kept).all(|(number, kept)| kept.0 == number && kept.1.reason == number.to_string()));
    let job = store.job(integration, lease.job).await.unwrap().unwrap();
    assert_eq!(job.rows_failed_with_errors, MAX_ROW_ERRORS + 500);
}

async fn a_waiting_job_is_cancelled_at_once_and_a_running_one_by_its_worker(location: StoreLocation) {
    let store = open(location).await;
    let integration = id();
    assert_eq!(store.cancel_job(integration, "why").await.unwrap(), Cancelled::Nothing);
    assert!(started(&store, integration, Utc::now()).await);
    let Cancelled::Ended(ended) = store.cancel_job(integration, "why").await.unwrap() else {
        panic!("it has not ended")
    };
    let job = store.job(integration, ended).await.unwrap().unwrap();
    assert_eq!((job.status, job.cause.as_deref()), (JobStatus::Error, Some("why")));
    assert!(job.sync_finish_time.unwrap() >= job.sync_start_time);

    assert!(started(&store, integration, Utc::now()).await);
    let claimed = claim(&store, integration, LEASE).await.unwrap();
    let (lease, checkpoint) = (&claimed.lease, Checkpoint::default());
    assert!(!claimed.cancelled && !store.renew(lease, Some("full")).await.unwrap().cancelled);
    let waits = async || store.job(integration, lease.job).await.unwrap().unwrap().cause;
    assert_eq!(waits().await.as_deref(), Some("full"));
    store.renew(lease, None).await.unwrap();
    assert_eq!(waits().await, None);
    assert_eq!(store.cancel_job(integration, "why").await.unwrap(), Cancelled::Asked(lease.job));
    assert!(!store.has_ended(lease.job).await.unwrap(), "its worker ends it");
    assert!(store.renew(lease, None).await.unwrap().cancelled);
    assert!(store.checkpoint(lease, integration, &checkpoint).await.unwrap().cancelled);
    store.release(lease).await.unwrap();
    assert!(claim(&store, integration, LEASE).await.unwrap().cancelled, "the next worker sees it too");
    assert_eq!(store.cancel_job(id(), "why").await.unwrap(), Cancelled::Nothing, "other integrations are not affected");
}

async fn a_job_has_its_running_time_and_watermark(location: StoreLocation) {
    let store = open(location).await;
    let integration = id();
    let newest = async || store.jobs(integration, &Page::First, 1).await.unwrap().items.remove(0);
    assert!(started(&store, integration, Utc::now()).await);
    assert_eq!(newest().await.last_timestamp_synced, None, "nothing was ever synced");
    let first = claim(&store, integration, Duration::ZERO).await.unwrap();
    assert!(first.running_for < Duration::from_millis(50), "{:?}", first.running_for);
    tokio::time::sleep(Duration::from_millis(60)).await;
    let second = claim(&store, integration, LEASE).await.unwrap();
    assert!(second.running_for >= Duration::from_millis(50), "since its first claim: {:?}", second.running_for);
    let (watermark, route) = (reached(77), Some(a_route("users")));
    let checkpoint = Checkpoint { watermark, route, rows_synced: 1, ..Checkpoint::default() };
    store.finish(&second.lease, integration, &checkpoint, JobStatus::Success, None).await.unwrap();
    assert!(started(&store, integration, Utc::now()).await);
    assert_eq!(
        newest().await.last_timestamp_synced,
        Some(time(77)),
        "that of the integration, before this job reads a row"
    );
    let third = claim(&store, integration, LEASE).await.unwrap();
    assert_eq!(third.watermark, watermark);
    store.finish(&third.lease, integration, &Checkpoint::default(), JobStatus::Success, None).await.unwrap();
    assert_eq!(newest().await.last_timestamp_synced, Some(time(77)));
}
