//! A change of a schema, and the rule that names it.

use apidrift_core::rules::Rule;
use openapi_model::span::Span;

/// The kind of values that are compared, which determines their direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::compat) enum Area {
    /// Values of a parameter: accepting less breaks the sender.
    Parameter,
    /// Values of a parameter that is serialised as plain text, in which `1` and `"1"` are equal: accepting less breaks
    /// the sender.
    Text,
    /// Values of a body that the server accepts: accepting less breaks the sender.
    Taken,
    /// Values of a body or header that the server sends: sending more breaks the reader.
    Sent,
}

/// The kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::compat) enum ChangeKind {
    /// A field was removed.
    FieldRemoved,
    /// A field was added.
    FieldAdded,
    /// A value that was always present may now be absent or null.
    MayBeAbsent,
    /// A value that could be absent is now always present.
    IsThere,
    /// A value that could be null is now never null.
    NotNull,
    /// A value is newly possible.
    ValueAdded,
    /// A value is no longer possible.
    ValueRemoved,
    /// The type or format changed.
    Kind,
    /// A length, size or pattern changed.
    Bounds,
    /// Fields without a description are newly possible.
    Opened,
    /// An alternative was added.
    AlternativeAdded,
    /// An alternative was removed.
    AlternativeRemoved,
    /// The discriminator changed.
    Discriminator,
    /// The default changed.
    Default,
}

/// A single change.
#[derive(Debug, Clone)]
pub(in crate::compat) struct Change {
    /// What has changed.
    pub what: ChangeKind,
    /// Whether it breaks clients.
    pub breaks: bool,
    /// The path below the compared value: `/name`, or empty.
    pub at: String,
    /// The change as a predicate: "was removed".
    pub text: String,
    /// Its place in the old document.
    pub then: Span,
    /// Its place in the new document.
    pub now: Span,
}

impl Change {
    /// The rule that reports it, and the advice.
    pub(in crate::compat) fn rule(&self, area: Area) -> (Rule, &'static str) {
        match area {
            Area::Parameter | Area::Text => self.of_parameter(),
            Area::Taken => self.of_body(),
            Area::Sent => self.of_answer(),
        }
    }

    /// Whether it is shown at its old place, because it has no new one.
    pub(in crate::compat) fn is_gone(&self) -> bool {
        matches!(self.what, ChangeKind::FieldRemoved | ChangeKind::ValueRemoved | ChangeKind::AlternativeRemoved)
    }

    fn of_parameter(&self) -> (Rule, &'static str) {
        match self.what {
            ChangeKind::Default => (
                Rule::CompatParameterDefault,
                "clients that leave it out get a different result: check that this is intended",
            ),
            _ if self.breaks => {
                (Rule::CompatParameterNarrowed, "values that were valid are refused now: keep accepting them")
            }
            _ => (Rule::CompatParameterWidened, "values that were valid are still valid"),
        }
    }

    fn of_body(&self) -> (Rule, &'static str) {
        match self.what {
            ChangeKind::Default => (
                Rule::CompatBodyDefault,
                "clients that leave it out get a different result: check that this is intended",
            ),
            ChangeKind::FieldRemoved if !self.breaks => (
                Rule::CompatBodyFieldRemoved,
                "clients may still send it, and it has no effect: check that this is intended",
            ),
            ChangeKind::FieldAdded | ChangeKind::IsThere if self.breaks => {
                (Rule::CompatBodyFieldRequired, "clients may leave it out: keep it optional")
            }
            ChangeKind::Discriminator => (Rule::CompatDiscriminator, "clients still use the old discriminator"),
            _ if self.breaks => {
                (Rule::CompatBodyNarrowed, "bodies that were valid are refused now: keep accepting them")
            }
            _ => (Rule::CompatBodyWidened, "bodies that were valid are still valid"),
        }
    }

    fn of_answer(&self) -> (Rule, &'static str) {
        match self.what {
            ChangeKind::FieldRemoved => (Rule::CompatFieldRemoved, "clients read it: keep sending it"),
            ChangeKind::FieldAdded => (Rule::CompatFieldAdded, "clients ignore fields that they do not know"),
            ChangeKind::MayBeAbsent => {
                (Rule::CompatFieldOptional, "clients rely on it: keep sending it, and not as null")
            }
            ChangeKind::IsThere | ChangeKind::NotNull => {
                (Rule::CompatFieldThere, "clients that handle its absence keep working")
            }
            ChangeKind::ValueAdded => {
                (Rule::CompatValueAdded, "clients that know only the old values may fail on the new one")
            }
            ChangeKind::ValueRemoved => (Rule::CompatValueRemoved, "clients that handle it no longer receive it"),
            ChangeKind::Opened => {
                (Rule::CompatFieldsOpen, "clients that refuse unknown fields or read all fields are affected")
            }
            ChangeKind::AlternativeAdded if self.breaks => {
                (Rule::CompatAlternativeAdded, "clients that know only the old alternatives may fail on the new one")
            }
            ChangeKind::Discriminator => (Rule::CompatDiscriminator, "clients still use the old discriminator"),
            ChangeKind::Kind if self.breaks => {
                (Rule::CompatFieldType, "clients parse it as before: add a new field instead")
            }
            ChangeKind::Bounds if self.breaks => {
                (Rule::CompatFieldType, "clients rely on the old bounds: keep within them")
            }
            _ => (Rule::CompatFieldThere, "clients that handle the wider range keep working"),
        }
    }
}
