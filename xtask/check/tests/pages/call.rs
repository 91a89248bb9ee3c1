//! Example requests: what to send, however it is written then.

use serde_json::Value;

use super::api::{Api, Key, Location, Media, Operation};
use super::example::{Example, Name, Way, example};
use super::page::{Page, What};
use super::pick::{one_of, pick};

/// A part of the URL's path.
pub enum Part {
    Text(String),
    /// The last literal segment, if it is not the first.
    Segment(String),
}

pub enum Sent {
    Json(Example, String),
    /// Names with values; a value that begins with `@` is a file.
    Form(Vec<(Name, String)>),
    Urlencoded(Vec<(Name, String)>),
    File(String),
}

pub struct Call {
    pub method: String,
    pub server: String,
    pub base: String,
    pub path: Vec<Part>,
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    pub basic: bool,
    pub sent: Option<Sent>,
}

/// The parts of a path with other texts for its variables.
pub fn parts(path: &str, mut variable: impl FnMut(&str) -> String) -> Vec<Part> {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let is_literal = |segment: &&str| !segment.contains('{') && !segment.is_empty();
    let last = segments.iter().rposition(is_literal).filter(|index| *index > 0 && is_literal(&segments[0]));
    let mut parts = Vec::new();
    for (index, segment) in segments.iter().enumerate() {
        parts.push(Part::Text("/".into()));
        if Some(index) == last {
            parts.push(Part::Segment((*segment).to_owned()));
            continue;
        }
        let mut rest = *segment;
        while let Some((before, (name, after))) = rest.split_once('{').and_then(|(b, a)| Some((b, a.split_once('}')?)))
        {
            parts.push(Part::Text(format!("{before}{}", variable(name))));
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
    }
    parts
}

pub fn text_of(parts: &[Part]) -> String {
    parts
        .iter()
        .map(|part| match part {
            Part::Text(text) | Part::Segment(text) => text.as_str(),
        })
        .collect()
}

/// Writes a path, and where its last literal segment is.
pub fn write(page: &mut Page, parts: &[Part], what: &What) {
    for part in parts {
        match part {
            Part::Text(text) => page.put(text),
            Part::Segment(text) => page.fact(what.clone(), text),
        }
    }
}

/// Whether a path in which variables have values fits the template of a path.
pub fn fits(path: &str, template: &str) -> bool {
    let (path, template): (Vec<&str>, Vec<&str>) = (path.split('/').collect(), template.split('/').collect());
    path.len() == template.len()
        && path
            .iter()
            .zip(&template)
            .all(|(own, other)| own == other || other.contains('{') || own.contains(['{', ':', '$', '<']))
}

impl Api {
    /// How many paths of the contract a path with values fits.
    pub fn fitting(&self, path: &str) -> usize {
        let mut paths: Vec<&str> = self.operations.iter().map(|operation| operation.path.as_str()).collect();
        paths.dedup();
        paths.into_iter().filter(|template| fits(path, template)).count()
    }

    /// An example request; nothing where a required part cannot be made.
    pub fn call(&self, operation: &Operation, seed: &str) -> Option<Call> {
        let mut values = Vec::new();
        for parameter in operation.parameters.iter().filter(|one| one.location != Location::Path) {
            let is_shown = parameter.required
                || (!parameter.deprecated && values.len() < 3 && pick(&format!("{seed}{}", parameter.name), 3) == 0);
            if !is_shown {
                continue;
            }
            let made = if parameter.has_content { None } else { self.plain(&parameter.schema, seed) };
            match made {
                Some(value) => values.push((parameter, value)),
                None if parameter.required && parameter.has_content => return None,
                None if parameter.required => match self.kinds(&parameter.schema).first().map(String::as_str) {
                    Some("string") => values.push((parameter, format!("YOUR_{}", constant(&parameter.name)))),
                    _ => return None,
                },
                None => {}
            }
        }
        let of = |location: Location| {
            let values = values.iter().filter(move |(parameter, _)| parameter.location == location);
            values.map(|(parameter, value)| (parameter.name.clone(), value.clone()))
        };
        let mut query: Vec<(String, String)> = of(Location::Query).collect();
        let mut headers: Vec<(String, String)> = of(Location::Header).collect();
        let mut cookies: Vec<String> = of(Location::Cookie).map(|(name, value)| format!("{name}={value}")).collect();
        let mut basic = false;
        for key in &operation.keys {
            match key {
                Key::Bearer => headers
                    .push(("Authorization".into(), one_of(seed, &["Bearer YOUR_API_KEY", "Bearer <token>"]).into())),
                Key::Basic => basic = true,
                Key::Header(name) => headers.push((name.clone(), "YOUR_API_KEY".into())),
                Key::Query(name) => query.push((name.clone(), "YOUR_API_KEY".into())),
                Key::Cookie(name) => cookies.push(format!("{name}=YOUR_SESSION")),
            }
        }
        if !cookies.is_empty() {
            headers.push(("Cookie".into(), cookies.join("; ")));
        }
        let sent = match &operation.body {
            None => None,
            Some(body) => match body.shown().and_then(|media| self.sent(media, seed)) {
                None if body.required => return None,
                sent => sent,
            },
        };
        Some(Call {
            method: operation.method.clone(),
            server: operation.server.clone(),
            base: operation.base.clone(),
            path: self.path_with_values(operation, seed),
            query,
            headers,
            basic,
            sent,
        })
    }

    fn path_with_values(&self, operation: &Operation, seed: &str) -> Vec<Part> {
        let placeholder = |name: &str| match pick(&format!("{seed}{name}"), 5) {
            0 => format!("YOUR_{}", constant(name)),
            1 => format!("${}", constant(name)),
            2 => format!("<{}>", name.to_lowercase()),
            _ => format!("{{{name}}}"),
        };
        let value = |name: &str| {
            let parameter =
                operation.parameters.iter().find(|one| one.location == Location::Path && one.name == name)?;
            self.plain(&parameter.schema, seed).filter(|_| !parameter.has_content)
        };
        if pick(&format!("{seed} concrete"), 3) > 0 {
            let concrete = parts(&operation.path, |name| value(name).unwrap_or_else(|| placeholder(name)));
            if self.fitting(&text_of(&concrete)) == 1 {
                return concrete;
            }
        }
        parts(&operation.path, placeholder)
    }

    /// A value as it stands in a URL or header.
    fn plain(&self, schema: &str, seed: &str) -> Option<String> {
        (0..6).find_map(|attempt| self.plain_of(schema, &format!("{seed}{attempt}")))
    }

    fn plain_of(&self, schema: &str, seed: &str) -> Option<String> {
        let value = match example(self, schema, Way::Request, seed)? {
            Example::List(items) => items.first()?.value(),
            other => other.value(),
        };
        let text = match value {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Bool(is) => is.to_string(),
            _ => return None,
        };
        let is_plain =
            !text.is_empty() && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter));
        is_plain.then_some(text)
    }

    fn sent(&self, media: &Media, seed: &str) -> Option<Sent> {
        let schema = media.schema.as_ref()?;
        if media.is_json() {
            let json = example(self, schema, Way::Request, seed)?;
            let name = if media.name.contains('*') { "application/json".to_owned() } else { media.name.clone() };
            return (!json.value().to_string().contains('\'')).then_some(Sent::Json(json, name));
        }
        if !media.is_form() && !media.is_urlencoded() {
            let is_file = self.kinds(schema).first().is_some_and(|kind| kind == "string");
            return (is_file && !media.name.contains('*')).then(|| Sent::File(media.name.clone()));
        }
        let flat = self.flat(schema);
        if flat.is_unclear || flat.alternatives.is_some() || flat.fields.is_empty() {
            return None;
        }
        let mut fields = Vec::new();
        for field in flat.fields.iter().filter(|field| !field.read_only) {
            if !field.required && (fields.len() > 3 || pick(&format!("{seed}{}", field.name), 2) == 0) {
                continue;
            }
            let own = self.flat(&field.at);
            let is_binary = self.said(&own, "format").any(|format| *format == "binary");
            let value = match self.plain(&field.at, seed) {
                _ if is_binary => Some("@./photo.png".to_owned()),
                Some(value) if own.kinds.first().is_some_and(|kind| kind != "array") => Some(value),
                _ => None,
            };
            let name = Name { name: field.name.clone(), owner: field.owner.clone(), is_closed: !flat.is_open };
            match value {
                Some(value) => fields.push((name, value)),
                None if field.required => return None,
                None => {}
            }
        }
        if fields.len() < 2 {
            fields.iter_mut().for_each(|(name, _)| name.is_closed = false);
        }
        match (fields.is_empty(), media.is_form()) {
            (true, _) => None,
            (false, true) => Some(Sent::Form(fields)),
            (false, false) => Some(Sent::Urlencoded(fields)),
        }
    }
}

/// `item_id` as a constant.
pub fn constant(name: &str) -> String {
    super::about::words_of(name).to_uppercase().replace(' ', "_")
}
