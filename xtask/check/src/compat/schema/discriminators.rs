//! Compares discriminators, which distinguish alternatives or derived schemas.

use openapi_model::schema::Discriminator;
use openapi_model::shape::{Alternatives, Shape};
use openapi_model::span::Span;

use super::alternative::{Alternative, shown};
use super::{Area, Change, ChangeKind, Level, View};

impl Level<'_, '_> {
    /// Whether both use the same discriminator property.
    pub(super) fn discriminators(&mut self, before: Option<&Alternatives>, after: Option<&Alternatives>) -> bool {
        let (Some(before), Some(after)) = (before, after) else { return false };
        self.told_apart(before.discriminator.as_ref(), after.discriminator.as_ref(), after.span);
        let is_same = |(one, other): (&Discriminator, &Discriminator)| one.property.value == other.property.value;
        before.discriminator.as_ref().zip(after.discriminator.as_ref()).is_some_and(is_same)
    }

    /// Compares the discriminators of alternatives.
    fn told_apart(&mut self, before: Option<&Discriminator>, after: Option<&Discriminator>, now: Span) {
        let (text, spans) = match (before, after) {
            (Some(before), Some(after)) if before.property.value != after.property.value => (
                format!("has the discriminator `{}` now, not `{}`", after.property.value, before.property.value),
                (before.property.span, after.property.span),
            ),
            (Some(before), None) if self.pair.area == Area::Sent => {
                (format!("no longer has the discriminator `{}`", before.property.value), (before.property.span, now))
            }
            _ => return,
        };
        let change = Change {
            what: ChangeKind::Discriminator,
            breaks: true,
            at: String::new(),
            text,
            then: spans.0,
            now: spans.1,
        };
        self.push(change);
    }

    /// Compares the discriminator values of an alternative.
    pub(super) fn values_of(&mut self, old: &Alternative, new: &Alternative) {
        let only = |some: &[String], others: &[String]| -> Vec<String> {
            some.iter().filter(|value| !others.contains(value)).cloned().collect()
        };
        let (mut gone, come) = (only(&old.values, &new.values), only(&new.values, &old.values));
        // The name of the component is always a valid value.
        gone.retain(|value| new.name.as_ref() != Some(value));
        let is_sent = self.pair.area == Area::Sent;
        let (what, which) = if is_sent { ("called", &come) } else { ("no longer called", &gone) };
        if old.values.is_empty() || new.values.is_empty() || which.is_empty() {
            return;
        }
        let text = format!(
            "has an alternative {} that is {what} `{}` by the discriminator now",
            shown(new),
            which.join("`, `")
        );
        self.push(Change {
            what: ChangeKind::Discriminator,
            breaks: true,
            at: String::new(),
            text,
            then: old.span,
            now: new.span,
        });
    }

    /// Compares the discriminator of derived schemas.
    pub(super) fn base_discriminator(&mut self, then: &Shape, now: &Shape) {
        let (before, after) = (&then.discriminator, &now.discriminator);
        if !then.alternatives.is_empty() || !now.alternatives.is_empty() {
            return;
        }
        self.told_apart(before.as_ref(), after.as_ref(), now.span);
        let (Some(before), Some(after)) = (before, after) else { return };
        if before.property.value != after.property.value {
            return;
        }
        let is_sent = self.pair.area == Area::Sent;
        let (view, document) = (self.pair.then.clone(), self.graph.base);
        let olds = self.graph.derived_schemas.0.kinds(document, &view, then, !is_sent);
        let (view, document) = (self.pair.now.clone(), self.graph.new);
        let news = self.graph.derived_schemas.1.kinds(document, &view, now, !is_sent);
        for old in &olds {
            let same = news.iter().find(|new| new.value == old.value);
            match (same, old.schema) {
                (Some(new), Some(then)) => {
                    if let Some(now) = new.schema {
                        let views = (View::of(self.graph.base, then), View::of(self.graph.new, now));
                        self.below(views.0, views.1, String::new());
                    }
                }
                (None, _) if !is_sent && !news.is_empty() => {
                    let text = format!("no longer has the kind `{}`", old.value);
                    self.change(ChangeKind::Discriminator, false, old.span, after.property.span, text);
                }
                _ => {}
            }
        }
        let is_new = |value: &str| !olds.iter().any(|old| old.value == value);
        for new in news.iter().filter(|new| is_sent && !olds.is_empty() && is_new(&new.value)) {
            let text = format!("has a new kind `{}`", new.value);
            self.change(ChangeKind::AlternativeAdded, true, before.property.span, new.span, text);
        }
    }
}
