//! A request on a page, and its body.

use std::ops::Range;

use crate::page::json::{self, Mistake, ShownValue};
use crate::page::model::Written;
use crate::page::shell::Word;

/// A request on a page: a `curl` command, or raw HTTP.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method, explicit or implied.
    pub method: Written<String>,
    /// Whether the method is implied by the rest. Its place is the start of the command.
    pub is_implied: bool,
    /// The URL.
    pub url: Written<String>,
    /// The headers: name in lower case, value. Includes those of users, cookies and `--json`.
    pub headers: Vec<Written<(String, String)>>,
    /// The additions to the URL's query, as sent.
    pub query: Vec<Written<String>>,
    /// The body.
    pub body: Body,
    /// Whether it is raw HTTP, to which no program adds headers.
    pub is_raw: bool,
}

/// A request body.
#[derive(Debug, Clone)]
pub enum Body {
    /// No body.
    Nothing,
    /// Texts, which are sent with `&` between them.
    Data(Vec<Data>),
    /// The parts of a form.
    Form(Vec<Part>),
    /// A file.
    File(Written<String>),
}

/// A text in a body.
#[derive(Debug, Clone)]
pub struct Data {
    /// The value of the option: the text, or the name of a file after an `@`.
    pub written: Word,
    /// The text that is sent. `None` for a file, whose content is unknown.
    pub text: Option<Word>,
    /// Whether it is form-encoded before it is sent.
    pub is_encoded: bool,
}

/// A part of a form.
#[derive(Debug, Clone)]
pub struct Part {
    /// The value of the option.
    pub written: Written<String>,
    /// Its name.
    pub name: String,
    /// Its text. `None` for a file, whose content is unknown.
    pub value: Option<String>,
    /// Whether it is sent as a file.
    pub is_file: bool,
    /// Its media type, if given.
    pub content_type: Option<String>,
}

impl Data {
    /// The data of a curl option. A command may have a text on its standard input.
    pub(super) fn new(option: &str, written: Word, input: Option<&Word>) -> Data {
        let is_encoded = option == "--data-urlencode";
        let takes_files = option != "--data-raw" && !is_encoded;
        let text = match written.strip_prefix('@').filter(|_| takes_files) {
            Some("-") => input.cloned(),
            Some(_) => None,
            None if is_encoded && !written.contains('=') && written.contains('@') => None,
            None => Some(written.clone()),
        };
        Data { written, text, is_encoded }
    }

    /// The text as a part of a query.
    pub(super) fn into_pair(self) -> Written<String> {
        if self.is_encoded { super::encode(&self.written) } else { self.written.written }
    }
}

impl Part {
    /// `name=value`, `name=@file;type=image/png` or `name=<file`. Only some options support files.
    pub(super) fn new(written: Written<String>, takes_files: bool) -> Part {
        let (name, value) = written.value.split_once('=').unwrap_or((&written.value, ""));
        let (content, rest) = value.split_once(';').filter(|_| takes_files).unwrap_or((value, ""));
        let content_type = rest.split(';').find_map(|pair| pair.trim().strip_prefix("type=")).map(str::to_owned);
        // A semicolon may also be part of the text.
        let is_text = !rest.is_empty() && !rest.contains('=');
        let content = if is_text { value } else { content };
        let is_file = takes_files && content.starts_with('@');
        let is_in_file = is_file || (takes_files && content.starts_with('<'));
        let content = content.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(content);
        let value = (!is_in_file).then(|| content.to_owned());
        Part { name: name.to_owned(), value, is_file, content_type, written }
    }
}

impl Body {
    /// The place of the first part.
    pub fn range(&self) -> Option<&Range<usize>> {
        match self {
            Body::Nothing => None,
            Body::Data(data) => data.first().map(|data| &data.written.range),
            Body::Form(parts) => parts.first().map(|part| &part.written.range),
            Body::File(file) => Some(&file.range),
        }
    }

