//! Compares the meaning of schemas of two documents.
//!
//! Shapes are compared, not texts: order, component names, and the notation of numbers, null and `allOf` do not matter.
//! Texts for people (`title`, `description`, examples) are compared too, word by word.
//! Recursive schemas are equal unless a difference is found.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::Value as Json;

use crate::document::Document;
use crate::equal::is_one_set;
use crate::node::Node;
use crate::schema::{Bound, Discriminator, Schema, SchemaId};
use crate::shape::{self, Additional, AllOf, Alternatives, Shape};
use crate::span::Spanned;

/// Below this depth, nested alternatives are compared in document order.
const MAX_TRIALS: usize = 24;

/// A difference between two schemas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The path from the schemas to the difference, such as `properties/name/items`; empty at the schemas themselves.
    pub path: String,
    /// The keyword or part that differs: `maximum`, `the property `name``.
    pub what: String,
    /// The value in the first; empty if absent.
    pub one: String,
    /// The value in the second; empty if absent.
    pub other: String,
}

/// The first difference in meaning between two schemas, including everything that they reach.
pub fn difference(one: (&Document, &AllOf), other: (&Document, &AllOf)) -> Option<Difference> {
    Comparison::new(one.0, other.0, false).run(one.1.clone(), other.1.clone())
}

/// The first difference between two schemas themselves. If both refer to a component with the same name, those
/// components are assumed to be equal: for callers that compare each component of two documents under its name.
pub fn own_difference(one: (&Document, &AllOf), other: (&Document, &AllOf)) -> Option<Difference> {
    Comparison::new(one.0, other.0, true).run(one.1.clone(), other.1.clone())
}

/// Schemas of both documents that must be equal, and the path to them.
type Pair = (AllOf, AllOf, String);

struct Comparison<'a> {
    one: &'a Document,
    other: &'a Document,
    trusts_names: bool,
    /// The pairs assumed to be equal unless a difference is found, in the order in which they were visited.
    met: Vec<(AllOf, AllOf)>,
    known: HashSet<(AllOf, AllOf)>,
    /// The pairs that were tried and differ, with the number of nested trials at that time. A failure is final for as
    /// many or more nested trials (assumptions only make more pairs equal), but not for fewer: see [`MAX_TRIALS`].
    different: HashMap<(AllOf, AllOf), usize>,
    /// The number of nested trials of alternatives.
    trials: usize,
}

