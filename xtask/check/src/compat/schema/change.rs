//! A change of a schema, and the rule that names it.

use apidrift_core::rules::Rule;
use openapi_model::span::Span;

/// Which values are compared, and which way they go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::compat) enum Area {
    /// Those of a parameter: accepting less breaks the sender.
    Parameter,
    /// Those of a parameter that is written as plain text, in which `1` and `"1"` are the same: likewise.
    Text,
    /// Those of a body that is taken: the same.
    Taken,
    /// Those of a body or header that is sent: sending more breaks the reader.
    Sent,
}

/// What has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::compat) enum What {
    /// A field is no longer known.
    FieldRemoved,
    /// A field is new.
    FieldAdded,
    /// A value may be absent or null that was always there.
    MayBeAbsent,
    /// A value is always there that might be absent.
    IsThere,
    /// A value is never null that might be.
    NotNull,
    /// A value is possible that was not.
    ValueAdded,
    /// A value is no longer possible.
    ValueRemoved,
    /// The type or format.
    Kind,
    /// Length, size or pattern.
    Bounds,
    /// Fields without a description are possible that were not.
    Opened,
    /// An alternative is new.
    AlternativeAdded,
    /// An alternative is gone.
    AlternativeRemoved,
    /// How alternatives are told apart.
    Discriminator,
    /// What is meant where a value is left out.
    Default,
}

/// One change.
#[derive(Debug, Clone)]
pub(in crate::compat) struct Change {
    /// What has changed.
    pub what: What,
    /// Whether it breaks clients.
    pub breaks: bool,
    /// Below the value that was compared: `/name`, or nothing.
    pub at: String,
    /// The change, as what follows "it": "was removed".
    pub text: String,
    /// Where it stood.
    pub then: Span,
    /// Where it stands now.
    pub now: Span,
}

impl Change {
    /// The rule that names it, and what to do.
    pub(in crate::compat) fn rule(&self, area: Area) -> (Rule, &'static str) {
        match area {
            Area::Parameter | Area::Text => self.of_parameter(),
            Area::Taken => self.of_body(),
            Area::Sent => self.of_answer(),
        }
    }

    /// Whether it is shown where it was, because there is nothing to show now.
    pub(in crate::compat) fn is_gone(&self) -> bool {
        matches!(self.what, What::FieldRemoved | What::ValueRemoved | What::AlternativeRemoved)
    }

    fn of_parameter(&self) -> (Rule, &'static str) {
        match self.what {
            What::Default => (
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
            What::Default => (
                Rule::CompatBodyDefault,
                "clients that leave it out get a different result: check that this is intended",
            ),
            What::FieldRemoved if !self.breaks => (
                Rule::CompatBodyFieldRemoved,
                "clients may still send it, and it has no effect: check that this is intended",
            ),
            What::FieldAdded | What::IsThere if self.breaks => {
                (Rule::CompatBodyFieldRequired, "clients may leave it out: keep it optional")
            }
            What::Discriminator => (Rule::CompatDiscriminator, "clients still use the old discriminator"),
            _ if self.breaks => {
                (Rule::CompatBodyNarrowed, "bodies that were valid are refused now: keep accepting them")
            }
            _ => (Rule::CompatBodyWidened, "bodies that were valid are still valid"),
        }
    }

    fn of_answer(&self) -> (Rule, &'static str) {
        match self.what {
            What::FieldRemoved => (Rule::CompatFieldRemoved, "clients read it: keep sending it"),
            What::FieldAdded => (Rule::CompatFieldAdded, "clients ignore fields that they do not know"),
            What::MayBeAbsent => (Rule::CompatFieldOptional, "clients rely on it: keep sending it, and not as null"),
            What::IsThere | What::NotNull => (Rule::CompatFieldThere, "clients that handle its absence keep working"),
            What::ValueAdded => {
                (Rule::CompatValueAdded, "clients that know only the old values may fail on the new one")
            }
            What::ValueRemoved => (Rule::CompatValueRemoved, "clients that handle it no longer receive it"),
            What::Opened => {
                (Rule::CompatFieldsOpen, "clients that refuse unknown fields or read all fields are affected")
            }
            What::AlternativeAdded if self.breaks => {
                (Rule::CompatAlternativeAdded, "clients that know only the old alternatives may fail on the new one")
            }
            What::Discriminator => (Rule::CompatDiscriminator, "clients still use the old discriminator"),
            What::Kind if self.breaks => (Rule::CompatFieldType, "clients parse it as before: add a new field instead"),
            What::Bounds if self.breaks => (Rule::CompatFieldType, "clients rely on the old bounds: keep within them"),
            _ => (Rule::CompatFieldThere, "clients that handle the wider range keep working"),
        }
    }
}
