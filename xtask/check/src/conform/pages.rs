//! Tests lists: `Link` headers must lead through all pages and back, and every item must be on one page.

use std::collections::HashSet;
use std::sync::Arc;

use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;
use apidrift_core::settings::{List, Order};
use chrono::{DateTime, Utc};
use openapi_model::shape::Shape;
use serde_json::Value as Json;
use toml::Spanned;

use super::discovered;
use super::fields;
use super::operation::{Body, Operation, body};
use super::requests::With;
use super::session::{Session, Stop};
use super::wire::{Answer, Request};

/// The header with links to other pages.
const LINK: &str = "link";
/// The maximum number of pages to follow.
const MOST_PAGES: usize = 50;

/// Whether an operation returns a page of a list.
pub(super) fn is_list(operation: &Operation) -> bool {
    operation.success_header(LINK).is_some()
}

/// The array of a list's items: its name and shape.
fn array(session: &Session<'_>, operation: &Operation) -> Option<(String, Arc<Shape>)> {
    let response = operation.response(operation.successes.first()?)?;
    match body(response, None, true) {
        Body::Json(media) => fields::array(&session.contract.document, media.schema?),
        Body::None | Body::Undocumented | Body::Other(_) => None,
    }
}

/// What the settings say about a list.
fn list<'a>(session: &Session<'a>, operation: &Operation) -> Option<&'a List> {
    let lists = session.facts.settings.lists.iter().map(Spanned::get_ref);
    lists.into_iter().find(|list| {
        let name = list.operation.get_ref();
        *name == operation.id.value || *name == operation.endpoint()
    })
}

/// The parts of a page that matter for paging.
struct Page {
    answer: Answer,
    items: Vec<String>,
    previous: Option<String>,
    next: Option<String>,
}

/// Requests all pages, first to last and back.
pub(super) fn walk<'a>(session: &mut Session<'a>, operation: &'a Operation) -> Result<(), Stop> {
    let first = match session.request_with(operation, With::default()) {
        Ok(request) => request,
        Err(needed) => {
            session.not_tried(operation, None, format!("needs {needed}"));
            return Ok(());
        }
    };
    let Some(page) = page(session, operation, &first, true)? else { return Ok(()) };
    if page.previous.is_some() {
        broken_link(
            session,
            operation,
            &page.answer,
            "the first page has a link to a previous one",
            "no `rel=\"prev\"`",
        );
    }
    if page.next.is_none() {
        judge_count(session, operation, &page.answer, page.items.len());
        session.of(operation).remarks.push("paging was not seen: there is one page".to_owned());
        return Ok(());
    }
    let Some(pages) = follow(session, operation, page, Side::Next)? else { return Ok(()) };
    let forward: Vec<String> = pages.iter().flat_map(|page| page.items.clone()).collect();
    judge_items(session, operation, &pages, &forward);
    let count = pages.len();
    let Some(last) = pages.into_iter().next_back() else { return Ok(()) };
    if last.next.is_some() {
        session.of(operation).remarks.push(format!("paging was seen for {count} pages, not to the end"));
        return Ok(());
    }
    let Some(mut back) = follow(session, operation, last, Side::Previous)? else { return Ok(()) };
    back.reverse();
    let backward: Vec<&String> = back.iter().flat_map(|page| &page.items).collect();
    if let (Some((missing, way)), Some(page)) = (missing(&forward, &backward), back.first()) {
        let message = format!("{missing} of `{}` appears only on the way {way}", operation.id.value);
        items_finding(session, operation, &page.answer, message, "the same items on both ways");
    }
    session.of(operation).remarks.push(format!("paged through {count} pages, to the end and back"));
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Next,
    Previous,
}

