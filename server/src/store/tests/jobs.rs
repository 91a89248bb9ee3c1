//! Jobs, the state of integrations, and rate limits.

use super::*;

on_both! {
    one_of_many_simultaneous_triggers_starts_a_job
    start_times_are_unique_and_increasing
    pages_lead_to_the_end_and_back_while_jobs_arrive
    jobs_are_found_by_the_first_characters_of_their_ids
    a_job_shows_whether_a_worker_has_claimed_it
    the_state_of_an_integration_is_that_of_its_jobs
    a_window_allows_as_many_concurrent_requests_as_the_limit
    requests_that_a_lower_limit_refuses_take_nothing_of_a_higher_one
    a_window_that_is_used_up_is_answered_from_memory_until_it_ends
    counters_of_old_windows_are_removed
    triggers_that_arrive_together_start_one_job_each
    replicas_do_not_wait_for_each_other_in_circles
    a_start_time_in_the_future_is_corrected
    rows_of_a_later_version_break_neither_lists_nor_the_queue
    a_finished_job_has_ended
}

async fn one_of_many_simultaneous_triggers_starts_a_job(location: StoreLocation) {
    let store = open(location).await;
    for _ in 0..50 {
        let (integration, now) = (id(), Utc::now());
        // All with the same time.
        let starts = join_all((0..32).map(|_| started(&store, integration, now))).await;
        assert_eq!(starts.iter().filter(|started| **started).count(), 1);
        assert_eq!(store.jobs(integration, &Page::First, 10).await.unwrap().items.len(), 1);
    }
    assert!(started(&store, id(), Utc::now()).await, "other integrations are not affected");
}

async fn start_times_are_unique_and_increasing(location: StoreLocation) {
    let store = open(location).await;
    let integration = id();
    let now: DateTime<Utc> = "2026-11-23T20:43:04.000123001Z".parse().unwrap();
    // The second trigger comes from a replica whose clock is behind.
    for at in [now, now - TimeDelta::seconds(5), now] {
        run(&store, integration, at, JobStatus::Success).await;
    }
    let jobs = store.jobs(integration, &Page::First, 10).await.unwrap().items;
    let starts: Vec<String> = jobs.iter().map(|job| job.sync_start_time.to_rfc3339()).collect();
    let expected = ["04.000126", "04.000125", "04.000124"].map(|seconds| format!("2026-11-23T20:43:{seconds}+00:00"));
    assert_eq!(starts, expected, "never rounded down, never twice");
    assert!(jobs.iter().all(|job| job.sync_finish_time.unwrap() >= job.sync_start_time));
}

async fn jobs_are_found_by_the_first_characters_of_their_ids(location: StoreLocation) {
    let store = open(location).await;
    let integration = id();
    for number in 0..3 {
        run(&store, integration, time(1000 + number), JobStatus::Success).await;
    }
    let jobs = store.jobs(integration, &Page::First, 3).await.unwrap().items;
    let found = async |prefix: &str| store.find_jobs(integration, &prefix.parse().unwrap()).await.unwrap();
    for job in &jobs {
        assert_eq!(found(&job.id.to_string()).await, [job.id]);
        assert_eq!(found(&job.id.to_string().to_uppercase()[..28]).await, [job.id]);
        assert_eq!(
            store.find_jobs(id(), &job.id.to_string().parse().unwrap()).await.unwrap(),
            [],
            "of another integration"
        );
    }
    // The first characters encode the time.
    let same: Vec<_> = jobs.iter().filter(|job| job.id.to_string()[..8] == jobs[0].id.to_string()[..8]).collect();
    assert_eq!(found(&jobs[0].id.to_string()[..8]).await.len(), same.len().min(2));
    assert_eq!(found("00000000").await, []);
    for wrong in ["", "7", "0197c0d", "0197c0de_", "0197c0dg", "%%%%%%%%", &format!("{}0", jobs[0].id)] {
        let error = wrong.parse::<JobIdPrefix>().unwrap_err().to_string();
        assert!(error.contains("`cdi-server jobs NAME`"), "{wrong}: {error}");
    }
}

