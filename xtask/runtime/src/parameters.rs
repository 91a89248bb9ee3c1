//! Parameters: from the texts of a request to JSON values, as style and kind of each parameter say.

use http::{HeaderMap, Uri};
use serde_json::{Map, Value};

use super::tables::{Kind, Location, Parameter, Style};

/// A request without its body.
#[derive(Debug, Clone)]
pub struct Incoming<'a> {
    /// Path and query.
    pub uri: &'a Uri,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The values of the path's variables, decoded.
    pub variables: Vec<(&'static str, String)>,
}

impl<'a> Incoming<'a> {
    /// The query string, still encoded; empty if there is none.
    pub fn query(&self) -> &'a str {
        self.uri.query().unwrap_or_default()
    }
}

/// The names and values of a query string or a form.
pub fn query_pairs(query: &str) -> impl Iterator<Item = (String, String)> + '_ {
    form_urlencoded::parse(query.as_bytes()).map(|(name, value)| (name.into_owned(), value.into_owned()))
}

/// The names and values of the cookies.
pub fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (String, String)> + '_ {
    let lines = headers.get_all(http::header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        Some((name.trim().to_owned(), value.trim().trim_matches('"').to_owned()))
    })
}

/// The value of a parameter as JSON; `None` if the request has none.
///
/// # Errors
///
/// Why its text cannot be such a value.
pub fn value(request: &Incoming<'_>, parameter: &Parameter) -> Result<Option<Value>, String> {
    match parameter.location {
        Location::Path => {
            let text = request.variables.iter().find(|(name, _)| *name == parameter.name);
            text.map(|(_, text)| path_value(text, parameter)).transpose()
        }
        Location::Header => {
            let lines: Result<Vec<&str>, _> =
                request.headers.get_all(parameter.name).iter().map(|line| line.to_str()).collect();
            let lines = lines.map_err(|_| "it is not printable ASCII".to_owned())?;
            if lines.is_empty() {
                return Ok(None);
            }
            separated(&lines.join(","), ",", parameter.explode, parameter).map(Some)
        }
        Location::Query => form_value(&query_pairs(request.query()).collect::<Vec<_>>(), parameter),
        Location::Cookie => form_value(&cookies(request.headers).collect::<Vec<_>>(), parameter),
    }
}

fn path_value(text: &str, parameter: &Parameter) -> Result<Value, String> {
    match parameter.style {
        Style::Label => {
            let text = text.strip_prefix('.').ok_or("it does not begin with `.`")?;
            separated(text, if parameter.explode { "." } else { "," }, parameter.explode, parameter)
        }
        Style::Matrix => {
            let text = text.strip_prefix(';').ok_or("it does not begin with `;`")?;
            let name = format!("{}=", parameter.name);
            if !parameter.explode || !matches!(parameter.kind, Kind::List(_) | Kind::Object(..)) {
                let text = text.strip_prefix(&name).ok_or_else(|| format!("it does not begin with `;{name}`"))?;
                return separated(text, ",", false, parameter);
            }
            let bare: Vec<&str> = text.split(';').map(|item| item.strip_prefix(&name).unwrap_or(item)).collect();
            separated(&bare.join(";"), ";", true, parameter)
        }
        _ => separated(text, ",", parameter.explode, parameter),
    }
}

/// A value written as one text. `explode` means `key=value` for properties of an object, instead of `key,value`.
fn separated(text: &str, separator: &str, explode: bool, parameter: &Parameter) -> Result<Value, String> {
    match parameter.style {
        Style::Json(_) => return serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}")),
        Style::Whole(_) => return scalar(text, &parameter.kind),
        _ => {}
    }
    match parameter.kind {
        Kind::List(item) => {
            let texts = text.split(separator).filter(|_| !text.is_empty());
            texts.map(|text| scalar(text.trim(), item)).collect()
        }
        Kind::Object(properties, others) => {
            let mut parts = text.split(separator);
            let mut object = Map::new();
            while let Some(part) = parts.next().filter(|_| !text.is_empty()) {
                let (key, value) = match explode {
                    true => part.split_once('=').ok_or_else(|| format!("`{part}` has no `=`"))?,
                    false => (part, parts.next().ok_or_else(|| format!("`{part}` has no value"))?),
                };
                object.insert(key.to_owned(), scalar(value, property(properties, others, key))?);
            }
            Ok(Value::Object(object))
        }
        kind => scalar(text, &kind),
    }
}

fn property<'a>(properties: &'a [(&str, Kind)], others: &'a Kind, key: &str) -> &'a Kind {
    properties.iter().find(|(name, _)| *name == key).map_or(others, |(_, kind)| kind)
}

