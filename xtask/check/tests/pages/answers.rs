//! What an operation answers, in the manner of a page.

use super::api::{Api, Operation, Response};
use super::example::{Example, Way};
use super::json::{self, Style};
use super::manner::{Answers, Manner};
use super::page::{Page, TargetKind, What};
use super::pick::{one_of, pick};
use super::status::{body, reason};
use super::tables::{self, Columns};
use super::words::Words;

fn style(seed: &str) -> Style {
    match pick(&format!("{seed} style"), 6) {
        0 => Style::Commented,
        1 => Style::Shortened,
        _ => Style::Plain,
    }
}

fn fence(page: &mut Page, language: &str, example: &Example, first: Option<&str>, style: Style, indent: &str) {
    page.line(&format!("{indent}```{language}"));
    if let Some(first) = first {
        page.line(&format!("{indent}{first}"));
    }
    page.put(indent);
    json::write(page, example, Way::Response, style, indent);
    page.put(&format!("\n{indent}```\n"));
}

/// What a response is about, in words.
fn about(response: &Response, words: &Words) -> String {
    let text = response.description.trim().trim_end_matches('.');
    let is_plain = |letter: char| letter.is_alphabetic() || " -',".contains(letter);
    match words.folder.is_empty() && text.len() > 3 && text.len() < 120 && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => response.code().map_or("", reason).to_owned(),
    }
}

pub fn write(page: &mut Page, api: &Api, operation: &Operation, manner: &Manner, level: usize, seed: &str) {
    match manner.answers {
        Answers::Sentences => sentences(page, api, operation, manner, level, seed),
        Answers::Tabs => tabs(page, api, operation, seed),
        Answers::Labels => labels(page, api, operation, manner, seed),
        Answers::Headings => headings(page, api, operation, manner, level, seed),
        Answers::List => list(page, api, operation, seed),
        Answers::Table => table(page, api, operation, level, seed),
        Answers::Raw => raw(page, api, operation, seed),
    }
}

/// A sentence with a status in a code span.
fn stating(page: &mut Page, sentence: &str, code: u16) {
    let (before, after) = sentence.split_once("{}").unwrap_or((sentence, ""));
    page.put(before);
    page.fact(What::Status(code), &code.to_string());
    page.block(after);
}

fn sentences(page: &mut Page, api: &Api, operation: &Operation, manner: &Manner, level: usize, seed: &str) {
    let words = manner.words;
    page.heading(level, words.response);
    for (code, response) in operation.successes() {
        let made = body(api, response, seed);
        if let Some(made) = made {
            page.heading(level + 1, words.example_response);
            stating(page, words.returns, code);
            fence(page, manner.json, &made, None, style(seed), "");
            page.put("\n");
            answered(page, api, response, words, seed);
        } else if response.media.is_empty() {
            page.put(&format!("{}: `", words.status_code));
            page.fact(What::Status(code), &code.to_string());
            page.block(&format!("`. {}", words.nothing));
        }
    }
    let shown = operation.errors().find_map(|(code, response)| Some((code, body(api, response, seed)?)));
    if let Some((code, made)) = shown {
        page.heading(level + 1, words.example_error);
        stating(page, words.returns, code);
        fence(page, manner.json, &made, None, Style::Plain, "");
        page.put("\n");
    }
    statuses(page, operation, manner, level);
}

/// The errors in a table.
fn statuses(page: &mut Page, operation: &Operation, manner: &Manner, level: usize) {
    let words = manner.words;
    if operation.errors().next().is_none() {
        return;
    }
    page.heading(level, words.errors);
    page.line(&format!("| {} | {} |", words.status_code, words.description));
    page.line("| --- | --- |");
    for (code, response) in operation.errors() {
        page.put("| `");
        page.fact(What::Status(code), &code.to_string());
        page.line(&format!("` | {} |", about(response, words)));
    }
    page.put("\n");
}

fn answered(page: &mut Page, api: &Api, response: &Response, words: &Words, seed: &str) {
    let Some(schema) = response.json().and_then(|media| media.schema.as_ref()) else { return };
    let flat = api.flat(schema);
    if pick(&format!("{seed} fields"), 3) == 0 && !flat.is_unclear && flat.alternatives.is_none() && !flat.is_open {
        tables::write(page, &api.field_rows(&flat, TargetKind::Answered), Columns::Answered, words, seed);
    }
}

fn tabs(page: &mut Page, api: &Api, operation: &Operation, seed: &str) {
    page.heading(2, "Responses");
    page.line("<Tabs>");
    let all = operation.responses.iter().filter_map(|response| Some((response.code()?, response)));
    for (index, (code, response)) in all.enumerate() {
        page.put("  <TabItem value=\"");
        page.fact(What::Status(code), &format!("{code}\" label=\"HTTP {code}"));
        page.block(&format!("\"{}>", if index == 0 { " default" } else { "" }));
        if let Some(made) = body(api, response, seed) {
            fence(page, "json", &made, None, if response.is_success() { style(seed) } else { Style::Plain }, "  ");
            page.put("\n");
        }
        page.block(&format!("  {}.", about(response, &super::words::ENGLISH)));
        page.line("  </TabItem>");
    }
    page.block("</Tabs>");
}

