//! Edits after which a request that was right is wrong, or means something else.

use serde_json::{Value, json};

use super::kind::*;
use super::tree::{Operation, Site, Tree, Way, below};

pub const KINDS: &[Kind] = &[
    finding("an operation is removed", |tree| {
        each(tree, |operation| {
            let (path, method) = operation.at.rsplit_once('/').unwrap();
            Some(of_operation(operation, remove(path, method)))
        })
    }),
    finding("a path is renamed", |tree| {
        each(tree, |operation| {
            Some(of_operation(operation, rename("/paths", &operation.path, &format!("{}/moved", operation.path))))
        })
    }),
    finding("an operation has another method", |tree| {
        each(tree, |operation| {
            let (path, method) = operation.at.rsplit_once('/').unwrap();
            tree.at(&format!("{path}/trace")).is_null().then(|| of_operation(operation, rename(path, method, "trace")))
        })
    }),
    finding("a new required query parameter", |tree| {
        let parameter = json!({"name": "x_new", "in": "query", "required": true, "schema": {"type": "string"}});
        each(tree, |operation| Some(of_operation(operation, add(&operation.at, "parameters", parameter.clone()))))
    }),
    finding("a new required header parameter", |tree| {
        let parameter = json!({"name": "X-New", "in": "header", "required": true, "schema": {"type": "string"}});
        each(tree, |operation| Some(of_operation(operation, add(&operation.at, "parameters", parameter.clone()))))
    }),
    finding("a parameter becomes required", |tree| {
        parameters(tree, |at, value| {
            (value["required"] != true).then(|| Box::new(set(at, "required", true.into())) as _)
        })
    }),
    finding("a parameter is no longer taken", |tree| {
        each(tree, |operation| {
            let list = tree.at(&operation.at)["parameters"].as_array()?;
            let at = list.iter().position(|parameter| parameter["in"] != "path" && parameter.get("$ref").is_none())?;
            let name = list[at]["name"].clone();
            let is_again = tree.at(operation.at.rsplit_once('/')?.0)["parameters"].as_array().is_some_and(|shared| {
                shared.iter().any(|shared| shared["name"] == name || shared.get("$ref").is_some())
            });
            let place = operation.at.clone();
            (!is_again).then(|| {
                of_operation(operation, move |root| {
                    there(root, &place)["parameters"].as_array_mut().unwrap().remove(at);
                })
            })
        })
    }),
    finding("a parameter moves into a header", |tree| {
        parameters(tree, |at, value| (value["in"] == "query").then(|| Box::new(set(at, "in", "header".into())) as _))
    }),
    finding("a parameter has another default", |tree| {
        values(tree, Way::Parameter, |at, value| {
            let was = value.get("default")?;
            let other = if was == "other" { json!("another") } else { json!("other") };
            Some(Box::new(set(at, "default", other)) as _)
        })
    }),
    finding("a list in the query is written in another way", |tree| {
        parameters(tree, |at, value| {
            let site = tree.site(&format!("{at}/schema"));
            let is_list = value["in"] == "query"
                && matches!(&site.members[..], [only] if tree.kind(only).is_some_and(|(kind, _)| kind == "array"))
                && !site.has_alternatives;
            let explode = value["explode"].as_bool().unwrap_or(value.get("style").is_none_or(|style| style == "form"));
            is_list.then(|| Box::new(set(at, "explode", (!explode).into())) as _)
        })
    }),
    finding("a parameter is written as JSON", |tree| {
        parameters(tree, |at, value| {
            let schema = value.get("schema")?.clone();
            let at = at.to_owned();
            (value["in"] == "query").then(|| {
                Box::new(move |root: &mut Value| {
                    let parameter = there(root, &at).as_object_mut().unwrap();
                    for key in ["schema", "style", "explode", "example", "examples"] {
                        parameter.shift_remove(key);
                    }
                    parameter.insert("content".into(), json!({"application/json": {"schema": schema}}));
                }) as _
            })
        })
    }),
    finding("a parameter has a different type", |tree| of_type(tree, Way::Parameter)),
    finding("a parameter has fewer values", |tree| fewer_values(tree, Way::Parameter)),
    finding("a parameter is shorter", |tree| shorter(tree, Way::Parameter)),
    finding("a parameter has a smaller maximum", |tree| smaller(tree, Way::Parameter)),
    finding("a parameter has to have a pattern", |tree| patterned(tree, Way::Parameter)),
    finding("a new required body", |tree| {
        let body = json!({"required": true, "content": {"application/json": {"schema": {"type": "object"}}}});
        each(tree, |operation| {
            let is_free = operation.body.is_none() && tree.at(&operation.at).get("requestBody").is_none();
            (is_free && !["get", "head", "delete"].contains(&operation.method.as_str()))
                .then(|| of_operation(operation, set(&operation.at, "requestBody", body.clone())))
        })
    }),
    finding("a body becomes required", |tree| {
        bodies(tree, |at, value| (value["required"] != true).then(|| Box::new(set(at, "required", true.into())) as _))
    }),
    finding("a body is no longer taken", |tree| {
        each(tree, |operation| {
            operation.body.as_ref().map(|_| of_operation(operation, remove(&operation.at, "requestBody")))
        })
    }),
    finding("a body is taken in another form", |tree| {
        bodies(tree, |at, _| {
            let contents = tree.contents(at);
            let (name, _) = contents.first()?;
            let has_range = contents.iter().any(|(name, _)| name.contains('*'));
            (!has_range).then(|| Box::new(rename(&format!("{at}/content"), name, "application/x-other")) as _)
        })
    }),
    finding("a body has a new required field", |tree| {
        objects(tree, Way::Taken, |site| {
            let at = site.members.first()?.clone();
            Some(of_schema(&at.clone(), move |root| {
                let schema = there(root, &at);
                schema["properties"]["x_new_field"] = json!({"type": "string"});
                require(&at, "x_new_field", true)(root);
            }))
        })
    }),
    finding("a field of a body becomes required", |tree| {
        fields(tree, Way::Taken, |site, member, name| {
            tree.requiring(site, name).is_empty().then(|| of_schema(member, require(member, name, true)))
        })
    }),
    finding("a field of a body is no longer taken", |tree| {
        fields(tree, Way::Taken, |site, member, name| {
            tree.requiring(site, name)
                .is_empty()
                .then(|| of_schema(member, remove(&format!("{member}/properties"), name)))
        })
    }),
    finding("a field of a body is read-only", |tree| {
        fields(tree, Way::Taken, |site, member, name| {
            let at = below(&format!("{member}/properties"), name);
            let is_free = tree.at(&at).get("$ref").is_none() && tree.at(&at).is_object();
            (is_free && tree.requiring(site, name).is_empty())
                .then(|| of_schema(member, set(&at, "readOnly", true.into())))
        })
    }),
    finding("nothing fits a field of a body any more", |tree| {
        fields(tree, Way::Taken, |_, member, name| {
            tree.is_3_1.then(|| of_schema(member, set(&format!("{member}/properties"), name, false.into())))
        })
    }),
    finding("a field of a body needs another field", |tree| {
        objects(tree, Way::Taken, |site| {
            let at = site.members.first()?;
            let is_free = tree.is_3_1 && tree.at(at).get("dependentRequired").is_none();
            is_free.then(|| of_schema(at, set(at, "dependentRequired", json!({"x_one": ["x_other"]}))))
        })
    }),
    finding("a value of a body has another type", |tree| of_type(tree, Way::Taken)),
    finding("a value of a body has fewer values", |tree| fewer_values(tree, Way::Taken)),
    finding("a value of a body is listed", |tree| {
        let strings = typed(tree, Way::Taken, "string").into_iter();
        strings.map(|at| of_schema(&at, set(&at, "enum", json!(["only", "these"])))).collect()
    }),
    finding("a text of a body is shorter", |tree| shorter(tree, Way::Taken)),
    finding("a text of a body has a least length", |tree| {
        let strings = typed(tree, Way::Taken, "string").into_iter();
        strings
            .map(|at| {
                let least = tree.at(&at)["minLength"].as_u64().unwrap_or(0) + 3;
                of_schema(&at, set(&at, "minLength", least.into()))
            })
            .collect()
    }),
    finding("a number of a body has a smaller maximum", |tree| smaller(tree, Way::Taken)),
    finding("a number of a body has to be a multiple", |tree| {
        numbers(tree, Way::Taken)
            .filter(|at| tree.at(at).get("multipleOf").is_none())
            .map(|at| of_schema(&at, set(&at, "multipleOf", 7.into())))
            .collect()
    }),
    finding("a number of a body lies beyond an exclusive bound", |tree| {
        numbers(tree, Way::Taken)
            .filter(|at| ["minimum", "exclusiveMinimum"].iter().all(|key| tree.at(at).get(*key).is_none()))
            .map(|at| {
                let is_3_1 = tree.is_3_1;
                let place = at.clone();
                of_schema(&at, move |root| {
                    let schema = there(root, &place);
                    if is_3_1 {
                        schema["exclusiveMinimum"] = 5.into();
                    } else {
                        schema["minimum"] = 5.into();
                        schema["exclusiveMinimum"] = true.into();
                    }
                })
            })
            .collect()
    }),
    finding("a text of a body has to have a pattern", |tree| patterned(tree, Way::Taken)),
    finding("a text of a body has to have a format", |tree| {
        let strings = typed(tree, Way::Taken, "string").into_iter();
        strings
            .filter(|at| tree.at(at).get("format").is_none())
            .map(|at| of_schema(&at, set(&at, "format", "uuid".into())))
            .collect()
    }),
    finding("a value of a body can no longer be null", |tree| {
        values(tree, Way::Taken, |at, value| {
            let (kind, nullable) = tree.kind(at)?;
            let kind = kind.to_owned();
            let at = at.to_owned();
            (nullable && value.get("enum").is_none() && value.get("const").is_none()).then(|| {
                Box::new(move |root: &mut Value| {
                    let schema = there(root, &at).as_object_mut().unwrap();
                    schema.shift_remove("nullable");
                    schema.insert("type".into(), kind.clone().into());
                }) as _
            })
        })
    }),
    finding("a list of a body is shorter", |tree| {
        let lists = typed(tree, Way::Taken, "array").into_iter();
        lists
            .map(|at| {
                let most = tree.at(&at)["maxItems"].as_u64().map_or(7, |most| most.saturating_sub(1));
                of_schema(&at, set(&at, "maxItems", most.into()))
            })
            .collect()
    }),
    finding("a list of a body may have no item twice", |tree| {
        let lists = typed(tree, Way::Taken, "array").into_iter();
        lists
            .filter(|at| tree.at(at)["uniqueItems"] != true)
            .map(|at| of_schema(&at, set(&at, "uniqueItems", true.into())))
            .collect()
    }),
    finding("a body takes no other fields any more", |tree| {
        objects(tree, Way::Taken, |site| {
            let at = site.members.first()?;
            let is_open = site.members.iter().all(|member| tree.at(member).get("additionalProperties").is_none());
            is_open.then(|| of_schema(at, set(at, "additionalProperties", false.into())))
        })
    }),
    finding("the values of a map of a body have another type", |tree| {
        values(tree, Way::Taken, |at, value| {
            let (kind, _) = tree.kind(&format!("{at}/additionalProperties"))?;
            let other = if kind == "boolean" { json!({"type": "string"}) } else { json!({"type": "boolean"}) };
            value["additionalProperties"].is_object().then(|| Box::new(set(at, "additionalProperties", other)) as _)
        })
    }),
    finding("a body has an alternative less", |tree| {
        alternatives(tree, Way::Taken, |at, key| {
            let list = tree.at(at)[key].as_array()?;
            let is_last_unlike = list.len() > 1 && unlike(tree, at, key);
            let (place, key) = (at.to_owned(), key.to_owned());
            is_last_unlike.then(|| {
                of_schema(at, move |root| {
                    there(root, &place)[&key].as_array_mut().unwrap().pop();
                })
            })
        })
    }),
    finding("a value of a body must not fit something", |tree| {
        let strings = typed(tree, Way::Taken, "string").into_iter();
        strings
            .filter(|at| tree.at(at).get("not").is_none())
            .map(|at| of_schema(&at, set(&at, "not", json!({"pattern": "^x"}))))
            .collect()
    }),
    finding("a field of a body has another default", |tree| {
        values(tree, Way::Taken, |at, value| {
            value.get("default").filter(|was| *was != "other")?;
            Some(Box::new(set(at, "default", "other".into())) as _)
        })
    }),
    finding("a part of a form is written in another way", |tree| {
        let mut places = Vec::new();
        for operation in &tree.operations {
            let Some(body) = &operation.body else { continue };
            for (name, at) in tree.contents(body).into_iter().filter(|(name, _)| name.starts_with("multipart/")) {
                let site = tree.site(&format!("{at}/schema"));
                let _ = name;
                if let Some((name, _)) = tree.properties(&site).into_iter().next() {
                    let labels = labels(tree, |operation| operation.body.as_ref() == Some(body));
                    let at = at.clone();
                    places.push(of_part(&at.clone(), labels, move |root| {
                        there(root, &at)["encoding"][&name] = json!({"contentType": "application/x-other"});
                    }));
                }
            }
        }
        places
    }),
];

