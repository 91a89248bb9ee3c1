//! Whether clients that could read the responses still can: statuses, headers and bodies.

use std::collections::HashSet;

use apidrift_core::rules::Rule;
use openapi_model::document::{Document, Header, Part, Response, Status};
use openapi_model::schema::Types;
use openapi_model::span::Span;

use super::compare::{Both, Compare};
use super::parameters::place_of;
use super::report::{At, Context, ReportedChange};
use super::schema::{Area, View};
use super::side::Known;

/// Old responses paired with the new ones that replace them, and those without a counterpart.
#[derive(Default)]
struct Statuses<'a> {
    pairs: Vec<(&'a Response, &'a Response)>,
    removed: Vec<&'a Response>,
    added: Vec<&'a Response>,
}

impl Compare<'_> {
    pub(super) fn answers(&mut self, both: &Both<'_>, old_known: &Known, new_known: &Known) {
        let Statuses { mut pairs, removed, added } = statuses(&both.old.responses, &both.new.responses);
        if !both.is_unread(Part::Responses) {
            let successes = |some: &[&'_ Response]| some.iter().filter(|one| is_success(one.status.value)).count();
            let is_moved = successes(&removed) == 1 && successes(&added) == 1;
            if is_moved {
                let (before, now) = (first_success(&removed), first_success(&added));
                if let (Some(before), Some(now)) = (before, now) {
                    self.moved(both, before, now);
                    pairs.push((before, now));
                }
            }
            let has_known = |status: Status| {
                let of = |known: &Known| known.errors.iter().any(|error| Status::Code(error.status) == status);
                of(old_known) || of(new_known)
            };
            for before in removed.iter().filter(|before| !has_known(before.status.value)) {
                if !(is_moved && is_success(before.status.value)) {
                    self.removed_status(both, before);
                }
            }
            for now in added.iter().filter(|now| !has_known(now.status.value)) {
                if !(is_moved && is_success(now.status.value)) {
                    self.added_status(both, now);
                }
            }
        }
        let mut ranges = HashSet::new();
        for (before, now) in pairs {
            let is_wider = matches!((before.status.value, now.status.value), (Status::Code(_), Status::Range(_)));
            let is_success = is_success(now.status.value);
            let is_said = !is_wider || !is_success || both.is_reversed || !ranges.insert(now.status.value);
            if !is_said && !both.is_unread(Part::Responses) {
                self.any_status(both, before, now);
            }
            self.answer(both, before, now);
        }
    }

    fn moved(&mut self, both: &Both<'_>, before: &Response, now: &Response) {
        let text = format!(" has the status {} now, not {}", now.status.value, before.status.value);
        self.report.add_to_operation(
            both.at,
            ReportedChange {
                rule: Rule::CompatSuccessStatus,
                here: At::Now(now.status.span),
                other: Some(At::Then(before.status.span)),
                message: ("the success of ".to_owned(), text),
                help: "clients treat a status that they do not know as undocumented",
            },
        );
    }

    /// Compares a success whose status may have changed.
    fn any_status(&mut self, both: &Both<'_>, before: &Response, now: &Response) {
        let text = format!(" may have any status of {} now, not only {}", now.status.value, before.status.value);
        self.report.add_to_operation(
            both.at,
            ReportedChange {
                rule: Rule::CompatSuccessAdded,
                here: At::Now(now.status.span),
                other: Some(At::Then(before.status.span)),
                message: ("the success of ".to_owned(), text),
                help: "clients that know only the old status treat others as undocumented",
            },
        );
    }

    fn removed_status(&mut self, both: &Both<'_>, before: &Response) {
        let (rule, help) = if is_success(before.status.value) {
            (Rule::CompatSuccessStatus, "clients rely on it: keep sending it")
        } else {
            (Rule::CompatErrorRemoved, "make sure that the server no longer sends it: clients have no code for it now")
        };
        let message = (format!("`{}` is no longer documented for ", before.status.value), String::new());
        let (here, other) = (At::Then(before.status.span), Some(At::Now(place_of(both.new))));
        self.report.add_to_operation(both.at, ReportedChange { rule, here, other, message, help });
    }

    fn added_status(&mut self, both: &Both<'_>, now: &Response) {
        let (rule, what) = if is_success(now.status.value) {
            (Rule::CompatSuccessAdded, "success")
        } else {
            (Rule::CompatErrorAdded, "error")
        };
        let message = (format!("a new {what}, `{}`, is documented for ", now.status.value), String::new());
        let (here, other) = (At::Now(now.status.span), Some(At::Then(place_of(both.old))));
        let help = "clients that know only the old responses treat it as undocumented";
        self.report.add_to_operation(both.at, ReportedChange { rule, here, other, message, help });
    }

    fn answer(&mut self, both: &Both<'_>, before: &Response, now: &Response) {
        let status = now.status.value.to_string();
        let area = both.answers();
        let places = (At::Now(now.status.span), At::Then(before.status.span));
        match (before.content.is_empty(), now.content.is_empty()) {
            (false, true) if area == Area::Sent => {
                let message = (format!("the response `{status}` of "), " no longer has a body".to_owned());
                let (here, other, help) = (places.0, Some(places.1), "clients read it: keep sending it");
                self.report.add_to_operation(
                    both.at,
                    ReportedChange { rule: Rule::CompatFieldRemoved, here, other, message, help },
                );
            }
            (true, false) if area == Area::Sent => {
                let message = (format!("the response `{status}` of "), " has a body now".to_owned());
                let (here, other, help) = (places.0, Some(places.1), "clients that expect none do not read it");
                self.report.add_to_operation(
                    both.at,
                    ReportedChange { rule: Rule::CompatFieldAdded, here, other, message, help },
                );
            }
            (false, false) => {
                let context = Context::Answer(status.clone());
                let (olds, news) = ((&before.content[..], before.status.span), (&now.content[..], now.status.span));
                self.contents(both, area, &context, olds, news);
            }
            _ => {}
        }
        self.headers(both, &status, (&before.headers, before.status.span), (&now.headers, now.status.span));
    }

    fn headers(
        &mut self,
        both: &Both<'_>,
        status: &str,
        (olds, then): (&[Header], Span),
        (news, now_at): (&[Header], Span),
    ) {
        // `Content-Type` is described by the media types.
        let counts = |header: &&Header| !header.name.eq_ignore_ascii_case("content-type");
        let what = format!("the response `{status}` of ");
        for before in olds.iter().filter(counts) {
            let name = &before.name.value;
            let Some(now) = news.iter().find(|header| header.name.eq_ignore_ascii_case(name)) else {
                let message = (what.clone(), format!(" no longer has the header `{name}`"));
                let (here, other) = (At::Then(before.name.span), Some(At::Now(now_at)));
                let help = "clients may read it: keep sending it";
                self.report.add_to_operation(
                    both.at,
                    ReportedChange { rule: Rule::CompatHeaderRemoved, here, other, message, help },
                );
                continue;
            };
            if before.required.value && !now.required.value {
                let message = (format!("the header `{name}` of {what}"), " may be absent now".to_owned());
                let (here, other) = (At::Now(now.name.span), Some(At::Then(before.name.span)));
                let help = "check whether clients rely on it";
                self.report.add_to_operation(
                    both.at,
                    ReportedChange { rule: Rule::CompatHeaderOptional, here, other, message, help },
                );
            }
            // Within one header, `explode` matters only for objects.
            let is_object = |document: &Document, header: &Header| {
                let types = header.schema.map_or(Types::NONE, |schema| document.shape_of(schema).types);
                types != Types::ANY.without(Types::NULL) && types.meets(Types::OBJECT)
            };
            let are_objects = is_object(self.base.document, before) && is_object(self.new.document, now);
            if are_objects && before.explode.value != now.explode.value {
                let shown = |flag: bool| if flag { "`key=value`" } else { "`key,value`" };
                let text =
                    format!(" is written as {} now, not as {}", shown(now.explode.value), shown(before.explode.value));
                let message = (format!("the header `{name}` of {what}"), text);
                let (here, other) = (At::Now(now.name.span), Some(At::Then(before.name.span)));
                let help = "clients parse the old form: keep sending it";
                self.report.add_to_operation(
                    both.at,
                    ReportedChange { rule: Rule::CompatEncoding, here, other, message, help },
                );
            }
            let schema = |document: &Document, header: &Header| {
                let of_content = header.content.first().and_then(|media| media.schema);
                View::of_some(document, header.schema.or(of_content))
            };
            let views = (schema(self.base.document, before), schema(self.new.document, now));
            let context = Context::Header(name.clone(), status.to_owned());
            self.schema(both, both.answers(), context, views.0, views.1);
        }
        for now in news.iter().filter(counts) {
            if !olds.iter().any(|header| header.name.eq_ignore_ascii_case(&now.name.value)) {
                let message = (what.clone(), format!(" has a new header `{}`", now.name.value));
                let (here, other) = (At::Now(now.name.span), Some(At::Then(then)));
                let help = "clients that do not know it ignore it";
                self.report.add_to_operation(
                    both.at,
                    ReportedChange { rule: Rule::CompatHeaderAdded, here, other, message, help },
                );
            }
        }
    }
}

