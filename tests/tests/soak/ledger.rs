//! A destination that writes down every object in the order of arrival, and answers nothing while its gate is closed.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use contract_tests::http_server::serve;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A running destination; it stops when dropped.
pub struct Ledger {
    /// Its base URL.
    pub url: String,
    state: Arc<State>,
    task: JoinHandle<()>,
}

struct State {
    objects: Mutex<Vec<Value>>,
    open: watch::Sender<bool>,
}

impl Ledger {
    pub async fn start() -> Ledger {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State { objects: Mutex::default(), open: watch::Sender::new(true) });
        Ledger { url, task: tokio::spawn(serve(listener, state.clone(), answer)), state }
    }

    /// Opens or closes the gate: while it is closed, requests wait for their answer.
    pub fn open(&self, open: bool) {
        self.state.open.send_replace(open);
    }

    /// Everything that has arrived so far, in order.
    pub fn objects(&self) -> Vec<Value> {
        self.state.objects.lock().unwrap().clone()
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    // A sender that is killed in the middle of a request has not sent it.
    let body = request.into_body().collect().await.ok().and_then(|body| serde_json::from_slice(&body.to_bytes()).ok());
    let attributes = body.and_then(|mut body: Value| match body["attributes"].take() {
        Value::Array(attributes) => Some(attributes),
        _ => None,
    });
    let (status, answer) = match attributes {
        Some(attributes) => {
            let answer = json!({ "message": "success", "attributes_processed": attributes.len() });
            state.objects.lock().unwrap().extend(attributes);
            let _ = state.open.subscribe().wait_for(|open| *open).await;
            (StatusCode::CREATED, answer)
        }
        None => (StatusCode::BAD_REQUEST, json!({ "message": "these are no attributes" })),
    };
    let mut response = Response::new(Full::from(answer.to_string()));
    *response.status_mut() = status;
    Ok(response)
}
