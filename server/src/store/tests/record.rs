//! The record of acknowledged rows.

use std::collections::BTreeMap;

use super::*;
use crate::store::StoredRecord;

on_both! {
    added_and_forgotten_digests_are_read_back
    a_change_of_any_size_is_stored
    changes_below_read_from_are_deleted
    a_merged_record_has_the_same_content_in_fewer_changes
    a_worker_without_the_lease_changes_no_record
    the_record_is_written_with_the_watermark_or_not_at_all
    a_checkpoint_whose_response_was_lost_is_not_counted_twice
    a_million_digests_are_written_merged_and_read
    each_database_has_its_own_digest_key
}

/// A job in progress.
struct Running {
    store: Store,
    integration: IntegrationId,
    lease: super::super::Lease,
}

impl Running {
    async fn begin(location: StoreLocation) -> Running {
        let (store, integration) = (open(location).await, id());
        assert!(started(&store, integration, Utc::now()).await);
        let lease = claim(&store, integration, LEASE).await.unwrap().lease;
        Running { store, integration, lease }
    }

    async fn write(&self, watermark: Watermark, record: Vec<Arc<RecordChange>>) -> Result<LeaseStatus, StoreError> {
        let checkpoint = Checkpoint { watermark, route: Some(a_route("users")), record, ..Checkpoint::default() };
        self.store.checkpoint(&self.lease, self.integration, &checkpoint).await
    }

    async fn record(&self) -> StoredRecord {
        self.store.record(self.integration).await.unwrap()
    }

    async fn size(&self) -> RecordSize {
        self.store.record_size(self.integration).await.unwrap()
    }

    /// The count of each digest.
    async fn counts(&self) -> BTreeMap<u128, i64> {
        let record = self.record().await;
        let mut counts = BTreeMap::new();
        for digest in record.added {
            *counts.entry(digest).or_insert(0) += 1;
        }
        for digest in record.forgotten {
            *counts.entry(digest).or_insert(0) -= 1;
        }
        counts.retain(|_, count| *count > 0);
        counts
    }
}

fn forgotten(last: i64, digests: &[u128]) -> Arc<RecordChange> {
    Arc::new(RecordChange { action: RecordAction::Forget, first: 0, last, digests: digests.to_vec() })
}

async fn added_and_forgotten_digests_are_read_back(location: StoreLocation) {
    let job = Running::begin(location).await;
    let record = job.record().await;
    assert_eq!((record.added.len(), record.sizes.len(), record.changes), (0, 0, 0));
    let wide = RecordChange { action: RecordAction::Add, first: -5, last: 20, digests: vec![3, u128::MAX] };
    job.write(Watermark::default(), vec![added(10, &[1, 2, 2]), Arc::new(wide)]).await.unwrap();
    job.write(Watermark::default(), vec![added(10, &[2]), forgotten(30, &[1, 2])]).await.unwrap();
    let mut record = job.record().await;
    record.added.sort_unstable();
    record.forgotten.sort_unstable();
    record.sizes.sort_unstable();
    assert_eq!(record.added, [1, 2, 2, 2, 3, u128::MAX]);
    assert_eq!(record.forgotten, [1, 2]);
    assert_eq!(record.sizes, [(10, 1), (10, 3), (20, 2)]);
    assert_eq!(record.changes, 4);
    assert_eq!(job.size().await, RecordSize { versions: 6, bytes: 8 * 16, changes: 4 });
    assert_eq!(job.counts().await, BTreeMap::from([(2, 2), (3, 1), (u128::MAX, 1)]));
    assert_eq!(job.store.record(id()).await.unwrap().changes, 0, "other integrations have none of it");
}

async fn a_change_of_any_size_is_stored(location: StoreLocation) {
    let job = Running::begin(location).await;
    let digests: Vec<u128> = (0..65_536 * 2 + 1).collect();
    job.write(Watermark::default(), vec![added(10, &digests), added(10, &[])]).await.unwrap();
    let mut record = job.record().await;
    assert_eq!(record.changes, 3, "in parts of a size that both databases take");
    record.added.sort_unstable();
    assert!(record.added == digests);
}

