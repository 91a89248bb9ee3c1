//! Attributes that destinations have acknowledged.

use super::*;
use crate::store::{AttributeChange, AttributeSet, AttributesSize, UserAttributes, WatermarkChange};

on_both! {
    the_last_written_attributes_of_a_user_are_read
    a_set_belongs_to_one_destination
    attributes_that_were_given_up_are_deleted_in_batches
    without_the_lease_no_set_is_changed
    a_watermark_is_reset_with_or_without_the_attributes
    what_a_job_has_spared_is_kept_with_it
}

struct Syncing {
    store: Store,
    integration: IntegrationId,
    lease: crate::store::Lease,
}

impl Syncing {
    async fn start(location: StoreLocation) -> Syncing {
        let store = open(location).await;
        let integration = id();
        assert!(started(&store, integration, Utc::now()).await);
        let lease = claim(&store, integration, LEASE).await.unwrap().lease;
        Syncing { store, integration, lease }
    }

    async fn set(&self, destination: &str) -> AttributeSet {
        self.store.attribute_set(&self.lease, self.integration, destination).await.unwrap()
    }

    async fn write(&self, set: AttributeSet, changes: Vec<Vec<UserAttributes>>) {
        let attributes = changes.into_iter().map(|users| Arc::new(AttributeChange { set, users })).collect();
        let checkpoint = Checkpoint { attributes, ..Checkpoint::default() };
        for _ in 0..2 {
            // The response to the first may have been lost.
            self.store.checkpoint(&self.lease, self.integration, &checkpoint).await.unwrap();
        }
    }

    async fn end(&self) {
        let status = JobStatus::Success;
        self.store.finish(&self.lease, self.integration, &Checkpoint::default(), status, None).await.unwrap();
    }
}

async fn the_last_written_attributes_of_a_user_are_read(location: StoreLocation) {
    let syncing = Syncing::start(location).await;
    let set = syncing.set("a").await;
    assert_eq!(syncing.set("a").await, set);
    let users: Vec<u128> = (0..2500).map(|user| user * (u128::MAX / 2500)).collect();
    let all = |value: u8| users.iter().map(|user| (*user, vec![value; 24])).collect::<Vec<_>>();
    syncing.write(set, vec![all(1), all(2)]).await;
    syncing.write(set, vec![vec![(users[7], vec![]), (users[8], vec![3; 5000])]]).await;
    let mut expected = all(2);
    (expected[7].1, expected[8].1) = (vec![], vec![3; 5000]);
    let mut found = syncing.store.attributes(set, &users).await.unwrap();
    found.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(syncing.store.attributes(set, &[5, users[1], 6]).await.unwrap(), [(users[1], vec![2; 24])]);
    assert_eq!(syncing.store.attributes(set, &[]).await.unwrap(), []);
    let size = syncing.store.attributes_size(syncing.integration, "a").await.unwrap().unwrap();
    assert_eq!(size.users, 2500);
    assert!((2500 * 30..2500 * 60).contains(&size.bytes), "{size:?}");
}

async fn a_set_belongs_to_one_destination(location: StoreLocation) {
    let syncing = Syncing::start(location).await;
    let Syncing { store, integration, .. } = &syncing;
    let first = syncing.set("a").await;
    syncing.write(first, vec![vec![(1, vec![1; 12])]]).await;
    assert_eq!(store.existing_attribute_set(*integration, "a").await.unwrap(), Some(first));
    assert_eq!(store.existing_attribute_set(*integration, "b").await.unwrap(), None);
    let second = syncing.set("b").await;
    assert_eq!(store.attributes(second, &[1]).await.unwrap(), []);
    assert_eq!(store.attributes_size(*integration, "a").await.unwrap(), None);
    let again = syncing.set("a").await;
    assert_eq!(store.attributes(again, &[1]).await.unwrap(), [], "meanwhile its attributes may have changed");
    store.give_up_attributes(&syncing.lease, *integration).await.unwrap();
    assert_eq!(store.existing_attribute_set(*integration, "a").await.unwrap(), None);
    assert_eq!(store.attributes_size(*integration, "a").await.unwrap(), None);
}

