//! A local service that accepts all requests and keeps their bodies. It can delay responses, as a remote service would.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The answer to a request.
pub type Answer = Result<Response<Full<Bytes>>, Infallible>;

/// Answers requests on loopback until the task is aborted.
pub async fn serve<F: Future<Output = Answer> + Send + 'static>(
    answer: impl Fn(Request<Incoming>) -> F + Clone + Send + 'static,
) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let service = service_fn(answer.clone());
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    (address, task)
}

pub struct Sink {
    address: SocketAddr,
    bodies: Arc<Mutex<Vec<Bytes>>>,
    task: JoinHandle<()>,
}

impl Sink {
    /// Starts a service that answers each request after this delay.
    pub async fn start(delay: Duration) -> Sink {
        let bodies = Arc::<Mutex<Vec<Bytes>>>::default();
        let kept = bodies.clone();
        let (address, task) = serve(move |request| answer(request, kept.clone(), delay)).await;
        Sink { address, bodies, task }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Takes the bodies received since the last call.
    pub fn take(&self) -> Vec<Bytes> {
        std::mem::take(&mut self.bodies.lock().unwrap())
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(request: Request<Incoming>, bodies: Arc<Mutex<Vec<Bytes>>>, delay: Duration) -> Answer {
    let body = request.into_body().collect().await.unwrap().to_bytes();
    bodies.lock().unwrap().push(body);
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let answer = Response::builder().status(201).header("content-type", "application/json");
    Ok(answer.body(Full::from(r#"{"message":"success"}"#)).unwrap())
}
