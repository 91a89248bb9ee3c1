//! Tests the rate limit headers: the counter counts, the window ends as announced, and after `Retry-After` the limit is
//! lifted.

use std::time::{Duration, Instant};

use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;
use apidrift_core::settings::Counted;
use openapi_model::source::Place;

use super::judge::rate_limited;
use super::operation::{Operation, PlannedError, label_of};
use super::provocations;
use super::requests::with_malformed;
use super::session::{Session, Stop, error_of};
use super::usage::{SLACK, Usage, window};
use super::wire::{Answer, Request};

const LIMIT: &str = "x-ratelimit-limit";
const REMAINING: &str = "x-ratelimit-remaining";
const RESET: &str = "x-ratelimit-reset";
const RETRY_AFTER: &str = "retry-after";

/// The tolerance for clocks and rounding, in seconds.
const SECONDS: i64 = 1;
/// Higher limits are not used up.
const MOST_REQUESTS: u64 = 5000;
/// The number of counter steps that are enough for a verdict.
const ENOUGH: usize = 3;

/// The value of a header, if the contract documents it for the success. In another API it may have another meaning.
fn said(operation: &Operation, answer: &Answer, name: &str) -> Option<i64> {
    answer.number(name).filter(|_| operation.success_header(name).is_some())
}

impl Session<'_> {
    /// Checks the rate limit headers of a response.
    pub fn note_limits(&mut self, operation: &Operation, answer: &Answer) {
        let (limit, remaining, reset) =
            (said(operation, answer, LIMIT), said(operation, answer, REMAINING), said(operation, answer, RESET));
        if let Some(reset) = reset {
            let (left, longest) =
                (reset.saturating_sub(answer.now), i64::try_from(window(operation)).unwrap_or(i64::MAX));
            if left < -SECONDS || left > longest.saturating_add(SECONDS) {
                let message = format!(
                    "`X-RateLimit-Reset` of `{}` is {left} s away by the server's own clock, and a window has {longest} s",
                    operation.id.value
                );
                let finding = Finding::at(Rule::LiveRateLimitReset, at(self, operation, RESET), message)
                    .help("give the end of the window that the request was counted in, in Unix seconds");
                self.report_answer(
                    finding,
                    answer,
                    &format!("a number from {} to {}", answer.now, answer.now.saturating_add(longest)),
                );
            }
        }
        if !answer.request.authorization.is_full() {
            return;
        }
        self.keep_usage(operation, answer);
        if let (Some(remaining), Some(reset)) = (remaining, reset) {
            count(self, operation, answer, remaining, reset);
        }
        if let Some(limit) = limit {
            compare(self, operation, answer, limit, remaining);
        }
    }

    /// Stores the rate limit of a response, for the next request.
    pub fn keep_usage(&mut self, operation: &Operation, answer: &Answer) {
        if let (Some(remaining), Some(reset)) = (said(operation, answer, REMAINING), said(operation, answer, RESET)) {
            let usage = Usage { remaining, reset, now: answer.now, at: Instant::now() };
            self.of(operation).usage = Some(usage);
        }
    }
}

/// The place of a success header in the contract.
fn at(session: &Session<'_>, operation: &Operation, name: &str) -> Place {
    let span = operation.success_header(name).map_or(operation.id.span, |header| header.name.span);
    session.contract.place(span, "this header")
}

/// Whether a request counted against the limit, judging by its response and the settings; `None` if they do not say.
fn is_counted(session: &Session<'_>, operation: &Operation, answer: &Answer) -> Option<bool> {
    let counted = session.facts.settings.counted.as_ref()?;
    let name = error_of(operation, answer).map(|error| error.name.as_str());
    let range = format!("{}XX", answer.status / 100);
    Some(counted.iter().any(|counted| match counted {
        Counted::Status(status) => *status == answer.status,
        Counted::Name(counted) => counted.eq_ignore_ascii_case(&range) || Some(counted.as_str()) == name,
    }))
}

fn count(session: &mut Session<'_>, operation: &Operation, answer: &Answer, remaining: i64, reset: i64) {
    let Some(counted) = is_counted(session, operation, answer) else { return };
    let counts = &mut session.of(operation).counts;
    match counts.last {
        Some((before, window)) if window == reset && counted => {
            counts.steps.push((before.saturating_sub(remaining), answer.clone()))
        }
        _ => {}
    }
    counts.last = Some((remaining, reset));
}