async fn changes_below_read_from_are_deleted(location: StoreLocation) {
    let job = Running::begin(location).await;
    let from = |micros| Watermark { updated_at: Some(time(100)), read_from: Some(time(micros)), overflow: None };
    let changes = vec![added(10, &[1]), added(20, &[2]), forgotten(20, &[9]), added(30, &[3])];
    job.write(from(10), changes).await.unwrap();
    assert_eq!(job.size().await.changes, 4, "none of them is below it");
    job.write(from(20), vec![added(40, &[4])]).await.unwrap();
    assert_eq!(job.counts().await, BTreeMap::from([(2, 1), (3, 1), (4, 1)]));
    job.write(from(30), vec![added(29, &[5]), added(30, &[6])]).await.unwrap();
    assert_eq!(job.counts().await, BTreeMap::from([(3, 1), (4, 1), (6, 1)]));
    assert_eq!(job.record().await.forgotten, []);
    // `read_from` has not moved, and the new change is below it.
    job.write(from(30), vec![added(29, &[7])]).await.unwrap();
    assert_eq!(job.counts().await, BTreeMap::from([(3, 1), (4, 1), (6, 1)]));
    // Another worker continues.
    job.store.release(&job.lease).await.unwrap();
    let lease = claim(&job.store, job.integration, LEASE).await.unwrap().lease;
    let job = Running { lease, ..job };
    job.write(from(41), vec![]).await.unwrap();
    assert_eq!(job.size().await, RecordSize::default());
}

async fn a_merged_record_has_the_same_content_in_fewer_changes(location: StoreLocation) {
    let job = Running::begin(location).await;
    let large: Vec<u128> = (1_000_000..1_040_000).collect();
    for at in 0..300 {
        let mut changes = vec![added(at / 3, &[at as u128 % 50, 1_000 + at as u128])];
        if at % 7 == 0 {
            changes.push(forgotten(at, &[at as u128 % 50]));
        }
        if at == 150 {
            changes.push(added(50, &large));
        }
        job.write(Watermark::default(), changes).await.unwrap();
    }
    let (counts, before) = (job.counts().await, job.size().await);
    job.store.merge_record(&job.lease, job.integration).await.unwrap();
    assert_eq!(job.counts().await, counts);
    let after = job.size().await;
    assert_eq!((after.versions, after.bytes), (before.versions, before.bytes));
    assert_eq!(after.changes, 4, "the large one, those before it, those after it, and the forgotten ones");
    let mut sizes = job.record().await.sizes;
    sizes.sort_unstable_by_key(|(_, digests)| *digests);
    assert_eq!(sizes[2], (50, 40_000));
    assert!(sizes[..2].iter().all(|(last, _)| [50, 99].contains(last)), "each has the last of its changes: {sizes:?}");
    job.store.merge_record(&job.lease, job.integration).await.unwrap();
    assert_eq!(job.size().await, after, "there is nothing more to merge");
    // Changes that are still read are kept, changes below `read_from` are deleted, and later ones are stored beside them.
    let read_from = Some(time(60));
    job.write(Watermark { read_from, ..Watermark::default() }, vec![added(99, &[77])]).await.unwrap();
    let left = job.counts().await;
    assert!((180..300).all(|at| left.contains_key(&(1_000 + at))) && left[&77] == 1);
    assert!(!left.contains_key(&1_000) && !left.contains_key(&1_000_000));
}

async fn a_worker_without_the_lease_changes_no_record(location: StoreLocation) {
    let (store, integration) = (open(location).await, id());
    assert!(started(&store, integration, Utc::now()).await);
    let late = claim(&store, integration, Duration::ZERO).await.unwrap().lease;
    let holder = claim(&store, integration, LEASE).await.unwrap().lease;
    let late = Running { store: store.clone(), integration, lease: late };
    let holder = Running { store: store.clone(), integration, lease: holder };
    holder.write(reached(5), vec![added(10, &[1]), added(11, &[2])]).await.unwrap();
    assert!(matches!(late.write(reached(50), vec![added(60, &[3])]).await, Err(StoreError::LeaseLost)));
    let merged = store.merge_record(&late.lease, integration).await;
    assert!(matches!(merged, Err(StoreError::LeaseLost)), "{merged:?}");
    assert_eq!(holder.size().await, RecordSize { versions: 2, bytes: 32, changes: 2 });
    assert_eq!(store.watermark(integration).await.unwrap(), reached(5));
}