    /// The option values, as written.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let (data, parts, file) = match self {
            Body::Nothing => (&[] as &[Data], &[] as &[Part], None),
            Body::Data(data) => (data.as_slice(), &[] as &[Part], None),
            Body::Form(parts) => (&[] as &[Data], parts.as_slice(), None),
            Body::File(file) => (&[] as &[Data], &[] as &[Part], Some(file)),
        };
        let data = data.iter().map(|data| data.written.as_str());
        let parts = parts.iter().map(|part| part.written.as_str());
        data.chain(parts).chain(file.map(|file| file.as_str()))
    }

    /// The text that is sent, if all of it is known and written in one place.
    pub fn text(&self) -> Option<&Word> {
        match self {
            Body::Data(data) => match data.as_slice() {
                [Data { text: Some(text), is_encoded: false, .. }] => Some(text),
                _ => None,
            },
            _ => None,
        }
    }
}

impl Request {
    /// The names in a form body, each with its place.
    pub fn form_names(&self) -> Vec<(String, Range<usize>)> {
        let mut names = Vec::new();
        match &self.body {
            Body::Form(parts) => {
                names.extend(parts.iter().map(|part| (part.name.clone(), part.written.range.clone())));
            }
            Body::Data(all) => {
                for data in all {
                    let Some(text) = data.text.as_ref().filter(|text| text.contains('=')) else { continue };
                    let mut at = 0;
                    for pair in text.split('&') {
                        let name = pair.split('=').next().unwrap_or_default();
                        let is_name = !name.is_empty() && pair.contains('=') && !name.contains(char::is_whitespace);
                        if is_name {
                            names.push((name.to_owned(), text.place(&(at..at + name.len()))));
                        }
                        at += pair.len() + 1;
                    }
                }
            }
            Body::Nothing | Body::File(_) => {}
        }
        names
    }

    /// The value of a header. The name is in lower case.
    pub fn header(&self, name: &str) -> Option<Written<&str>> {
        let header = self.headers.iter().find(|header| header.value.0 == name)?;
        Some(Written { value: &header.value.1, range: header.range.clone() })
    }

    /// The media type of the body: that of a header, or curl's default, and the place that implies it. `None` if there
    /// is no body, or if the media type is unknown.
    pub fn content_type(&self) -> Option<Written<&str>> {
        let implied = match &self.body {
            Body::Nothing => return None,
            Body::Data(_) => "application/x-www-form-urlencoded",
            Body::Form(_) => "multipart/form-data",
            Body::File(_) => "",
        };
        let given = self.header("content-type");
        let Some(given) = given.filter(|given| !given.is_empty()) else {
            let range = self.body.range()?.clone();
            // A header without a value removes curl's default.
            let is_sent = !self.is_raw && !implied.is_empty() && self.header("content-type").is_none();
            return is_sent.then_some(Written { value: implied, range });
        };
        Some(given)
    }
}

/// The JSON body of a request, with places on the page, or why a server would refuse it. Shell substitutions and
/// placeholders for readers are placeholders. `None` if the body is unknown or not JSON.
pub fn data(request: &Request) -> Option<Result<ShownValue, Mistake>> {
    let text = request.body.text()?;
    let is_json = request.content_type().is_some_and(|kind| kind.split(';').next().is_some_and(is_json));
    if !is_json && !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let mut sent = json::sent(text)?;
    let place = |range: &Range<usize>| text.place(range);
    if let Some(mistake) = sent.mistake {
        return Some(Err(Mistake { range: place(&mistake.range), ..mistake }));
    }
    let mut value = sent.values.pop().filter(|value| sent.values.is_empty() && !value.is_fragment)?;
    value.move_to(&place);
    Some(Ok(value))
}

/// Whether a media type is JSON.
fn is_json(media_type: &str) -> bool {
    let media_type = media_type.trim().to_lowercase();
    media_type == "application/json" || media_type.ends_with("+json")
}
