//! Requests as nobody should send them, many at once: each answer is a documented one, none is missing for ever, and the
//! server is afterwards as it was before. A client that does nothing wrong is served all the time.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use contract_tests::process::ServerProcess;
use contract_tests::random::Random;
use contract_tests::requests::{Api, wide_limits};
use contract_tests::{INTEGRATION, Setup, UNKNOWN, within};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;
use tokio::task::JoinSet;

use crate::answers::{answers, judge};
use crate::hostile_requests::{Ending, Requests};
use crate::{seed, soak};

/// How many requests there are at least.
const REQUESTS: usize = 20_000;
const REQUESTS_OF_A_SOAK: usize = 100_000;
/// After these the server has all the memory that it needs.
const WARMING_UP: usize = 5_000;
const AT_ONCE: usize = 12;
/// A connection that takes longer hangs. The server gives incomplete requests ten seconds.
const HANG: Duration = Duration::from_secs(40);
/// What the allocator may keep of memory that was used once, and the record of peers with bad keys.
const MEMORY: u64 = 32 << 20;
/// Connections to the store and idle ones of the client that does nothing wrong.
const FILES: usize = 16;

/// What the connections have seen together.
#[derive(Default)]
struct Seen {
    requests: AtomicUsize,
    answers: Mutex<BTreeMap<u16, usize>>,
    slowest: Mutex<Duration>,
}

/// One connection with some requests, from an address of its own: repeated bad keys from one address are answered late.
async fn converse(seen: &Seen, server: &str, requests: Requests, from: [u8; 4]) {
    let begin = Instant::now();
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    let mut stream = socket.connect(server.parse().unwrap()).await.unwrap();
    let mut received = Vec::new();
    let conversation = async {
        // The server may have closed the connection before it has read everything.
        let _ = stream.write_all(&requests.bytes).await;
        match requests.ending {
            Ending::Abort => return,
            Ending::HalfClose => drop(stream.shutdown().await),
            Ending::Wait => {}
        }
        let _ = stream.read_to_end(&mut received).await;
    };
    let text = || String::from_utf8_lossy(&requests.bytes[..requests.bytes.len().min(2_000)]).into_owned();
    assert!(
        tokio::time::timeout(HANG, conversation).await.is_ok(),
        "the server neither answers nor closes the connection ({:?}): {:?}",
        requests.ending,
        text()
    );
    for answer in answers(&received, requests.without_bodies) {
        if let Err(wrong) = judge(&answer) {
            panic!("{wrong}: {answer:?} is the answer to {:?}", text());
        }
        *seen.answers.lock().unwrap().entry(answer.status).or_default() += 1;
    }
    let took = begin.elapsed();
    let mut slowest = seen.slowest.lock().unwrap();
    *slowest = took.max(*slowest);
}

/// Sends at least this many requests over several connections at once.
async fn attack(
    seen: &Arc<Seen>,
    server: &str,
    keys: &Arc<Vec<String>>,
    random: &mut Random,
    until: impl Fn(usize) -> bool + Clone + Send + 'static,
) {
    let mut tasks = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (seen, server, keys) = (seen.clone(), server.to_owned(), keys.clone());
        let (mut random, until) = (Random::new(random.below(u64::MAX)), until.clone());
        tasks.spawn(async move {
            while until(seen.requests.load(Ordering::Relaxed)) {
                let requests = Requests::random(&mut random, &keys);
                seen.requests.fetch_add(requests.count, Ordering::Relaxed);
                let [_, a, b, c] = (random.below(1 << 24) as u32).to_be_bytes();
                converse(&seen, &server, requests, [127, a, b, c.clamp(2, 254)]).await;
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
}

/// A client that does nothing wrong.
async fn behave(api: Api, stopped: Arc<AtomicBool>) -> usize {
    let mut requests = 0;
    let list = api.get("/cdi/integrations").await.unwrap().1;
    assert_eq!(list["results"][0]["integration_id"], INTEGRATION);
    while !stopped.load(Ordering::SeqCst) {
        let (status, body) = api.get("/cdi/integrations").await.expect("an answer");
        assert_eq!((status, body["results"].as_array().map(Vec::len)), (200, Some(1)), "{body}");
        assert_eq!(body["results"][0]["integration_name"], "Users of ours");
        let (status, body) =
            api.get(&format!("/cdi/integrations/{INTEGRATION}/job_sync_status")).await.expect("an answer");
        assert!(status == 200 && body["results"].is_array(), "{status} {body}");
        let (status, body) = api.trigger_answer(INTEGRATION).await.expect("an answer");
        let right = (status, body["message"].as_str());
        assert!(matches!(right, (202, Some("success")) | (429, Some("Another job is in progress"))), "{right:?}");
        let (status, body) = api.trigger_answer(UNKNOWN).await.expect("an answer");
        assert_eq!((status, body["message"].as_str()), (404, Some("Integration not found")));
        requests += 4;
    }
    requests
}

/// The bytes of memory and the open files of a process.
fn used(process: u32) -> (u64, usize) {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kilobytes: u64 = memory.trim().trim_end_matches(" kB").parse().unwrap();
    (kilobytes * 1024, std::fs::read_dir(format!("/proc/{process}/fd")).unwrap().count())
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_requests_get_documented_answers_and_leave_nothing_behind() {
    let mut random = Random::new(seed());
    let mut setup = Setup::with_rows(3);
    setup.server = "request_deadline = \"5s\"".to_owned();
    setup.more = wide_limits();
    let mut server = ServerProcess::start(&setup.write()).await;
    let address = server.url.trim_start_matches("http://").to_owned();
    let keys = [&setup.key, &setup.powerless, &setup.expired, &setup.revoked, &setup.foreign];
    let keys = Arc::new(keys.map(|key| key.expose().to_owned()).to_vec());
    let stopped = Arc::new(AtomicBool::new(false));
    let client = tokio::spawn(behave(Api::new(&server.url, &setup.key), stopped.clone()));
    let seen = Arc::new(Seen::default());

    attack(&seen, &address, &keys, &mut random, |requests| requests < WARMING_UP).await;
    let (memory, files) = used(server.id());
    let least = if soak().is_some() { REQUESTS_OF_A_SOAK } else { REQUESTS };
    let time = Instant::now() + soak().unwrap_or_default();
    attack(&seen, &address, &keys, &mut random, move |requests| requests < least || Instant::now() < time).await;
    let (memory_after, _) = used(server.id());
    within(HANG, "no more files are open than before", async || (used(server.id()).1 <= files + FILES).then_some(()))
        .await;
    stopped.store(true, Ordering::SeqCst);
    let right = client.await.unwrap();
    println!(
        "{} hostile requests, answers: {:?}, the slowest connection took {:?}; {right} requests of a client that does \
         nothing wrong; memory {} MiB, {} MiB after {WARMING_UP} requests; open files {}, {files}",
        seen.requests.load(Ordering::Relaxed),
        seen.answers.lock().unwrap(),
        seen.slowest.lock().unwrap(),
        memory_after >> 20,
        memory >> 20,
        used(server.id()).1
    );
    assert_eq!(server.status(), None, "the server is still there");
    assert!(memory_after < memory + MEMORY, "memory grew from {memory} to {memory_after} bytes");
    assert!(server.logged("panicked") == 0, "{}", server.last_logged("panicked"));
}
