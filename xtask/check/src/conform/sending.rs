//! Sends the requests of a run. Everything passes the gate, waits for the rate limit and keeps to the time limit.

use std::time::{Duration, Instant};

use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;

use super::credentials::CallerRole;
use super::operation::Operation;
use super::provocations;
use super::raw;
use super::session::{Session, Stop, error_of};
use super::usage::{SLACK, window};
use super::wire::{Answer, NoAnswer, Request};

impl Session<'_> {
    /// Sends a request when the rate limit allows it. A missing response is a finding.
    pub fn ask(&mut self, operation: &Operation, request: &Request) -> Result<Option<Answer>, Stop> {
        let is_counted = request.authorization.is_full();
        if is_counted {
            self.wait_for_room(operation)?;
        }
        let answer = self.ask_at_once(operation, request)?;
        // Another client may have used up the limit.
        let refused = answer
            .as_ref()
            .filter(|answer| is_counted && error_of(operation, answer).is_some_and(provocations::is_over_the_limit));
        let Some(refused) = refused else { return Ok(answer) };
        let wait = refused.number("retry-after").and_then(|wait| u64::try_from(wait).ok()).unwrap_or(1);
        self.sleep(Duration::from_secs(wait.min(window(operation))))?;
        self.ask_at_once(operation, request)
    }

    /// Sends a request, regardless of the rate limit.
    pub fn ask_at_once(&mut self, operation: &Operation, request: &Request) -> Result<Option<Answer>, Stop> {
        let reason = match self.transmit(request)? {
            Ok(answer) => {
                self.check_key_is_accepted(request, &answer)?;
                self.look_for_keys(operation, &answer);
                self.note_limits(operation, &answer);
                return Ok(Some(answer));
            }
            Err(NoAnswer::NotPermitted(reason)) => {
                self.of(operation).not_sent.get_or_insert(reason);
                return Ok(None);
            }
            Err(NoAnswer::Unreachable(reason)) if !self.was_reached => {
                return Err(Stop::Untestable(format!("the server cannot be reached: {reason}")));
            }
            // A response that is late because the run's time limit was reached is not the server's fault.
            Err(_) if self.left().is_err() => return Err(Stop::OutOfTime),
            Err(NoAnswer::Broken(reason) | NoAnswer::Unreachable(reason)) => reason,
        };
        let place = self.contract.place(operation.id.span, "this operation");
        let finding = Finding::at(
            Rule::LiveNoAnswer,
            place,
            format!("a request of `{}` got no response, or an incomplete one", operation.id.value),
        )
        .help("answer every request, if need be with a documented error")
        .note(format!("request: {}", self.wire.curl(request)))
        .note(format!("what happened: {reason}"));
        self.report(finding);
        Ok(None)
    }

    /// Stops the run if the key was never accepted.
    fn check_key_is_accepted(&mut self, request: &Request, answer: &Answer) -> Result<(), Stop> {
        self.was_reached = true;
        if request.authorization.is_full() && !request.authorization.parts.is_empty() {
            if answer.status == 401 && !self.key_was_taken {
                return Err(Stop::Untestable(format!(
                    "the key is refused: `{}` is answered with 401, so nothing but refusals could be seen",
                    self.wire.curl(request)
                )));
            }
            self.key_was_taken = true;
        }
        Ok(())
    }

    fn look_for_keys(&mut self, operation: &Operation, answer: &Answer) {
        if self.wire.has_key(answer) {
            let place = self.contract.place(operation.id.span, "this operation");
            let message = format!("a response of `{}` has the API key in it", operation.id.value);
            let finding = Finding::at(Rule::LiveKeyEchoed, place, message)
                .help("never repeat the API key: responses are logged and shown");
            self.report_answer(finding, answer, "a response without the key");
        }
    }

    /// Sends a generated request, within the rate limit.
    pub fn send(&mut self, operation: &Operation, request: &Request) -> Result<Result<Answer, NoAnswer>, Stop> {
        if !self.changes_only_what_is_named(request) {
            let reason = "what changes something is done only to what was named".to_owned();
            return Ok(Err(NoAnswer::NotPermitted(reason)));
        }
        if request.authorization.role != CallerRole::NoKey {
            self.wait_for_room(operation)?;
        }
        let answer = self.transmit(request)?;
        if answer.is_err() {
            // A response that is missing because time is up is not a fault.
            self.left()?;
        }
        if let Ok(answer) = &answer {
            *self.of(operation).generated_statuses.entry(answer.status).or_default() += 1;
            self.keep_usage(operation, answer);
        }
        Ok(answer)
    }

    /// Sends a request, if it may be sent.
    fn transmit(&mut self, request: &Request) -> Result<Result<Answer, NoAnswer>, Stop> {
        let patience = self.left()?.min(self.limits.patience);
        let sent = self.wire.sent(request);
        let permitted = match self.gate.permit(request, sent.as_ref()) {
            Ok(permitted) => permitted,
            Err(reason) => return Ok(Err(NoAnswer::NotPermitted(reason))),
        };
        self.requests += 1;
        Ok(self.wire.send(&permitted, patience))
    }

    /// Sends requests without bodies one after the other on one connection, if they may be sent, and returns the statuses
    /// of the responses; `None` if the connection fails.
    pub fn send_together(&mut self, host: &str, requests: &[&Request]) -> Result<Option<Vec<u16>>, Stop> {
        let patience = self.left()?.min(self.limits.patience);
        let mut permitted = Vec::new();
        for request in requests {
            let Ok(request) = self.gate.permit(request, self.wire.sent(request).as_ref()) else { return Ok(None) };
            permitted.push(request);
        }
        let statuses = raw::exchange(&self.wire, host, &permitted, patience).ok();
        self.requests += requests.len();
        Ok(statuses)
    }

    fn wait_for_room(&mut self, operation: &Operation) -> Result<(), Stop> {
        let longest = window(operation);
        let Some(usage) = self.of(operation).usage.filter(|usage| usage.remaining <= 0) else { return Ok(()) };
        let left = u64::try_from(usage.reset.saturating_sub(usage.now)).unwrap_or(0).min(longest);
        let until = usage.at + Duration::from_secs(left) + SLACK;
        self.of(operation).usage = None;
        self.sleep(until.saturating_duration_since(Instant::now()))
    }

    /// Waits, if there is enough time left.
    pub fn sleep(&mut self, duration: Duration) -> Result<(), Stop> {
        if self.left()? < duration {
            return Err(Stop::OutOfTime);
        }
        if duration > Duration::from_secs(2) {
            (self.report_step)(&format!("waiting {} s for the rate limit", duration.as_secs()));
        }
        std::thread::sleep(duration);
        Ok(())
    }

    /// The remaining time.
    pub fn left(&self) -> Result<Duration, Stop> {
        self.limits.time.checked_sub(self.began.elapsed()).ok_or(Stop::OutOfTime)
    }
}
