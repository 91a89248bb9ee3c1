//! Edits that break nobody: those after which the document means what it meant, and those that only give more, or ask less.

use serde_json::{Map, Value, json};

use super::breaking_answers::{answers, demands};
use super::breaking_requests::{alternatives, bodies, each, fields, objects, parameters, values};
use super::kind::*;
use super::tree::{Tree, Way, below};

pub const KINDS: &[Kind] = &[
    silent("texts are rewritten", |tree| {
        each(tree, |operation| {
            let at = operation.at.clone();
            Some(of_operation(operation, move |root| {
                rewrite(there(root, &at));
                root["info"]["title"] = "Another title".into();
            }))
        })
    }),
    silent("texts of schemas are rewritten", |tree| {
        all_values(tree, |at, _| {
            let at = at.to_owned();
            Some(Box::new(move |root: &mut Value| {
                let schema = there(root, &at);
                schema["description"] = "Otherwise".into();
                schema["x-note"] = json!({"type": "integer"});
                schema["deprecated"] = true.into();
            }) as _)
        })
    }),
    silent("the keys of everything stand in another order", |_| vec![everywhere(reverse)]),
    silent("an operation is deprecated", |tree| {
        each(tree, |operation| Some(of_operation(operation, set(&operation.at, "deprecated", true.into()))))
    }),
    silent("an operation has another ID", |tree| {
        each(tree, |operation| Some(of_operation(operation, set(&operation.at, "operationId", "x_other_id".into()))))
    }),
    silent("an operation has other tags", |tree| {
        each(tree, |operation| Some(of_operation(operation, set(&operation.at, "tags", json!(["others"])))))
    }),
    silent("a variable of a path has another name", |tree| {
        each(tree, |operation| {
            let at = operation.parameters.iter().find(|at| tree.at(at)["in"] == "path")?.clone();
            let name = tree.at(&at)["name"].as_str()?.to_owned();
            let from = format!("{{{name}}}");
            let users = tree.operations.iter().filter(|other| other.parameters.contains(&at));
            let is_own = users.clone().all(|other| other.path == operation.path) && operation.path.contains(&from);
            let count = |other: &&super::tree::Operation| other.path == operation.path;
            let is_all = users.count() == tree.operations.iter().filter(count).count();
            let path = operation.path.clone();
            let to = path.replace(&from, "{x_other}");
            (is_own && is_all && at.starts_with("/paths")).then(|| {
                of_operation(operation, move |root| {
                    there(root, &at)["name"] = "x_other".into();
                    rename("/paths", &path, &to)(root);
                })
            })
        })
    }),
    silent("required names stand in another order", |_| {
        vec![everywhere(|key, value| reverse_list(key, value, "required"))]
    }),
    silent("listed values stand in another order", |_| vec![everywhere(|key, value| reverse_list(key, value, "enum"))]),
    silent("alternatives stand in another order", |tree| {
        every_alternative(tree, |at, key| {
            let (place, key) = (at.to_owned(), key.to_owned());
            Some(of_schema(at, move |root| there(root, &place)[&key].as_array_mut().unwrap().reverse()))
        })
    }),
    silent("members of an allOf stand in another order", |_| {
        // Of two formats the last counts: no list that has two is turned.
        vec![everywhere(|key, value| {
            let formats = value["allOf"]
                .as_array()
                .map_or(0, |members| members.iter().filter(|member| member.get("format").is_some()).count());
            if formats < 2 {
                reverse_list(key, value, "allOf");
            }
        })]
    }),
    silent("a component has another name", |tree| {
        let plain = tree.object("/components/schemas").keys().filter(|name| !is_told_by_name(tree, name));
        plain
            .map(|name| {
                let (from, to) = (name.clone(), format!("X{name}Renamed"));
                let at = below("/components/schemas", name);
                of_schema(&at, move |root| {
                    rename("/components/schemas", &from, &to)(root);
                    let (from, to) = (format!("#/components/schemas/{from}"), format!("#/components/schemas/{to}"));
                    redirect(root, &from, &to);
                })
            })
            .collect()
    }),
    silent("a reference is written out", |tree| {
        references(tree, |tree, at, target| {
            let whole = tree.at(target).clone();
            (!has_reference_to(&whole, target) && whole.is_object()).then(|| {
                let at = at.to_owned();
                Box::new(move |root: &mut Value| *there(root, &at) = whole.clone()) as _
            })
        })
    }),
    silent("a schema becomes a component", |tree| {
        all_values(tree, |at, value| {
            let (at, whole) = (at.to_owned(), value.clone());
            at.contains("/properties/").then(|| {
                Box::new(move |root: &mut Value| {
                    *there(root, &at) = json!({"$ref": "#/components/schemas/XExtracted"});
                    root["components"]["schemas"]["XExtracted"] = whole.clone();
                }) as _
            })
        })
    }),
    silent("a reference stands in an allOf", |tree| wrapped(tree, "allOf")),
    silent("a reference stands in an anyOf of one", |tree| wrapped(tree, "anyOf")),
    silent("a reference stands in a oneOf of one", |tree| wrapped(tree, "oneOf")),
    silent("an object is an allOf of two", |tree| {
        let mut places = objects(tree, Way::Sent, |site| split(tree, &site.members));
        places.extend(objects(tree, Way::Taken, |site| split(tree, &site.members)));
        places
    }),
    silent("null is written as an alternative", |tree| {
        all_values(tree, |at, value| {
            let (kind, nullable) = tree.kind(at)?;
            let is_listed = value.get("enum").is_some() || value.get("const").is_some();
            let mut rest = value.clone();
            rest["type"] = kind.into();
            let whole = json!({"oneOf": [rest, {"type": "null"}]});
            let at = at.to_owned();
            let is_hidden =
                value.get("readOnly").is_some() || value.get("writeOnly").is_some() || value.get("default").is_some();
            (tree.is_3_1 && nullable && !is_listed && !is_hidden)
                .then(|| Box::new(move |root: &mut Value| *there(root, &at) = whole.clone()) as _)
        })
    }),
    silent("one value is a constant", |tree| {
        all_values(tree, |at, value| {
            let [only] = &value["enum"].as_array()?[..] else { return None };
            let (only, at) = (only.clone(), at.to_owned());
            tree.is_3_1.then(|| {
                Box::new(move |root: &mut Value| {
                    let schema = there(root, &at).as_object_mut().unwrap();
                    schema.shift_remove("enum");
                    schema.insert("const".into(), only.clone());
                }) as _
            })
        })
    }),
    silent("a whole number is written with a fraction of nothing", |tree| {
        all_values(tree, |at, value| {
            let least = value["minimum"].as_i64().filter(|least| least.abs() < 1 << 50)?;
            Some(Box::new(set(at, "minimum", json!(least as f64))) as _)
        })
    }),
    silent("a least number is written as an exclusive one", |tree| {
        all_values(tree, |at, value| {
            let least = value["minimum"].as_i64().filter(|least| least.abs() < 1 << 50)?;
            let (is_3_1, at, is_free) = (tree.is_3_1, at.to_owned(), value.get("exclusiveMinimum").is_none());
            (tree.kind(&at)?.0 == "integer" && is_free).then(|| {
                Box::new(move |root: &mut Value| {
                    let schema = there(root, &at).as_object_mut().unwrap();
                    if is_3_1 {
                        schema.shift_remove("minimum");
                        schema.insert("exclusiveMinimum".into(), (least - 1).into());
                    } else {
                        schema.insert("minimum".into(), (least - 1).into());
                        schema.insert("exclusiveMinimum".into(), true.into());
                    }
                }) as _
            })
        })
    }),
    silent("what is meant anyway is written down", |tree| {
        all_values(tree, |at, _| {
            let (kind, _) = tree.kind(at)?;
            let (key, value) = match kind {
                "string" => ("minLength", json!(0)),
                "array" => ("minItems", json!(0)),
                "object" => ("additionalProperties", json!(true)),
                _ => return None,
            };
            tree.at(at).get(key).is_none().then(|| Box::new(set(at, key, value)) as _)
        })
    }),
    silent("a parameter is optional in so many words", |tree| {
        parameters(tree, |at, value| {
            value.get("required").is_none().then(|| Box::new(set(at, "required", false.into())) as _)
        })
    }),
    silent("the usual style is written down", |tree| {
        parameters(tree, |at, value| {
            let is_free = ["style", "explode", "content"].iter().all(|key| value.get(key).is_none());
            (value["in"] == "query" && is_free).then(|| {
                let at = at.to_owned();
                Box::new(move |root: &mut Value| {
                    there(root, &at)["style"] = "form".into();
                    there(root, &at)["explode"] = true.into();
                }) as _
            })
        })
    }),
    silent("a header of a request is written in other letters", |tree| {
        parameters(tree, |at, value| {
            let name = value["name"].as_str()?.to_uppercase();
            (value["in"] == "header").then(|| Box::new(set(at, "name", name.into())) as _)
        })
    }),
    silent("a header of an answer is written in other letters", |tree| {
        answers(tree, |at, _| {
            let (name, _) = tree.headers(at).into_iter().next()?;
            Some(Box::new(rename(&format!("{at}/headers"), &name, &name.to_uppercase())) as _)
        })
    }),
    silent("a media type says its charset", |tree| {
        answers(tree, |at, _| {
            let (name, _) = tree.contents(at).into_iter().find(|(name, _)| name == "application/json")?;
            Some(Box::new(rename(&format!("{at}/content"), &name, "Application/JSON; charset=utf-8")) as _)
        })
    }),
    silent("the only client error is given as a range", |tree| {
        each(tree, |operation| {
            let errors: Vec<&String> =
                operation.responses.iter().map(|(status, _)| status).filter(|status| status.starts_with('4')).collect();
            let [only] = errors[..] else { return None };
            // Others would be what the default says no longer.
            if operation.responses.iter().any(|(status, _)| status == "default") {
                return None;
            }
            // An error that has a name keeps its status.
            let has_examples = |at: &String| {
                tree.contents(at)
                    .iter()
                    .any(|(_, at)| tree.at(at).get("examples").is_some() || tree.at(at).get("example").is_some())
            };
            let (_, at) = operation.responses.iter().find(|(status, _)| status == only)?;
            (!has_examples(at))
                .then(|| of_operation(operation, rename(&format!("{}/responses", operation.at), only, "4XX")))
        })
    }),
    silent("proofs stand in another order", |tree| {
        demands(tree, |list, _| {
            let mut list = list.as_array()?.clone();
            list.reverse();
            (list.len() > 1).then(|| list.into())
        })
    }),
    silent("another proof is enough too", |tree| {
        demands(tree, |list, _| {
            let mut list = list.as_array()?.clone();
            list.push(json!({}));
            Some(list.into())
        })
    }),
    silent("a component that nobody uses changes", |_| {
        vec![everywhere_once(|root| root["components"]["schemas"]["XUnused"] = json!({"type": "string"}))]
    }),
    silent("listed values are alternatives", |tree| {
        all_values(tree, |at, value| {
            let list = value["enum"].as_array()?;
            let is_plain = tree.is_3_1 && list.len() > 1 && list.iter().all(Value::is_string);
            let is_alone =
                value.as_object()?.keys().all(|key| ["type", "enum", "description", "title"].contains(&&**key));
            let members: Vec<Value> = list.iter().map(|value| json!({"const": value, "title": "One"})).collect();
            let at = at.to_owned();
            (is_plain && is_alone && value["type"] == "string")
                .then(|| Box::new(move |root: &mut Value| *there(root, &at) = json!({"oneOf": members.clone()})) as _)
        })
    }),
    silent("a header that OpenAPI has other words for", |tree| {
        let parameter = json!({"name": "accept", "in": "header", "required": true, "schema": {"type": "string"}});
        each(tree, |operation| Some(of_operation(operation, add(&operation.at, "parameters", parameter.clone()))))
    }),
    silent("a text has an invented format", |tree| {
        let texts = typed(tree, Way::Sent, "string").into_iter().chain(typed(tree, Way::Taken, "string"));
        let is_free = |at: &String| ["format", "contentEncoding"].iter().all(|key| tree.at(at).get(key).is_none());
        texts.filter(is_free).map(|at| of_schema(&at, set(&at, "format", "x-invented".into()))).collect()
    }),
    silent("the key in a header is written in capitals", |tree| {
        let schemes = tree.object("/components/securitySchemes").iter();
        let keys = schemes.filter(|(_, scheme)| scheme["type"] == "apiKey" && scheme["in"] == "header");
        keys.map(|(name, scheme)| {
            let capitals = scheme["name"].as_str().unwrap_or_default().to_uppercase();
            everywhere_once(set(&below("/components/securitySchemes", name), "name", capitals.into()))
        })
        .collect()
    }),
    notes("a number of a parameter is a text", |tree| {
        parameters(tree, |at, value| {
            let schema = value["schema"].as_object()?;
            let is_plain = schema.keys().all(|key| ["type", "format", "minimum", "maximum"].contains(&&**key));
            let is_number =
                ["integer", "number", "boolean"].iter().any(|kind| schema.get("type") == Some(&json!(kind)));
            (is_plain && is_number).then(|| Box::new(set(at, "schema", json!({"type": "string"}))) as _)
        })
    }),
    notes("a new optional parameter", |tree| {
        let parameter = json!({"name": "x_new", "in": "query", "schema": {"type": "string"}});
        each(tree, |operation| Some(of_operation(operation, add(&operation.at, "parameters", parameter.clone()))))
    }),
    notes("a new operation", |_| {
        let path = json!({"get": {"responses": {"200": {"description": "It is there"}}}});
        vec![everywhere_once(move |root| root["paths"]["/x-new-path"] = path.clone())]
    }),
    notes("a parameter becomes optional", |tree| {
        parameters(tree, |at, value| {
            (value["required"] == true).then(|| Box::new(set(at, "required", false.into())) as _)
        })
    }),
    notes("a body becomes optional", |tree| {
        bodies(tree, |at, value| (value["required"] == true).then(|| Box::new(set(at, "required", false.into())) as _))
    }),
    notes("a new optional field", |tree| {
        let mut places = Vec::new();
        for way in [Way::Taken, Way::Sent] {
            places.extend(objects(tree, way, |site| {
                let at = site.members.iter().find(|at| tree.at(at)["properties"].is_object())?;
                let (ways, is_plain) = tree.ways(at);
                let is_map = site.members.iter().any(|at| tree.at(at).get("additionalProperties").is_some());
                (is_plain && !is_map && !ways.contains(&Way::Unclear))
                    .then(|| of_schema(at, set(&format!("{at}/properties"), "x_new_field", json!({"type": "string"}))))
            }));
        }
        places
    }),
    notes("a new optional body", |tree| {
        let body = json!({"content": {"application/json": {"schema": {"type": "object"}}}});
        each(tree, |operation| {
            let is_free = operation.body.is_none() && tree.at(&operation.at).get("requestBody").is_none();
            is_free.then(|| of_operation(operation, set(&operation.at, "requestBody", body.clone())))
        })
    }),
    notes("a body is taken in another form too", |tree| {
        bodies(tree, |at, value| {
            value["content"]
                .is_object()
                .then(|| Box::new(set(&format!("{at}/content"), "application/x-other", json!({}))) as _)
        })
    }),
    notes("an answer has another header", |tree| {
        answers(tree, |at, _| {
            Some(Box::new(set(at, "headers", json!({}))) as Box<dyn Fn(&mut Value)>)
                .filter(|_| tree.at(at).get("headers").is_none())
                .map(|_| Box::new(set(at, "headers", json!({"X-New": {"schema": {"type": "string"}}}))) as _)
        })
    }),
    notes("a value of an answer has fewer values", |tree| {
        narrowing(tree, |at, value| {
            let list = value["enum"].as_array()?;
            let at = at.to_owned();
            (list.len() > 1).then(|| {
                Box::new(move |root: &mut Value| drop(there(root, &at)["enum"].as_array_mut().unwrap().pop())) as _
            })
        })
    }),
    notes("a field of an answer is always there", |tree| {
        fields(tree, Way::Sent, |site, member, name| {
            let is_optional = tree.requiring(site, name).is_empty();
            (is_optional && only(tree, member, &[Way::Sent])).then(|| of_schema(member, require(member, name, true)))
        })
    }),
    notes("a text of an answer is shorter", |tree| {
        let strings = typed(tree, Way::Sent, "string").into_iter().filter(|at| only(tree, at, &[Way::Sent]));
        strings
            .filter(|at| tree.at(at).get("maxLength").is_none())
            .map(|at| of_schema(&at, set(&at, "maxLength", 9.into())))
            .collect()
    }),
    notes("a field of a body becomes optional", |tree| {
        fields(tree, Way::Taken, |site, member, name| {
            let by = tree.requiring(site, name);
            (by == [member] && only(tree, member, &[Way::Taken]))
                .then(|| of_schema(member, require(member, name, false)))
        })
    }),
    notes("a value of a body has another value", |tree| {
        widening(tree, |at, value| {
            let list = value["enum"].as_array()?;
            list.iter().all(Value::is_string).then(|| Box::new(add(at, "enum", "a_new_value".into())) as _)
        })
    }),
    notes("a value of a body is no longer bound", |tree| {
        widening(tree, |at, value| {
            let keys =
                ["maxLength", "minLength", "pattern", "maximum", "minimum", "maxItems", "minItems", "uniqueItems"];
            let key = keys.iter().find(|key| value.get(**key).is_some())?;
            Some(Box::new(remove(at, key)) as _)
        })
    }),
    notes("a value of a body may be null", |tree| {
        widening(tree, |at, value| {
            let (kind, nullable) = tree.kind(at)?;
            let kind = json!([kind, "null"]);
            let is_listed = value.get("enum").is_some() || value.get("const").is_some();
            (!nullable && !is_listed).then(|| match tree.is_3_1 {
                true => Box::new(set(at, "type", kind)) as _,
                false => Box::new(set(at, "nullable", true.into())) as _,
            })
        })
    }),
    notes("a body has another alternative", |tree| {
        alternatives(tree, Way::Taken, |at, key| {
            let (ways, _) = tree.ways(at);
            let new = json!({"type": "array", "items": {"type": "boolean"}});
            (ways.len() == 1
                && only(tree, at, &[Way::Taken])
                && tree.kind(at).is_none()
                && tree.at(at)[key].as_array()?.len() > 1)
                .then(|| of_schema(at, add(at, key, new)))
        })
    }),
];