async fn a_job_shows_whether_a_worker_has_claimed_it(location: StoreLocation) {
    let store = open(location).await;
    let integration = id();
    assert!(started(&store, integration, Utc::now()).await);
    let newest = async || store.jobs(integration, &Page::First, 1).await.unwrap().items.remove(0);
    assert!(!newest().await.has_worker);
    let lease = claim(&store, integration, LEASE).await.unwrap().lease;
    assert!(newest().await.has_worker);
    store.release(&lease).await.unwrap();
    assert!(!newest().await.has_worker, "it was handed back");
    claim(&store, integration, Duration::from_millis(1)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!newest().await.has_worker, "its lease has expired");
}

async fn pages_lead_to_the_end_and_back_while_jobs_arrive(location: StoreLocation) {
    let store = open(location).await;
    let integration = id();
    for number in 0..7 {
        run(&store, integration, time(1000 + number), JobStatus::Success).await;
    }
    let page = async |page: Page<DateTime<Utc>>| {
        let page = store.jobs(integration, &page, 3).await.unwrap();
        let starts: Vec<i64> = page.items.iter().map(|job| job.sync_start_time.timestamp_micros()).collect();
        (starts, page.has_previous, page.has_next)
    };
    assert_eq!(page(Page::First).await, (vec![1006, 1005, 1004], false, true));
    run(&store, integration, time(2000), JobStatus::Success).await;
    assert_eq!(page(Page::After(time(1004))).await, (vec![1003, 1002, 1001], true, true));
    assert_eq!(page(Page::After(time(1001))).await, (vec![1000], true, false));
    assert_eq!(page(Page::Before(time(1000))).await, (vec![1003, 1002, 1001], true, true));
    assert_eq!(page(Page::Before(time(1003))).await, (vec![1006, 1005, 1004], true, true));
    assert_eq!(page(Page::Before(time(1006))).await, (vec![2000], false, true));
    assert_eq!(page(Page::After(time(0))).await, (vec![], true, false));
}

async fn the_state_of_an_integration_is_that_of_its_jobs(location: StoreLocation) {
    let store = open(location).await;
    let (new, broken, mended) = (id(), id(), id());
    run(&store, broken, time(1), JobStatus::Success).await;
    run(&store, broken, time(2), JobStatus::ConfigError).await;
    run(&store, mended, time(1), JobStatus::ConfigError).await;
    run(&store, mended, time(2), JobStatus::Partial).await;
    let states = store.integration_states(&[new, broken, mended]).await.unwrap();
    let state = |integration: &IntegrationId| {
        let state = states[integration];
        (state.last_job_status, state.last_job_start_time.map(|time| time.timestamp_micros()), state.config_error)
    };
    assert_eq!(state(&new), (None, None, false));
    assert_eq!(state(&broken), (Some(JobStatus::ConfigError), Some(2), true));
    assert_eq!(state(&mended), (Some(JobStatus::Partial), Some(2), false));
    assert!(started(&store, broken, time(3)).await);
    let state = store.integration_states(&[broken]).await.unwrap()[&broken];
    assert_eq!(state.last_job_status, Some(JobStatus::Running));
    assert!(state.config_error, "until a job ends otherwise");
    assert!(store.integration_states(&[]).await.unwrap().is_empty());
}

fn limit(workspace: &str, operation: &str, requests: u64) -> RateLimit {
    // Windows so long that none ends during a test.
    RateLimit { workspace: workspace.into(), operation: operation.into(), requests, seconds: 1 << 40 }
}

