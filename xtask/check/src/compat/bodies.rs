//! Bodies of requests, and the parts common to all bodies: media types, their schemas, and form encodings.

use apidrift_core::rules::Rule;
use openapi_model::document::{Document, Encoding, MediaType};
use openapi_model::schema::Types;
use openapi_model::span::Span;

use super::compare::{Both, Compare};
use super::media::{self, Media};
use super::parameters::place_of;
use super::report::{At, Context, ReportedChange};
use super::schema::{Area, View};

impl Compare<'_> {
    pub(super) fn body(&mut self, both: &Both<'_>) {
        let (before, now) = match (&both.old.body, &both.new.body) {
            (Some(before), Some(now)) => (before, now),
            (None, Some(now)) if now.required.value && !both.is_reversed => {
                let (here, other) = (At::Now(now.key), Some(At::Then(place_of(both.old))));
                self.add_to_body(both, Rule::CompatBodyRequired, here, other, "a new body is required by ", "");
                return;
            }
            (None, Some(now)) => {
                let (rule, text) = match both.is_reversed {
                    true => (Rule::CompatFieldAdded, "a new body is sent by "),
                    false => (Rule::CompatBodyWidened, "a new optional body is accepted by "),
                };
                self.add_to_body(both, rule, At::Now(now.key), None, text, "");
                return;
            }
            (Some(before), None) => {
                let (rule, text) = match both.is_reversed {
                    true => (Rule::CompatFieldRemoved, "a body is no longer sent by "),
                    false => (Rule::CompatBodyRemoved, "a body is no longer accepted by "),
                };
                let (here, other) = (At::Then(before.key), Some(At::Now(place_of(both.new))));
                self.add_to_body(both, rule, here, other, text, "");
                return;
            }
            (None, None) => return,
        };
        let span = |required: &openapi_model::span::Spanned<bool>, key: Span| {
            if required.span == Span::default() { key } else { required.span }
        };
        let places = (span(&now.required, now.key), span(&before.required, before.key));
        match (before.required.value, now.required.value) {
            (false, true) if !both.is_reversed => {
                let (here, other) = (At::Now(places.0), Some(At::Then(places.1)));
                let text = " was optional and is required now";
                self.add_to_body(both, Rule::CompatBodyRequired, here, other, "the body of ", text);
            }
            (true, false) if both.is_reversed => {
                let (here, other) = (At::Now(places.0), Some(At::Then(places.1)));
                self.add_to_body(both, Rule::CompatFieldOptional, here, other, "the body of ", " may be absent now");
            }
            _ => {}
        }
        self.contents(both, both.requests(), &Context::Body, (&before.content, before.key), (&now.content, now.key));
    }

    fn add_to_body(&mut self, both: &Both<'_>, rule: Rule, here: At, other: Option<At>, before: &str, after: &str) {
        let help = match rule {
            Rule::CompatBodyRequired => "clients send none: make it optional",
            Rule::CompatBodyRemoved => "clients still send it: make sure that the server does not need it",
            Rule::CompatFieldRemoved | Rule::CompatFieldOptional => "receivers read it: keep sending it",
            _ => "nothing changes for clients that send none",
        };
        let message = (before.to_owned(), after.to_owned());
        self.report.add_to_operation(both.at, ReportedChange { rule, here, other, message, help });
    }

    /// Compares the bodies of one request or response, by media type.
    pub(super) fn contents(
        &mut self,
        both: &Both<'_>,
        area: Area,
        context: &Context,
        (olds, then): (&[MediaType], Span),
        (news, now): (&[MediaType], Span),
    ) {
        let parse = |content: &[MediaType]| -> Vec<Media> {
            content.iter().map(|media| Media::parse(&media.name.value)).collect()
        };
        let (before, after) = (parse(olds), parse(news));
        let what = match context {
            Context::Answer(status) => format!("the response `{status}` of "),
            _ => "the body of ".to_owned(),
        };
        for (old, media) in olds.iter().zip(&before) {
            let Some(at) = media::find(media, &after) else {
                let help = match area {
                    Area::Sent => "clients read this media type: keep sending it to those that accept it",
                    _ => "clients send this media type: keep accepting it",
                };
                let text = format!(" no longer has the media type `{}`", old.name.value);
                let (here, other) = (At::Then(old.name.span), Some(At::Now(now)));
                let message = (what.clone(), text);
                self.report.add_to_operation(
                    both.at,
                    ReportedChange { rule: Rule::CompatMediaTypeRemoved, here, other, message, help },
                );
                continue;
            };
            let new = &news[at];
            if area != Area::Sent && !after[at].covers(media) && media.covers(&after[at]) && media != &after[at] {
                let text = format!(" is accepted only as `{}` now, not as `{}`", new.name.value, old.name.value);
                let (here, other) = (At::Now(new.name.span), Some(At::Then(old.name.span)));
                let (message, help) = ((what.clone(), text), "clients send other media types: keep accepting them");
                self.report.add_to_operation(
                    both.at,
                    ReportedChange { rule: Rule::CompatMediaTypeRemoved, here, other, message, help },
                );
            }
            if area == Area::Sent && after[at].is_range() && after[at].covers(media) && !media.covers(&after[at]) {
                let text = format!(" may be any of `{}` now, not only `{}`", new.name.value, old.name.value);
                let (here, other) = (At::Now(new.name.span), Some(At::Then(old.name.span)));
                let (message, help) =
                    ((what.clone(), text), "clients read the old media type: list the ones that are sent");
                self.report.add_to_operation(
                    both.at,
                    ReportedChange { rule: Rule::CompatMediaTypeRemoved, here, other, message, help },
                );
            }
            let views = (View::of_some(self.base.document, old.schema), View::of_some(self.new.document, new.schema));
            self.schema(both, area, context.clone(), views.0, views.1);
            if media.is_form() {
                self.encodings(both, area, &what, (old, new));
            }
        }
        for (new, media) in news.iter().zip(&after) {
            let is_known = media::find(media, &before).is_some();
            if !is_known && !olds.is_empty() {
                let message = (what.clone(), format!(" also has the media type `{}`", new.name.value));
                let (here, other) = (At::Now(new.name.span), Some(At::Then(then)));
                let help = "clients that do not know this media type do not ask for it";
                self.report.add_to_operation(
                    both.at,
                    ReportedChange { rule: Rule::CompatMediaTypeAdded, here, other, message, help },
                );
            }
        }
    }

    /// Headers of a form part that are newly required.
    fn part_headers(
        &mut self,
        both: &Both<'_>,
        what: &str,
        (old, before): (&MediaType, Option<&Encoding>),
        after: Option<&Encoding>,
    ) {
        let Some(after) = after else { return };
        for header in after.headers.iter().filter(|header| header.required.value) {
            let name = &header.name.value;
            let mut known = before.iter().flat_map(|encoding| &encoding.headers);
            if name.eq_ignore_ascii_case("content-type")
                || known.any(|known| known.name.eq_ignore_ascii_case(name) && known.required.value)
            {
                continue;
            }
            let there = before.map_or(old.name.span, |encoding| encoding.property.span);
            let text = format!(": `/{}` needs the header `{name}` now", after.property.value);
            let (here, other) = (At::Now(header.name.span), Some(At::Then(there)));
            let (message, help) = ((format!("in {what}"), text), "clients send none: make it optional");
            self.report
                .add_to_operation(both.at, ReportedChange { rule: Rule::CompatEncoding, here, other, message, help });
        }
    }

    /// Compares the encodings of form properties.
    fn encodings(&mut self, both: &Both<'_>, area: Area, what: &str, (old, new): (&MediaType, &MediaType)) {
        let (base, document) = (self.base.document, self.new.document);
        let shape = old.schema.map(|schema| base.shape_of(schema)).unwrap_or_default();
        for name in shape.properties.keys() {
            let of = |media: &MediaType| -> Option<Encoding> {
                media.encoding.iter().find(|encoding| encoding.property.value == *name).cloned()
            };
            let (before, after) = (of(old), of(new));
            let is_there = new.schema.is_some_and(|schema| document.shape_of(schema).properties.contains_key(name));
            if !is_there || before.is_none() && after.is_none() {
                continue;
            }
            if area != Area::Sent {
                self.part_headers(both, what, (old, before.as_ref()), after.as_ref());
            }
            let then = written(base, old, name, before.as_ref());
            let now = written(document, new, name, after.as_ref());
            if !then.takes_less(&now) {
                continue;
            }
            let here = after.as_ref().map_or(new.name.span, |encoding| encoding.property.span);
            let there = before.as_ref().map_or(old.name.span, |encoding| encoding.property.span);
            let message = (
                format!("in {what}"),
                format!(": `/{name}` is written as {} now, not as {}", now.shown(), then.shown()),
            );
            let (here, other) = (At::Now(here), Some(At::Then(there)));
            let help = "clients still send the old form: keep accepting it";
            self.report
                .add_to_operation(both.at, ReportedChange { rule: Rule::CompatEncoding, here, other, message, help });
        }
    }
}