const fn silent(name: &'static str, places: fn(&Tree) -> Vec<Place>) -> Kind {
    Kind { name, expects: Expects::Silence, places }
}

const fn notes(name: &'static str, places: fn(&Tree) -> Vec<Place>) -> Kind {
    Kind { name, expects: Expects::Notes, places }
}

type Made = Box<dyn Fn(&mut Value)>;

/// Values of all ways, each once.
fn all_values(tree: &Tree, change: impl Fn(&str, &Value) -> Option<Made>) -> Vec<Place> {
    let mut all: Vec<String> =
        [Way::Parameter, Way::Taken, Way::Sent].into_iter().flat_map(|way| tree.values(way)).collect();
    all.sort_unstable();
    all.dedup();
    all.iter().filter_map(|at| Some(of_schema(at, change(at, tree.at(at))?))).collect()
}

/// Values that are sent only.
fn narrowing(tree: &Tree, change: impl Fn(&str, &Value) -> Option<Made>) -> Vec<Place> {
    values(tree, Way::Sent, |at, value| change(at, value).filter(|_| only(tree, at, &[Way::Sent])))
}

/// Values that are taken only.
fn widening(tree: &Tree, change: impl Fn(&str, &Value) -> Option<Made>) -> Vec<Place> {
    values(tree, Way::Taken, |at, value| change(at, value).filter(|_| only(tree, at, &[Way::Taken])))
}

