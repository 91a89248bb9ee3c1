//! Matches old and new alternatives, and decides whether unmatched ones matter.
//!
//! Each alternative is compared together with the keywords beside the list, so it makes no difference whether fields
//! are beside the alternatives or in each of them.

use openapi_model::document::Document;
use openapi_model::schema::Types;
use openapi_model::shape::{Additional, AllOf, Alternatives, Shape};
use openapi_model::span::Span;

use super::alternative::{Alternative, shown, values};
use super::overlap::any_two_meet;
use super::{Area, ChangeKind, Level, Pair, Unread, View};

/// The maximum number of combinations of alternatives to compare.
const MAX_COMBINATIONS: usize = 256;
/// The maximum number of pairs to try.
const MAX_PAIRS: usize = 900;

impl Level<'_, '_> {
    pub(super) fn alternatives(&mut self, then: &Shape, now: &Shape) {
        for (shape, is_now) in [(then, false), (now, true)] {
            let combinations =
                shape.alternatives.iter().fold(1, |product: usize, list| product.saturating_mul(list.members.len()));
            if shape.alternatives.len() > 1 && combinations > MAX_COMBINATIONS {
                let reason = format!("there are {combinations} combinations of alternatives");
                self.unread.push(Unread { reason, is_now, span: shape.span });
                return;
            }
        }
        let (base, new) = (self.graph.base, self.graph.new);
        let (before, after) = most_similar(base, &then.alternatives, new, &now.alternatives);
        let mut olds = expand(base, &self.pair.then, then, before);
        let mut news = expand(new, &self.pair.now, now, after);
        match (before, after) {
            (Some(_), None) => news = by_type(news, now),
            (None, Some(_)) => olds = by_type(olds, then),
            _ => {}
        }
        let pairing = self.matched(&olds, &news);
        let is_told_alike = self.discriminators(before, after);
        for (old, new) in &pairing.pairs {
            let (old, new) = (&olds[*old], &news[*new]);
            if is_told_alike {
                self.values_of(old, new);
            }
            let id = self.graph.node(self.alternative_pair(old, new));
            self.edges.push((id, String::new()));
        }
        let spans = (list_span(before, then), list_span(after, now));
        let is_exclusive = |list: Option<&Alternatives>| list.is_some_and(|list| list.exclusive);
        let is_stricter = before.is_some() && !is_exclusive(before) && is_exclusive(after);
        let is_told_apart = after.is_some_and(|list| list.discriminator.is_some());
        if is_stricter && !is_told_apart && self.pair.area != Area::Sent && any_two_meet(new, &news) {
            let text = "is refused now if it fits two alternatives: `anyOf` became `oneOf`";
            self.change(ChangeKind::Bounds, false, spans.0, spans.1, text);
        }
        self.left_over((&olds, &news), &pairing, spans);
    }

    fn left_over(&mut self, (olds, news): (&[Alternative], &[Alternative]), pairing: &Pairing, spans: (Span, Span)) {
        let is_sent = self.pair.area == Area::Sent;
        for (at, new) in news.iter().enumerate() {
            if pairing.news[at] {
                continue;
            }
            let fits = olds.iter().any(|old| !self.pair_breaks_as(old, new, Area::Sent));
            if !fits {
                let text = format!("has a new alternative, {}", shown(new));
                self.change(ChangeKind::AlternativeAdded, true, spans.0, new.span, text);
            }
        }
        for (at, old) in olds.iter().enumerate() {
            if pairing.olds[at] {
                continue;
            }
            let area = if is_sent { Area::Taken } else { self.pair.area };
            let fits = news.iter().any(|new| !self.pair_breaks_as(old, new, area));
            if !fits {
                let text = format!("no longer has the alternative {}", shown(old));
                self.change(ChangeKind::AlternativeRemoved, false, old.span, spans.1, text);
            }
        }
    }

    fn alternative_pair(&self, old: &Alternative, new: &Alternative) -> Pair {
        Pair { then: old.view.clone(), now: new.view.clone(), area: self.pair.area, is_alternative: true }
    }

    fn pair_breaks_as(&mut self, old: &Alternative, new: &Alternative, area: Area) -> bool {
        let pair = Pair { area, ..self.alternative_pair(old, new) };
        self.graph.breaks(pair)
    }

    /// Pairs old with new alternatives: by discriminator value, by component, by meaning, by title, by compatibility,
    /// and finally by similarity.
    fn matched(&mut self, olds: &[Alternative], news: &[Alternative]) -> Pairing {
        let mut pairing = Pairing::new(olds.len(), news.len());
        let calls_alike = |old: &Alternative, new: &Alternative| {
            old.values.iter().any(|value| new.values.contains(value)) && !old.values.is_empty()
        };
        pairing.take(olds, news, &mut |old, new| calls_alike(old, new));
        pairing.take(olds, news, &mut |old, new| old.name.is_some() && old.name == new.name);
        let pairs = pairing.pairs.len();
        if (olds.len() - pairs) * (news.len() - pairs) <= MAX_PAIRS {
            pairing.take(olds, news, &mut |old, new| {
                let pair = self.alternative_pair(old, new);
                let id = self.graph.node(pair);
                old.types == new.types && !self.graph.differs(id)
            });
            pairing.take(olds, news, &mut |old, new| old.title.is_some() && old.title == new.title);
            pairing.take(olds, news, &mut |old, new| {
                old.types.meets(new.types) && !self.pair_breaks_as(old, new, self.pair.area)
            });
        }
        pairing.take(olds, news, &mut |old, new| old.types == new.types && looks_alike(old, new));
        pairing
    }
}

