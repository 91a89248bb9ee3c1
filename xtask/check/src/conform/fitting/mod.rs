//! Values that fit schemas, for parameters and bodies of requests. If a schema is too complex, they fit only partly.

mod numbers;
mod texts;

use std::cell::Cell;

use openapi_model::document::Document;
use openapi_model::schema::{SchemaId, Types};
use openapi_model::shape::{Additional, AllOf, Alternatives, Shape};
use openapi_model::span::Spanned;
use openapi_model::values::{Direction, Values};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::{Union, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value as Json};

use super::percent::encoded;
use super::style;
use numbers::{decimals, integers};
pub(super) use texts::uuid;
use texts::{of_format, of_pattern};

/// Alternatives, items and properties nested more deeply are ignored.
const MAX_DEPTH: usize = 6;

/// A percent-encoded value that fits a shape. Of a list, one item; no objects.
pub(super) fn fitting(document: &Document, shape: &Shape) -> BoxedStrategy<String> {
    let maker = Maker::new(document, false);
    maker.value(shape, 0).prop_map(|value| encoded(&style::text(first_item(&value)))).boxed()
}

/// A list with one item is that item in every style.
fn first_item(value: &Json) -> &Json {
    match value {
        Json::Array(items) => items.first().map_or(&Json::Null, first_item),
        Json::Object(_) => &Json::Null,
        value => value,
    }
}

/// A value that fits a shape.
pub(super) fn any_value(document: &Document, shape: &Shape) -> BoxedStrategy<Json> {
    Maker::new(document, false).value(shape, 0)
}

/// Some ordinary values that fit a shape, the same each time: short texts, no optional properties.
pub(super) fn plain_values(document: &Document, shape: &Shape) -> impl Iterator<Item = Json> {
    let strategy = Maker::new(document, true).value(shape, 0);
    let mut runner = TestRunner::deterministic();
    std::iter::repeat_with(move || strategy.new_tree(&mut runner).ok().map(|tree| tree.current())).map_while(|it| it)
}

/// How many values are made until one fits.
const TRIES: usize = 50;

/// A value that fits a schema when it is sent in a direction, the same each time: with optional properties and any characters, or
/// plain. `None` if none can be made.
pub fn sample(
    document: &Document,
    values: &mut Values<'_>,
    schema: SchemaId,
    direction: Direction,
    is_plain: bool,
) -> Option<Json> {
    let shape = document.shape_of(schema);
    let mut fits = |value: &Json| values.fits(schema, direction, value).unwrap_or_default();
    // A list or an object without anything in it is no text.
    let is_text = |value: &Json| match value {
        Json::Array(items) => !items.is_empty(),
        Json::Object(fields) => !fields.is_empty(),
        _ => true,
    };
    let mut empty = None;
    // Whether the characters are plain, and whether there are optional properties.
    let manners = if is_plain { [(true, false), (true, true)] } else { [(false, true), (true, false)] };
    for (is_simple, has_optional) in manners {
        let strategy = Maker { direction, has_optional, ..Maker::new(document, is_simple) }.value(&shape, 0);
        let mut runner = TestRunner::deterministic();
        let made = (0..TRIES).filter_map(|_| Some(strategy.new_tree(&mut runner).ok()?.current()));
        for value in made.filter(|value| fits(value)) {
            if !is_plain || is_text(&value) {
                return Some(value);
            }
            empty = Some(value);
        }
    }
    empty
}

/// How many parts a value may have: schemas may refer to themselves in many ways.
const MOST_PARTS: usize = 2_000;

/// Makes values.
struct Maker<'a> {
    /// How many parts may still be made.
    left: Cell<usize>,
    document: &'a Document,
    /// Only ordinary characters.
    is_plain: bool,
    /// Whether objects have optional properties.
    has_optional: bool,
    /// Which way the values are sent.
    direction: Direction,
}

