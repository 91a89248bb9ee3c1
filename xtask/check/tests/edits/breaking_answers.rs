//! Edits after which an answer is one that its readers do not know, and edits of what a request has to prove.

use serde_json::{Value, json};

use super::breaking_requests::{alternatives, each, fields, objects, of_type, values};
use super::kind::*;
use super::tree::{Operation, Tree, Way, below, escaped};

pub const KINDS: &[Kind] = &[
    finding("a success has another status", |tree| {
        statuses(tree, |tree, operation, status| {
            let list = &operation.responses;
            let is_only =
                list.iter().filter(|(status, _)| status.starts_with(['2', '3']) || status == "default").count() == 1;
            let others = format!("{}/responses", operation.at);
            (status == "200" && is_only && tree.at(&others).get("206").is_none()).then(|| rename(&others, "200", "206"))
        })
    }),
    finding("one of the successes is gone", |tree| {
        statuses(tree, |_, operation, status| {
            let is_covered = operation.responses.iter().any(|(known, _)| known == "2XX" || known == "default");
            let count = operation.responses.iter().filter(|(status, _)| status.starts_with('2')).count();
            (status.starts_with('2') && count > 1 && !is_covered)
                .then(|| remove(&format!("{}/responses", operation.at), status))
        })
    }),
    finding("a success is new", |tree| {
        statuses(tree, |_, operation, status| {
            let is_free =
                operation.responses.iter().all(|(known, _)| !["default", "2XX", "207"].contains(&known.as_str()));
            (status.starts_with('2') && is_free)
                .then(|| set(&format!("{}/responses", operation.at), "207", json!({"description": "Some of it"})))
        })
    }),
    finding("an error is gone", |tree| {
        statuses(tree, |_, operation, status| {
            let is_covered =
                operation.responses.iter().any(|(known, _)| known.to_uppercase().ends_with("XX") || known == "default");
            (status.starts_with(['4', '5']) && !is_covered)
                .then(|| remove(&format!("{}/responses", operation.at), status))
        })
    }),
    finding("an error is new", |tree| {
        each(tree, |operation| {
            let is_free = operation
                .responses
                .iter()
                .all(|(known, _)| !["default", "4XX", "4xx", "418"].contains(&known.as_str()));
            let error = json!({"description": "I am a teapot"});
            is_free.then(|| of_operation(operation, set(&format!("{}/responses", operation.at), "418", error)))
        })
    }),
    finding("an answer has no body any more", |tree| {
        answers(tree, |at, value| {
            value
                .get("content")
                .filter(|content| content.as_object().is_some_and(|content| !content.is_empty()))
                .map(|_| boxed(remove(at, "content")))
        })
    }),
    finding("an answer comes in another form", |tree| {
        answers(tree, |at, _| {
            let contents = tree.contents(at);
            let (name, _) = contents.first()?;
            let has_range = contents.iter().any(|(name, _)| name.contains('*'));
            (!has_range).then(|| boxed(rename(&format!("{at}/content"), name, "application/x-other")))
        })
    }),
    finding("an answer comes as anything", |tree| {
        answers(tree, |at, _| {
            let contents = tree.contents(at);
            let [(name, _)] = &contents[..] else { return None };
            (!name.contains('*')).then(|| boxed(rename(&format!("{at}/content"), name, "*/*")))
        })
    }),
    finding("an operation has servers of its own", |tree| {
        let servers = json!([{"url": "https://elsewhere.example.com"}]);
        let has_some = tree.root["servers"].is_array();
        each(tree, |operation| {
            has_some.then(|| of_operation(operation, set(&operation.at, "servers", servers.clone())))
        })
    }),
    finding("another component builds on a base", |tree| {
        let mut places = Vec::new();
        for at in tree.values(Way::Sent) {
            let name = at.strip_prefix("/components/schemas/").filter(|name| !name.contains('/'));
            if tree.at(&at).get("discriminator").is_none() || tree.at(&at).get("oneOf").is_some() {
                continue;
            }
            let base = json!({"$ref": format!("#{at}")});
            let is_base = tree.root["components"]["schemas"].as_object().is_some_and(|all| {
                all.values().any(|one| one["allOf"].as_array().is_some_and(|all| all.contains(&base)))
            });
            if name.is_some() && is_base {
                let new = json!({"allOf": [base, {"type": "object", "required": ["x_new"]}]});
                places.push(of_schema(&at, set("/components/schemas", "XNewKind", new)));
            }
        }
        places
    }),
    finding("a field of an answer is gone", |tree| {
        fields(tree, Way::Sent, |site, member, name| {
            let is_required = !tree.requiring(site, name).is_empty();
            let (at, name) = (member.to_owned(), name.to_owned());
            let only_here = tree.requiring(site, &name).iter().all(|requiring| *requiring == at);
            (only_here || !is_required).then(|| {
                of_schema(&at.clone(), move |root| {
                    require(&at, &name, false)(root);
                    remove(&format!("{at}/properties"), &name)(root);
                })
            })
        })
    }),
    finding("a field of an answer has another name", |tree| {
        fields(tree, Way::Sent, |site, member, name| {
            let at = member.to_owned();
            let name = name.to_owned();
            tree.requiring(site, &name)
                .is_empty()
                .then(|| of_schema(&at.clone(), rename(&format!("{at}/properties"), &name, "x_renamed")))
        })
    }),
    finding("a field of an answer may be absent", |tree| {
        fields(tree, Way::Sent, |site, member, name| {
            let by = tree.requiring(site, name);
            (by == [member]).then(|| of_schema(member, require(member, name, false)))
        })
    }),
    finding("a field of an answer is write-only", |tree| {
        fields(tree, Way::Sent, |_, member, name| {
            let at = below(&format!("{member}/properties"), name);
            let is_free = tree.at(&at).get("$ref").is_none() && tree.at(&at).is_object();
            is_free.then(|| of_schema(member, set(&at, "writeOnly", true.into())))
        })
    }),
    finding("a value of an answer has another type", |tree| of_type(tree, Way::Sent)),
    finding("a number of an answer may have fractions", |tree| {
        let whole = typed(tree, Way::Sent, "integer").into_iter();
        whole
            .filter(|at| tree.at(at)["type"].is_string())
            .map(|at| of_schema(&at, set(&at, "type", "number".into())))
            .collect()
    }),
    finding("a value of an answer may be null", |tree| {
        values(tree, Way::Sent, |at, value| {
            let (kind, nullable) = tree.kind(at)?;
            let is_listed = value.get("enum").is_some() || value.get("const").is_some();
            let kind = json!([kind, "null"]);
            (!nullable && !is_listed).then(|| match tree.is_3_1 {
                true => boxed(set(at, "type", kind)),
                false => boxed(set(at, "nullable", true.into())),
            })
        })
    }),
    finding("a value of an answer has a new value", |tree| {
        values(tree, Way::Sent, |at, value| {
            let list = value["enum"].as_array()?;
            let is_text = !list.is_empty() && list.iter().all(Value::is_string);
            is_text.then(|| boxed(add(at, "enum", "a_new_value".into())))
        })
    }),
    finding("a value of an answer may be any", |tree| {
        values(tree, Way::Sent, |at, value| {
            let list = value["enum"].as_array()?;
            (list.iter().all(Value::is_string) && tree.kind(at).is_some()).then(|| boxed(remove(at, "enum")))
        })
    }),
    finding("a text of an answer has no format any more", |tree| {
        let strings = typed(tree, Way::Sent, "string").into_iter();
        strings.filter(|at| tree.at(at)["format"].is_string()).map(|at| of_schema(&at, remove(&at, "format"))).collect()
    }),
    finding("a value of an answer is no longer bound", |tree| {
        values(tree, Way::Sent, |at, value| {
            let (kind, _) = tree.kind(at)?;
            let keys: &[&str] = match kind {
                "string" => &["maxLength", "pattern"],
                "integer" | "number" => &["maximum", "minimum", "multipleOf"],
                "array" => &["maxItems", "uniqueItems"],
                _ => return None,
            };
            let key = keys.iter().find(|key| value.get(**key).is_some_and(|value| *value != false))?;
            // Every whole number is a multiple of one.
            let is_bound = value.get("enum").is_none()
                && value.get("const").is_none()
                && value["multipleOf"].as_f64().is_none_or(|number| number > 1.0)
                // A format of whole numbers without a sign says that they are not below zero.
                && !value["format"].as_str().is_some_and(|format| format.starts_with("uint"));
            is_bound.then(|| boxed(remove(at, key)))
        })
    }),
    finding("a list of an answer is longer", |tree| {
        let lists = typed(tree, Way::Sent, "array").into_iter();
        lists
            .filter_map(|at| {
                let most = tree.at(&at)["maxItems"].as_u64()?;
                Some(of_schema(&at, set(&at, "maxItems", (most + 5).into())))
            })
            .collect()
    }),
    finding("a list of an answer may be empty", |tree| {
        let lists = typed(tree, Way::Sent, "array").into_iter();
        let has_least = |at: &String| tree.at(at)["minItems"].as_u64().is_some_and(|least| least > 0);
        lists.filter(has_least).map(|at| of_schema(&at, remove(&at, "minItems"))).collect()
    }),
    finding("the items of an answer have another type", |tree| {
        values(tree, Way::Sent, |at, value| {
            let (kind, _) = tree.kind(&format!("{at}/items"))?;
            let other = if kind == "boolean" { json!({"type": "string"}) } else { json!({"type": "boolean"}) };
            (tree.kind(at)?.0 == "array" && value["items"].is_object()).then(|| boxed(set(at, "items", other)))
        })
    }),
    finding("the values of a map of an answer have another type", |tree| {
        values(tree, Way::Sent, |at, value| {
            let (kind, _) = tree.kind(&format!("{at}/additionalProperties"))?;
            let other = if kind == "boolean" { json!({"type": "string"}) } else { json!({"type": "boolean"}) };
            value["additionalProperties"].is_object().then(|| boxed(set(at, "additionalProperties", other)))
        })
    }),
    finding("an answer may have fields that are not described", |tree| {
        objects(tree, Way::Sent, |site| match &site.members[..] {
            [at] if tree.at(at)["additionalProperties"] == false => {
                Some(of_schema(at, remove(at, "additionalProperties")))
            }
            _ => None,
        })
    }),
    finding("an answer has another alternative", |tree| {
        alternatives(tree, Way::Sent, |at, key| {
            // Of a type that none has: a list of lists of booleans.
            let new = json!({"type": "array", "minItems": 3, "items": {"type": "array", "items": {"type": "boolean"}}});
            let list = format!("{at}/{key}");
            let count = tree.at(&list).as_array()?.len();
            let is_object = |index: usize| {
                let site = tree.site(&format!("{list}/{index}"));
                let kinds = site.members.iter().map(|member| tree.kind(member).map(|(kind, _)| kind));
                !site.has_alternatives
                    && kinds.collect::<Vec<_>>().iter().any(|kind| kind.is_some_and(|kind| kind != "array"))
            };
            let parent_takes = tree.kind(at).is_none();
            (count > 1 && parent_takes && (0..count).all(is_object)).then(|| of_schema(at, add(at, key, new)))
        })
    }),
    finding("alternatives are told apart by another field", |tree| {
        alternatives(tree, Way::Sent, |at, key| {
            let has = tree.at(at)["discriminator"].is_object() && tree.at(at)[key].as_array()?.len() > 1;
            has.then(|| of_schema(at, set(&format!("{at}/discriminator"), "propertyName", "x_kind".into())))
        })
    }),
    finding("an alternative is called otherwise", |tree| {
        alternatives(tree, Way::Sent, |at, key| {
            let mapping = format!("{at}/discriminator/mapping");
            let name = tree.object(&mapping).keys().next()?.clone();
            let value = tree.at(&mapping)[&name].as_str()?;
            let list = tree.at(at)[key].as_array()?;
            let is_used = list.iter().any(|one| one["$ref"] == value);
            let is_once = tree.object(&mapping).values().filter(|known| *known == value).count() == 1;
            (is_used && is_once && list.len() > 1).then(|| of_schema(at, rename(&mapping, &name, "x_other_name")))
        })
    }),
    finding("a header is gone", |tree| {
        answers(tree, |at, _| {
            let (name, _) =
                tree.headers(at).into_iter().find(|(name, _)| !name.eq_ignore_ascii_case("content-type"))?;
            Some(boxed(remove(&format!("{at}/headers"), &name)))
        })
    }),
    finding("a header may be absent", |tree| {
        headers(tree, |_, header| {
            (tree.at(header)["required"] == true).then(|| boxed(set(header, "required", false.into())))
        })
    }),
    finding("a header has another type", |tree| {
        headers(tree, |name, header| {
            let kind = tree.kind(&format!("{header}/schema")).map(|(kind, _)| kind)?;
            let counts = !name.eq_ignore_ascii_case("content-type") && kind != "boolean";
            counts.then(|| boxed(set(header, "schema", json!({"type": "boolean"}))))
        })
    }),
    finding("an allOf of an answer has a member less", |tree| {
        let mut places = Vec::new();
        for site in tree.sites(Way::Sent) {
            for member in &site.members {
                let Some((owner, index)) = member.rsplit_once("/allOf/") else { continue };
                let Ok(index) = index.parse::<usize>() else { continue };
                let names = tree.object(&format!("{member}/properties"));
                let is_alone = names
                    .keys()
                    .any(|name| tree.properties(&site)[name].len() == 1 && tree.goes(member, name, Way::Sent));
                let owner_is_there = !owner.is_empty() && !site.has_alternatives;
                if is_alone && owner_is_there {
                    let at = owner.to_owned();
                    places.push(of_schema(owner, move |root| {
                        there(root, &at)["allOf"].as_array_mut().unwrap().remove(index);
                    }));
                }
            }
        }
        places
    }),
    finding("a key stands elsewhere", |tree| {
        schemes(tree, |at, value| (value["type"] == "apiKey").then(|| boxed(set(at, "name", "X-Other-Key".into()))))
    }),
    finding("a scheme is another one", |tree| {
        schemes(tree, |at, _| {
            let other = json!({"type": "apiKey", "in": "cookie", "name": "x_other"});
            let at = at.to_owned();
            Some(Box::new(move |root: &mut Value| *there(root, &at) = other.clone()) as _)
        })
    }),
    finding("a flow is gone", |tree| {
        schemes(tree, |at, value| {
            let flow = value["flows"].as_object()?.keys().next()?;
            Some(boxed(remove(&format!("{at}/flows"), flow)))
        })
    }),
    finding("another scope is demanded", |tree| {
        demands(tree, |list, scheme| {
            let schemes = list.as_array()?;
            let [only] = &schemes[..] else { return None };
            let kind = tree.at(&format!("/components/securitySchemes/{}", escaped(scheme)))["type"].as_str()?;
            let mut scopes = only[scheme].as_array()?.clone();
            scopes.push("x:other".into());
            let mut only = only.clone();
            only[scheme] = scopes.into();
            (kind == "oauth2" || kind == "openIdConnect").then(|| json!([only]))
        })
    }),
    finding("another proof is demanded beside the old one", |tree| {
        demands(tree, |list, scheme| {
            let other = tree.object("/components/securitySchemes").keys().find(|known| *known != scheme)?;
            let kind = |name: &str| tree.at(&format!("/components/securitySchemes/{}", escaped(name)));
            let both = list.as_array()?.iter().map(|one| {
                let mut both = one.clone();
                both[other] = json!([]);
                both
            });
            let all: Vec<Value> = both.collect();
            let has_other = list.as_array()?.iter().any(|one| one.get(other).is_some());
            (!has_other && kind(other) != kind(scheme)).then(|| all.into())
        })
    }),
    finding("one of the proofs is no longer enough", |tree| {
        demands(tree, |list, _| {
            let list = list.as_array()?;
            let (last, others) = list.split_last()?;
            let schemes = |one: &Value| one.as_object().map(|one| one.keys().cloned().collect::<Vec<_>>());
            let is_implied = others
                .iter()
                .any(|other| schemes(other).is_none_or(|names| names.iter().all(|name| last.get(name).is_some())));
            let kinds = |one: &Value| -> Vec<Value> {
                let names = schemes(one).unwrap_or_default();
                names
                    .iter()
                    .map(|name| tree.at(&format!("/components/securitySchemes/{}", escaped(name))).clone())
                    .collect()
            };
            let is_same = others.iter().any(|other| kinds(other) == kinds(last));
            (!others.is_empty() && !is_implied && !is_same).then(|| others.to_vec().into())
        })
    }),
    finding("a proof is demanded where none was", |tree| {
        let Some(scheme) = tree.object("/components/securitySchemes").keys().next().cloned() else { return Vec::new() };
        each(tree, |operation| {
            let own = tree.at(&operation.at).get("security").or_else(|| tree.root.get("security"));
            let is_open = own.and_then(Value::as_array).is_none_or(|list| {
                list.is_empty() || list.iter().any(|one| one.as_object().is_some_and(serde_json::Map::is_empty))
            });
            let mut only = json!({});
            only[&scheme] = json!([]);
            is_open.then(|| of_operation(operation, set(&operation.at, "security", json!([only]))))
        })
    }),
    finding("a server is gone", |tree| {
        let servers = tree.root["servers"].as_array().map_or(0, Vec::len);
        let is_there = |index: &usize| tree.at(&format!("/servers/{index}/url")).is_string();
        (0..servers)
            .filter(is_there)
            .map(|index| {
                let url = tree.root["servers"][index]["url"].as_str().unwrap().to_owned();
                of_part("/servers", vec![url], move |root| {
                    root["servers"][index]["url"] = "https://elsewhere.example.com".into();
                })
            })
            .collect()
    }),
];