/// Pairs of old and new alternatives.
struct Pairing {
    pairs: Vec<(usize, usize)>,
    /// For each old alternative, whether it has a partner.
    olds: Vec<bool>,
    /// For each new alternative, whether it has a partner.
    news: Vec<bool>,
}

impl Pairing {
    fn new(olds: usize, news: usize) -> Pairing {
        Pairing { pairs: Vec::new(), olds: vec![false; olds], news: vec![false; news] }
    }

    /// Pairs each remaining one with the first that satisfies the predicate.
    fn take(
        &mut self,
        olds: &[Alternative],
        news: &[Alternative],
        fits: &mut dyn FnMut(&Alternative, &Alternative) -> bool,
    ) {
        for (at, old) in olds.iter().enumerate() {
            if self.olds[at] {
                continue;
            }
            let found = (0..news.len()).find(|new| !self.news[*new] && fits(old, &news[*new]));
            if let Some(new) = found {
                (self.olds[at], self.news[new]) = (true, true);
                self.pairs.push((at, new));
            }
        }
    }
}

fn looks_alike(old: &Alternative, new: &Alternative) -> bool {
    let common = old.fields.iter().filter(|name| new.fields.contains(name)).count();
    common * 2 >= old.fields.len().max(new.fields.len())
}

/// The lists to compare: the first old one, and the new one that shares the most components with it.
fn most_similar<'a>(
    base: &Document,
    olds: &'a [Alternatives],
    new: &Document,
    news: &'a [Alternatives],
) -> (Option<&'a Alternatives>, Option<&'a Alternatives>) {
    let Some(old) = olds.first() else { return (None, news.first()) };
    let names = |document: &Document, list: &Alternatives| -> Vec<String> {
        list.members.iter().filter_map(|member| Some(document.shape(member).name.as_ref()?.value.clone())).collect()
    };
    let known = names(base, old);
    let score = |list: &&Alternatives| {
        let common = names(new, list).iter().filter(|name| known.contains(name)).count();
        (common, usize::from(list.members.len() == old.members.len()))
    };
    // Among equally good ones, the first.
    let best = if news.len() > 1 { news.iter().rev().max_by_key(score) } else { news.first() };
    (Some(old), best)
}

fn expand(document: &Document, view: &View, shape: &Shape, list: Option<&Alternatives>) -> Vec<Alternative> {
    let Some(list) = list else {
        return vec![Alternative::new(document, view.clone(), &AllOf::default(), shape.span, Vec::new())];
    };
    let is_all = says_no_more(shape);
    let each = list.members.iter().map(|member| {
        let together = if is_all { View::all(document, member) } else { view.with(document, member, list.span) };
        let values = list.discriminator.as_ref().map(|names| values(document, names, member)).unwrap_or_default();
        Alternative::new(document, together, member, document.shape(member).span, values)
    });
    each.collect()
}

/// Splits a schema with several types into one alternative per type.
fn by_type(whole: Vec<Alternative>, shape: &Shape) -> Vec<Alternative> {
    let each = [Types::BOOLEAN, Types::NUMBER, Types::INTEGER, Types::STRING, Types::ARRAY, Types::OBJECT];
    let mut left = shape.types;
    let mut types = Vec::new();
    for one in each {
        if left.holds(one) {
            types.push(one);
            left = left.without(one);
        }
    }
    let is_any = types.len() == each.len() - 1;
    let [whole] = &whole[..] else { return whole };
    let part = |types: Types| Alternative {
        view: whole.view.only(types),
        name: None,
        title: None,
        values: Vec::new(),
        types,
        fields: whole.fields.clone(),
        span: whole.span,
    };
    if types.len() < 2 || is_any { vec![part(shape.types)] } else { types.into_iter().map(part).collect() }
}

/// Whether a shape consists only of its one list of alternatives.
fn says_no_more(shape: &Shape) -> bool {
    shape.alternatives.len() == 1
        && shape.types_span.is_none()
        && shape.format.is_none()
        && shape.enumeration.is_none()
        && shape.minimum.is_none()
        && shape.maximum.is_none()
        && shape.multiples_of.is_empty()
        && shape.min_length.is_none()
        && shape.max_length.is_none()
        && shape.patterns.is_empty()
        && shape.min_items.is_none()
        && shape.max_items.is_none()
        && shape.unique_items.is_none()
        && shape.min_properties.is_none()
        && shape.max_properties.is_none()
        && shape.items.is_none()
        && shape.prefix_items.is_empty()
        && shape.properties.is_empty()
        && shape.required.is_empty()
        && shape.additional == Additional::Anything
        && shape.pattern_properties.is_empty()
        && shape.property_names.is_none()
        && shape.discriminator.is_none()
        && shape.not.is_empty()
        && shape.others.is_empty()
}

fn list_span(list: Option<&Alternatives>, shape: &Shape) -> Span {
    list.map_or(shape.span, |list| list.span)
}