impl<'a> Comparison<'a> {
    fn new(one: &'a Document, other: &'a Document, trusts_names: bool) -> Comparison<'a> {
        Comparison {
            one,
            other,
            trusts_names,
            met: Vec::new(),
            known: HashSet::new(),
            different: HashMap::new(),
            trials: 0,
        }
    }

    fn run(&mut self, one: AllOf, other: AllOf) -> Option<Difference> {
        let mut open: Vec<Pair> = vec![(one, other, String::new())];
        while let Some((one, other, path)) = open.pop() {
            let pair = (one, other);
            if !self.known.insert(pair.clone()) {
                continue;
            }
            self.met.push(pair.clone());
            let next = open.len();
            if let Err(difference) = self.pair(&pair.0, &pair.1, &path, &mut open) {
                return Some(difference);
            }
            // The stack is reversed so that the first is compared first.
            open[next..].reverse();
        }
        None
    }

    fn pair(&mut self, one: &AllOf, other: &AllOf, path: &str, open: &mut Vec<Pair>) -> Result<(), Difference> {
        let shapes = (self.one.shape(one), self.other.shape(other));
        let facts = |document, all_of: &AllOf| facts(document, all_of, self.trusts_names);
        let (mine, theirs) = (facts(self.one, one), facts(self.other, other));
        let is_one_component = mine.component.is_some() && mine.component == theirs.component;
        let says = |what: &str, one: String, other: String| {
            if one == other {
                return Ok(());
            }
            Err(Difference { path: path.to_owned(), what: what.to_owned(), one, other })
        };
        for (what, one, other) in
            [("description", mine.description, theirs.description), ("title", mine.title, theirs.title)]
        {
            says(what, one, other)?;
        }
        if !is_one_set(&mine.examples, &theirs.examples) {
            let text = |examples: Vec<Json>| Json::Array(examples).to_string();
            says("example", text(mine.examples), text(theirs.examples))?;
        }
        if is_one_component && (mine.leads_nowhere || theirs.leads_nowhere) {
            return Ok(());
        }
        says("nullable", shapes.0.nullable.to_string(), shapes.1.nullable.to_string())?;
        if is_one_component {
            return Ok(());
        }
        let (mine, theirs) = (keywords(&shapes.0), keywords(&shapes.1));
        let keys: BTreeSet<&str> = mine.keys().chain(theirs.keys()).copied().collect();
        for key in keys {
            let text = |map: &BTreeMap<&str, String>| map.get(key).cloned().unwrap_or_default();
            says(key, text(&mine), text(&theirs))?;
        }
        self.values(&shapes.0, &shapes.1, path)?;
        self.parts(&shapes.0, &shapes.1, path, open)
    }

    /// Compares values. Numbers may be written in several ways.
    fn values(&self, one: &Shape, other: &Shape, path: &str) -> Result<(), Difference> {
        let differ = |what: &str, one: String, other: String| {
            Err(Difference { path: path.to_owned(), what: what.to_owned(), one, other })
        };
        let values = |shape: &Shape| -> Option<Vec<Json>> {
            shape.enumeration.as_ref().map(|values| values.iter().map(|value| value.value.clone()).collect())
        };
        let numbers = |shape: &Shape| -> Vec<Json> {
            shape.multiples_of.iter().map(|number| Json::Number(number.value.clone())).collect()
        };
        let (mine, theirs) = (values(one), values(other));
        if !mine
            .as_deref()
            .zip(theirs.as_deref())
            .map_or(mine.is_none() && theirs.is_none(), |(one, other)| is_one_set(one, other))
        {
            let text =
                |values: Option<Vec<Json>>| values.map(|values| Json::Array(values).to_string()).unwrap_or_default();
            return differ("enum", text(mine), text(theirs));
        }
        let (mine, theirs) = (numbers(one), numbers(other));
        if !is_one_set(&mine, &theirs) {
            return differ("multipleOf", Json::Array(mine).to_string(), Json::Array(theirs).to_string());
        }
        let same = |one: Option<&Json>, other: Option<&Json>| match (one, other) {
            (Some(one), Some(other)) => shape::same_value(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        let text = |value: Option<&Json>| value.map(Json::to_string).unwrap_or_default();
        if !same(one.default.as_ref(), other.default.as_ref()) {
            return differ("default", text(one.default.as_ref()), text(other.default.as_ref()));
        }
        let keys: BTreeSet<&String> = one.others.keys().chain(other.others.keys()).collect();
        for key in keys {
            let (mine, theirs) = (one.others.get(key), other.others.get(key));
            let (mine, theirs) = (mine.map(|value| &value.value), theirs.map(|value| &value.value));
            if !same(mine, theirs) {
                return differ(key, text(mine), text(theirs));
            }
        }
        Ok(())
    }

    /// Compares the schemas inside.
    fn parts(&mut self, one: &Shape, other: &Shape, path: &str, open: &mut Vec<Pair>) -> Result<(), Difference> {
        let below = |part: String| if path.is_empty() { part } else { format!("{path}/{part}") };
        let differ = |what: String, one: &str, other: &str| {
            Err(Difference { path: path.to_owned(), what, one: one.to_owned(), other: other.to_owned() })
        };
        let mut both = |part: String, one: Option<&AllOf>, other: Option<&AllOf>| {
            let anything = AllOf::default();
            // An absent schema accepts anything.
            if one.is_some() || other.is_some() {
                let pair = (one.unwrap_or(&anything).clone(), other.unwrap_or(&anything).clone());
                open.push((pair.0, pair.1, below(part)));
            }
        };
        both("items".into(), one.items.as_ref(), other.items.as_ref());
        for index in 0..one.prefix_items.len().max(other.prefix_items.len()) {
            let item = |shape: &'_ Shape| shape.prefix_items.get(index).cloned();
            both(format!("prefixItems/{index}"), item(one).as_ref(), item(other).as_ref());
        }
        both("propertyNames".into(), one.property_names.as_ref(), other.property_names.as_ref());
        let additional = |shape: &'_ Shape| match &shape.additional {
            Additional::Schema(schema) => Some(schema.clone()),
            _ => None,
        };
        both("additionalProperties".into(), additional(one).as_ref(), additional(other).as_ref());
        for (name, property) in &one.properties {
            match other.properties.get(name) {
                Some(known) => {
                    let pair = (Some(&property.schema), Some(&known.schema));
                    both(format!("properties/{name}"), pair.0, pair.1);
                }
                None => return differ(format!("the property `{name}`"), "there", ""),
            }
        }
        if let Some(name) = other.properties.keys().find(|name| !one.properties.contains_key(*name)) {
            return differ(format!("the property `{name}`"), "", "there");
        }
        for (pattern, schema) in &one.pattern_properties {
            both(format!("patternProperties/{pattern}"), Some(schema), other.pattern_properties.get(pattern));
        }
        for (pattern, schema) in &other.pattern_properties {
            if !one.pattern_properties.contains_key(pattern) {
                both(format!("patternProperties/{pattern}"), None, Some(schema));
            }
        }
        self.matched("not", &one.not, &other.not, path, open)?;
        if one.alternatives.len() != other.alternatives.len() {
            let count = |shape: &Shape| shape.alternatives.len().to_string();
            return differ("the number of `oneOf` and `anyOf`".into(), &count(one), &count(other));
        }
        for (one, other) in one.alternatives.iter().zip(&other.alternatives) {
            self.alternatives(one, other, path, open)?;
        }
        Ok(())
    }

    fn alternatives(
        &mut self,
        one: &Alternatives,
        other: &Alternatives,
        path: &str,
        open: &mut Vec<Pair>,
    ) -> Result<(), Difference> {
        let key = |alternatives: &Alternatives| if alternatives.exclusive { "oneOf" } else { "anyOf" };
        let told =
            |alternatives: &Alternatives| alternatives.discriminator.as_ref().map(discriminator).unwrap_or_default();
        for (what, one, other) in [
            ("the discriminator of the alternatives", key(one).to_owned(), key(other).to_owned()),
            ("discriminator", told(one), told(other)),
        ] {
            if one != other {
                return Err(Difference { path: path.to_owned(), what: what.to_owned(), one, other });
            }
        }
        self.matched(key(one), &one.members, &other.members, path, open)
    }

    /// Compares lists of schemas whose order does not matter.
    fn matched(
        &mut self,
        key: &str,
        one: &[AllOf],
        other: &[AllOf],
        path: &str,
        open: &mut Vec<Pair>,
    ) -> Result<(), Difference> {
        let below = |index: usize| {
            if path.is_empty() { format!("{key}/{index}") } else { format!("{path}/{key}/{index}") }
        };
        let differ = |path: &str, one: String, other: String| {
            Err(Difference { path: path.to_owned(), what: format!("the members of `{key}`"), one, other })
        };
        if one.len() != other.len() {
            return differ(path, one.len().to_string(), other.len().to_string());
        }
        if let ([one], [other]) = (one, other) {
            open.push((one.clone(), other.clone(), below(0)));
            return Ok(());
        }
        if self.trials >= MAX_TRIALS {
            let pairs = one.iter().zip(other).enumerate();
            open.extend(pairs.map(|(index, (one, other))| (one.clone(), other.clone(), below(index))));
            return Ok(());
        }
        let mut left: Vec<&AllOf> = other.iter().collect();
        for (index, member) in one.iter().enumerate() {
            // Usually the order or the names match, so those are tried first.
            let name = |document: &Document, schema: &AllOf| {
                document.shape(schema).name.as_ref().map(|name| name.value.clone())
            };
            let wanted = name(self.one, member);
            let is_likely = |other: &&AllOf| wanted.is_some() && name(self.other, other) == wanted;
            left.sort_by_key(|other| !is_likely(other));
            match (0..left.len()).find(|at| self.try_pair(member, left[*at])) {
                Some(at) => drop(left.remove(at)),
                None => return differ(&below(index), "there".to_owned(), String::new()),
            }
        }
        Ok(())
    }

    /// Whether two schemas are equal. On failure, assumptions made on the way are undone.
    fn try_pair(&mut self, one: &AllOf, other: &AllOf) -> bool {
        let pair = (one.clone(), other.clone());
        if self.different.get(&pair).is_some_and(|trials| *trials <= self.trials) {
            return false;
        }
        let before = self.met.len();
        self.trials += 1;
        let is_same = self.run(one.clone(), other.clone()).is_none();
        self.trials -= 1;
        if !is_same {
            for pair in self.met.drain(before..) {
                self.known.remove(&pair);
            }
            self.different.insert(pair, self.trials);
        }
        is_same
    }
}