async fn attributes_that_were_given_up_are_deleted_in_batches(location: StoreLocation) {
    let syncing = Syncing::start(location).await;
    let Syncing { store, integration, .. } = &syncing;
    assert_eq!(store.delete_given_up_attributes().await.unwrap(), None);
    let old = syncing.set("a").await;
    syncing.write(old, vec![(0..4500).map(|user| (user, vec![1; 12])).collect()]).await;
    let new = syncing.set("b").await;
    syncing.write(new, vec![vec![(1, vec![2; 12])]]).await;
    let mut batches = Vec::new();
    while let Some(users) = store.delete_given_up_attributes().await.unwrap() {
        batches.push(users);
    }
    assert_eq!(batches, [2000, 2000, 500, 0]);
    assert_eq!(store.attributes(old, &[1]).await.unwrap(), []);
    assert_eq!(store.attributes(new, &[1]).await.unwrap(), [(1, vec![2; 12])]);
    let one = Some(AttributesSize { users: 1, bytes: 28 });
    assert_eq!(store.attributes_size(*integration, "b").await.unwrap(), one);
}

async fn without_the_lease_no_set_is_changed(location: StoreLocation) {
    let syncing = Syncing::start(location).await;
    let Syncing { store, integration, lease } = &syncing;
    let set = syncing.set("a").await;
    store.release(lease).await.unwrap();
    let lost = |result: Result<(), StoreError>| assert!(matches!(result, Err(StoreError::LeaseLost)), "{result:?}");
    lost(store.attribute_set(lease, *integration, "b").await.map(drop));
    lost(store.give_up_attributes(lease, *integration).await);
    let attributes = vec![Arc::new(AttributeChange { set, users: vec![(1, vec![1; 12])] })];
    let checkpoint = Checkpoint { attributes, ..Checkpoint::default() };
    lost(store.checkpoint(lease, *integration, &checkpoint).await.map(drop));
    assert_eq!(store.existing_attribute_set(*integration, "a").await.unwrap(), Some(set));
    assert_eq!(store.attributes(set, &[1]).await.unwrap(), []);
}

async fn a_watermark_is_reset_with_or_without_the_attributes(location: StoreLocation) {
    let syncing = Syncing::start(location).await;
    let Syncing { store, integration, .. } = &syncing;
    let set = syncing.set("a").await;
    let reset = async |known| store.change_watermark(*integration, &WatermarkChange::Reset, known).await.unwrap();
    assert!(!reset(KnownAttributes::Forget).await, "a job is in progress");
    assert_eq!(store.existing_attribute_set(*integration, "a").await.unwrap(), Some(set));
    syncing.end().await;
    assert!(reset(KnownAttributes::Keep).await);
    assert_eq!(store.existing_attribute_set(*integration, "a").await.unwrap(), Some(set));
    assert!(reset(KnownAttributes::Forget).await);
    assert_eq!(store.existing_attribute_set(*integration, "a").await.unwrap(), None);
}

async fn what_a_job_has_spared_is_kept_with_it(location: StoreLocation) {
    let syncing = Syncing::start(location).await;
    let Syncing { store, integration, lease } = &syncing;
    let spared = crate::store::Spared { rows: 5, attributes_sent: 6, attributes_spared: 7 };
    store.checkpoint(lease, *integration, &Checkpoint { spared, ..Checkpoint::default() }).await.unwrap();
    store.release(lease).await.unwrap();
    let claimed = claim(store, *integration, LEASE).await.unwrap();
    assert_eq!((claimed.spared, claimed.attempts), (spared, 1), "unchanged rows are progress");
    assert_eq!(store.job(*integration, lease.job).await.unwrap().unwrap().spared, spared);
}
