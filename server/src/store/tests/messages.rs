//! The outbox.

use super::*;
use crate::store::{EndedJob, JobId, NewMessage, Overdue};

on_both! {
    each_ended_job_has_one_message_whatever_the_number_of_replicas
    a_job_that_ends_without_a_worker_has_a_message_too
    jobs_are_announced_in_their_order_and_the_first_success_ends_a_failure
    jobs_of_unknown_integrations_are_left_to_others_for_ten_minutes_and_hold_nobody_up
    a_job_that_was_left_and_is_announced_late_does_not_undo_a_later_success
    a_message_that_was_not_recorded_as_sent_is_sent_again_with_its_id
    a_message_that_failed_is_due_later_or_given_up
    an_integration_is_overdue_once_until_it_succeeds
    old_messages_are_deleted
}

pub(super) fn message(ended: &EndedJob) -> Option<Vec<NewMessage>> {
    let id = format!("msg of {}", ended.job.id);
    Some(vec![NewMessage {
        id,
        notify: "ops".into(),
        integration: ended.integration,
        job: Some(ended.job.id),
        event: "sync.error",
        body: "{}".into(),
    }])
}

pub(super) fn about_overdue(overdue: &Overdue) -> NewMessage {
    NewMessage {
        id: format!("{} {}", overdue.integration, overdue.since),
        notify: "ops".into(),
        integration: overdue.integration,
        job: None,
        event: "integration.overdue",
        body: "{}".into(),
    }
}

/// How many jobs have this mark.
async fn marked(store: &Store, announce: i64) -> i64 {
    let count = query("SELECT count(*) FROM jobs WHERE announce = $1").bind(announce);
    store.database.read(count).await.unwrap()[0].get(0)
}

async fn announce(store: &Store) -> usize {
    store.announce_jobs(message).await.unwrap()
}

async fn due(store: &Store) -> Vec<String> {
    store.due_messages("ops", 1000).await.unwrap()
}

/// Makes all messages due.
async fn time_passes(location: &StoreLocation) {
    tamper(location, "UPDATE messages SET due_at = 0".into()).await;
}

async fn each_ended_job_has_one_message_whatever_the_number_of_replicas(location: StoreLocation) {
    let replicas = join_all((0..3).map(|_| open(location.clone()))).await;
    let integrations: Vec<_> = (0..150).map(|_| id()).collect();
    for integration in &integrations {
        run(&replicas[0], *integration, time(5), JobStatus::Error).await;
    }
    let announced = join_all((0..12).map(|number| announce(&replicas[number % 3]))).await;
    assert_eq!(announced.iter().sum::<usize>(), 150, "{announced:?}");
    assert_eq!(announce(&replicas[1]).await, 0);
    let due = due(&replicas[2]).await;
    assert_eq!(due.len(), 150);
    // Each is claimed once.
    let claims = due.iter().flat_map(|id| replicas.iter().map(move |store| store.claim_message(id, LEASE)));
    let claimed = join_all(claims).await.into_iter().filter_map(Result::unwrap);
    assert_eq!(claimed.map(|claimed| claimed.id).collect::<BTreeSet<_>>().len(), 150);
    assert_eq!(self::due(&replicas[0]).await, [""; 0]);
}

async fn a_job_that_ends_without_a_worker_has_a_message_too(location: StoreLocation) {
    let store = open(location).await;
    let integration = id();
    assert!(started(&store, integration, Utc::now()).await);
    assert_eq!(announce(&store).await, 0, "it has not ended");
    assert!(matches!(store.cancel_job(integration, "cancelled").await.unwrap(), Cancelled::Ended(_)));
    let seen = std::sync::Mutex::new(Vec::new());
    let announced = store.announce_jobs(|ended| {
        seen.lock().unwrap().push((ended.integration, ended.job.status, ended.job.cause.clone()));
        Some(Vec::new())
    });
    assert_eq!(announced.await.unwrap(), 1);
    assert_eq!(*seen.lock().unwrap(), [(integration, JobStatus::Error, Some("cancelled".into()))]);
    assert_eq!(announce(&store).await, 0, "it is announced, although there was no message");
    assert_eq!(due(&store).await, [""; 0]);
}