/// What a schema says besides its shape.
#[derive(Default)]
struct Facts {
    /// The component that it refers to, if names are trusted.
    component: Option<String>,
    /// Whether the reference does not resolve.
    leads_nowhere: bool,
    description: String,
    title: String,
    examples: Vec<Json>,
}

/// The texts for people in schemas up to a reference to a trusted component; the outermost counts.
fn facts(document: &Document, schemas: &AllOf, trusts_names: bool) -> Facts {
    let mut facts = Facts::default();
    let words = |text: &Option<Spanned<String>>| {
        text.as_ref().map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")).unwrap_or_default()
    };
    let mut descriptions = BTreeSet::new();
    let mut titles = BTreeSet::new();
    for start in schemas.ids() {
        let mut seen = HashSet::new();
        let mut here = Some(*start);
        let (mut description, mut title) = (String::new(), String::new());
        while let Some(id) = here.filter(|id| seen.insert(*id)) {
            let schema = document.schema(id);
            if let (true, true, Some(name)) = (trusts_names, id != *start, &schema.name) {
                facts.component = (schemas.ids().len() == 1).then(|| name.value.clone());
                break;
            }
            if description.is_empty() {
                description = words(&schema.description);
            }
            if title.is_empty() {
                title = words(&schema.title);
            }
            if facts.examples.is_empty() {
                facts.examples = schema.examples.iter().map(Node::to_json).collect();
            }
            let nowhere = schema.reference.as_ref().filter(|reference| trusts_names && reference.target.is_none());
            if let Some(reference) = nowhere {
                facts.component = reference.text.rsplit('/').next().map(str::to_owned);
                facts.leads_nowhere = true;
            }
            here = only_part(document, schema);
        }
        descriptions.extend((!description.is_empty()).then_some(description));
        titles.extend((!title.is_empty()).then_some(title));
    }
    let joined = |texts: BTreeSet<String>| texts.into_iter().collect::<Vec<_>>().join(" ");
    Facts { description: joined(descriptions), title: joined(titles), ..facts }
}

