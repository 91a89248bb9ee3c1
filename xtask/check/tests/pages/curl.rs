//! Example requests as `curl` commands and as they go over the wire.

use super::call::{Call, Part, Sent, text_of, write};
use super::example::Way;
use super::json::{self, Style};
use super::page::{Page, What};
use super::pick::{one_of, pick};

/// How one writer likes to call curl.
struct Habit {
    method: &'static str,
    header: &'static str,
    data: &'static str,
    breaks: &'static str,
    quote: char,
}

fn habit(call: &Call, seed: &str) -> Habit {
    let is_long = pick(&format!("{seed} long"), 2) == 0;
    // A shell puts the value of `$ID` between double quotes only.
    let has_variable = text_of(&call.path).contains('$');
    Habit {
        method: if is_long { "--request" } else { "-X" },
        header: if is_long { "--header" } else { "-H" },
        data: if is_long { one_of(seed, &["--data-raw", "--data"]) } else { "-d" },
        breaks: one_of(&format!("{seed} breaks"), &[" \\\n  ", " \\\n    ", " \\\n"]),
        quote: if has_variable || pick(&format!("{seed} quote"), 2) == 0 { '"' } else { '\'' },
    }
}

/// Writes a command over several lines, indented.
pub fn command(page: &mut Page, call: &Call, seed: &str, indent: &str) {
    let habit = habit(call, seed);
    let breaks = habit.breaks.replace('\n', &format!("\n{indent}"));
    page.put(indent);
    page.put(one_of(seed, &["curl", "curl", "curl --location", "curl -s"]));
    let has_data = call.sent.is_some();
    let as_query = call.method == "GET" && !has_data && !call.query.is_empty() && pick(&format!("{seed} -G"), 3) == 0;
    let is_implied = match call.method.as_str() {
        "GET" => !has_data && pick(&format!("{seed} implied"), 3) > 0,
        "POST" => has_data && !matches!(call.sent, Some(Sent::File(_))) && pick(&format!("{seed} implied"), 3) == 0,
        _ => false,
    };
    match (call.method.as_str(), is_implied || as_query) {
        (_, true) => {}
        ("HEAD", _) => page.put(" --head"),
        (method, _) => {
            page.put(&format!(" {} ", habit.method));
            page.fact(What::CallMethod, method);
        }
    }
    if as_query {
        page.put(" -G");
    }
    page.put(one_of(&format!("{seed} url"), &[" ", " ", " --url "]));
    page.put(&habit.quote.to_string());
    page.put(&call.server);
    write(page, &call.path, &What::CallSegment);
    if !as_query {
        query(page, &call.query);
    }
    page.put(&habit.quote.to_string());
    for (name, value) in call.query.iter().filter(|_| as_query) {
        page.put(&format!("{breaks}--data-urlencode '"));
        page.fact(What::CallQuery, name);
        page.put(&format!("={value}'"));
    }
    if call.basic {
        page.put(&format!("{breaks}{}", one_of(seed, &["-u 'user:password'", "--user \"user:password\""])));
    }
    for (name, value) in &call.headers {
        page.put(&format!("{breaks}{} '{name}: {value}'", habit.header));
    }
    data(page, call, &habit, &breaks, seed, indent);
    let last = page.text.len() - 1;
    if ['\'', '"'].contains(&page.text[last..].chars().next().unwrap_or(' ')) {
        page.mark(What::Quote, last);
    }
    page.put("\n");
}

fn data(page: &mut Page, call: &Call, habit: &Habit, breaks: &str, seed: &str, indent: &str) {
    match &call.sent {
        None => {}
        Some(Sent::Json(example, media)) => {
            if media == "application/json" && pick(&format!("{seed} --json"), 5) == 0 {
                page.put(&format!("{breaks}--json '"));
            } else {
                page.put(&format!("{breaks}{} 'Content-Type: {media}'{breaks}{} '", habit.header, habit.data));
            }
            json::write(page, example, Way::Request, Style::Exact, indent);
            page.put("'");
        }
        Some(Sent::Form(fields)) => {
            for (name, value) in fields {
                page.put(&format!("{breaks}{} '", if habit.method == "-X" { "-F" } else { "--form" }));
                page.fact(What::Key(name.clone(), Way::Request), &name.name);
                page.put(&format!("={value}'"));
            }
        }
        Some(Sent::Urlencoded(fields)) => {
            for (name, value) in fields {
                page.put(&format!("{breaks}{} '", if habit.method == "-X" { "-d" } else { "--data-urlencode" }));
                page.fact(What::Key(name.clone(), Way::Request), &name.name);
                page.put(&format!("={value}'"));
            }
        }
        Some(Sent::File(media)) => {
            page.put(&format!(
                "{breaks}{} 'Content-Type: {media}'{breaks}--data-binary '@./payload.bin'",
                habit.header
            ));
        }
    }
}

fn query(page: &mut Page, query: &[(String, String)]) {
    for (index, (name, value)) in query.iter().enumerate() {
        page.put(if index == 0 { "?" } else { "&" });
        page.fact(What::CallQuery, name);
        page.put(&format!("={value}"));
    }
}

/// Writes a request with its first line, headers and body.
pub fn raw(page: &mut Page, call: &Call, path: &[Part], has_base: bool) {
    page.fact(What::Method, &call.method);
    page.put(" ");
    page.put(if has_base { &call.base } else { "" });
    write(page, path, &What::Segment);
    query(page, &call.query);
    page.line(" HTTP/1.1");
    let host = call.server.split("://").nth(1).unwrap_or("api.example.com");
    page.line(&format!("Host: {}", host.split('/').next().unwrap_or(host)));
    if call.basic {
        page.line("Authorization: Basic dXNlcjpwYXNzd29yZA==");
    }
    for (name, value) in &call.headers {
        page.line(&format!("{name}: {value}"));
    }
    match &call.sent {
        Some(Sent::Json(example, media)) => {
            page.put(&format!("Content-Type: {media}\n\n"));
            json::write(page, example, Way::Request, Style::Plain, "");
            page.put("\n");
        }
        Some(Sent::Urlencoded(fields)) => {
            page.put("Content-Type: application/x-www-form-urlencoded\n\n");
            for (index, (name, value)) in fields.iter().enumerate() {
                page.put(if index == 0 { "" } else { "&" });
                page.fact(What::Key(name.clone(), Way::Request), &name.name);
                page.put(&format!("={}", value.replace('@', "%40")));
            }
            page.put("\n");
        }
        // A file's bytes are not for a page.
        Some(Sent::Form(_) | Sent::File(_)) | None => {}
    }
}