const fn finding(name: &'static str, places: fn(&Tree) -> Vec<Place>) -> Kind {
    Kind { name, expects: Expects::Finding, places }
}

pub fn each(tree: &Tree, place: impl Fn(&Operation) -> Option<Place>) -> Vec<Place> {
    tree.operations.iter().filter_map(place).collect()
}

type Made = Box<dyn Fn(&mut Value)>;

/// Parameters that are not in the path, each once.
pub fn parameters(tree: &Tree, change: impl Fn(&str, &Value) -> Option<Made>) -> Vec<Place> {
    let mut all: Vec<&String> = tree.operations.iter().flat_map(|operation| &operation.parameters).collect();
    all.sort_unstable();
    all.dedup();
    let of = |at: &String| {
        let value = tree.at(at);
        let change = change(at, value).filter(|_| value["in"] != "path")?;
        Some(of_part(at, labels(tree, |operation| operation.parameters.contains(at)), change))
    };
    all.into_iter().filter_map(of).collect()
}

/// Bodies, each once.
pub fn bodies(tree: &Tree, change: impl Fn(&str, &Value) -> Option<Made>) -> Vec<Place> {
    let mut all: Vec<&String> = tree.operations.iter().filter_map(|operation| operation.body.as_ref()).collect();
    all.sort_unstable();
    all.dedup();
    let of = |at: &String| {
        let change = change(at, tree.at(at))?;
        Some(of_part(at, labels(tree, |operation| operation.body.as_ref() == Some(at)), change))
    };
    all.into_iter().filter_map(of).collect()
}

