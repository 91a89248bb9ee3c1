//! Pipelined requests on one connection: each must get its own response, in order, independent of the others.

use super::super::credentials::Authorization;
use super::super::operation::Operation;
use super::super::session::{Session, Stop};
use super::super::target::Exploration;
use super::super::wire::Request;
use super::counterexample::{Counterexample, find_counterexample};
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;
use proptest::prelude::*;

/// Sends requests with and without a key on one connection, if the server speaks plain HTTP/1.1.
pub(super) fn explore<'a>(
    session: &mut Session<'a>,
    operations: &[&'a Operation],
    exploration: &Exploration,
) -> Result<(), Stop> {
    // An operation that changes nothing and needs no parameters.
    let Some(operation) =
        operations.iter().find(|operation| *operation.method == *"GET" && !operation.path.contains('{'))
    else {
        return Ok(());
    };
    let Some(request) = session.request(operation, &[]).filter(|_| !operation.security.is_open()) else {
        return Ok(());
    };
    let Some(host) = session.wire.plain_host() else {
        session
            .of(operation)
            .remarks
            .push("several requests at once on one connection: not tried, needs plain HTTP".to_owned());
        return Ok(());
    };
    let few = Exploration { cases: exploration.cases.min(20), ..exploration.clone() };
    let keyed = prop::collection::vec(any::<bool>(), 2..6);
    find_counterexample(session, &few, "pipeline", &[], &keyed, |session, keyed| {
        let unkeyed = request.by(Authorization::none());
        let requests: Vec<&Request> = keyed.iter().map(|keyed| if *keyed { &request } else { &unkeyed }).collect();
        // A server may close the connection instead.
        let Some(statuses) = session.send_together(&host, &requests)? else { return Ok(None) };
        let wrong = statuses.iter().zip(keyed).position(|(status, keyed)| (*status == 401) == *keyed);
        Ok(wrong.map(|index| {
            let who = if keyed[index] { "with a key" } else { "without a key" };
            let place = session.contract.place(operation.id.span, "this operation");
            let message = format!(
                "of {} pipelined requests on one connection, number {} ({who}) is answered with {}",
                keyed.len(),
                index + 1,
                statuses[index]
            );
            let shown: Vec<&str> = keyed.iter().map(|keyed| if *keyed { "a key" } else { "no key" }).collect();
            let finding = Finding::at(Rule::LiveConnection, place, message)
                .help("keep nothing of a request for the next one on the connection, and answer in order")
                .note(format!(
                    "request: {} several times at once, with {}",
                    session.wire.curl(&request),
                    shown.join(", ")
                ))
                .note(format!("answered: {statuses:?}"));
            Counterexample(finding)
        }))
    })
}
