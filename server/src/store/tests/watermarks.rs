//! Watermarks.

use super::*;

on_both! {
    a_watermark_is_changed_only_while_no_job_is_in_progress
    set_deletes_the_record_and_changes_the_route
    keep_changes_only_the_route
    a_watermark_may_have_a_record_before_it_has_a_time
    a_checkpoint_without_a_route_leaves_watermark_and_record
    watermarks_of_an_earlier_version_keep_their_meaning
}

/// Ends a job with this watermark and this record.
async fn ended_with(store: &Store, integration: IntegrationId, watermark: Watermark, digests: &[u128]) {
    assert!(started(store, integration, Utc::now()).await);
    let lease = claim(store, integration, LEASE).await.unwrap().lease;
    let (route, record) = (Some(a_route("users")), vec![added(99, digests)]);
    let checkpoint = Checkpoint { watermark, route, record, ..Checkpoint::default() };
    store.finish(&lease, integration, &checkpoint, JobStatus::Success, None).await.unwrap();
}

async fn a_watermark_is_changed_only_while_no_job_is_in_progress(location: StoreLocation) {
    let store = open(location).await;
    let (integration, now) = (id(), Utc::now());
    let set = WatermarkChange::Set(time(5), (*a_route("users")).clone());
    assert!(store.change_watermark(integration, &set, KnownAttributes::Keep).await.unwrap());
    assert_eq!(store.watermark(integration).await.unwrap(), reached(5));
    assert!(store.change_watermark(integration, &WatermarkChange::Reset, KnownAttributes::Keep).await.unwrap());
    assert_eq!(store.watermark(integration).await.unwrap(), Watermark::default());
    assert_eq!(store.route(integration).await.unwrap(), None);
    assert_eq!(store.jobs(integration, &Page::First, 1).await.unwrap().items, [], "it leaves no job behind");
    // In whatever order they run: once a job has started, the watermark is not changed.
    let change = async |change: &WatermarkChange| {
        store.change_watermark(integration, change, KnownAttributes::Keep).await.unwrap()
    };
    let (begun, _) = futures::join!(started(&store, integration, now), join_all((0..8).map(|_| change(&set))));
    assert!(begun);
    for refused in [set.clone(), WatermarkChange::Keep((*a_route("other")).clone()), WatermarkChange::Reset] {
        assert!(!change(&refused).await, "{refused:?}");
    }
}

async fn set_deletes_the_record_and_changes_the_route(location: StoreLocation) {
    let store = open(location).await;
    let (integration, other) = (id(), id());
    let overflow = Some(Overflow { updated_at: time(77), versions: 1, sum: 1 });
    for integration in [integration, other] {
        ended_with(&store, integration, Watermark { overflow, ..reached(77) }, &[1, 2]).await;
    }
    let route = a_route("other");
    let set = WatermarkChange::Set(time(5), (*route).clone());
    assert!(store.change_watermark(integration, &set, KnownAttributes::Keep).await.unwrap());
    assert_eq!(store.watermark(integration).await.unwrap(), reached(5));
    assert_eq!(store.route(integration).await.unwrap().as_ref(), Some(&*route));
    assert_eq!(store.record_size(integration).await.unwrap(), RecordSize::default());
    assert_eq!(store.record_size(other).await.unwrap().versions, 2, "other integrations are not affected");
    assert!(store.change_watermark(other, &WatermarkChange::Reset, KnownAttributes::Keep).await.unwrap());
    assert_eq!(store.watermark(other).await.unwrap(), Watermark::default());
    assert_eq!(store.record_size(other).await.unwrap(), RecordSize::default());
}

async fn keep_changes_only_the_route(location: StoreLocation) {
    let store = open(location).await;
    let (integration, route) = (id(), a_route("other"));
    let keep = WatermarkChange::Keep((*route).clone());
    assert!(store.change_watermark(integration, &keep, KnownAttributes::Keep).await.unwrap());
    assert_eq!(store.route(integration).await.unwrap(), None, "there is nothing to keep");
    let overflow = Some(Overflow { updated_at: time(77), versions: 1, sum: 1 });
    let watermark = Watermark { overflow, ..reached(77) };
    ended_with(&store, integration, watermark, &[1, 2]).await;
    assert!(store.change_watermark(integration, &keep, KnownAttributes::Keep).await.unwrap());
    assert_eq!(store.route(integration).await.unwrap().as_ref(), Some(&*route));
    assert_eq!(store.watermark(integration).await.unwrap(), watermark);
    assert_eq!(store.record_size(integration).await.unwrap().versions, 2);
}