fn form_value(pairs: &[(String, String)], parameter: &Parameter) -> Result<Option<Value>, String> {
    let name = parameter.name;
    let values: Vec<&str> = pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect();
    match (parameter.kind, parameter.style) {
        (Kind::Object(..) | Kind::OneOf(_), Style::DeepObject) => nested(pairs, name, &parameter.kind),
        (Kind::Object(properties, others), Style::Form) if parameter.explode => {
            // Each property is a parameter of its own; only those that are named belong to it.
            let own = pairs.iter().filter(|(key, _)| properties.iter().any(|(name, _)| name == key));
            let own = own.map(|(key, text)| Ok((key.clone(), scalar(text, property(properties, others, key))?)));
            let own: Map<String, Value> = own.collect::<Result<_, String>>()?;
            Ok((!own.is_empty()).then_some(Value::Object(own)))
        }
        (Kind::List(item), Style::Form | Style::DeepObject) if parameter.explode => {
            let bracketed = [format!("{name}[]"), format!("{name}[")];
            let is_item = |key: &str| {
                let index = key.strip_prefix(&bracketed[1]).and_then(|rest| rest.strip_suffix(']'));
                key == name || key == bracketed[0] || index.is_some_and(|index| index.parse::<u32>().is_ok())
            };
            let items = pairs.iter().filter(|(key, _)| is_item(key)).map(|(_, text)| scalar(text, item));
            let items: Vec<Value> = items.collect::<Result<_, String>>()?;
            Ok((!items.is_empty()).then_some(Value::Array(items)))
        }
        (_, style) => match values[..] {
            [] => Ok(None),
            [only] => {
                let separator = match style {
                    Style::SpaceDelimited => " ",
                    Style::PipeDelimited => "|",
                    _ => ",",
                };
                separated(only, separator, false, parameter).map(Some)
            }
            _ => Err("it is there more than once".to_owned()),
        },
    }
}

/// A value written as `name[key][key]=value`.
fn nested(pairs: &[(String, String)], name: &str, kind: &Kind) -> Result<Option<Value>, String> {
    let inside: Vec<(String, String)> = pairs
        .iter()
        .filter_map(|(key, value)| {
            let (first, rest) = key.strip_prefix(name)?.strip_prefix('[')?.split_once(']')?;
            Some((format!("{first}{rest}"), value.clone()))
        })
        .collect();
    if inside.is_empty() {
        return Ok(None);
    }
    object(&inside, kind).map(Some)
}

/// An object from the pairs of a form: `key=value`, lists as `key=a&key=b` or `key[]=a`, objects as `key[inner]=value`.
///
/// # Errors
///
/// Why a text cannot be the value that it stands for.
pub fn object(pairs: &[(String, String)], kind: &Kind) -> Result<Value, String> {
    let (properties, others) = match kind {
        Kind::Object(properties, others) => (*properties, *others),
        Kind::List(item) => {
            let items = pairs.iter().map(|(_, text)| scalar(text, item));
            return items.collect();
        }
        Kind::OneOf(kinds) => {
            let fits = kinds.iter().find_map(|kind| object(pairs, kind).ok());
            return fits.ok_or_else(|| "it fits none of its types".to_owned());
        }
        _ => (&[][..], &Kind::Text),
    };
    let mut result = Map::new();
    for (key, _) in pairs {
        let name = key.split_once('[').map_or(key.as_str(), |(name, _)| name);
        if result.contains_key(name) {
            continue;
        }
        let kind = property(properties, others, name);
        let value = match kind {
            Kind::List(item) if !matches!(item, Kind::Object(..)) => {
                let of = |other: &&(String, String)| {
                    other.0.split_once('[').map_or(other.0.as_str(), |(name, _)| name) == name
                };
                pairs.iter().filter(of).map(|(_, text)| scalar(text, item)).collect::<Result<Value, String>>()?
            }
            Kind::List(item) => {
                let mut items = Vec::new();
                while let Some(item) = nested(pairs, &format!("{name}[{}]", items.len()), item)? {
                    items.push(item);
                }
                Value::Array(items)
            }
            _ if key.contains('[') => nested(pairs, name, kind)?.unwrap_or_default(),
            kind => {
                let mut values = pairs.iter().filter(|(other, _)| other == name).map(|(_, text)| text);
                match (values.next(), values.next()) {
                    (Some(text), None) => scalar(text, kind).map_err(|why| format!("`{name}`: {why}"))?,
                    _ => return Err(format!("`{name}` is there more than once")),
                }
            }
        };
        result.insert(name.to_owned(), value);
    }
    Ok(Value::Object(result))
}

/// A value from a text without structure.
///
/// # Errors
///
/// Why the text cannot be such a value.
pub fn scalar(text: &str, kind: &Kind) -> Result<Value, String> {
    // JSON may have white space around it, and a parameter may not.
    let json = |text: &str| serde_json::from_str::<Value>(text).ok().filter(|_| text.trim() == text);
    match kind {
        Kind::Text => Ok(text.into()),
        // The types of UUIDs also take braces, `urn:uuid:` and no hyphens.
        Kind::Uuid => match text.len() {
            36 if uuid::Uuid::try_parse(text).is_ok() => Ok(text.into()),
            _ => Err("it is not a UUID".to_owned()),
        },
        Kind::Boolean => json(text).filter(Value::is_boolean).ok_or_else(|| "it is neither true nor false".to_owned()),
        Kind::Integer => {
            let integer = json(text).filter(|value| value.is_i64() || value.is_u64());
            integer.ok_or_else(|| "it is not an integer".to_owned())
        }
        Kind::Number => json(text).filter(Value::is_number).ok_or_else(|| "it is not a number".to_owned()),
        Kind::List(item) => text.split(',').filter(|_| !text.is_empty()).map(|text| scalar(text, item)).collect(),
        Kind::Object(..) => json(text).filter(Value::is_object).ok_or_else(|| "it is not a JSON object".to_owned()),
        Kind::OneOf(kinds) => {
            let fits = kinds.iter().find_map(|kind| scalar(text, kind).ok());
            fits.ok_or_else(|| "it fits none of its types".to_owned())
        }
    }
}
