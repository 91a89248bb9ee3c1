//! Many triggers at once over three replicas: of each integration exactly one starts a job.

use std::collections::BTreeMap;
use std::time::Duration;

use contract_tests::random::Random;
use contract_tests::sql::{connect, execute, number};
use contract_tests::within;
use futures::future::join_all;

use crate::fleet::{Fleet, INTEGRATIONS, REPLICAS, id};
use crate::{Until, seed};

const AT_ONCE: usize = 64;
const ROUNDS: usize = 20;
const TURN: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn of_64_triggers_at_once_over_three_replicas_one_of_each_integration_starts_a_job() {
    let mut random = Random::new(seed());
    let fleet = Fleet::start().await;
    let (mut source, mut store) = (connect(&fleet.source).await, connect(&fleet.store).await);
    let until = Until::rounds(ROUNDS);
    let mut rounds = 0;
    while until.goes_on(rounds) {
        let rows = format!(
            "INSERT INTO rows (integration, id, external_id)
             SELECT i, {rounds}, i || '-' || {rounds} FROM generate_series(0, {}) AS i",
            INTEGRATIONS - 1
        );
        execute(&mut source, &rows).await;
        // No job ends before all triggers are answered.
        fleet.ledger.open(false);
        // Each at least three times, in any order, at any replica.
        let mut triggers: Vec<usize> = (0..AT_ONCE).map(|trigger| trigger % INTEGRATIONS).collect();
        for last in (1..AT_ONCE).rev() {
            triggers.swap(last, random.below(last as u64 + 1) as usize);
        }
        let asked = triggers.iter().map(|integration| {
            let (api, _) = fleet.api(random.below(REPLICAS as u64) as usize).unwrap();
            async move { api.trigger_answer(&id(*integration)).await }
        });
        let answers = join_all(asked.collect::<Vec<_>>()).await;
        let mut started: BTreeMap<usize, usize> = BTreeMap::new();
        for (integration, answer) in triggers.iter().zip(answers) {
            let (status, body) = answer.unwrap_or_else(|| panic!("round {rounds}: {integration} is not answered"));
            match (status, body["message"].as_str()) {
                (202, Some("success")) => *started.entry(*integration).or_default() += 1,
                (429, Some("Another job is in progress")) => {}
                _ => panic!("round {rounds}: {integration} is answered with {status}: {body}"),
            }
        }
        assert_eq!(started, (0..INTEGRATIONS).map(|integration| (integration, 1)).collect(), "round {rounds}");
        fleet.ledger.open(true);
        within(TURN, "all jobs have ended", async || {
            (number(&mut store, "SELECT count(*) FROM jobs WHERE status = 'running'").await == 0).then_some(())
        })
        .await;
        rounds += 1;
    }
    let jobs = rounds * INTEGRATIONS;
    println!("{rounds} rounds, {} requests, {jobs} jobs, {} objects", rounds * AT_ONCE, fleet.ledger.objects().len());
    let right = "SELECT count(*) FROM jobs WHERE status = 'success' AND rows_synced = 1";
    assert_eq!(number(&mut store, right).await as usize, jobs, "each job has delivered the row of its round");
    assert_eq!(number(&mut store, "SELECT count(*) FROM jobs").await as usize, jobs);
    assert_eq!(fleet.ledger.objects().len(), jobs);
}