fn everywhere(change: fn(&str, &mut Value)) -> Place {
    everywhere_once(move |root| {
        for key in ["paths", "components"] {
            if let Some(value) = root.get_mut(key) {
                each_object(key, value, change);
            }
        }
    })
}

fn everywhere_once(change: impl Fn(&mut Value) + 'static) -> Place {
    of_part("", Vec::new(), change)
}

/// Every object but those in examples, which are nobody's schemas.
fn each_object(key: &str, value: &mut Value, change: fn(&str, &mut Value)) {
    if ["example", "examples", "default", "enum", "const"].contains(&key)
        && !value.get("type").is_some_and(Value::is_string)
    {
        return;
    }
    if value.is_object() {
        change(key, value);
    }
    match value {
        Value::Object(object) => object.iter_mut().for_each(|(key, value)| each_object(key, value, change)),
        Value::Array(list) => list.iter_mut().for_each(|value| each_object("", value, change)),
        _ => {}
    }
}

fn reverse(_: &str, value: &mut Value) {
    let Some(object) = value.as_object_mut() else { return };
    let entries: Vec<(String, Value)> = std::mem::take(object).into_iter().collect();
    *object = entries.into_iter().rev().collect::<Map<_, _>>();
}

fn reverse_list(parent: &str, value: &mut Value, key: &str) {
    // A property may be called like a keyword.
    if parent != "properties"
        && let Some(list) = value.get_mut(key).and_then(Value::as_array_mut)
    {
        list.reverse();
    }
}