pub fn values(tree: &Tree, way: Way, change: impl Fn(&str, &Value) -> Option<Made>) -> Vec<Place> {
    tree.values(way).iter().filter_map(|at| Some(of_schema(at, change(at, tree.at(at))?))).collect()
}

/// Objects with named fields and no alternatives.
pub fn objects(tree: &Tree, way: Way, place: impl Fn(&Site) -> Option<Place>) -> Vec<Place> {
    objects_of(tree, way).iter().filter_map(place).collect()
}

fn objects_of(tree: &Tree, way: Way) -> Vec<Site> {
    let is_object = |site: &Site| {
        let takes_any = site.members.iter().all(|member| tree.kind(member).is_none_or(|(kind, _)| kind == "object"));
        !tree.properties(site).is_empty() && takes_any && !site.has_alternatives
    };
    tree.sites(way).into_iter().filter(is_object).collect()
}

/// Fields that one member of an object alone describes, and that tell no alternatives apart.
pub fn fields(tree: &Tree, way: Way, place: impl Fn(&Site, &str, &str) -> Option<Place>) -> Vec<Place> {
    let mut places = Vec::new();
    for site in objects_of(tree, way) {
        for (name, members) in tree.properties(&site) {
            if let [member] = &members[..]
                && tree.goes(member, &name, way)
            {
                places.extend(place(&site, member, &name));
            }
        }
    }
    places
}