/// Follows links in one direction, starting from a page. `None` if the links cannot be followed, which is a finding.
fn follow<'a>(
    session: &mut Session<'a>,
    operation: &'a Operation,
    from: Page,
    side: Side,
) -> Result<Option<Vec<Page>>, Stop> {
    let mut pages = vec![from];
    let mut visited = HashSet::new();
    while let Some(here) = pages.last() {
        let link = if side == Side::Next { here.next.clone() } else { here.previous.clone() };
        let Some(link) = link.filter(|_| pages.len() < MOST_PAGES) else { break };
        let answer = here.answer.clone();
        let request = match session.wire.follow(&answer.request, &link) {
            Ok(request) => request,
            Err(reason) => {
                broken_link(session, operation, &answer, &reason, "a link to another page of this list");
                return Ok(None);
            }
        };
        if !visited.insert(request.path.clone()) {
            broken_link(session, operation, &answer, "the links form a circle", "a page that was not seen before");
            return Ok(None);
        }
        match page(session, operation, &request, false)? {
            Some(page) => pages.push(page),
            None => return Ok(None),
        }
    }
    Ok(Some(pages))
}

fn page<'a>(
    session: &mut Session<'a>,
    operation: &'a Operation,
    request: &Request,
    is_first: bool,
) -> Result<Option<Page>, Stop> {
    let Some(answer) = session.ask(operation, request)? else { return Ok(None) };
    // A linked page must exist.
    let is_expected = match is_first {
        true => session.judge_success(operation, &answer),
        false => session.judge(operation, &answer, None, Rule::LivePageLink),
    };
    if !is_expected {
        return Ok(None);
    }
    let Some((name, _)) = array(session, operation) else { return Ok(None) };
    // Without a list its pages cannot be checked; the missing list has been reported.
    let items = answer.json.as_ref().ok().and_then(|json| json.get(&name)?.as_array().cloned());
    let Some(items) = items else { return Ok(None) };
    discovered::store_items(session, &items);
    discovered::store(session, operation, &answer);
    let identity = list(session, operation).map(|list| list.item.as_str());
    let items = items.iter().map(|item| match identity.and_then(|identity| item.get(identity)) {
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => item.to_string(),
    });
    let items = items.collect();
    let header = answer.header(LINK).unwrap_or_default();
    let links = links(&header);
    if links.is_none() {
        let message = format!("`Link: {header}` cannot be read");
        broken_link(session, operation, &answer, &message, "`<address>; rel=\"next\"`, joined by commas");
    }
    let of = |relation: &str| {
        links.iter().flatten().find(|(_, found)| found == relation).map(|(address, _)| address.clone())
    };
    Ok(Some(Page { items, previous: of("prev"), next: of("next"), answer }))
}

/// Every item must occur once, in the list's order, on full pages.
fn judge_items(session: &mut Session<'_>, operation: &Operation, pages: &[Page], items: &[String]) {
    let Some(last) = pages.last() else { return };
    let id = &operation.id.value;
    let mut known = HashSet::new();
    if let Some(page) = pages.iter().find(|page| page.items.iter().any(|item| !known.insert(item))) {
        let message = format!("an item of `{id}` is on more than one page, or twice on one");
        items_finding(session, operation, &page.answer, message, "items that were not on the pages before");
    } else if last.next.is_none() {
        judge_count(session, operation, &last.answer, items.len());
    }
    if list(session, operation).is_some_and(|list| list.order == Order::NewestFirst) {
        let mut before: Option<DateTime<Utc>> = None;
        for page in pages {
            for item in &page.items {
                let Ok(time) = item.parse::<DateTime<Utc>>() else { continue };
                if before.as_ref().is_some_and(|before| *before < time) {
                    let place = session.contract.place(operation.id.span, "this operation");
                    let message = format!("the items of `{id}` are not in the order of their times, newest first");
                    let finding = Finding::at(Rule::LivePageOrder, place, message).help("sort before paging");
                    return session.report_answer(finding, &page.answer, "newest first");
                }
                before = Some(time);
            }
        }
    }
    let most = array(session, operation).and_then(|(_, array)| {
        let most = array.max_items.as_ref()?;
        Some((usize::try_from(most.value).ok()?, most.span))
    });
    let Some((most, span)) = most else { return };
    if let Some(page) = pages.iter().find(|page| page.next.is_some() && page.items.len() < most) {
        let place = session.contract.place(span, "a full page");
        let message = format!("a page of `{id}` has {} items, but is not the last page", page.items.len());
        let finding = Finding::at(Rule::LivePageShort, place, message).help("fill pages before starting another");
        session.report_answer(finding, &page.answer, &format!("{most} items on every page but the last"));
    }
}