fn rewrite(value: &mut Value) {
    for key in ["summary", "description"] {
        value[key] = "Other words".into();
    }
}

fn redirect(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::String(text) if text == from => *text = to.to_owned(),
        Value::String(text) if text.starts_with(&format!("{from}/")) => *text = text.replacen(from, to, 1),
        Value::Object(object) => object.values_mut().for_each(|value| redirect(value, from, to)),
        Value::Array(list) => list.iter_mut().for_each(|value| redirect(value, from, to)),
        _ => {}
    }
}

/// Whether the name of a component is a value of a discriminator.
fn is_told_by_name(tree: &Tree, name: &str) -> bool {
    let schema = tree.at(&below("/components/schemas", name));
    let is_base = |text: &str| text.contains("\"discriminator\"");
    let whole = tree.root.to_string();
    // Names with signs in them are written in several ways.
    is_base(&schema.to_string())
        || !name.chars().all(char::is_alphanumeric)
        || is_base(&whole) && whole.contains(&format!("[{{\"$ref\":\"#/components/schemas/{name}\"}}"))
        // What builds on a base is called by its name.
        || is_base(&whole) && schema.get("allOf").is_some()
        || is_base(&whole) && whole.contains(&format!(",{{\"$ref\":\"#/components/schemas/{name}\"}}"))
        || whole.matches(&format!("\"{name}\"")).count() > 1
}