/// Lists of alternatives that values go through one way.
pub fn alternatives(tree: &Tree, way: Way, place: impl Fn(&str, &str) -> Option<Place>) -> Vec<Place> {
    let mut places = Vec::new();
    for site in tree.sites(way).into_iter().filter(|site| site.has_alternatives) {
        for member in &site.members {
            for key in ["oneOf", "anyOf"].into_iter().filter(|key| tree.at(member).get(key).is_some()) {
                places.extend(place(member, key));
            }
        }
    }
    places
}

/// Whether the last of some alternatives takes what none of the others does: another type, or a field of its own that has
/// to be there where the others are closed or have other types.
pub fn unlike(tree: &Tree, at: &str, key: &str) -> bool {
    let count = tree.at(at)[key].as_array().map_or(0, Vec::len);
    let kind = |index: usize| {
        let site = tree.site(&format!("{at}/{key}/{index}"));
        match &site.members[..] {
            [only] if !site.has_alternatives => tree.kind(only).map(|(kind, _)| kind.to_owned()),
            _ => None,
        }
    };
    let kinds: Vec<Option<String>> = (0..count).map(kind).collect();
    let Some((Some(last), others)) = kinds.split_last() else { return false };
    let is_number = |kind: &str| kind == "integer" || kind == "number";
    let is_unlike = |other: &String| other != last && !(is_number(other) && is_number(last));
    last != "null" && others.iter().all(|other| other.as_ref().is_some_and(is_unlike))
}