impl<'a> Maker<'a> {
    /// Makes values of requests: plain ones have no optional properties.
    fn new(document: &'a Document, is_plain: bool) -> Maker<'a> {
        let has_optional = !is_plain;
        Maker { left: Cell::new(MOST_PARTS), document, is_plain, has_optional, direction: Direction::Request }
    }

    fn value(&self, shape: &Shape, depth: usize) -> BoxedStrategy<Json> {
        let Some(left) = self.left.get().checked_sub(1) else { return Just(Json::Null).boxed() };
        self.left.set(left);
        if let Some(values) = &shape.enumeration {
            let values: Vec<Json> = values.iter().map(|value| value.value.clone()).collect();
            return match values.first() {
                None => Just(Json::Null).boxed(),
                Some(first) if self.is_plain => Just(first.clone()).boxed(),
                Some(_) => select(values).boxed(),
            };
        }
        if let Some(alternatives) = shape.alternatives.first().filter(|_| depth < MAX_DEPTH) {
            let members =
                alternatives.members.iter().map(|member| self.alternative(shape, alternatives, member, depth));
            let own = if shape.properties.is_empty() { Just(Json::Null).boxed() } else { self.object(shape, depth) };
            return (Union::new(members), own).prop_map(|(value, own)| merged(value, own)).boxed();
        }
        let mut kinds = Vec::new();
        let has_properties = !shape.properties.is_empty() || !shape.required.is_empty();
        if shape.types.meets(Types::OBJECT) && (has_properties || !shape.types.meets(Types::STRING)) {
            kinds.push(self.object(shape, depth));
        }
        if shape.types.meets(Types::STRING) {
            kinds.push(self.texts(shape));
        }
        if shape.types.holds(Types::NUMBER) {
            kinds.push(decimals(shape));
        } else if shape.types.meets(Types::INTEGER) {
            kinds.push(integers(shape));
        }
        if shape.types.meets(Types::BOOLEAN) {
            kinds.push(any::<bool>().prop_map(Json::Bool).boxed());
        }
        if shape.types.meets(Types::ARRAY) && (shape.items.is_some() || !shape.types.meets(Types::STRING)) {
            kinds.push(self.array(shape, depth));
        }
        if kinds.is_empty() { self.texts(shape) } else { first_of(shape, kinds) }
    }

    fn inner(&self, schema: &AllOf, depth: usize) -> BoxedStrategy<Json> {
        self.value(&self.document.shape(schema), depth + 1)
    }

    /// A value of an alternative, with the property by which alternatives are told apart.
    fn alternative(
        &self,
        shape: &Shape,
        alternatives: &Alternatives,
        member: &AllOf,
        depth: usize,
    ) -> BoxedStrategy<Json> {
        let own = self.document.shape(member);
        // What an alternative only requires is described beside the alternatives.
        let is_beside = |name: &&String| !own.properties.contains_key(*name);
        let beside = own.required.keys().filter(is_beside).filter_map(|name| {
            let property = shape.properties.get(name)?;
            Some((Just(name.clone()), self.inner(&property.schema, depth)))
        });
        let value = (self.value(&own, depth + 1), beside.collect::<Vec<_>>())
            .prop_map(|(mut value, beside)| {
                if let Json::Object(fields) = &mut value {
                    fields.extend(beside);
                }
                value
            })
            .boxed();
        let Some(discriminator) = &alternatives.discriminator else { return value };
        let is_it = |id| member.ids().contains(&id);
        let mapped = discriminator.mapping.iter().find(|(_, reference)| reference.target.is_some_and(is_it));
        let name = mapped.map(|(name, _)| name.value.clone());
        let name = name.or_else(|| own.name.as_ref().map(|name| name.value.clone()));
        let property = discriminator.property.value.clone();
        value
            .prop_map(move |mut value| {
                if let (Json::Object(fields), Some(name)) = (&mut value, &name) {
                    fields.insert(property.clone(), name.clone().into());
                }
                value
            })
            .boxed()
    }

    fn object(&self, shape: &Shape, depth: usize) -> BoxedStrategy<Json> {
        let mut fields = Vec::new();
        for (name, property) in &shape.properties {
            let inner = self.document.shape(&property.schema);
            let is_required = shape.required.contains_key(name);
            let is_unsent = match self.direction {
                Direction::Request => inner.read_only.is_some(),
                Direction::Response => inner.write_only.is_some(),
            };
            if is_unsent || !is_required && (!self.has_optional || depth >= MAX_DEPTH) {
                continue;
            }
            let value = if depth >= 2 * MAX_DEPTH { Just(Json::Null).boxed() } else { self.value(&inner, depth + 1) };
            let value = match is_required {
                true => value.prop_map(Some).boxed(),
                false => prop::option::of(value).boxed(),
            };
            fields.push((Just(name.clone()), value));
        }
        let least = shape.min_properties.as_ref().map_or(0, |least| least.value.min(20));
        let is_unknown = |name: &&String| !shape.properties.contains_key(*name);
        let mut more: Vec<String> = shape.required.keys().filter(is_unknown).cloned().collect();
        more.extend((1..=least.saturating_sub(shape.required.len() as u64)).map(|number| format!("key{number}")));
        let other = match &shape.additional {
            Additional::Schema(schema) if depth < MAX_DEPTH => self.inner(schema, depth),
            _ => Just(Json::from("x")).boxed(),
        };
        fields.extend(more.into_iter().map(|name| (Just(name), other.clone().prop_map(Some).boxed())));
        fields
            .prop_map(|fields| {
                let fields = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
                Json::Object(fields.collect::<Map<String, Json>>())
            })
            .boxed()
    }

    fn array(&self, shape: &Shape, depth: usize) -> BoxedStrategy<Json> {
        let length = |length: &Option<Spanned<u64>>| {
            length.as_ref().and_then(|length| usize::try_from(length.value).ok()).map(|length| length.min(100))
        };
        if depth >= MAX_DEPTH {
            return Just(Json::Array(Vec::new())).boxed();
        }
        let least = length(&shape.min_items).unwrap_or(0);
        let most = length(&shape.max_items).unwrap_or(least.max(1) + 1).max(least).min(least.max(1) + 1);
        let first = shape.prefix_items.iter().map(|item| self.inner(item, depth)).collect::<Vec<_>>();
        let anything = AllOf::default();
        let item = self.inner(shape.items.as_ref().unwrap_or(&anything), depth);
        let rest =
            least.saturating_sub(first.len())..=most.saturating_sub(first.len()).max(least.saturating_sub(first.len()));
        (first, prop::collection::vec(item, rest))
            .prop_map(|(first, rest)| Json::Array(first.into_iter().chain(rest).collect()))
            .boxed()
    }

    fn texts(&self, shape: &Shape) -> BoxedStrategy<Json> {
        let length = |count: &Option<Spanned<u64>>| count.as_ref().and_then(|count| usize::try_from(count.value).ok());
        if let Some(made) = shape.format.as_ref().and_then(|format| of_format(format)) {
            return made;
        }
        if let Some(made) = shape.patterns.first().and_then(|pattern| of_pattern(pattern)) {
            return made;
        }
        let least = length(&shape.min_length).unwrap_or(0).min(1000);
        let most = length(&shape.max_length).unwrap_or(least + 20).clamp(least, least + 1000);
        if self.is_plain {
            return Just(Json::from("x".repeat(most.min(least.max(5))))).boxed();
        }
        prop::collection::vec(any::<char>(), least..=most)
            .prop_map(|letters| Json::from(letters.into_iter().collect::<String>()))
            .boxed()
    }
}

/// The fields of two objects together, or the first value if one is no object.
fn merged(value: Json, own: Json) -> Json {
    match (value, own) {
        (Json::Object(mut fields), Json::Object(own)) => {
            for (name, value) in own {
                fields.entry(name).or_insert(value);
            }
            Json::Object(fields)
        }
        (Json::Null, own) => own,
        (value, _) => value,
    }
}

/// One of these strategies; if no type is given, any text fits.
fn first_of(shape: &Shape, mut kinds: Vec<BoxedStrategy<Json>>) -> BoxedStrategy<Json> {
    if kinds.len() == 1 || shape.types_span.is_none() && shape.types.holds(Types::STRING) {
        return kinds.swap_remove(0);
    }
    Union::new(kinds).boxed()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::parameters::tests::{document, fits_schema};
    use super::super::percent::decoded;
    use super::*;

    #[test]
    fn generated_values_fit_their_schemas() {
        let mut runner = TestRunner::deterministic();
        for schema in [
            "{type: string, format: uuid}",
            "{type: string, minLength: 3, maxLength: 5}",
            "{type: string, pattern: '^[A-Z]{2}-\\d+$'}",
            "{type: string, enum: [a b, c/d]}",
            "{type: integer, enum: [3, 5]}",
            "{type: integer, format: int32}",
            "{type: integer, minimum: 0, exclusiveMinimum: true, maximum: 3, exclusiveMaximum: true}",
            "{type: integer, minimum: 7, maximum: 50, multipleOf: 5}",
            "{type: integer, minimum: -9, maximum: -1, multipleOf: 4}",
            "{type: integer, minimum: 1.5, maximum: 2.5}",
            "{allOf: [{type: integer, multipleOf: 4}, {multipleOf: 6, minimum: 1, maximum: 100}]}",
            "{type: number, minimum: 0, exclusiveMinimum: true, maximum: 1}",
            "{type: number, multipleOf: 0.25, minimum: 0, exclusiveMinimum: true, maximum: 1}",
            "{type: boolean}",
            "{oneOf: [{type: integer, minimum: 1}, {type: boolean}]}",
            "{$ref: '#/components/schemas/B'}",
        ] {
            let (document, id) = document(schema);
            let strategy = fitting(&document, &document.shape_of(id));
            for _ in 0..200 {
                let value = strategy.new_tree(&mut runner).unwrap().current();
                let fits = fits_schema(&document, id, &decoded(&value).unwrap());
                assert!(fits != Some(false), "{schema}: {value}");
            }
        }
    }

    #[test]
    fn samples_fit_and_those_for_texts_have_something_in_them() {
        for (schema, plain) in [
            ("{type: object, properties: {a: {type: integer, minimum: 1, maximum: 1}}}", r#"{"a":1}"#),
            ("{type: array, maxItems: 1, items: {type: string, enum: [a]}}", r#"["a"]"#),
            (
                "{type: object, properties: {a: {enum: [1]}, b: {enum: [2]}}, oneOf: [{required: [a]}, {required: [a, b]}]}",
                r#"{"a":1}"#,
            ),
            ("{type: object, required: [a, b], properties: {a: {readOnly: true}, b: {enum: [2]}}}", r#"{"b":2}"#),
        ] {
            let (document, id) = document(schema);
            let mut values = Values::new(&document);
            let sample = sample(&document, &mut values, id, Direction::Request, true);
            assert_eq!(sample.map(|value| value.to_string()).as_deref(), Some(plain), "{schema}");
        }
        let (document, id) = document("{type: string, minLength: 3, maxLength: 2}");
        assert_eq!(sample(&document, &mut Values::new(&document), id, Direction::Request, true), None);
    }

    #[test]
    fn values_are_generated_for_any_schema() {
        let mut runner = TestRunner::deterministic();
        for schema in [
            "{}",
            "{type: object}",
            "{type: array, items: {$ref: '#/components/schemas/A'}}",
            "{oneOf: [{$ref: '#/components/schemas/A'}, {type: array, items: {$ref: '#/components/schemas/A'}}]}",
            "{type: integer, minimum: 5, maximum: 1}",
            "{type: integer, minimum: 9223372036854775807, exclusiveMinimum: true}",
            "{type: integer, multipleOf: 9223372036854775807}",
            "{type: number, minimum: 1e308, maximum: -1e308, multipleOf: 0.000001}",
            "{type: number, multipleOf: 1e-300}",
            "{type: string, minLength: 18446744073709551615, maxLength: 1}",
            "{type: string, pattern: '(?=a)b['}",
            "{type: string, enum: []}",
            "{allOf: [{type: string}, {type: integer}]}",
            "{not: {}}",
            "{type: object, required: [a, b, c, d, e, f, g, h], properties: {a: {$ref: '#/components/schemas/A'}, b: {$ref: '#/components/schemas/A'}, \
             c: {$ref: '#/components/schemas/A'}, d: {$ref: '#/components/schemas/A'}, e: {$ref: '#/components/schemas/A'}, f: {$ref: '#/components/schemas/A'}, \
             g: {type: array, minItems: 2, items: {$ref: '#/components/schemas/A'}}, h: {anyOf: [{$ref: '#/components/schemas/A'}, {type: string}]}}}",
        ] {
            let (document, id) = document(schema);
            let strategy = fitting(&document, &document.shape_of(id));
            for _ in 0..20 {
                strategy.new_tree(&mut runner).unwrap().current();
            }
            assert!(plain_values(&document, &document.shape_of(id)).next().is_some(), "{schema}");
        }
    }
}