async fn a_window_allows_as_many_concurrent_requests_as_the_limit(location: StoreLocation) {
    let replicas = [open(location.clone()).await, open(location.clone()).await, open(location.clone()).await];
    let ours = limit("ours", "trigger", 20);
    let taken = join_all((0..60).map(|n| replicas[n % 3].take_request(ours.clone()))).await;
    let taken: Vec<_> = taken.into_iter().map(Result::unwrap).collect();
    let allowed: BTreeSet<u64> = taken.iter().filter(|taken| taken.allowed).map(|taken| taken.used).collect();
    assert_eq!(allowed, (1..=20).collect(), "each number once");
    assert!(taken.iter().filter(|taken| !taken.allowed).all(|taken| taken.used == 20));
    let store = &replicas[0];
    assert_eq!(store.rate_usage(ours.clone()).await.unwrap().used, 20);
    for other in [limit("theirs", "trigger", 20), limit("ours", "list", 20)] {
        let other = store.take_request(other).await.unwrap();
        assert_eq!((other.allowed, other.used), (true, 1));
    }
    // A higher limit applies at once, although the window was used up, and refused requests take nothing of it.
    let more = store.take_request(limit("ours", "trigger", 1000)).await.unwrap();
    assert_eq!((more.allowed, more.used), (true, 21));
}

async fn requests_that_a_lower_limit_refuses_take_nothing_of_a_higher_one(location: StoreLocation) {
    // In one group of a process that was just reloaded, and in groups of replicas of which one is reloaded later; in a new window,
    // and in one with requests.
    let replicas = [open(location.clone()).await, open(location.clone()).await];
    for (operation, new, first) in [("a", 0, 0), ("b", 1, 0), ("c", 0, 3), ("d", 1, 3)] {
        for _ in 0..first {
            assert!(replicas[0].take_request(limit("ours", operation, 10)).await.unwrap().allowed);
        }
        let limits = [(0, 10); 50].into_iter().chain([(new, 40); 30]);
        let taken =
            limits.map(|(replica, requests)| replicas[replica].take_request(limit("ours", operation, requests)));
        let allowed = join_all(taken).await.into_iter().filter(|taken| taken.as_ref().unwrap().allowed).count() as u64;
        let allowed = first + allowed;
        assert!(allowed <= 40, "{allowed}");
        let usage = replicas[new].rate_usage(limit("ours", operation, 40)).await.unwrap();
        assert_eq!(usage.used, allowed);
        for n in allowed + 1..=40 {
            let taken = replicas[new].take_request(limit("ours", operation, 40)).await.unwrap();
            assert_eq!((taken.allowed, taken.used), (true, n));
        }
        assert!(!replicas[new].take_request(limit("ours", operation, 40)).await.unwrap().allowed);
    }
}

