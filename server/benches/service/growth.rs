//! The same with few and with many jobs, integrations and replicas.

use std::time::{Duration, Instant};

use cdi_server::config::StoreLocation;
use cdi_server::secret::Secret;
use cdi_server::store::{StartJob, Store};
use cdi_server::types::PostgresUrl;
use chrono::Utc;
use uuid::Uuid;

use crate::load::one_by_one;
use crate::server::Setup;
use crate::{LIMITED, Size, all_requests};

const REQUESTS: usize = 400;

/// Measures with 10 integrations and as many jobs, with many jobs, and with many integrations.
pub async fn run(store: &str, postgres: Option<&str>, size: Size) {
    println!(
        "\n{store}: median of {REQUESTS} requests one after the other, and of the start\n{:<24} {:>16} {:>16} {:>8} {:>20} {:>8}",
        "",
        "10 integrations",
        format!("{} jobs", size.jobs),
        "ratio",
        format!("{} integrations", size.integrations),
        "ratio"
    );
    let few = measured(postgres, 10, 10).await;
    let jobs = measured(postgres, 10, size.jobs).await;
    let integrations = measured(postgres, size.integrations, 10).await;
    for ((few, jobs), integrations) in few.iter().zip(&jobs).zip(&integrations) {
        let ratio = |many: Duration| many.as_secs_f64() / few.1.as_secs_f64();
        println!(
            "{:<24} {:>13.3} ms {:>13.3} ms {:>8.2} {:>17.3} ms {:>8.2}",
            few.0,
            few.1.as_secs_f64() * 1e3,
            jobs.1.as_secs_f64() * 1e3,
            ratio(jobs.1),
            integrations.1.as_secs_f64() * 1e3,
            ratio(integrations.1),
        );
    }
    let (few, many) = (claims(postgres, 10.min(size.waiting)).await, claims(postgres, size.waiting).await);
    println!(
        "{:<24} {:>13.3} ms {:>13.3} ms {:>8.2}   with 10 and with {} waiting jobs",
        "claiming a job",
        few.as_secs_f64() * 1e3,
        many.as_secs_f64() * 1e3,
        many.as_secs_f64() / few.as_secs_f64(),
        size.waiting,
    );
}

async fn measured(postgres: Option<&str>, integrations: usize, jobs: usize) -> Vec<(&'static str, Duration)> {
    let setup = Setup::new(integrations, postgres).await;
    setup.create_store();
    setup.fill(jobs).await;
    let mut starts: Vec<Duration> = (0..3).map(|_| setup.start("api").started_in).collect();
    starts.sort_unstable();
    let server = setup.start("api");
    let mut caller = crate::load::Caller::connect(server.address).await;
    let id = setup.integrations[0];
    caller
        .call(&crate::load::Request::new("", "POST", &format!("/cdi/integrations/{id}/sync"), setup.key.expose(), 202))
        .await;
    let mut measured = vec![("start", starts[1])];
    for request in all_requests(&setup).iter().filter(|request| request.name != LIMITED) {
        measured.push((request.name, one_by_one(server.address, request, REQUESTS).await));
    }
    measured
}

/// The median time of a claim while so many jobs wait.
async fn claims(postgres: Option<&str>, waiting: usize) -> Duration {
    let setup = Setup::new(1, postgres).await;
    let store = Store::open(&location(&setup)).await.unwrap();
    let starts = (0..waiting).map(|_| store.start_job(Uuid::new_v4().into(), Utc::now()));
    for started in futures::future::join_all(starts).await {
        assert!(matches!(started.unwrap(), StartJob::Started(_)));
    }
    let mut took = Vec::new();
    for _ in 0..waiting.min(200) {
        let begin = Instant::now();
        store.claim_job(Duration::from_secs(600), &[], false).await.unwrap().expect("a waiting job");
        took.push(begin.elapsed());
    }
    took.sort_unstable();
    took[took.len() / 2]
}

/// Many replicas share the connections of one Postgres: triggers and claims of all of them.
pub async fn replicas(url: &str, size: Size) {
    println!("\nPostgres: triggers and claims of replicas at once");
    for replicas in [1, size.replicas] {
        let setup = Setup::new(1, Some(url)).await;
        let location = location(&setup);
        let stores = futures::future::join_all((0..replicas).map(|_| Store::open(&location))).await;
        let stores: Vec<Store> = stores.into_iter().map(Result::unwrap).collect();
        let begin = Instant::now();
        let each = size.waiting / replicas;
        let work = stores.iter().map(|store| async move {
            let starts = (0..each).map(|_| store.start_job(Uuid::new_v4().into(), Utc::now()));
            for started in futures::future::join_all(starts).await {
                started.unwrap();
            }
            for _ in 0..each.min(20) {
                store.claim_job(Duration::from_secs(600), &[], false).await.unwrap();
            }
        });
        let connections = async {
            let database = setup.store.rsplit('/').next().unwrap();
            let query = format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}'");
            let mut most = 0;
            while begin.elapsed() < Duration::from_secs(1) {
                most = most.max(setup.number(&query).await - 1);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            most
        };
        let (_, most) = tokio::join!(futures::future::join_all(work), connections);
        println!("{replicas:>4} replicas: {:.1} s, at most {most} connections", begin.elapsed().as_secs_f64());
    }
}

fn location(setup: &Setup) -> StoreLocation {
    match setup.store.strip_prefix("sqlite://") {
        Some(path) => StoreLocation::Sqlite(path.into()),
        None => StoreLocation::Postgres(PostgresUrl::new(Secret::new(setup.store.clone())).unwrap()),
    }
}