fn numbers(tree: &Tree, way: Way) -> impl Iterator<Item = String> {
    ["integer", "number"].into_iter().flat_map(|kind| typed(tree, way, kind)).collect::<Vec<_>>().into_iter()
}

pub fn of_type(tree: &Tree, way: Way) -> Vec<Place> {
    values(tree, way, |at, value| {
        let (kind, _) = tree.kind(at)?;
        let is_plain = value.get("enum").is_none() && value.get("const").is_none();
        let other = match kind {
            "string" => "boolean",
            // Every text of these is a text.
            "integer" | "number" if way == Way::Parameter => "boolean",
            "boolean" if way == Way::Parameter => "integer",
            "integer" | "number" | "boolean" | "array" => "string",
            _ => return None,
        };
        let at = at.to_owned();
        is_plain.then(|| {
            Box::new(move |root: &mut Value| {
                let schema = there(root, &at).as_object_mut().unwrap();
                schema.insert("type".into(), other.into());
                schema.shift_remove("format");
                schema.shift_remove("items");
            }) as _
        })
    })
}

fn fewer_values(tree: &Tree, way: Way) -> Vec<Place> {
    values(tree, way, |at, value| {
        let list = value["enum"].as_array()?;
        let last = list.last()?.clone();
        let is_once = list.iter().filter(|known| **known == last).count() == 1;
        let is_all = list.iter().any(Value::is_null) || last.is_null();
        let at = at.to_owned();
        (list.len() > 1 && is_once && !is_all).then(|| {
            Box::new(move |root: &mut Value| {
                there(root, &at)["enum"].as_array_mut().unwrap().pop();
            }) as _
        })
    })
}

fn shorter(tree: &Tree, way: Way) -> Vec<Place> {
    let strings = typed(tree, way, "string").into_iter();
    let shorter = |at: String| {
        let most = tree.at(&at)["maxLength"].as_u64().map_or(50, |most| most.saturating_sub(1));
        of_schema(&at, set(&at, "maxLength", most.into()))
    };
    strings.map(shorter).collect()
}

fn smaller(tree: &Tree, way: Way) -> Vec<Place> {
    let free = |at: &String| tree.at(at).get("exclusiveMaximum").is_none();
    let smaller = |at: String| {
        let most = tree.at(&at)["maximum"].as_f64().map_or(1000.0, |most| most - 1.0);
        let most = if most.fract() == 0.0 && most.abs() < 1e15 { json!(most as i64) } else { json!(most) };
        of_schema(&at, set(&at, "maximum", most))
    };
    let all = numbers(tree, way).filter(free);
    all.filter(|at| tree.at(at)["maximum"].as_f64().is_none_or(|most| most.abs() < 1e12)).map(smaller).collect()
}

fn patterned(tree: &Tree, way: Way) -> Vec<Place> {
    let strings = typed(tree, way, "string").into_iter();
    strings.map(|at| of_schema(&at, set(&at, "pattern", "^only-this$".into()))).collect()
}
