//! Everything that happens to a request: authenticate, check permission and rate limit, decode, run the operation, answer; all
//! under a deadline and with panics caught.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use dropshot::{Body, RawRequest, RequestContext};
use futures::FutureExt as _;
use http::Response;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tracing::Instrument as _;

use super::answers::{Answer, IntoAnswer, OperationError, refusal};
use super::credentials::{Credentials, Gate, GateFailure};
use super::decode::{Refusal, Undecoded};
use super::parameters::Incoming;
use super::routes::variables;
use super::tables::OperationInfo;

/// The parts that a server is put together from; dropshot's context.
#[derive(Debug)]
pub struct Api<G, O> {
    /// Who may call.
    pub gate: G,
    /// What the operations do.
    pub operations: O,
    /// A request that takes longer is answered with 503.
    pub deadline: Duration,
    /// The `Retry-After` of a 503, in seconds.
    pub retry_after: u64,
}

/// Why a request was not admitted.
#[derive(Debug)]
pub enum Admitted {
    /// It is refused.
    Refused(Refusal),
    /// The gate could not decide.
    Undecided(GateFailure),
}

impl From<Refusal> for Admitted {
    fn from(refusal: Refusal) -> Admitted {
        Admitted::Refused(refusal)
    }
}

impl From<GateFailure> for Admitted {
    fn from(failure: GateFailure) -> Admitted {
        Admitted::Undecided(failure)
    }
}

/// What is checked before an operation sees a request.
pub trait Admission<G: Gate> {
    /// What becomes known of the caller while it is checked.
    type Standing: Default + Send;

    /// The caller, if it may call.
    fn admit(
        gate: &G,
        credentials: &Credentials<'_>,
        standing: &mut Self::Standing,
    ) -> impl Future<Output = Result<G::Caller, Admitted>> + Send;

    /// Adds what became known to the answer.
    fn finish(answer: Answer, standing: Self::Standing) -> Answer;
}

/// Admits every caller who is authenticated.
#[derive(Debug)]
pub struct Authenticated;

impl<G: Gate> Admission<G> for Authenticated {
    type Standing = ();

    async fn admit(gate: &G, credentials: &Credentials<'_>, (): &mut ()) -> Result<G::Caller, Admitted> {
        Ok(gate.authenticate(credentials).await?.ok_or(Refusal::Unauthenticated)?)
    }

    fn finish(answer: Answer, (): ()) -> Answer {
        answer
    }
}

/// Answers a request of an operation. `decode` makes its typed request, `run` calls it.
pub async fn answer<A, G, O, R, S, E, F>(
    rqctx: RequestContext<Arc<Api<G, O>>>,
    raw: RawRequest,
    operation: &'static OperationInfo,
    decode: fn(&Undecoded<'_>) -> Result<R, Refusal>,
    run: impl FnOnce(Arc<Api<G, O>>, G::Caller, R) -> F + Send,
) -> Response<Body>
where
    A: Admission<G>,
    G: Gate,
    O: Send + Sync + 'static,
    R: Send,
    S: IntoAnswer,
    E: OperationError,
    F: Future<Output = Result<S, E>> + Send,
{
    let api = rqctx.context().clone();
    let began = Instant::now();
    let begun = api.gate.begun(operation);
    let request_id = rqctx.request_id.as_str();
    let span = tracing::info_span!("request", operation = operation.id, request_id, peer = tracing::field::Empty);
    let mut standing = A::Standing::default();
    let decide = async {
        let (uri, headers) = (rqctx.request.uri(), rqctx.request.headers());
        let request = Incoming { uri, headers, variables: variables(operation.path, uri.path()) };
        let credentials = Credentials { operation, remote: rqctx.request.remote_addr(), request: &request };
        let caller = A::admit(&api.gate, &credentials, &mut standing).await.map_err(|admitted| match admitted {
            Admitted::Refused(refusal) => refusal,
            Admitted::Undecided(GateFailure::Unavailable) => Refusal::Unavailable { retry_after: api.retry_after },
            Admitted::Undecided(GateFailure::Failed) => Refusal::Failed,
        })?;
        let body = match operation.body {
            Some(_) => whole(raw, rqctx.request_body_max_bytes()).await?,
            None => Bytes::new(),
        };
        let request = decode(&Undecoded { request, body })?;
        Ok(run(api.clone(), caller, request).await)
    };
    let outcome =
        tokio::time::timeout(api.deadline, AssertUnwindSafe(decide).catch_unwind()).instrument(span.clone()).await;
    let _entered = span.enter();
    let outcome: Result<Result<S, E>, Refusal> = match outcome {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panic)) => {
            let reason = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("no reason given");
            tracing::error!(reason, "the operation panicked");
            Err(Refusal::Failed)
        }
        Err(_) => {
            tracing::error!(deadline = ?api.deadline, "the operation did not end before the deadline");
            Err(Refusal::Unavailable { retry_after: api.retry_after })
        }
    };
    let answer = match outcome {
        Ok(Ok(success)) => success.into_answer(request_id),
        Ok(Err(error)) => error.into_answer(request_id),
        Err(refused) => {
            tracing::debug!(reason = %refused, "refused");
            match E::refuse(&refused) {
                Some(error) => error.into_answer(request_id),
                None => refusal(operation, &refused),
            }
        }
    };
    let answer = A::finish(answer, standing);
    let status = answer.status().as_u16();
    let elapsed = Duration::from_micros(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX));
    tracing::info!(status, ?elapsed, "answered");
    api.gate.answered(operation, status, elapsed);
    drop(begun);
    answer.into_response()
}

/// The whole body, if it is not too large.
async fn whole(raw: RawRequest, most: usize) -> Result<Bytes, Refusal> {
    match Limited::new(raw.into_inner().into_body(), most).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Refusal::TooLarge { most }),
        Err(error) => Err(Refusal::Body { reason: format!("it could not be read: {error}") }),
    }
}