/// The one schema that determines a schema's meaning apart from null: a `$ref`, the only member of an `allOf`, or the
/// only alternative beside null.
fn only_part(document: &Document, schema: &Schema) -> Option<SchemaId> {
    let is_bare = if schema.nullable.is_some() {
        shape::is_bare(&Schema { nullable: None, ..schema.clone() })
    } else {
        shape::is_bare(schema)
    };
    if !is_bare {
        return None;
    }
    let members = |list: &Option<Spanned<Vec<SchemaId>>>| list.as_ref().map(|list| list.value.clone());
    let lists = [members(&schema.all_of), members(&schema.any_of), members(&schema.one_of)];
    match (&schema.reference, lists) {
        (Some(reference), [None, None, None]) => reference.target,
        (None, [Some(all), None, None]) => <[SchemaId; 1]>::try_from(all).ok().map(|[only]| only),
        (None, [None, Some(any), None] | [None, None, Some(any)]) => {
            let is_null = |id: &SchemaId| {
                let shape = document.shape_of(*id);
                shape.nullable && shape.types.is_empty()
            };
            let others: Vec<SchemaId> = any.into_iter().filter(|id| !is_null(id)).collect();
            <[SchemaId; 1]>::try_from(others).ok().map(|[only]| only)
        }
        _ => None,
    }
}

/// The simple keywords of a shape as normalised texts, which are equal if they mean the same.
fn keywords(shape: &Shape) -> BTreeMap<&'static str, String> {
    let mut found = BTreeMap::new();
    let mut say = |key: &'static str, text: Option<String>| {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            found.insert(key, text);
        }
    };
    let number = |number: f64| Json::from(number).to_string();
    let bound = |bound: &Bound| {
        let value = bound.value.as_f64().map_or_else(|| bound.value.value.to_string(), number);
        if bound.exclusive { format!("{value} exclusive") } else { value }
    };
    let least =
        |count: &Option<Spanned<u64>>| count.as_ref().filter(|count| count.value > 0).map(|count| count.to_string());
    let most = |count: &Option<Spanned<u64>>| count.as_ref().map(|count| count.to_string());
    let flag = |is_set: bool| is_set.then(|| "true".to_owned());
    let list = |texts: BTreeSet<&str>| Some(texts.into_iter().collect::<Vec<_>>().join(", "));
    say("type", Some(shape.types.to_string()));
    say("format", shape.format.as_ref().map(|format| format.value.clone()));
    say("minimum", shape.minimum.as_ref().map(bound));
    say("maximum", shape.maximum.as_ref().map(bound));
    say("minLength", least(&shape.min_length));
    say("maxLength", most(&shape.max_length));
    say("pattern", list(shape.patterns.iter().map(|pattern| pattern.value.as_str()).collect()));
    say("minItems", least(&shape.min_items));
    say("maxItems", most(&shape.max_items));
    say("uniqueItems", flag(shape.unique_items.is_some()));
    say("minProperties", least(&shape.min_properties));
    say("maxProperties", most(&shape.max_properties));
    say("required", list(shape.required.keys().map(String::as_str).collect()));
    say("additionalProperties", flag(matches!(shape.additional, Additional::Nothing(_))).map(|_| "false".to_owned()));
    say("discriminator", shape.discriminator.as_ref().map(discriminator));
    say("readOnly", flag(shape.read_only.is_some()));
    say("writeOnly", flag(shape.write_only.is_some()));
    say("deprecated", flag(shape.deprecated.is_some()));
    say("$ref", list(shape.unresolved.iter().map(|reference| reference.value.as_str()).collect()));
    found
}

