//! Each acknowledged version is recorded once, however a run ends.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::mpsc;

use super::rig::{LEASE, Rig};
use crate::store::JobStatus;
use crate::sync::batch::Batch;
use crate::sync::destination::{Delivery, DeliveryContext, Limits, OpenDestination};
use crate::sync::object::ObjectEncoder;
use crate::sync::source::{Read, ReadRequest, Reading, SourceReport};
use crate::sync::{Destination, Source, SyncError};
use crate::testing::until;
use crate::types::IntegrationKind;

/// A source whose connection breaks at the end of its first reading, and that is unavailable from then on.
#[derive(Debug)]
struct FailingSource {
    source: Arc<dyn Source>,
    is_broken: AtomicBool,
    /// Whether the connection breaks. Otherwise the end of the reading is only delayed.
    breaks: bool,
}

impl Source for FailingSource {
    fn kind(&self) -> &'static str {
        self.source.kind()
    }

    fn identity(&self) -> String {
        self.source.identity()
    }

    fn file(&self) -> Option<&Path> {
        self.source.file()
    }

    fn read(&self, request: ReadRequest) -> BoxFuture<'_, Result<Reading, SyncError>> {
        Box::pin(async move {
            if self.is_broken.swap(true, Ordering::Relaxed) {
                return Err(SyncError::Transient("unavailable".into()));
            }
            let mut reading = self.source.read(request).await?;
            let (sender, reads) = mpsc::channel(1);
            let breaks = self.breaks;
            tokio::spawn(async move {
                loop {
                    match reading.next().await {
                        Ok(Read::End) if breaks => {
                            let _ = sender.send(Err(SyncError::Transient("connection lost".into()))).await;
                            return;
                        }
                        Ok(Read::End) => tokio::time::sleep(Duration::from_millis(500)).await,
                        read => {
                            let _ = sender.send(read).await;
                            continue;
                        }
                    }
                    let _ = sender.send(Ok(Read::End)).await;
                    return;
                }
            });
            Ok(Reading::new(reads, ()))
        })
    }

    fn probe(&self, kind: IntegrationKind) -> BoxFuture<'_, Result<SourceReport, SyncError>> {
        self.source.probe(kind)
    }
}

/// A destination whose `flush` starts to fail, like a broken disk.
#[derive(Debug, Clone)]
struct FailingFlush<D> {
    destination: D,
    is_broken: Arc<AtomicBool>,
}

impl Destination for FailingFlush<Arc<dyn Destination>> {
    fn kind(&self) -> &'static str {
        self.destination.kind()
    }

    fn identity(&self) -> String {
        self.destination.identity()
    }

    fn file(&self) -> Option<&Path> {
        self.destination.file()
    }

    fn encoder(&self, kind: IntegrationKind) -> ObjectEncoder {
        self.destination.encoder(kind)
    }

    fn open(
        &self,
        kind: IntegrationKind,
        position: Option<String>,
        context: DeliveryContext,
    ) -> BoxFuture<'_, Result<Arc<dyn OpenDestination>, SyncError>> {
        Box::pin(async move {
            let destination = self.destination.open(kind, position, context).await?;
            Ok(Arc::new(FailingFlush { destination, is_broken: self.is_broken.clone() }) as Arc<dyn OpenDestination>)
        })
    }

    fn probe(&self, kind: IntegrationKind) -> BoxFuture<'_, Result<(), SyncError>> {
        self.destination.probe(kind)
    }
}

impl OpenDestination for FailingFlush<Arc<dyn OpenDestination>> {
    fn limits(&self) -> Limits {
        self.destination.limits()
    }

    fn deliver(&self, batch: Batch) -> BoxFuture<'_, Delivery> {
        self.destination.deliver(batch)
    }

    fn mark(&self) -> u64 {
        self.destination.mark()
    }

    fn position(&self, mark: u64) -> Option<String> {
        self.destination.position(mark)
    }

    fn flush(&self) -> BoxFuture<'_, Result<(), SyncError>> {
        match self.is_broken.load(Ordering::Relaxed) {
            true => Box::pin(std::future::ready(Err(SyncError::Failed("cannot be made durable".into())))),
            false => self.destination.flush(),
        }
    }
}

const CLICK: &str = r#"{"name":"click","time":"2026-01-01T00:00:01Z"}"#;

async fn clicks() -> Rig {
    let mut rig = Rig::into_file().await;
    rig.integration.kind = IntegrationKind::Events;
    for _ in 0..2 {
        rig.insert(1, "a", CLICK);
    }
    rig
}

async fn recorded(rig: &Rig) -> usize {
    rig.store.record(rig.integration.id).await.unwrap().added.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_gives_up_on_its_source_records_each_version_once() {
    let mut rig = clicks().await;
    let source = rig.integration.source.clone();
    rig.integration.source = Arc::new(FailingSource { source: source.clone(), is_broken: false.into(), breaks: true });
    rig.tuning.checkpoint = Duration::from_secs(60);
    rig.tuning.source_give_up_after = Duration::from_millis(100);
    let job = rig.sync().await;
    assert_eq!((job.status, job.rows_synced), (JobStatus::Error, 2));
    rig.integration.source = source;
    // A third row, equal to the other two.
    rig.insert(1, "a", CLICK);
    rig.sync().await;
    assert_eq!((rig.lines().len(), recorded(&rig).await), (3, 3), "clicks that arrived, and that are recorded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_destination_cannot_be_flushed_records_each_version_once() {
    let mut rig = clicks().await;
    let usual = rig.integration.clone();
    rig.integration.source =
        Arc::new(FailingSource { source: usual.source.clone(), is_broken: false.into(), breaks: false });
    let is_broken = Arc::new(AtomicBool::new(false));
    rig.integration.destination =
        Arc::new(FailingFlush { destination: usual.destination.clone(), is_broken: is_broken.clone() });
    (rig.tuning.checkpoint, rig.tuning.batch) = (Duration::from_millis(10), 1);
    rig.trigger().await;
    let claimed = rig.claim(LEASE).await;
    let breaks = async {
        until(async || recorded(&rig).await == 2).await;
        is_broken.store(true, Ordering::Relaxed);
    };
    let (ended, ()) = tokio::join!(rig.run(claimed, LEASE), breaks);
    ended.unwrap();
    let job = rig.job().await;
    assert_eq!((job.status, job.rows_synced), (JobStatus::Error, 2));
    rig.integration = usual;
    rig.insert(1, "a", CLICK);
    rig.sync().await;
    assert_eq!((rig.lines().len(), recorded(&rig).await), (3, 3), "clicks that arrived, and that are recorded");
}
