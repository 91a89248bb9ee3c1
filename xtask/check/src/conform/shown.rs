//! Shows requests and responses to people. Secrets are replaced by the variables that hold them.

use openapi_model::document::Location;

use super::credentials::Credential;
use super::percent::encoded;
use super::secret::Secret;
use super::wire::{Answer, Request, Wire, cookies, joint};

/// The maximum number of characters of external text to show.
const SHOWN: usize = 1000;

impl Wire {
    /// The request as a shell command, with variables instead of secrets.
    pub fn curl(&self, request: &Request) -> String {
        let how = if request.method == "HEAD" { "--head".to_owned() } else { format!("--request {}", request.method) };
        let mut url = self.hidden(format!("'{}'", self.url(request).replace('\'', "%27")));
        let parts = |location| request.authorization.parts.iter().filter(move |part| part.location == location);
        for part in parts(Location::Query) {
            let start = format!("{}{}=", joint(&url), encoded(&part.name));
            url.push_str(&format!("'{start}'\"{}\"", part.shown()));
        }
        let mut line = format!("curl --include {how} {url}");
        for part in parts(Location::Header) {
            match (&part.user, &part.secret) {
                (Some(user), Some(password)) if part.before == "Basic " => {
                    // In one secret for both, the user may be the key.
                    let whole = format!("{user}:{}", password.expose());
                    let both = self.secrets().iter().find(|secret| secret.expose() == whole);
                    let separate = || format!("{user}:{}", password.placeholder(true));
                    line.push_str(&format!(" --user \"{}\"", both.map_or_else(separate, |it| it.placeholder(true))));
                }
                _ => {
                    let name = if part.name == "authorization" { "Authorization" } else { part.name.as_str() };
                    line.push_str(&format!(" --header \"{name}: {}\"", part.shown()));
                }
            }
        }
        if let Some(cookies) = cookies(request, Credential::shown) {
            line.push_str(&format!(" --cookie \"{cookies}\""));
        }
        for (name, value) in &request.extra.headers {
            line.push_str(&format!(" --header {}", self.hidden(quoted(format!("{name}: ").as_bytes(), value))));
        }
        if let Some(body) = &request.extra.body {
            line.push_str(&format!(" --data-binary {}", self.hidden(quoted(b"", body))));
        }
        line
    }

    /// A quoted shell word with variables instead of secrets: links of a server may repeat those in the query.
    fn hidden(&self, word: String) -> String {
        let begin = if word.starts_with('$') { "$'" } else { "'" };
        self.recognisable().fold(word, |word, secret| {
            let shown = format!("'\"{}\"{begin}", secret.placeholder(true));
            let escaped = secret.expose().replace('\\', "\\\\").replace('\'', "\\'");
            let written = [secret.expose(), &escaped, &encoded(secret.expose())].map(str::to_owned);
            written.iter().fold(word, |word, text| word.replace(text, &shown))
        })
    }

    /// The secrets that are hidden in texts: a few letters would hide nothing and make the rest unreadable.
    fn recognisable(&self) -> impl Iterator<Item = &Secret> {
        self.secrets().iter().filter(|secret| secret.expose().len() > 3)
    }

    /// The response, without secrets and without most of a long body.
    pub fn show(&self, answer: &Answer) -> String {
        let mut text = format!("{}\n", answer.status);
        for (name, value) in &answer.headers {
            text.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())));
        }
        text.push_str(&format!("\n{}", String::from_utf8_lossy(&answer.body)));
        self.shown(text.trim_end())
    }

    /// External text that is safe to show: without secrets, without terminal control characters, and not too long.
    pub fn shown(&self, text: &str) -> String {
        let text = self.recognisable().fold(text.to_owned(), |text, secret| {
            let shown = secret.placeholder(true);
            text.replace(secret.expose(), &shown).replace(&encoded(secret.expose()), &shown)
        });
        let mut shown: String = text.chars().take(SHOWN).map(printable).collect();
        let rest = text.chars().count().saturating_sub(SHOWN);
        if rest > 0 {
            shown.push_str(&format!("… and {rest} characters more"));
        }
        shown
    }
}

/// Bytes as a quoted shell word.
fn quoted(start: &[u8], rest: &[u8]) -> String {
    let mut word = "$'".to_owned();
    for byte in start.iter().chain(rest) {
        match byte {
            b'\'' | b'\\' => word.extend(['\\', char::from(*byte)]),
            b' '..=b'~' => word.push(char::from(*byte)),
            _ => word.push_str(&format!("\\x{byte:02x}")),
        }
    }
    // If no byte needed escaping, ordinary quotes are enough.
    if word.contains('\\') { format!("{word}'") } else { format!("{}'", &word[1..]) }
}

fn printable(letter: char) -> char {
    if letter.is_control() && letter != '\n' { '\u{fffd}' } else { letter }
}
