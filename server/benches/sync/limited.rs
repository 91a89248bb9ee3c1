//! A local service that is far away and allows only so many requests a second.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use tokio::task::JoinHandle;

use crate::compare::Tally;
use crate::sink::{Answer, serve};

/// What surrounds the objects of a request.
const FRAMING: usize = r#"{"attributes":[]}"#.len();

pub struct Limited {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

struct State {
    /// When the requests of the last second were accepted.
    accepted: VecDeque<Instant>,
    /// Requests that were answered with 429.
    refused: u32,
    /// What has arrived, if it is checked.
    tally: Option<Tally>,
}

impl Limited {
    /// Starts a service that answers after this delay, and accepts so many requests in any second.
    pub async fn start(delay: Duration, limit: usize) -> Limited {
        let state = Arc::new(Mutex::new(State { accepted: VecDeque::new(), refused: 0, tally: None }));
        let shared = state.clone();
        let (address, task) = serve(move |request| answer(request, shared.clone(), delay, limit)).await;
        Limited { address, state, task }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Begins to check what arrives, and to count anew.
    pub fn expect(&self, rows: u32) {
        let mut state = self.state.lock().unwrap();
        (state.refused, state.tally) = (0, Some(Tally::new(rows)));
    }

    /// Ends the check; returns what has arrived and the number of requests that were refused.
    pub fn take(&self) -> (Tally, u32) {
        let mut state = self.state.lock().unwrap();
        (state.tally.take().unwrap(), std::mem::take(&mut state.refused))
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(request: Request<Incoming>, state: Arc<Mutex<State>>, delay: Duration, limit: usize) -> Answer {
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let is_accepted = {
        let (mut state, now) = (state.lock().unwrap(), Instant::now());
        while state.accepted.front().is_some_and(|first| now - *first >= Duration::from_secs(1)) {
            state.accepted.pop_front();
        }
        let is_accepted = state.accepted.len() < limit;
        if is_accepted {
            state.accepted.push_back(now);
            if let Some(tally) = &mut state.tally {
                tally.take(std::str::from_utf8(&body).unwrap(), FRAMING);
            }
        } else {
            state.refused += 1;
        }
        is_accepted
    };
    tokio::time::sleep(delay).await;
    let (status, text) =
        if is_accepted { (201, r#"{"message":"success"}"#) } else { (429, r#"{"message":"slow down"}"#) };
    let answer = Response::builder().status(status).header("content-type", "application/json");
    Ok(answer.body(Full::from(text)).unwrap())
}