/// Whether all pages together have the expected number of items, if it is known.
fn judge_count(session: &mut Session<'_>, operation: &Operation, last: &Answer, items: usize) {
    let id = &operation.id.value;
    if let Some(expected) = session.facts.items.get(id).filter(|expected| **expected > items) {
        let message = format!("the pages of `{id}` have {items} items, and the list has {expected}");
        items_finding(session, operation, last, message, "every item on one page");
    }
}

/// The first item that occurs in only one direction, and which. New items may have been added before the first.
fn missing<'a>(forward: &'a [String], backward: &[&'a String]) -> Option<(&'a String, &'static str)> {
    let met: HashSet<&String> = backward.iter().copied().collect();
    if let Some(item) = forward.iter().find(|item| !met.contains(item)) {
        return Some((item, "to the end"));
    }
    let met: HashSet<&String> = forward.iter().collect();
    let old = backward.iter().skip_while(|item| !met.contains(*item));
    old.copied().find(|item| !met.contains(item)).map(|item| (item, "back"))
}

fn broken_link(session: &mut Session<'_>, operation: &Operation, answer: &Answer, what: &str, expected: &str) {
    let Some(header) = operation.success_header(LINK) else { return };
    let place = session.contract.place(header.name.span, "this header");
    let message = format!("`Link` of `{}`: {what}", operation.id.value);
    let finding =
        Finding::at(Rule::LivePageLink, place, message).help("lead to the neighbouring pages, and nowhere else");
    session.report_answer(finding, answer, expected);
}

fn items_finding(session: &mut Session<'_>, operation: &Operation, answer: &Answer, message: String, expected: &str) {
    let place = session.contract.place(operation.success_span(), "this response");
    let finding = Finding::at(Rule::LivePageItems, place, message).help("put every item on exactly one page");
    session.report_answer(finding, answer, expected);
}

/// The URLs of a `Link` header with their relations; `None` if it cannot be parsed.
fn links(header: &str) -> Option<Vec<(String, String)>> {
    let mut links = Vec::new();
    let mut rest = header.trim();
    while !rest.is_empty() {
        let (address, after) = rest.strip_prefix('<')?.split_once('>')?;
        // A comma inside quotes belongs to a parameter.
        let mut quoted = false;
        let end = after.find(|letter| {
            quoted ^= letter == '"';
            letter == ',' && !quoted
        });
        let (parameters, next) = after.split_at(end.unwrap_or(after.len()));
        let relation = parameters.split(';').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("rel").then(|| value.trim().trim_matches('"').to_owned())
        })?;
        links.extend(relation.split_whitespace().map(|relation| (address.to_owned(), relation.to_lowercase())));
        rest = next.trim_start_matches([',', ' ', '\t']);
    }
    Some(links)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_headers_are_parsed_in_any_valid_notation() {
        let pair = |address: &str, relation: &str| (address.to_owned(), relation.to_owned());
        let both = Some(vec![pair("/a?c=1", "prev"), pair("/a?c=2", "next")]);
        assert_eq!(links(r#"</a?c=1>; rel="prev",</a?c=2>; rel="next""#), both);
        assert_eq!(links(r#"</a?c=1>;rel=PREV , </a?c=2>; title="a, b"; rel="next""#), both);
        assert_eq!(links(""), Some(Vec::new()));
        for broken in ["/a?c=1", "</a>", "</a; rel=next", "<a> rel"] {
            assert_eq!(links(broken), None, "{broken}");
        }
    }

    #[test]
    fn an_item_found_in_only_one_direction_is_missing() {
        let text = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
        let (forward, new) = (text(&["c", "b", "a"]), text(&["d", "c", "b", "a"]));
        let ways = |forward: &[String], backward: &[String]| {
            missing(forward, &backward.iter().collect::<Vec<_>>()).map(|(item, way)| format!("{item} {way}"))
        };
        assert_eq!(ways(&forward, &forward), None);
        assert_eq!(ways(&forward, &new), None, "it came in the meantime");
        assert_eq!(ways(&forward, &text(&["c", "a"])), Some("b to the end".to_owned()));
        assert_eq!(ways(&text(&["c", "a"]), &forward), Some("b back".to_owned()));
    }
}