async fn a_window_that_is_used_up_is_answered_from_memory_until_it_ends(location: StoreLocation) {
    let store = open(location.clone()).await;
    let ours = RateLimit { seconds: 2, ..limit("ours", "trigger", 3) };
    let mut last = store.take_request(ours.clone()).await.unwrap();
    while last.allowed {
        last = store.take_request(ours.clone()).await.unwrap();
    }
    tamper(&location, "DELETE FROM rate_limits".into()).await;
    let remembered = store.take_request(ours.clone()).await.unwrap();
    // Otherwise the window has ended meanwhile.
    if remembered.ends_at == last.ends_at {
        assert!(!remembered.allowed && remembered.used == 3 && remembered.seconds_left <= 2);
    }
    // The window is forgotten a little before it ends, by as long as the answer of the store took.
    let start = last.ends_at - 2;
    tamper(
        &location,
        format!("INSERT INTO rate_limits VALUES ('ours', 'trigger', {start}, 3, 0) ON CONFLICT DO NOTHING"),
    )
    .await;
    let begun = std::time::Instant::now();
    let next = loop {
        let taken = store.take_request(ours.clone()).await.unwrap();
        if taken.allowed {
            break taken;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "the next window is open");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(next.ends_at > last.ends_at, "nothing was allowed in a window that was used up");
    assert_eq!(next.ends_at % 2, 0, "windows have fixed places");
}

async fn counters_of_old_windows_are_removed(location: StoreLocation) {
    let store = open(location.clone()).await;
    tamper(
        &location,
        "INSERT INTO rate_limits VALUES ('ours', 'trigger', 60, 5, 0), ('theirs', 'trigger', 60, 5, 0)".into(),
    )
    .await;
    store.take_request(RateLimit { seconds: 60, ..limit("ours", "trigger", 5) }).await.unwrap();
    let left = store.database.read(query("SELECT workspace FROM rate_limits WHERE window_start = 60")).await.unwrap();
    assert_eq!(left.iter().map(|row| row.get::<String, _>(0)).collect::<Vec<_>>(), ["theirs"]);
}

async fn triggers_that_arrive_together_start_one_job_each(location: StoreLocation) {
    let replicas = [open(location.clone()).await, open(location.clone()).await];
    let integrations: Vec<IntegrationId> = (0..20).map(|_| id()).collect();
    let started = join_all((0..200).map(|n| started(&replicas[n % 2], integrations[n % 20], Utc::now()))).await;
    for (number, integration) in integrations.iter().enumerate() {
        let started = started.iter().skip(number).step_by(20).filter(|started| **started).count();
        assert_eq!(started, 1);
        assert_eq!(replicas[0].jobs(*integration, &Page::First, 10).await.unwrap().items.len(), 1);
    }
}

async fn replicas_do_not_wait_for_each_other_in_circles(location: StoreLocation) {
    let replicas = [open(location.clone()).await, open(location.clone()).await];
    for _ in 0..20 {
        let integrations: Vec<IntegrationId> = (0..50).map(|_| id()).collect();
        let at_first = integrations.iter().map(|integration| started(&replicas[0], *integration, Utc::now()));
        let at_second = integrations.iter().rev().map(|integration| started(&replicas[1], *integration, Utc::now()));
        let (first, second) = tokio::join!(join_all(at_first), join_all(at_second));
        assert_eq!(first.into_iter().chain(second).filter(|started| *started).count(), integrations.len());
    }
}

async fn a_start_time_in_the_future_is_corrected(location: StoreLocation) {
    let store = open(location).await;
    let integration = id();
    // A replica whose clock is years ahead, and one whose clock is right.
    run(&store, integration, "2199-01-01T00:00:00Z".parse().unwrap(), JobStatus::Success).await;
    run(&store, integration, Utc::now(), JobStatus::Success).await;
    let jobs = store.jobs(integration, &Page::First, 10).await.unwrap().items;
    assert_eq!(jobs.len(), 2);
    for job in jobs {
        let ahead = job.sync_start_time - Utc::now();
        assert!(ahead < TimeDelta::seconds(2) && ahead > TimeDelta::seconds(-60), "{ahead}");
        assert!(job.sync_finish_time.unwrap() >= job.sync_start_time);
    }
}

async fn rows_of_a_later_version_break_neither_lists_nor_the_queue(location: StoreLocation) {
    let store = open(location.clone()).await;
    let (integration, other) = (id(), id());
    run(&store, integration, time(1), JobStatus::Success).await;
    tamper(&location, "UPDATE jobs SET status = 'mislaid'".into()).await;
    let queued = format!(
        "INSERT INTO jobs (id, integration_id, status, started_at) VALUES ('odd', '{integration}', 'waiting', 5)"
    );
    tamper(&location, queued).await;
    tamper(
        &location,
        "INSERT INTO jobs (id, integration_id, status, started_at) VALUES ('odder', 'odd', 'running', 6)".into(),
    )
    .await;
    let states = store.integration_states(&[integration]).await.unwrap();
    assert_eq!(states[&integration].last_job_status, Some(JobStatus::Running), "it has not ended");
    assert!(started(&store, other, time(9)).await);
    let claimed = store.claim_job(LEASE, &[], false).await.unwrap();
    assert_eq!(claimed.unwrap().integration, other, "jobs before it cannot be read and are skipped");
    tamper(&location, "DELETE FROM jobs WHERE id = 'odd'".into()).await;
    let jobs = store.jobs(integration, &Page::First, 10).await.unwrap().items;
    assert_eq!(jobs[0].status, JobStatus::Error, "it has ended with an unknown status");
}

async fn a_finished_job_has_ended(location: StoreLocation) {
    let store = open(location).await;
    let integration = id();
    assert!(started(&store, integration, Utc::now()).await);
    let lease = claim(&store, integration, LEASE).await.unwrap().lease;
    assert!(!store.has_ended(lease.job).await.unwrap());
    store.finish(&lease, integration, &Checkpoint::default(), JobStatus::Success, None).await.unwrap();
    assert!(store.has_ended(lease.job).await.unwrap());
}