fn first_success<'a>(some: &[&'a Response]) -> Option<&'a Response> {
    some.iter().find(|one| is_success(one.status.value)).copied()
}

/// Whether a status is not an error.
pub(super) fn is_success(status: Status) -> bool {
    match status {
        Status::Code(code) => code < 400,
        Status::Range(digit) => digit < 4,
        Status::Default => false,
    }
}

/// The response for a status: its own, that of its range, or the default.
fn answer_of(responses: &[Response], status: Status) -> Option<&Response> {
    let find = |wanted: Status| responses.iter().find(|response| response.status.value == wanted);
    let range = match status {
        Status::Code(code) => u8::try_from(code / 100).ok().map(Status::Range),
        _ => None,
    };
    find(status).or_else(|| find(range?)).or_else(|| find(Status::Default))
}

/// A response for many statuses may have been split into responses for single ones, or the reverse.
fn statuses<'a>(olds: &'a [Response], news: &'a [Response]) -> Statuses<'a> {
    let mut statuses = Statuses::default();
    // New responses that replace a range, and old ones that a range replaces.
    let (mut news_met, mut olds_met) = (HashSet::new(), HashSet::new());
    for before in olds {
        if let Some(now) = answer_of(news, before.status.value) {
            statuses.pairs.push((before, now));
            news_met.insert(now.status.value);
            olds_met.insert(before.status.value);
        }
    }
    for now in news.iter().filter(|now| !olds.iter().any(|before| before.status.value == now.status.value)) {
        if let Some(before) = answer_of(olds, now.status.value) {
            statuses.pairs.push((before, now));
            olds_met.insert(before.status.value);
            news_met.insert(now.status.value);
        }
    }
    statuses.removed = olds.iter().filter(|before| !olds_met.contains(&before.status.value)).collect();
    statuses.added = news.iter().filter(|now| !news_met.contains(&now.status.value)).collect();
    statuses
}