fn compare(session: &mut Session<'_>, operation: &Operation, answer: &Answer, limit: i64, remaining: Option<i64>) {
    let first = *session.of(operation).counts.limit.get_or_insert(limit);
    let id = &operation.id.value;
    let place = at(session, operation, LIMIT);
    if first != limit {
        let message = format!("`X-RateLimit-Limit` of `{id}` is {first} in one response and {limit} in another");
        let finding = Finding::at(Rule::LiveRateLimitCount, place, message).help("send the limit that is applied");
        session.report_answer(finding, answer, &format!("x-ratelimit-limit: {first}"));
        return;
    }
    let left = limit.saturating_sub(i64::from(is_counted(session, operation, answer) == Some(true)));
    if let Some(remaining) = remaining.filter(|remaining| *remaining > left) {
        let message =
            format!("`X-RateLimit-Remaining` of `{id}` is {remaining} after a request, with a limit of {limit}");
        let place = at(session, operation, REMAINING);
        let finding = Finding::at(Rule::LiveRateLimitCount, place, message).help("count the request first");
        session.report_answer(finding, answer, &format!("at most {left}"));
    }
    if let Some(documented) = &operation.rate_limit
        && i64::try_from(documented.requests) != Ok(limit)
    {
        let place = session.contract.place(documented.span, "the contract's limit");
        let message = format!("the limit of `{id}` is {limit} here, not {}", documented.requests);
        session.report(
            Finding::at(Rule::LiveRateLimitOther, place, message)
                .help("this is fine if the server is configured this way"),
        );
    }
}

/// Whether the counter counts: by one for each request, or by more if other clients share the limit.
pub(super) fn judge_counts(session: &mut Session<'_>, operation: &Operation) {
    let steps = std::mem::take(&mut session.of(operation).counts.steps);
    let id = &operation.id.value;
    let (text, answer) = if let Some((step, answer)) = steps.iter().find(|(step, _)| *step < 1) {
        let how = if *step == 0 { "stays as it is" } else { "goes up" };
        (format!("the counter of `{id}` {how} after a request"), answer)
    } else if steps.len() >= ENOUGH
        && let Some((step, answer)) = steps.iter().min_by_key(|(step, _)| *step)
        && *step > 1
    {
        (format!("the counter of `{id}` goes down by {step} or more with each request"), answer)
    } else {
        return;
    };
    let finding = Finding::at(Rule::LiveRateLimitCount, at(session, operation, REMAINING), text)
        .help("count each request once; if others use the limit, run this again when they do not");
    session.report_answer(finding, answer, "one less than after the request before");
}

/// Uses the limit up, and waits until it is lifted.
pub(super) fn exhaust<'a>(session: &mut Session<'a>, operation: &'a Operation) -> Result<(), Stop> {
    let Some(error) = rate_limited(operation) else { return Ok(()) };
    if session.has_seen(operation, error) {
        return Ok(());
    }
    if !session.limits.exhaust {
        let reason = "needs --exhaust-rate-limits, which blocks the whole tenant until the window ends";
        session.not_tried(operation, Some(error), reason.to_owned());
        return Ok(());
    }
    if operation.rate_limit.is_none() && session.of(operation).counts.limit.is_none() {
        session.not_tried(operation, Some(error), "the contract does not give the limit".to_owned());
        return Ok(());
    }
    let unknown = provocations::unknown_values(operation);
    let values: Vec<(&str, &str)> = unknown.iter().map(|(name, value)| (*name, value.as_str())).collect();
    // A cheap request for the server is best: one that is refused, if those count.
    let request = match with_malformed(session, operation) {
        Some(request) if unknown.is_empty() => Some(request),
        _ => session.request(operation, &values).filter(|_| operation.is_safe() || !unknown.is_empty()),
    };
    let Some(request) = request else {
        session.not_tried(operation, Some(error), "each request would really take effect".to_owned());
        return Ok(());
    };
    let Some(refused) = use_up(session, operation, error, &request)? else { return Ok(()) };
    // Several errors may say that the limit is used up.
    let error = error_of(operation, &refused).unwrap_or(error);
    session.judge(operation, &refused, Some(error), Rule::LiveAnswer);
    if let Some(remaining) = refused.number(REMAINING).filter(|remaining| *remaining != 0) {
        let message = format!("`{}` refuses a request although {remaining} are left", operation.id.value);
        let finding = Finding::at(Rule::LiveRateLimitCount, at(session, operation, REMAINING), message);
        session.report_answer(finding.help("refuse only when none is left"), &refused, "x-ratelimit-remaining: 0");
    }
    before_others(session, operation, error, &refused)?;
    lifted(session, operation, error, &request, &refused)
}