async fn the_record_is_written_with_the_watermark_or_not_at_all(location: StoreLocation) {
    let job = Running::begin(location.clone()).await;
    job.write(reached(5), vec![added(10, &[1])]).await.unwrap();
    // Row errors are written last.
    tamper(&location, "ALTER TABLE row_errors RENAME TO elsewhere".into()).await;
    let error = RowError { identifier: None, updated_at: time(7), reason: "a".into(), payload: None };
    let checkpoint = Checkpoint {
        watermark: reached(20),
        route: Some(a_route("other")),
        record: vec![added(30, &[2])],
        rows_synced: 9,
        rows_failed: 1,
        row_errors: vec![error],
        ..Checkpoint::default()
    };
    let failed = job.store.checkpoint(&job.lease, job.integration, &checkpoint).await;
    assert!(matches!(failed, Err(StoreError::Failed(_))), "{failed:?}");
    assert_eq!(job.counts().await, BTreeMap::from([(1, 1)]));
    assert_eq!(job.store.watermark(job.integration).await.unwrap(), reached(5));
    assert_eq!(job.store.route(job.integration).await.unwrap().as_ref(), Some(&*a_route("users")));
    let found = job.store.job(job.integration, job.lease.job).await.unwrap().unwrap();
    assert_eq!((found.rows_synced, found.last_timestamp_synced), (0, Some(time(5))));
    tamper(&location, "ALTER TABLE elsewhere RENAME TO row_errors".into()).await;
    job.store.checkpoint(&job.lease, job.integration, &checkpoint).await.unwrap();
    assert_eq!(job.counts().await, BTreeMap::from([(2, 1)]));
}

async fn a_checkpoint_whose_response_was_lost_is_not_counted_twice(location: StoreLocation) {
    let job = Running::begin(location).await;
    job.write(Watermark::default(), vec![added(10, &[1])]).await.unwrap();
    let unconfirmed = job.lease.confirmed();
    let (second, third, fourth) = (added(10, &[1, 2]), added(10, &[3]), added(10, &[4]));
    job.write(Watermark::default(), vec![Arc::clone(&second), Arc::clone(&third)]).await.unwrap();
    // As if the worker had got no response.
    job.lease.confirm(unconfirmed);
    job.write(Watermark::default(), vec![]).await.unwrap();
    job.write(Watermark::default(), vec![second, third, Arc::clone(&fourth)]).await.unwrap();
    assert_eq!(job.counts().await, BTreeMap::from([(1, 2), (2, 1), (3, 1), (4, 1)]));
    job.write(Watermark::default(), vec![fourth]).await.unwrap();
    assert_eq!(job.counts().await[&4], 2, "an equal new digest counts");
    job.store.release(&job.lease).await.unwrap();
    let lease = claim(&job.store, job.integration, LEASE).await.unwrap().lease;
    let job = Running { lease, ..job };
    job.write(Watermark::default(), vec![added(10, &[5])]).await.unwrap();
    assert_eq!(job.counts().await[&5], 1, "another worker counts its own");
}

async fn a_million_digests_are_written_merged_and_read(location: StoreLocation) {
    let job = Running::begin(location).await;
    let digest = |number: u64| u128::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
    for part in 0..500 {
        let digests: Vec<u128> = (part * 2_000..(part + 1) * 2_000).map(digest).collect();
        job.write(Watermark::default(), vec![added(7, &digests)]).await.unwrap();
    }
    job.store.merge_record(&job.lease, job.integration).await.unwrap();
    let mut record = job.record().await;
    assert_eq!(record.changes, 16, "each of the largest size");
    assert_eq!(record.added.capacity(), 1_000_000, "no more memory than the digests take");
    record.added.sort_unstable();
    let mut expected: Vec<u128> = (0..1_000_000).map(digest).collect();
    expected.sort_unstable();
    assert!(record.added == expected);
}

async fn each_database_has_its_own_digest_key(location: StoreLocation) {
    let (one, other) = (open(location.clone()).await, open(location.clone()).await);
    let existing = Store::open_existing(&location).await.unwrap().unwrap();
    assert!(one.digest_key() == other.digest_key() && one.digest_key() == existing.digest_key());
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = open(StoreLocation::Sqlite(folder.path().join("other.db"))).await;
    assert_ne!(one.digest_key(), elsewhere.digest_key());
    let printed = format!("{one:?}");
    assert!(!printed.contains(&format!("{:?}", one.digest_key())) && !printed.contains("digest_key"), "{printed}");
}