async fn jobs_are_announced_in_their_order_and_the_first_success_ends_a_failure(location: StoreLocation) {
    use JobStatus::{ConfigError, Error, Partial, Success};
    let store = open(location.clone()).await;
    let (integration, other) = (id(), id());
    let statuses = [Error, Success, Success, ConfigError, Error, Partial, Success, Error, Success];
    for (number, status) in (1..).zip(statuses) {
        run(&store, integration, time(10 * number), status).await;
        run(&store, other, time(10 * number + 1), Success).await;
    }
    // By the clock, the later ones have ended first.
    tamper(&location, "UPDATE jobs SET finished_at = 1000 - started_at".into()).await;
    tamper(&location, "UPDATE jobs SET rows_failed = 3 WHERE status IN ('error', 'config_error')".into()).await;
    let (seen, refused) = (std::sync::Mutex::new(Vec::new()), std::sync::Mutex::new(Vec::new()));
    let note = |ended: &EndedJob| {
        if ended.integration == integration {
            refused.lock().unwrap().push(ended.refused_while_failing);
        }
        let since = ended.failing_since.map(|time| time.timestamp_micros());
        let previous = ended.previous.map(|(status, at)| (status, at.timestamp_micros()));
        match ended.integration == integration {
            true => seen.lock().unwrap().push((ended.job.status, since, previous)),
            false => assert_eq!(since, None, "the failures of others do not matter"),
        }
        Some(Vec::new())
    };
    assert_eq!(store.announce_jobs(note).await.unwrap(), 18);
    let expected = [
        (Error, None, None),
        (Success, Some(10), Some((Error, 10))),
        (Success, None, Some((Success, 20))),
        (ConfigError, None, Some((Success, 30))),
        (Error, Some(40), Some((ConfigError, 40))),
        (Partial, Some(40), Some((Error, 50))),
        (Success, None, Some((Partial, 60))),
        (Error, None, Some((Success, 70))),
        (Success, Some(80), Some((Error, 80))),
    ];
    assert_eq!(*seen.lock().unwrap(), expected);
    assert_eq!(*refused.lock().unwrap(), [0, 3, 0, 0, 3, 6, 0, 0, 3]);
}

async fn jobs_of_unknown_integrations_are_left_to_others_for_ten_minutes_and_hold_nobody_up(location: StoreLocation) {
    let store = open(location.clone()).await;
    let (mine, theirs): (IntegrationId, BTreeSet<IntegrationId>) = (id(), (0..130).map(|_| id()).collect());
    for integration in theirs.iter().chain([&mine]) {
        run(&store, *integration, time(5), JobStatus::Error).await;
    }
    let others = open(location.clone()).await;
    let known = |ended: &EndedJob| if ended.integration == mine { message(ended) } else { None };
    while store.announce_jobs(known).await.unwrap() > 0 {}
    assert_eq!((due(&store).await.len(), marked(&store, 1).await, marked(&store, 2).await), (1, 0, 130));
    // That is all that this replica does with them, while others announce those that they know.
    let is_mine = |integration: &IntegrationId| *integration == mine;
    assert_eq!(store.announce_left_jobs(is_mine, known).await.unwrap(), 0);
    let some: BTreeSet<IntegrationId> = theirs.iter().take(110).copied().collect();
    let is_known = |integration: &IntegrationId| some.contains(integration);
    let announced = join_all([&others, &others].map(|other| other.announce_left_jobs(is_known, message))).await;
    assert_eq!(announced.into_iter().map(Result::unwrap).sum::<usize>(), 110);
    assert_eq!((due(&store).await.len(), marked(&store, 2).await), (111, 20));
    // After ten minutes nobody needs to wait for one that knows the others. One that comes all the same announces them.
    let [first, ..] = &theirs.difference(&some).copied().collect::<Vec<_>>()[..] else { panic!() };
    tamper(&location, "UPDATE jobs SET finished_at = finished_at - 601000000".into()).await;
    assert_eq!(others.announce_left_jobs(|integration| integration == first, message).await.unwrap(), 1);
    assert_eq!((due(&store).await.len(), marked(&store, 2).await), (112, 0));
}