async fn a_watermark_may_have_a_record_before_it_has_a_time(location: StoreLocation) {
    let store = open(location).await;
    let integration = id();
    ended_with(&store, integration, Watermark::default(), &[1, 2]).await;
    assert_eq!(store.watermark(integration).await.unwrap(), Watermark::default());
    assert_eq!(store.route(integration).await.unwrap().as_ref(), Some(&*a_route("users")));
    assert_eq!(store.record_size(integration).await.unwrap(), RecordSize { versions: 2, bytes: 32, changes: 1 });
    assert!(started(&store, integration, Utc::now()).await);
    let claimed = claim(&store, integration, LEASE).await.unwrap();
    assert_eq!((claimed.watermark, claimed.route.as_ref()), (Watermark::default(), Some(&*a_route("users"))));
    let job = store.job(integration, claimed.lease.job).await.unwrap().unwrap();
    assert_eq!(job.last_timestamp_synced, None);
    assert_eq!(store.integration_states(&[integration]).await.unwrap()[&integration].last_updated_at, None);
}

async fn a_checkpoint_without_a_route_leaves_watermark_and_record(location: StoreLocation) {
    let store = open(location).await;
    let integration = id();
    ended_with(&store, integration, reached(77), &[1, 2]).await;
    assert!(started(&store, integration, Utc::now()).await);
    let lease = claim(&store, integration, LEASE).await.unwrap().lease;
    let checkpoint = Checkpoint { record: vec![added(99, &[3])], rows_failed: 1, ..Checkpoint::default() };
    store.checkpoint(&lease, integration, &checkpoint).await.unwrap();
    assert_eq!(store.watermark(integration).await.unwrap(), reached(77));
    assert_eq!(store.route(integration).await.unwrap().as_ref(), Some(&*a_route("users")));
    assert_eq!(store.record_size(integration).await.unwrap().versions, 2);
    let state = store.integration_states(&[integration]).await.unwrap()[&integration];
    assert_eq!(state.last_updated_at, Some(time(77)));
    let job = store.job(integration, lease.job).await.unwrap().unwrap();
    assert_eq!((job.last_timestamp_synced, job.rows_failed_with_errors), (Some(time(77)), 1));
}

async fn watermarks_of_an_earlier_version_keep_their_meaning(location: StoreLocation) {
    drop(open(location.clone()).await);
    let (whole, part) = (id(), id());
    make_older(&location, 2).await;
    let rows = format!("INSERT INTO watermarks VALUES ('{whole}', 1000, 3, NULL), ('{part}', 2000, 3, -7)");
    tamper(&location, rows).await;
    let store = open(location).await;
    let all = Watermark { read_from: Some(time(1001)), ..reached(1000) };
    assert_eq!(store.watermark(whole).await.unwrap(), all, "every row of that time was acknowledged");
    assert_eq!(
        store.watermark(part).await.unwrap(),
        reached(2000),
        "it is unknown which rows of that time were acknowledged"
    );
    for integration in [whole, part] {
        assert_eq!(store.route(integration).await.unwrap(), None, "the next sync decides");
        assert!(started(&store, integration, Utc::now()).await);
    }
    let claimed = claim(&store, whole, LEASE).await.unwrap();
    assert_eq!((claimed.watermark, claimed.route), (all, None));
}

/// A worker's lease expires while its checkpoint is in flight, and another worker claims the job at that moment.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_after_a_late_checkpoint_has_its_watermark() {
    let location = super::database().await;
    let store = open(location.clone()).await;
    let integration = id();
    assert!(started(&store, integration, Utc::now()).await);
    let late = claim(&store, integration, Duration::ZERO).await.unwrap().lease;
    let checkpoint = |micros| Checkpoint {
        watermark: reached(micros),
        route: Some(a_route("users")),
        rows_synced: 1,
        ..Checkpoint::default()
    };
    store.checkpoint(&late, integration, &checkpoint(5)).await.unwrap();
    let mut transaction = store.database.begin().await.unwrap();
    let written = super::super::checkpoints::write(
        transaction.connection(),
        store.database.kind,
        &late,
        integration,
        &checkpoint(7),
    )
    .await
    .unwrap();
    assert!(claim(&store, integration, LEASE).await.is_none(), "claims do not wait for a checkpoint");
    transaction.end(Ok(written)).await.unwrap();
    assert_eq!(claim(&store, integration, LEASE).await.unwrap().watermark, reached(7));
}
