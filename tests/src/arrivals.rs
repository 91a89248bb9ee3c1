//! A destination with `/users/track` that counts objects and keeps no bodies, so that tests can send millions of them.
//!
//! Each object has a unique number: the attribute `n`, or `properties.n` of an event or a purchase. A request counts as
//! arrived once it has been read completely, even if the sender is killed before it gets the answer, as with the real
//! service.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::http_server::serve;
use crate::into_service::users_track;
use crate::requests::wide_limits;
use crate::{Setup, within};

/// Upper bound of the numbers: each number that has arrived takes a byte.
const NUMBERS: u64 = 1_000_000_000;
/// How long a wait may last without a new arrival.
const STILL: Duration = Duration::from_secs(60);

/// A running destination; it stops when dropped.
pub struct Arrivals {
    state: Arc<State>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    delay: Duration,
    records: Mutex<Records>,
}

#[derive(Default)]
struct Records {
    /// The numbers in order of arrival.
    numbers: Vec<u64>,
    /// How often each number has arrived, up to 255.
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
    /// Starts a destination with this delay of answers and configures it in `setup`. Text added to `setup.more`
    /// afterwards must begin with a table header.
    pub async fn of(setup: &mut Setup, delay: Duration) -> Arrivals {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port on loopback");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Arc::new(State { delay, records: Mutex::default() });
        let task = tokio::spawn(serve(listener, state.clone(), answer));
        setup.destination = users_track(setup, &url, &cdi_server::secret::new_key());
        setup.more = wide_limits();
        Arrivals { state, task }
    }

    /// How many objects have arrived, including repeated ones.
    pub fn objects(&self) -> usize {
        self.state.records().numbers.len()
    }

    /// How many different objects have arrived.
    pub fn distinct(&self) -> usize {
        self.state.records().distinct
    }

    /// How many objects have arrived more than once.
    pub fn more_than_once(&self) -> usize {
        self.state.records().times.iter().filter(|times| **times > 1).count()
    }

    /// How often an object has arrived.
    pub fn times(&self, number: u64) -> u8 {
        self.state.records().times.get(number as usize).copied().unwrap_or_default()
    }

    /// The last number that arrived for each key, where `whose` computes the key of a number.
    pub fn last(&self, whose: impl Fn(u64) -> u64) -> HashMap<u64, u64> {
        self.state.records().numbers.iter().map(|number| (whose(*number), *number)).collect()
    }

    /// Waits until this many different objects have arrived; fails if nothing new arrives for a while.
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
        // Aborting this task closes the connections that it owns.
        self.task.abort();
    }
}

impl State {
    fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn arrived(&self, numbers: &[u64]) {
        let mut records = self.records();
        numbers.iter().for_each(|number| records.arrived(*number));
    }
}

impl Records {
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

async fn answer(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (status, body) = match request.into_body().collect().await {
        Ok(body) => accept(&state, &body.to_bytes()).await,
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