/// A discriminator as text: components by name only, wherever they are defined.
fn discriminator(discriminator: &Discriminator) -> String {
    let name = |reference: &str| reference.rsplit('/').next().unwrap_or(reference).to_owned();
    let mapping: BTreeMap<&str, String> =
        discriminator.mapping.iter().map(|(value, reference)| (value.value.as_str(), name(&reference.text))).collect();
    format!("`{}` {mapping:?}", discriminator.property.value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    fn document(schemas: &str) -> Document {
        let text = format!(
            "openapi: 3.0.3\ninfo: {{title: t, version: '1'}}\npaths: {{}}\ncomponents:\n  schemas: {{{schemas}}}\n"
        );
        crate::read(&Source::new("a.yaml", text), None).unwrap()
    }

    type Compare = fn((&Document, &AllOf), (&Document, &AllOf)) -> Option<Difference>;

    fn compared(one: &str, other: &str, compare: Compare) -> Option<Difference> {
        let (one, other) = (document(one), document(other));
        let all_of = |document: &Document| AllOf::from(document.component("A").unwrap());
        compare((&one, &all_of(&one)), (&other, &all_of(&other)))
    }

    #[track_caller]
    fn assert_same(one: &str, other: &str) {
        assert_eq!(compared(one, other, difference), None);
        assert_eq!(compared(other, one, difference), None);
    }

    #[track_caller]
    fn assert_differ(one: &str, other: &str, path: &str, what: &str) {
        let difference = compared(one, other, difference).expect("a difference");
        assert_eq!((difference.path.as_str(), difference.what.as_str()), (path, what), "{difference:?}");
    }

    #[test]
    fn equivalent_schemas_are_equal() {
        assert_same(
            "A: {type: object, required: [b, a], nullable: false, properties: {a: {description: \"x\\n y\", minimum: 0}, b: {}}}",
            "A: {properties: {b: {}, a: {description: 'x y', minimum: 0.0}}, required: [a, b], type: object}",
        );
        assert_same("A: {type: string, enum: [b, a], minLength: 0}", "A: {enum: [a, b], type: string}");
        assert_same("A: {allOf: [{$ref: '#/components/schemas/B'}]}, B: {type: string}", "A: {type: string}");
        assert_same(
            "A: {allOf: [{type: object, properties: {a: {type: string}}}, {required: [a]}]}",
            "A: {type: object, required: [a], properties: {a: {type: string}}}",
        );
        assert_same("A: {type: integer, default: 1}", "A: {type: integer, default: 1.0}");
        assert_same("A: {type: array, items: {}}", "A: {type: array}");
    }

    #[test]
    fn each_difference_is_reported_with_its_path() {
        assert_differ("A: {type: string}", "A: {type: integer}", "", "type");
        assert_differ("A: {type: string}", "A: {type: string, nullable: true}", "", "nullable");
        assert_differ(
            "A: {type: integer, minimum: 1}",
            "A: {type: integer, minimum: 1, exclusiveMinimum: true}",
            "",
            "minimum",
        );
        assert_differ("A: {type: string, enum: [a]}", "A: {type: string, enum: [a, b]}", "", "enum");
        assert_differ("A: {type: string, default: a}", "A: {type: string}", "", "default");
        assert_differ(
            "A: {type: array, items: {type: object, properties: {b: {description: one}}}}",
            "A: {type: array, items: {type: object, properties: {b: {description: two}}}}",
            "items/properties/b",
            "description",
        );
        assert_differ("A: {type: object, properties: {b: {}}}", "A: {type: object}", "", "the property `b`");
        assert_differ(
            "A: {type: object}",
            "A: {type: object, additionalProperties: false}",
            "",
            "additionalProperties",
        );
        assert_differ(
            "A: {type: object}",
            "A: {type: object, additionalProperties: {type: string}}",
            "additionalProperties",
            "nullable",
        );
        assert_differ("A: {not: {type: string}}", "A: {not: {type: integer}}", "not/0", "type");
    }

    #[test]
    fn recursive_schemas_are_equal_unless_a_difference_is_found() {
        let tree = "A: {type: object, properties: {left: {$ref: '#/components/schemas/A'}}}";
        // The same tree, with one level written out.
        let unrolled = "A: {type: object, properties: {left: {$ref: '#/components/schemas/B'}}}, B: {type: object, properties: {left: {$ref: '#/components/schemas/A'}}}";
        assert_same(tree, unrolled);
        let other = "A: {type: object, properties: {left: {$ref: '#/components/schemas/B'}}}, B: {type: object, properties: {left: {type: string}}}";
        assert_differ(tree, other, "properties/left/properties/left", "type");
    }

    #[test]
    fn alternatives_are_equal_in_any_order() {
        let one = "A: {oneOf: [{type: string}, {type: object, properties: {a: {$ref: '#/components/schemas/A'}}}]}";
        let other = "A: {oneOf: [{type: object, properties: {a: {$ref: '#/components/schemas/A'}}}, {type: string}]}";
        assert_same(one, other);
        let third = "A: {oneOf: [{type: object, properties: {b: {$ref: '#/components/schemas/A'}}}, {type: string}]}";
        assert_differ(one, third, "oneOf/1", "the members of `oneOf`");
        assert_differ(one, &other.replace("oneOf", "anyOf"), "", "the discriminator of the alternatives");
    }

    #[test]
    fn nested_alternatives_that_differ_at_the_bottom_are_each_compared_once() {
        let schemas = |bottom: &str| {
            let level = |number: usize| {
                let next = format!("{{$ref: '#/components/schemas/L{}'}}", number + 1);
                let member = |title: &str| format!("{{title: {title}, properties: {{n: {next}}}}}");
                // Either member may match either of the other's until the bottom is reached.
                format!("L{number}: {{oneOf: [{}, {}]}}", member("a"), member("a"))
            };
            let levels: Vec<String> = (0..24).map(level).collect();
            format!(
                "A: {{$ref: '#/components/schemas/L0'}}, {}, L24: {{type: string, maxLength: {bottom}}}",
                levels.join(", ")
            )
        };
        let start = std::time::Instant::now();
        assert_same(&schemas("1"), &schemas("1"));
        assert_differ(&schemas("1"), &schemas("2"), "oneOf/0", "the members of `oneOf`");
        assert!(start.elapsed() < std::time::Duration::from_secs(1), "{:?}", start.elapsed());
    }

    #[test]
    fn components_with_equal_names_are_trusted_if_compared_separately() {
        let one = "A: {type: object, properties: {b: {allOf: [{$ref: '#/components/schemas/B'}], nullable: true}}}, B: {type: string}";
        let other = one.replace("B: {type: string}", "B: {type: integer}");
        assert_eq!(compared(one, &other, own_difference), None);
        assert_differ(one, &other, "properties/b", "type");
        let plain = one
            .replace("{allOf: [{$ref: '#/components/schemas/B'}], nullable: true}", "{$ref: '#/components/schemas/B'}");
        assert_eq!(compared(one, &plain, own_difference).unwrap().what, "nullable");
        let nowhere = one.replace(", B: {type: string}", "");
        assert_eq!(compared(one, &nowhere, own_difference), None);
        let renamed = one.replace("schemas/B'", "schemas/C'").replace("B: {", "C: {");
        assert_eq!(compared(one, &renamed, own_difference), None);
        let described = one.replace("nullable: true", "nullable: true, description: d");
        assert_eq!(compared(one, &described, own_difference).unwrap().what, "description");
    }

    #[test]
    fn keys_beside_a_reference_in_3_0_are_ignored() {
        let one =
            "A: {type: object, properties: {b: {$ref: '#/components/schemas/B', nullable: true}}}, B: {type: string}";
        assert_same(one, &one.replace(", nullable: true", ""));
    }
}