/// How a form property is serialised.
#[derive(Debug, PartialEq, Eq)]
struct Written {
    content_types: Vec<String>,
    style: Option<(String, bool)>,
}

impl Written {
    /// Whether the new encoding rejects what was valid in this one.
    fn takes_less(&self, now: &Written) -> bool {
        let takes = |text: &String| {
            let wanted = Media::parse(text);
            now.content_types.iter().any(|known| Media::parse(known) == wanted || Media::parse(known).covers(&wanted))
        };
        self.style != now.style || !self.content_types.iter().all(takes)
    }

    fn shown(&self) -> String {
        let types = self.content_types.join(", ");
        match &self.style {
            Some((style, explode)) => format!("{types} ({style}, explode: {explode})"),
            None => types,
        }
    }
}

fn written(document: &Document, media: &MediaType, name: &str, encoding: Option<&Encoding>) -> Written {
    let shape = media.schema.map(|schema| document.shape_of(schema)).unwrap_or_default();
    let of_property = shape.properties.get(name).map(|property| document.shape(&property.schema)).unwrap_or_default();
    let types = of_property.types;
    let usual = match of_property.format.as_ref().map(|format| format.value.as_str()) {
        Some("binary" | "base64") => "application/octet-stream",
        _ if types == Types::OBJECT => "application/json",
        _ => "text/plain",
    };
    let content_types = encoding.and_then(|encoding| encoding.content_type.as_ref());
    let content_types = content_types.map_or(usual, |types| types.value.as_str());
    let style = encoding.and_then(|encoding| {
        let style = encoding.style.as_ref().map_or("form", |style| style.value.as_str());
        let explode = encoding.explode.as_ref().map_or(style == "form", |explode| explode.value);
        let is_many = types != Types::ANY.without(Types::NULL) && types.meets(Types::ARRAY.with(Types::OBJECT));
        let is_usual = style == "form" && (explode || !is_many);
        (!is_usual).then(|| (style.to_owned(), explode))
    });
    let mut content_types: Vec<String> = content_types.split(',').map(|part| part.trim().to_lowercase()).collect();
    content_types.sort_unstable();
    Written { content_types, style }
}