/// Sends requests until one is refused.
fn use_up<'a>(
    session: &mut Session<'a>,
    operation: &'a Operation,
    error: &'a PlannedError,
    request: &Request,
) -> Result<Option<Answer>, Stop> {
    let documented = operation.rate_limit.as_ref().map_or(60, |limit| limit.requests);
    let limit = session.of(operation).counts.limit.and_then(|limit| u64::try_from(limit).ok()).unwrap_or(documented);
    if limit > MOST_REQUESTS {
        session.not_tried(operation, Some(error), format!("a limit of {limit} takes too many requests to be used up"));
        return Ok(None);
    }
    let (mut began, mut window, mut sent, mut left) = (Instant::now(), None, 0, None);
    // Windows may end before they are used up: this allows for three.
    for _ in 0..3 * limit + 10 {
        let Some(answer) = session.ask_at_once(operation, request)? else { return Ok(None) };
        let reset = answer.number(RESET);
        if window != reset {
            (began, window, sent, left) = (Instant::now(), reset, 0, None);
        }
        if error_of(operation, &answer).is_some_and(provocations::is_over_the_limit) {
            if let Some(left) = left.filter(|left| *left > 1) {
                let message = format!("`{}` refuses a request although {left} were left before it", operation.id.value);
                let finding = Finding::at(Rule::LiveRateLimitCount, at(session, operation, REMAINING), message);
                session.report_answer(
                    finding.help("refuse only when none is left"),
                    &answer,
                    "a response that is not a refusal",
                );
            }
            return Ok(Some(answer));
        }
        sent += 1;
        left = answer.number(REMAINING);
        let is_one_window = began.elapsed() < Duration::from_secs(super::usage::window(operation));
        if sent > limit + 1 && is_one_window {
            let span = operation.rate_limit.as_ref().map_or(operation.id.span, |limit| limit.span);
            let place = session.contract.place(span, "the contract's limit");
            let message =
                format!("`{}` serves {sent} requests in one window, with a limit of {limit}", operation.id.value);
            let finding =
                Finding::at(Rule::LiveRateLimitApplied, place, message).help("refuse requests over the limit");
            session.report_answer(finding, &answer, &label_of(error));
            return Ok(None);
        }
    }
    session.not_tried(operation, Some(error), "the windows end before the limit can be used up".to_owned());
    Ok(None)
}

/// While the limit is used up, other errors must not be reported.
fn before_others<'a>(
    session: &mut Session<'a>,
    operation: &'a Operation,
    error: &'a PlannedError,
    refused: &Answer,
) -> Result<(), Stop> {
    if !session.is_checked_before(*error.status, 400) {
        return Ok(());
    }
    let Some(request) = with_malformed(session, operation) else { return Ok(()) };
    let Some(answer) = session.ask_at_once(operation, &request)? else { return Ok(()) };
    // Otherwise a new window has begun, and requests are no longer refused.
    if answer.number(RESET) == refused.number(RESET) {
        session.judge(operation, &answer, Some(error), Rule::LiveOrder);
    }
    Ok(())
}

/// After `Retry-After` the limit must be lifted.
fn lifted<'a>(
    session: &mut Session<'a>,
    operation: &'a Operation,
    error: &'a PlannedError,
    request: &Request,
    refused: &Answer,
) -> Result<(), Stop> {
    let headers = operation.error_response(error).map(|response| response.headers.as_slice()).unwrap_or_default();
    let Some(header) = headers.iter().find(|header| header.name.eq_ignore_ascii_case(RETRY_AFTER)) else {
        return Ok(());
    };
    let place = |session: &Session<'_>| session.contract.place(header.name.span, "this header");
    let Some(wait) = refused.number(RETRY_AFTER) else {
        // If other errors of the status lack the header, the contract cannot require it.
        let message = format!("`{}` refuses without a `Retry-After` in seconds", operation.id.value);
        let finding = Finding::at(Rule::LiveRetryAfter, place(session), message).help("say how long to wait");
        session.report_answer(finding, refused, "Retry-After: the seconds until the window ends");
        return Ok(());
    };
    if let Some(reset) = refused.number(RESET)
        && refused.now.saturating_add(wait).saturating_sub(reset).saturating_abs() > 2 * SECONDS
    {
        let message =
            format!("`Retry-After` is {wait} s, and the window ends in {} s", reset.saturating_sub(refused.now));
        let finding = Finding::at(Rule::LiveRetryAfter, place(session), message).help("make both mean the same moment");
        session.report_answer(finding, refused, &format!("Retry-After: {}", reset.saturating_sub(refused.now).max(0)));
        return Ok(());
    }
    let wait = Duration::from_secs(u64::try_from(wait).unwrap_or(0).min(window(operation) + 1));
    if session.left()? < wait + SLACK {
        let remark = format!("the end of the rate limit was not waited for: it takes {} s", wait.as_secs());
        session.of(operation).remarks.push(remark);
        return Ok(());
    }
    session.sleep(wait + SLACK)?;
    let Some(answer) = session.ask_at_once(operation, request)? else { return Ok(()) };
    if error_of(operation, &answer).is_some_and(provocations::is_over_the_limit) {
        let message = format!("after the {} s of `Retry-After` `{}` still refuses", wait.as_secs(), operation.id.value);
        let finding =
            Finding::at(Rule::LiveRetryAfter, place(session), message).help("give the time until the window ends");
        session.report_answer(finding, &answer, "a response that is not a refusal");
        return Ok(());
    }
    let remark = format!("rate limit used up, and lifted after {} s", wait.as_secs());
    session.of(operation).remarks.push(remark);
    Ok(())
}