async fn a_job_that_was_left_and_is_announced_late_does_not_undo_a_later_success(location: StoreLocation) {
    let store = open(location.clone()).await;
    let integration = id();
    run(&store, integration, Utc::now(), JobStatus::Success).await;
    assert_eq!(store.announce_jobs(|_| None).await.unwrap(), 1);
    // It is overdue for an entry, and stays so until the success is announced.
    store.watch_for_overdue("ops", &[integration]).await.unwrap();
    tamper(&location, "UPDATE overdue_watches SET overdue_at = 1".into()).await;
    let succeeded_at = async || -> i64 {
        store.database.read(query("SELECT succeeded_at FROM overdue_watches")).await.unwrap()[0].get(0)
    };
    let before = succeeded_at().await;
    let overdue = std::sync::Mutex::new(Vec::new());
    let note = |ended: &EndedJob| {
        overdue.lock().unwrap().clone_from(&ended.overdue);
        Some(Vec::new())
    };
    assert_eq!(store.announce_left_jobs(|_| true, note).await.unwrap(), 1);
    assert_eq!(*overdue.lock().unwrap(), ["ops"]);
    assert_eq!(succeeded_at().await, before, "the watch began after the end of the job");
    assert_eq!(store.announce_left_jobs(|_| true, note).await.unwrap(), 0);
}

/// A crash between sending and recording that.
async fn a_message_that_was_not_recorded_as_sent_is_sent_again_with_its_id(location: StoreLocation) {
    let store = open(location.clone()).await;
    run(&store, id(), time(5), JobStatus::Error).await;
    announce(&store).await;
    let [id] = &due(&store).await[..] else { panic!() };
    let first = store.claim_message(id, LEASE).await.unwrap().unwrap();
    assert_eq!(store.claim_message(id, LEASE).await.unwrap(), None, "nobody else sends it meanwhile");
    time_passes(&location).await;
    let second = store.claim_message(id, LEASE).await.unwrap().unwrap();
    assert_eq!((&second.id, &second.body, second.attempts), (&first.id, &first.body, 2));
    // The first sender was only slow; the second one decides.
    store.message_failed(&first, "it did not work", None).await.unwrap();
    time_passes(&location).await;
    assert_eq!(due(&store).await.len(), 1);
    store.message_sent(&second).await.unwrap();
    time_passes(&location).await;
    assert_eq!(due(&store).await, [""; 0]);
    assert_eq!(store.claim_message(id, LEASE).await.unwrap(), None);
}

async fn a_message_that_failed_is_due_later_or_given_up(location: StoreLocation) {
    let store = open(location.clone()).await;
    run(&store, id(), time(5), JobStatus::Error).await;
    announce(&store).await;
    let [id] = &due(&store).await[..] else { panic!() };
    let claimed = store.claim_message(id, LEASE).await.unwrap().unwrap();
    store.message_failed(&claimed, "503", Some(LEASE)).await.unwrap();
    assert_eq!(due(&store).await, [""; 0], "not yet");
    store.message_failed(&claimed, "503", Some(Duration::ZERO)).await.unwrap();
    assert_eq!(due(&store).await.len(), 1);
    let claimed = store.claim_message(id, LEASE).await.unwrap().unwrap();
    store.message_failed(&claimed, "410", None).await.unwrap();
    time_passes(&location).await;
    assert_eq!(due(&store).await, [""; 0]);
}

