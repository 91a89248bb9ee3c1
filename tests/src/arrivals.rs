//! A `/users/track` that counts what arrives and keeps no bodies, so that millions of objects can go there.
//!
//! Each object carries a number of its own: the attribute `n`, or `properties.n` of an event or a purchase. What has been
//! read to its end counts as arrived, whether or not the sender lives to see the answer: so does the real service.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use crate::into_service::users_track;
use crate::requests::wide_limits;
use crate::{Setup, within};

/// The numbers that objects may have end here: each of those that have arrived takes a byte.
const NUMBERS: u64 = 1_000_000_000;
/// So long may one go without anything that arrives.
const STILL: Duration = Duration::from_secs(60);

/// A running destination; it stops when it is dropped.
pub struct Arrivals {
    state: Arc<State>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    delay: Duration,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// The numbers, in the order in which they arrived.
    numbers: Vec<u64>,
    /// How often each has arrived; counting ends at 255.
    times: Vec<u8>,
    distinct: usize,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    attributes: Vec<Object>,
    events: Vec<Object>,
    purchases: Vec<Object>,
}

#[derive(Deserialize)]
struct Object {
    n: Option<u64>,
    properties: Option<Properties>,
}

#[derive(Deserialize)]
struct Properties {
    n: u64,
}

impl Arrivals {
    /// Starts one whose answers take so long, as the destination of a setup. Whatever is added to `setup.more` begins a table.
    pub async fn of(setup: &mut Setup, delay: Duration) -> Arrivals {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port on loopback");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Arc::new(State { delay, known: Mutex::default() });
        let task = tokio::spawn(serve(listener, state.clone()));
        setup.destination = users_track(setup, &url, &cdi_server::secret::new_key());
        setup.more = wide_limits();
        Arrivals { state, task }
    }

    /// How many objects have arrived, those that had arrived before included.
    pub fn objects(&self) -> usize {
        self.state.known().numbers.len()
    }

    /// How many different ones have arrived.
    pub fn distinct(&self) -> usize {
        self.state.known().distinct
    }

    /// How many have arrived more than once.
    pub fn more_than_once(&self) -> usize {
        self.state.known().times.iter().filter(|times| **times > 1).count()
    }

    /// How often an object has arrived.
    pub fn times(&self, number: u64) -> u8 {
        self.state.known().times.get(number as usize).copied().unwrap_or_default()
    }

    /// The last arrival of each, where objects are told apart by what a function makes of their numbers.
    pub fn last(&self, whose: impl Fn(u64) -> u64) -> HashMap<u64, u64> {
        self.state.known().numbers.iter().map(|number| (whose(*number), *number)).collect()
    }

    /// Waits until so many different objects have arrived; fails when nothing new has arrived for a while.
    pub async fn have_arrived(&self, objects: usize) {
        while self.distinct() < objects {
            let before = self.distinct();
            let missing = format!("more than {before} of {objects} objects have arrived");
            within(STILL, &missing, async || (self.distinct() > before).then_some(())).await;
        }
    }
}

impl Drop for Arrivals {
    fn drop(&mut self) {
        // The connections end with the task that holds them.
        self.task.abort();
    }
}

impl State {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn arrived(&self, numbers: &[u64]) {
        let mut known = self.known();
        numbers.iter().for_each(|number| known.arrived(*number));
    }
}

impl Known {
    fn arrived(&mut self, number: u64) {
        let place = number as usize;
        if self.times.len() <= place {
            self.times.resize(place + 1, 0);
        }
        self.distinct += usize::from(self.times[place] == 0);
        self.times[place] = self.times[place].saturating_add(1);
        self.numbers.push(number);
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                let state = state.clone();
                connections.spawn(async move {
                    let service = service_fn(|request| answer(&state, request));
                    // A sender that is killed ends its connections badly.
                    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn answer(state: &State, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (status, body) = match request.into_body().collect().await {
        Ok(body) => accept(state, &body.to_bytes()).await,
        Err(error) => (StatusCode::BAD_REQUEST, json!({ "message": error.to_string() })),
    };
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = status;
    Ok(response)
}

async fn accept(state: &State, body: &[u8]) -> (StatusCode, serde_json::Value) {
    let Body { attributes, events, purchases } = match serde_json::from_slice(body) {
        Ok(body) => body,
        Err(error) => return (StatusCode::BAD_REQUEST, json!({ "message": error.to_string() })),
    };
    let mut answer = json!({ "message": "success" });
    for (name, objects) in [("attributes", &attributes), ("events", &events), ("purchases", &purchases)] {
        if !objects.is_empty() {
            answer[format!("{name}_processed")] = objects.len().into();
        }
    }
    let number = |object: Object| object.n.or_else(|| Some(object.properties?.n)).filter(|number| *number < NUMBERS);
    let all = attributes.into_iter().chain(events).chain(purchases);
    let Some(numbers) = all.map(number).collect::<Option<Vec<u64>>>() else {
        return (StatusCode::BAD_REQUEST, json!({ "message": "each object needs its number" }));
    };
    state.arrived(&numbers);
    tokio::time::sleep(state.delay).await;
    (StatusCode::CREATED, answer)
}
