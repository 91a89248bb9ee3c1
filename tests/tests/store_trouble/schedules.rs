//! The schedules of three replicas whose clocks are minutes apart.

use cdi_server::secret::Secret;
use cdi_server::store::{Page, Store, StoreLocation};
use cdi_server::types::PostgresUrl;
use chrono::{DateTime, TimeDelta, Utc};
use contract_tests::process::{ServerProcess, serve};
use contract_tests::sql::{connect, execute, postgres};
use contract_tests::{Setup, eventually};
use xtask::faketime;

const SCHEDULED: &str = "6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b02";

#[tokio::test(flavor = "multi_thread")]
async fn a_tick_starts_one_job_whatever_the_clocks_of_the_replicas_say() {
    let postgres = postgres();
    let mut setup = Setup::with_rows(10);
    setup.store = postgres.url();
    // Today's tick comes in 5 minutes; for the replica whose clock is ahead, it has come.
    let soon = Utc::now() + TimeDelta::minutes(5);
    let daily = format!("schedule = \"{}\"\n[integrations.source]", soon.format("%M %H * * *"));
    let integration = setup.integration(SCHEDULED, "Daily", "ours", "kind = \"jsonl\"\npath = \"daily.jsonl\"");
    setup.more = integration.replace("[integrations.source]", &daily);
    let config = setup.write();
    let location = StoreLocation::Postgres(PostgresUrl::new(Secret::new(postgres.url())).unwrap());
    let store = Store::open(&location).await.unwrap();
    let old = (Utc::now() - TimeDelta::days(3)).timestamp_micros();
    let insert = format!("INSERT INTO schedules (integration_id, ticked_at) VALUES ('{SCHEDULED}', {old})");
    execute(&mut connect(&postgres.url()).await, &insert).await;

    let mut servers: Vec<ServerProcess> = [-9, 0, 9]
        .map(|minutes| {
            let mut command = serve(&config);
            command.env("RUST_LOG", "info,cdi_server::schedule=trace");
            faketime::shift(&mut command, minutes).unwrap();
            ServerProcess::launch(command, &config)
        })
        .into();
    for (server, minutes) in servers.iter_mut().zip([-9, 0, 9]) {
        server.listens().await;
        eventually("it looks at its schedules", async || (server.logged("looked at schedules") > 0).then_some(()))
            .await;
        let line = server.last_logged("looked at schedules");
        let at: DateTime<Utc> =
            line.split(' ').next().unwrap().parse().unwrap_or_else(|error| panic!("{line}: {error}"));
        let wrong_by = at - Utc::now();
        assert!(
            (wrong_by - TimeDelta::minutes(minutes)).abs() < TimeDelta::minutes(2),
            "its clock is not shifted: {line}"
        );
    }
    let jobs = store.jobs(SCHEDULED.parse().unwrap(), &Page::First, 10).await.unwrap().items;
    let shown = |tick: DateTime<Utc>| tick.format("%F %R").to_string();
    let yesterday = shown(soon - TimeDelta::days(1));
    let ticks: Vec<_> = jobs.iter().map(|job| shown(job.scheduled_for.unwrap())).collect();
    assert_eq!(ticks, std::slice::from_ref(&yesterday), "{jobs:#?}");
    // Today's tick was not taken either, not even to be skipped because the job of yesterday's was in progress.
    assert_eq!(shown(store.last_ticks(&[]).await.unwrap()[&SCHEDULED.parse().unwrap()]), yesterday);
    assert_eq!(servers.iter().map(|server| server.logged("tick of the schedule skipped")).sum::<usize>(), 0);
    eventually("it has run", async || setup.path("daily.jsonl").exists().then_some(())).await;
    assert_eq!(servers.iter().map(|server| server.logged("sync triggered by its schedule")).sum::<usize>(), 1);
}
