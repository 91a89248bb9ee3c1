//! Turns correct answers into wrong ones.

use std::sync::PoisonError;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use hyper::body::Bytes;
use serde_json::Value as Json;

use super::{Answer, Behaviour, Proxy};

impl Proxy {
    pub(super) fn altered(&self, mut answer: Answer, key: Option<&str>) -> Answer {
        let alteration = &self.alteration;
        if let Some(status) = alteration.status {
            answer.status = StatusCode::from_u16(status).expect("a status");
        }
        for (name, value) in &alteration.headers {
            let name: HeaderName = name.parse().expect("a name of a header");
            let value =
                value.replace("{key}", key.unwrap_or_default()).replace("{base}", &format!("http://{}", self.address));
            match value.as_str() {
                "" => drop(answer.headers.remove(name)),
                _ => drop(answer.headers.insert(name, HeaderValue::from_str(&value).expect("a value"))),
            }
        }
        for (name, by) in &alteration.shift {
            let number: i64 = text(&answer.headers, name).parse().expect("a header that is a number");
            put(&mut answer.headers, name, &(number + by).to_string());
        }
        for (name, [find, with]) in &alteration.replace {
            let with = with.replace("{base}", &format!("http://{}", self.address));
            let changed = text(&answer.headers, name).replace(find, &with);
            put(&mut answer.headers, name, &changed);
        }
        if !alteration.json.is_empty() {
            let mut json: Json = serde_json::from_slice(&answer.body).expect("a body of JSON");
            for (pointer, value) in &alteration.json {
                let value = value.replace("{key}", key.unwrap_or_default());
                set(&mut json, pointer, (!value.is_empty()).then(|| serde_json::from_str(&value).expect("JSON")));
            }
            answer.body = Bytes::from(json.to_string());
        }
        if let Some(body) = &alteration.body {
            answer.body = Bytes::from(body.clone());
        }
        if let Some(behaviour) = alteration.behaviour {
            self.behave(behaviour, &mut answer);
        }
        answer
    }

    fn behave(&self, behaviour: Behaviour, answer: &mut Answer) {
        let mut json: Json = serde_json::from_slice(&answer.body).unwrap_or_default();
        let number = |name: &str| text(&answer.headers, name).parse::<i64>().ok();
        let (limit, remaining) = (number("x-ratelimit-limit"), number("x-ratelimit-remaining"));
        let counter =
            |answer: &mut Answer, value: i64| put(&mut answer.headers, "x-ratelimit-remaining", &value.to_string());
        match behaviour {
            Behaviour::ReverseItems | Behaviour::DropItem | Behaviour::RepeatItem => {
                let Some(items) = json["results"].as_array_mut() else { return };
                match behaviour {
                    Behaviour::ReverseItems => items.reverse(),
                    Behaviour::DropItem => drop(items.remove(0)),
                    _ => {
                        let first = items[0].clone();
                        items.pop();
                        items.push(first);
                    }
                }
                answer.body = Bytes::from(json.to_string());
            }
            Behaviour::Nest => answer.body = Bytes::from("{\"message\":".repeat(1000) + "1" + &"}".repeat(1000)),
            Behaviour::Halve => answer.body = answer.body.slice(..answer.body.len() / 2),
            Behaviour::FreezeCounter if remaining.is_some_and(|left| left > 0) => {
                counter(answer, limit.unwrap_or_default() - 1);
            }
            Behaviour::CountTwice => {
                if let (Some(limit), Some(remaining)) = (limit, remaining) {
                    counter(answer, (limit - 2 * (limit - remaining)).max(0));
                }
            }
            Behaviour::CountUp => {
                if let (Some(limit), Some(remaining)) = (limit, remaining) {
                    counter(answer, limit - remaining);
                }
            }
            Behaviour::WaveringLimit => {
                let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.answered += 1;
                if limit.is_some() && state.answered % 2 == 0 {
                    put(&mut answer.headers, "x-ratelimit-limit", "1000");
                }
            }
            Behaviour::RefuseEarly if remaining.is_some_and(|left| left < limit.unwrap_or_default() / 2) => {
                answer.status = StatusCode::TOO_MANY_REQUESTS;
                answer.body = Bytes::from_static(b"{\"message\":\"Rate Limited\"}");
                put(&mut answer.headers, "retry-after", "1");
            }
            Behaviour::ReverseKeys => answer.body = Bytes::from(reversed(json).to_string()),
            Behaviour::Pretty => answer.body = Bytes::from(format!("\r\n\t{json:#}\n \n")),
            Behaviour::Escape => {
                let text =
                    String::from_utf8_lossy(&answer.body).replace('/', "\\/").replace("success", "\\u0073uccess");
                answer.body = Bytes::from(text.replace("Integration not found", "Integration\\u0020not found"));
            }
            Behaviour::Offset => {
                let text = String::from_utf8_lossy(&answer.body).into_owned();
                answer.body = Bytes::from(text.replace("Z\"", "+00:00\""));
            }
            _ => {}
        }
    }
}

pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

pub(super) fn put(headers: &mut HeaderMap, name: &str, value: &str) {
    let name: HeaderName = name.parse().expect("a name of a header");
    headers.insert(name, HeaderValue::from_str(value).expect("a value of a header"));
}

/// Sets the value at a JSON pointer, which must exist, or removes it.
fn set(json: &mut Json, pointer: &str, value: Option<Json>) {
    let (parent, key) = pointer.rsplit_once('/').expect("a JSON pointer");
    let parent = json.pointer_mut(parent).unwrap_or_else(|| panic!("the body has no {pointer}"));
    match (parent, value) {
        (Json::Object(map), Some(value)) => drop(map.insert(key.to_owned(), value)),
        (Json::Object(map), None) => drop(map.remove(key).unwrap_or_else(|| panic!("the body has no {pointer}"))),
        (Json::Array(items), Some(value)) => items[key.parse::<usize>().expect("a number")] = value,
        (other, _) => panic!("nothing can be put at {pointer} of {other}"),
    }
}

fn reversed(value: Json) -> Json {
    match value {
        Json::Object(map) => map.into_iter().rev().map(|(key, value)| (key, reversed(value))).collect(),
        Json::Array(items) => items.into_iter().map(reversed).collect(),
        other => other,
    }
}