const fn finding(name: &'static str, places: fn(&Tree) -> Vec<Place>) -> Kind {
    Kind { name, expects: Expects::Finding, places }
}

type Made = Box<dyn Fn(&mut Value)>;

fn boxed(change: impl Fn(&mut Value) + 'static) -> Made {
    Box::new(change)
}

/// The answers that stand in operations themselves.
fn statuses<F: Fn(&mut Value) + 'static>(
    tree: &Tree,
    change: impl Fn(&Tree, &Operation, &str) -> Option<F>,
) -> Vec<Place> {
    let mut places = Vec::new();
    for operation in &tree.operations {
        for (status, _) in &operation.responses {
            places.extend(change(tree, operation, status).map(|change| of_operation(operation, change)));
        }
    }
    places
}

/// Answers, each once.
pub fn answers(tree: &Tree, change: impl Fn(&str, &Value) -> Option<Made>) -> Vec<Place> {
    let responses = |operation: &Operation| operation.responses.iter().map(|(_, at)| at.clone()).collect::<Vec<_>>();
    let mut all: Vec<String> = tree.operations.iter().flat_map(responses).collect();
    all.sort_unstable();
    all.dedup();
    let of = |at: String| {
        let change = change(&at, tree.at(&at))?;
        Some(of_part(&at, labels(tree, |operation| responses(operation).contains(&at)), change))
    };
    all.into_iter().filter_map(of).collect()
}