fn labels(page: &mut Page, api: &Api, operation: &Operation, manner: &Manner, seed: &str) {
    for (code, response) in operation.successes() {
        let made = body(api, response, seed);
        let in_code = made.is_some() && pick(&format!("{seed} comment"), 3) == 0;
        page.put("**Response:**");
        if in_code {
            page.put("\n");
        } else {
            page.put(" `");
            page.fact(What::Status(code), &code.to_string());
            page.line(&format!(" {}`", reason(code)).replace(" `", "`"));
        }
        match made {
            Some(made) if in_code => {
                page.line(&format!("```{}", manner.json));
                page.put("// Response ");
                page.fact(What::Status(code), &code.to_string());
                page.put("\n");
                json::write(page, &made, Way::Response, Style::Exact, "");
                page.block("\n```");
            }
            Some(made) => {
                fence(page, manner.json, &made, None, style(seed), "");
                page.put("\n");
            }
            None => page.put("\n"),
        }
    }
    if operation.errors().next().is_some() {
        page.block("**Error responses:**");
        for (code, response) in operation.errors() {
            page.put("- `");
            page.fact(What::Status(code), &code.to_string());
            page.line(&format!(" {}`: {}", reason(code), about(response, manner.words)));
        }
        page.put("\n");
    }
}

fn headings(page: &mut Page, api: &Api, operation: &Operation, manner: &Manner, level: usize, seed: &str) {
    let words = manner.words;
    let heading = if words.folder.is_empty() { "Example Response" } else { words.example_response };
    if let Some(made) = operation.successes().find_map(|(_, response)| body(api, response, seed)) {
        page.heading(level, heading);
        fence(page, manner.json, &made, None, style(seed), "");
        page.put("\n");
    }
    let all: Vec<&Response> = operation.responses.iter().filter(|response| response.status != "default").collect();
    if all.is_empty() {
        return;
    }
    let heading = if words.folder.is_empty() { "Status codes" } else { words.response };
    page.heading(level, heading);
    page.line(&format!("| {} | {} |", words.status_code, words.description));
    page.line("| :--- | :--- |");
    for response in all {
        page.put("| ");
        match response.code() {
            Some(code) => page.fact(What::Status(code), &code.to_string()),
            None => page.put(&response.status),
        }
        page.line(&format!(" | {} |", about(response, words)));
    }
    page.put("\n");
}

fn list(page: &mut Page, api: &Api, operation: &Operation, seed: &str) {
    let first = operation.successes().find_map(|(code, response)| Some((code, body(api, response, seed)?)));
    match &first {
        Some((200, _)) => page.block("- Response: **Status-Code OK**, as well as the data as shown."),
        Some((code, _)) => {
            page.put("- Response: **Status-Code ");
            page.fact(What::Status(*code), &code.to_string());
            page.block("**, as well as the data as shown.");
        }
        None => {
            for (code, _) in operation.successes() {
                page.put("- Response: `");
                page.fact(What::Status(code), &code.to_string());
                page.block(&format!(" {}`", reason(code)));
            }
        }
    }
    if let Some((_, made)) = first {
        fence(page, "", &made, None, one_of(seed, &[&Style::Plain, &Style::Shortened]).to_owned(), "");
        page.put("\n");
    }
    for (code, response) in operation.errors() {
        page.put("- Error: `");
        page.fact(What::Status(code), &code.to_string());
        page.line(&format!("` {}", about(response, &super::words::ENGLISH)));
    }
    page.put("\n");
}

fn table(page: &mut Page, api: &Api, operation: &Operation, level: usize, seed: &str) {
    page.heading(level, "Response");
    page.line("| Status Code | Description |");
    page.line("| --- | --- |");
    for response in operation.responses.iter().filter(|response| response.status != "default") {
        page.put("| ");
        match response.code() {
            Some(code) => {
                page.fact(What::Status(code), &code.to_string());
                page.put(&format!(" {}", reason(code)));
            }
            None => page.put(&response.status),
        }
        page.line(&format!(" | {}. |", about(response, &super::words::ENGLISH)));
    }
    page.put("\n");
    let shown = operation.successes().find_map(|(_, response)| Some((response, body(api, response, seed)?)));
    if let Some((response, made)) = shown {
        page.heading(level + 1, "Body");
        answered(page, api, response, &super::words::ENGLISH, seed);
        fence(page, "", &made, None, style(seed), "");
        page.put("\n");
    }
}

fn raw(page: &mut Page, api: &Api, operation: &Operation, seed: &str) {
    for (code, response) in operation.responses.iter().filter_map(|response| Some((response.code()?, response))) {
        let made = body(api, response, seed);
        if code >= 400 && made.is_none() {
            continue;
        }
        page.line("```http");
        page.put("HTTP/1.1 ");
        page.fact(What::Status(code), &code.to_string());
        page.line(format!(" {}", reason(code)).trim_end());
        if let (Some(made), Some(media)) = (&made, response.json()) {
            page.put(&format!("Content-Type: {}\n\n", media.name.replace("*/*", "application/json")));
            json::write(page, made, Way::Response, Style::Plain, "");
            page.put("\n");
        }
        page.block("```");
    }
}