async fn an_integration_is_overdue_once_until_it_succeeds(location: StoreLocation) {
    let store = open(location.clone()).await;
    let (late, good, paused, theirs) = (id(), id(), id(), id());
    run(&store, late, time(5), JobStatus::Success).await;
    run(&store, late, time(6), JobStatus::Error).await;
    assert_eq!(announce(&store).await, 2);
    tamper(&location, "DELETE FROM messages".into()).await;
    let hour = Duration::from_secs(3600);
    store.watch_for_overdue("ops", &[late, good, paused, theirs]).await.unwrap();
    store.watch_for_overdue("others", &[late]).await.unwrap();
    let seen = std::sync::Mutex::new(Vec::new());
    let overdue = |overdue: &Overdue| {
        let job = overdue.job.as_ref().map(|job| job.status);
        seen.lock().unwrap().push((overdue.integration, overdue.last_success.is_some(), job));
        Some(about_overdue(overdue))
    };
    let found = async || store.overdue_integrations("ops", hour).await.unwrap().into_iter().collect::<BTreeSet<_>>();
    let told = async |of: &Store| of.announce_overdue("ops", hour, &[late, good], overdue).await.unwrap();
    assert_eq!(found().await, BTreeSet::new(), "a watch begins when it is first seen");
    let hours_pass = async || {
        let earlier = "UPDATE overdue_watches SET succeeded_at = succeeded_at - 7200000000";
        tamper(&location, format!("{earlier} WHERE integration_id <> '{good}'")).await;
    };
    hours_pass().await;
    assert_eq!(found().await, BTreeSet::from([late, paused, theirs]));
    let replicas = join_all((0..3).map(|_| open(location.clone()))).await;
    let announced = join_all((0..6).map(|number| told(&replicas[number % 3]))).await;
    assert_eq!(announced.into_iter().sum::<usize>(), 1);
    assert_eq!(std::mem::take(&mut *seen.lock().unwrap()), [(late, true, Some(JobStatus::Error))]);
    assert_eq!(due(&store).await.len(), 1);
    store.watch_anew("ops", hour, &[late, good, paused]).await.unwrap();
    assert_eq!(found().await, BTreeSet::from([theirs]), "one that the caller does not name is left alone");
    // A watch that goes on is left as it is.
    store.watch_for_overdue("ops", &[late, good, paused, theirs]).await.unwrap();
    hours_pass().await;
    assert_eq!(told(&store).await, 0, "it is told once");

    // A failure changes nothing; a success ends it, and it is said for whom it was overdue.
    let ended = |status| {
        let (store, seen) = (store.clone(), std::sync::Mutex::new(Vec::new()));
        async move {
            run(&store, late, Utc::now(), status).await;
            let note = |ended: &EndedJob| {
                seen.lock().unwrap().push(ended.overdue.clone());
                Some(Vec::new())
            };
            store.announce_jobs(note).await.unwrap();
            seen.into_inner().unwrap().pop().unwrap()
        }
    };
    assert_eq!(ended(JobStatus::Error).await, [""; 0]);
    assert_eq!(ended(JobStatus::Success).await, ["ops"]);
    assert_eq!(ended(JobStatus::Success).await, [""; 0]);
    assert_eq!(told(&store).await, 0);
    hours_pass().await;
    assert_eq!(told(&store).await, 1, "it is overdue once more");
    assert_eq!(due(&store).await.len(), 2);
}

async fn old_messages_are_deleted(location: StoreLocation) {
    let store = open(location.clone()).await;
    let integration = id();
    run(&store, integration, time(5), JobStatus::Error).await;
    announce(&store).await;
    tamper(&location, "UPDATE messages SET created_at = created_at - 7200000000".into()).await;
    run(&store, integration, time(6), JobStatus::Error).await;
    announce(&store).await;
    assert_eq!(store.delete_old_messages(Duration::from_secs(3600)).await.unwrap(), 1);
    assert_eq!(due(&store).await.len(), 1);
    let job: JobId = store.jobs(integration, &Page::First, 1).await.unwrap().items[0].id;
    assert_eq!(due(&store).await, [format!("msg of {job}")]);
}