/// Headers of answers, each once.
fn headers(tree: &Tree, change: impl Fn(&str, &str) -> Option<Made>) -> Vec<Place> {
    let of_operation = |operation: &Operation| -> Vec<(String, String)> {
        operation.responses.iter().flat_map(|(_, at)| tree.headers(at)).collect()
    };
    let mut all: Vec<(String, String)> = tree.operations.iter().flat_map(of_operation).collect();
    all.sort_by(|one, other| one.1.cmp(&other.1));
    all.dedup_by(|one, other| one.1 == other.1);
    let of = |(name, at): (String, String)| {
        let change = change(&name, &at)?;
        let has = |operation: &Operation| of_operation(operation).iter().any(|(_, known)| *known == at);
        Some(of_part(&at, labels(tree, has), change))
    };
    all.into_iter().filter_map(of).collect()
}

/// The security schemes that operations use.
fn schemes(tree: &Tree, change: impl Fn(&str, &Value) -> Option<Made>) -> Vec<Place> {
    let is_used = |name: &String| {
        tree.operations.iter().any(|operation| {
            let own = tree.at(&operation.at).get("security").or_else(|| tree.root.get("security"));
            own.and_then(Value::as_array).is_some_and(|list| list.iter().any(|one| one.get(name).is_some()))
        })
    };
    let names = tree.object("/components/securitySchemes").keys().filter(|name| is_used(name));
    let of = |name: &String| {
        let at = below("/components/securitySchemes", name);
        Some(of_part(&at, vec![name.clone()], change(&at, tree.at(&at))?))
    };
    names.filter_map(of).collect()
}

/// The demands of operations, and of the document.
pub fn demands(tree: &Tree, change: impl Fn(&Value, &str) -> Option<Value>) -> Vec<Place> {
    let mut places = Vec::new();
    let made = |at: &str| {
        let list = tree.at(at).get("security")?;
        let is_open = list.as_array()?.iter().any(|one| one.as_object().is_some_and(serde_json::Map::is_empty));
        let first = list.as_array()?.first()?.as_object()?.keys().next()?;
        let is_known = tree.object("/components/securitySchemes").contains_key(first);
        (!is_open && is_known).then(|| change(list, first)).flatten()
    };
    for operation in &tree.operations {
        if let Some(value) = made(&operation.at) {
            places.push(of_operation(operation, set(&operation.at, "security", value)));
        }
    }
    if let Some(value) = made("") {
        let own = labels(tree, |operation| tree.at(&operation.at).get("security").is_none());
        if !own.is_empty() {
            places.push(of_part("/security", own, set("", "security", value)));
        }
    }
    places
}
