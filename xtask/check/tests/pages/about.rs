//! What is said around an operation: its title, the server, who may call it and how often.

use serde_json::Value;

use super::api::{Api, Key, below};

impl Api {
    pub fn title(&self, at: &str, method: &str, path: &str) -> String {
        let summary = self.text(&format!("{at}/summary"));
        let summary = summary.trim().trim_end_matches('.');
        let is_plain = |byte: char| byte.is_alphanumeric() || " -',".contains(byte);
        if !summary.is_empty() && summary.len() < 60 && summary.chars().all(is_plain) {
            return summary.to_owned();
        }
        let verb = match method {
            "get" => "Retrieve",
            "post" => "Create",
            "put" => "Replace",
            "patch" => "Update",
            "delete" => "Remove",
            _ => "Inspect",
        };
        let parts = path.split('/').filter(|part| !part.contains('{') && !part.is_empty());
        let words: Vec<String> = parts.map(words_of).collect();
        format!("{verb} {}", words.join(" "))
    }

    pub fn rate_limit(&self, at: &str) -> Option<String> {
        let limit = &self.at(at)["x-rate-limit"];
        (limit["window_seconds"] == 60).then(|| limit["requests"].as_u64().map(|count| count.to_string()))?
    }

    pub fn security(&self, at: &str) -> Vec<Key> {
        let stated = self.at(at).get("security").or(self.root.get("security"));
        let first = stated.and_then(Value::as_array).and_then(|all| all.first()).and_then(Value::as_object);
        let named = first.into_iter().flat_map(|all| all.keys());
        named.filter_map(|name| self.key(&below("/components/securitySchemes", name))).collect()
    }

    pub fn key(&self, at: &str) -> Option<Key> {
        let scheme = self.at(&self.resolved(at)?);
        let name = || scheme["name"].as_str().map(str::to_owned);
        match (scheme["type"].as_str()?, scheme["scheme"].as_str(), scheme["in"].as_str()) {
            ("http", Some(kind), _) if kind.eq_ignore_ascii_case("basic") => Some(Key::Basic),
            ("apiKey", _, Some("header")) => Some(Key::Header(name()?)),
            ("apiKey", _, Some("query")) => Some(Key::Query(name()?)),
            ("apiKey", _, Some("cookie")) => Some(Key::Cookie(name()?)),
            ("mutualTLS", ..) => None,
            _ => Some(Key::Bearer),
        }
    }

    /// The address of the first server that counts, and the path in it.
    pub fn server(&self, places: &[&str]) -> (String, String) {
        let first = places.iter().find_map(|at| self.at(at).get("servers")?.as_array()?.first());
        let mut url = first.and_then(|server| server["url"].as_str()).unwrap_or_default().to_owned();
        for (name, variable) in first.and_then(|server| server["variables"].as_object()).into_iter().flatten() {
            url = url.replace(&format!("{{{name}}}"), variable["default"].as_str().unwrap_or("main"));
        }
        let url = url.trim_end_matches('/');
        match url.split_once("://") {
            Some((_, rest)) => (url.to_owned(), rest.find('/').map_or_else(String::new, |at| rest[at..].to_owned())),
            None => (format!("https://api.example.com{url}"), url.to_owned()),
        }
    }
}

/// `order_items` as people say it.
pub fn words_of(name: &str) -> String {
    let mut words = String::new();
    let mut was_lower = false;
    for letter in name.chars() {
        if letter.is_alphanumeric() {
            if letter.is_uppercase() && was_lower {
                words.push(' ');
            }
            was_lower = letter.is_lowercase();
            words.extend(letter.to_lowercase());
        } else {
            words.push(' ');
            was_lower = false;
        }
    }
    let words: Vec<&str> = words.split_whitespace().collect();
    words.join(" ")
}