fn has_reference_to(value: &Value, target: &str) -> bool {
    value.to_string().contains(&format!("\"#{target}"))
}

/// References in properties, items and bodies to schemas.
fn references(tree: &Tree, change: impl Fn(&Tree, &str, &str) -> Option<Made>) -> Vec<Place> {
    let mut places = Vec::new();
    collect_references(&tree.root, "", &mut |at, target| {
        let parent = at.rsplit_once('/').map_or("", |(parent, _)| parent);
        let is_place = parent.ends_with("/properties") || at.ends_with("/items") || at.ends_with("/schema");
        let is_alone = tree.object(at).len() == 1;
        if is_place && is_alone && tree.resolved(at).is_some() {
            places.extend(change(tree, at, target).map(|change| of_schema(at, change)));
        }
    });
    places
}

fn collect_references(value: &Value, at: &str, found: &mut dyn FnMut(&str, &str)) {
    match value {
        Value::Object(object) => {
            if let Some(target) = object.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix('#')) {
                found(at, target);
            }
            for (key, value) in object {
                if !["example", "examples", "default"].contains(&key.as_str()) || at.ends_with("/properties") {
                    collect_references(value, &below(at, key), found);
                }
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                collect_references(value, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

fn wrapped(tree: &Tree, key: &'static str) -> Vec<Place> {
    references(tree, |_, at, _| {
        let at = at.to_owned();
        Some(Box::new(move |root: &mut Value| {
            let place = there(root, &at);
            let inner = place.take();
            let mut wrapper = json!({});
            wrapper[key] = json!([inner]);
            *place = wrapper;
        }) as _)
    })
}

fn every_alternative(tree: &Tree, place: impl Fn(&str, &str) -> Option<Place>) -> Vec<Place> {
    let mut places = alternatives(tree, Way::Sent, &place);
    places.extend(alternatives(tree, Way::Taken, &place));
    places
}

/// Half of the properties in one member, half in the other.
fn split(tree: &Tree, members: &[String]) -> Option<Place> {
    let [at] = members else { return None };
    let schema = tree.object(at);
    let keys = ["type", "properties", "required", "description", "title", "x-note"];
    let is_plain = schema.keys().all(|key| keys.contains(&key.as_str())) && schema.contains_key("type");
    let properties = schema.get("properties")?.as_object()?;
    let half = |wanted: usize| -> Value {
        let half = properties.iter().enumerate().filter(|(index, _)| index % 2 == wanted);
        half.map(|(_, (name, value))| (name.clone(), value.clone())).collect::<Map<_, _>>().into()
    };
    let (first, second) = (half(0), half(1));
    let required = schema.get("required").cloned().unwrap_or(json!([]));
    let kind = schema.get("type")?.clone();
    let is_string = kind == "object";
    let whole = json!({"allOf": [
        {"type": "object", "properties": first},
        {"type": "object", "properties": second, "required": required},
    ]});
    let place = at.clone();
    // What is looked up by pointer below the schema moves with it.
    let is_referred = tree.root.to_string().contains(&format!("\"#{at}/"));
    (is_plain && is_string && !is_referred).then(|| of_schema(at, move |root| *there(root, &place) = whole.clone()))
}
