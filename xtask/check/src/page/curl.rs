//! Example requests: parses `curl` commands.

mod body;
#[cfg(test)]
mod tests;

use std::ops::Range;

use super::model::Written;
use super::shell::{self, Command, Word};
pub use body::{Body, Data, Part, Request, data};

/// curl options with a value, apart from those for data. Most do not affect the meaning of the request.
const WITH_VALUE: &str = "\
    -A -C -D -E -F -H -K -P -Q -T -U -X -Y -b -c -e -h -m -o -r -t -u -w -x -y -z \
    --abstract-unix-socket --alt-svc --aws-sigv4 --cacert --capath --cert --cert-type --ciphers --config --connect-timeout --connect-to \
    --continue-at --cookie --cookie-jar --create-file-mode --crlfile --curves --dns-servers --doh-url --dump-header --ech --egd-file \
    --engine --etag-compare --etag-save --expect100-timeout --form --form-string --ftp-port --happy-eyeballs-timeout-ms --header --help --hostpubmd5 \
    --hostpubsha256 --hsts --interface --ip-tos --ipfs-gateway --keepalive-cnt --keepalive-time --key --key-type --limit-rate --local-port \
    --login-options --max-filesize --max-redirs --max-time --netrc-file --noproxy --oauth2-bearer --output --output-dir --parallel-max --pass \
    --pinnedpubkey --preproxy --proto --proto-default --proto-redir --proxy --proxy-cacert --proxy-cert --proxy-header --proxy-key \
    --proxy-user --pubkey --quote --random-file --range --rate --referer --request --request-target --resolve --retry --retry-delay \
    --retry-max-time --socks4 --socks4a --socks5 --socks5-hostname --speed-limit --speed-time --stderr --telnet-option --time-cond \
    --tls-max --tls13-ciphers --trace --trace-ascii --trace-config --unix-socket --upload-file --url --url-query --user --user-agent --variable --write-out";
/// curl options with data to send.
const DATA: &[&str] = &["-d", "--data", "--data-raw", "--data-ascii", "--data-binary", "--data-urlencode", "--json"];

/// Words that mean that the following program name is not executed.
const SPEAK_OF_IT: [&str; 6] = ["install", "add", "man", "which", "-v", "-S"];

/// The `curl` commands in a text, or why one of them is invalid or not supported. Places count from `offset`.
pub fn requests(text: &str, offset: usize) -> Result<Vec<Request>, shell::Malformed> {
    if let Some(at) = windows(text).filter(|_| text.contains("curl")) {
        let range = offset + at..offset + at + 1;
        let message = "this is a Windows command line";
        return Err(shell::Malformed { message, range, is_sure: false });
    }
    let commands = shell::commands(text, offset)?;
    commands.iter().filter_map(|command| Some(request(&command.words[name(&command.words)?..], command))).collect()
}

/// The place of a line continuation of `cmd` or PowerShell.
fn windows(text: &str) -> Option<usize> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end();
        if (content.ends_with(" ^") || content.ends_with(" `")) && at + line.len() < text.len() {
            return Some(at + content.len() - 1);
        }
        at += line.len();
    }
    None
}

/// The index of the command name, if it is curl. Prompts, assignments and other programs may precede it.
fn name(words: &[Word]) -> Option<usize> {
    let at = words.iter().position(|word| word.value == "curl")?;
    let only_speaks_of_it = |word: &Word| SPEAK_OF_IT.contains(&word.value.as_str());
    (!words[..at].iter().any(only_speaks_of_it)).then_some(at)
}

/// The collected options of a command.
#[derive(Default)]
struct Options {
    method: Option<Written<String>>,
    url: Option<Written<String>>,
    headers: Vec<Written<(String, String)>>,
    query: Vec<Written<String>>,
    data: Vec<Data>,
    form: Vec<Part>,
    file: Option<Written<String>>,
    /// The value of `--json`.
    json: Option<Written<String>>,
    /// Whether the data is sent in the query.
    as_query: bool,
    head: bool,
}

/// Parses a command whose first word is its name.
fn request(words: &[Word], command: &Command) -> Result<Request, shell::Malformed> {
    let mut words = words.iter();
    let name = words.next().map(|name| name.range.clone()).unwrap_or_default();
    let mut found = Options::default();
    while let Some(word) = words.next() {
        for (option, attached) in options(word) {
            match option.as_str() {
                option if takes_value(option) => {
                    if let Some(value) = attached.or_else(|| words.next().cloned()) {
                        found.option(option, value, command);
                    }
                }
                "-G" | "--get" => found.as_query = true,
                "-I" | "--head" => found.head = true,
                option if option.starts_with('-') => {}
                _ => found.url = found.url.take().or(Some(word.written.clone())),
            }
        }
    }
    found.request(name)
}

impl Options {
    /// Applies an option with its value.
    fn option(&mut self, option: &str, value: Word, command: &Command) {
        match option {
            "-X" | "--request" => self.method = Some(value.written),
            "-H" | "--header" => self.headers.push(header(value.written)),
            "--oauth2-bearer" => self.headers.push(authorization("Bearer", value.written)),
            "-u" | "--user" => self.headers.push(authorization("Basic", value.written)),
            "-b" | "--cookie" => self.headers.push(cookie(value.written)),
            "-F" | "--form" => self.form.push(Part::new(value.written, true)),
            "--form-string" => self.form.push(Part::new(value.written, false)),
            "-T" | "--upload-file" => self.file = Some(value.written),
            "--url" => self.url = Some(value.written),
            "--url-query" => self.query.push(encode(&value.written)),
            option if DATA.contains(&option) => {
                if option == "--json" {
                    self.json.get_or_insert(value.written.clone());
                }
                self.data.push(Data::new(option, value, command.input.as_ref()));
            }
            _ => {}
        }
    }

    fn request(mut self, name: Range<usize>) -> Result<Request, shell::Malformed> {
        let Some(url) = self.url else {
            return Err(shell::Malformed { message: "this command has no URL", range: name, is_sure: false });
        };
        if self.as_query {
            self.query.extend(self.data.drain(..).map(Data::into_pair));
        }
        let body = match (self.file, self.form.is_empty(), self.data.is_empty()) {
            (Some(file), ..) => Body::File(file),
            (None, false, _) => Body::Form(self.form),
            (None, true, false) => Body::Data(self.data),
            (None, true, true) => Body::Nothing,
        };
        let implied = match &body {
            _ if self.head => "HEAD",
            Body::Nothing => "GET",
            Body::File(_) => "PUT",
            Body::Form(_) | Body::Data(_) => "POST",
        };
        if let Some(json) = self.json {
            for name in ["content-type", "accept"] {
                if !self.headers.iter().any(|header| header.value.0 == name) {
                    let value = (name.to_owned(), "application/json".to_owned());
                    self.headers.push(Written { value, range: json.range.clone() });
                }
            }
        }
        let is_implied = self.method.is_none();
        let method = self.method.unwrap_or_else(|| Written { value: implied.to_owned(), range: name });
        Ok(Request { method, is_implied, url, headers: self.headers, query: self.query, body, is_raw: false })
    }
}

/// The options in a word, each with its attached value. A word that is not an option is returned unchanged.
fn options(word: &Word) -> Vec<(String, Option<Word>)> {
    let text = &word.value;
    let short = text.strip_prefix('-').filter(|rest| !rest.is_empty() && !rest.starts_with('-'));
    let Some(short) = short else {
        // A common notation, although curl does not accept it.
        let long = text.split_once('=').filter(|(name, _)| name.starts_with("--") && takes_value(name));
        return match long {
            Some((name, _)) => vec![(name.to_owned(), Some(word.from(name.len() + 1)))],
            None => vec![(text.clone(), None)],
        };
    };
    let mut found = Vec::new();
    for (at, letter) in short.char_indices() {
        let option = format!("-{letter}");
        let rest = at + letter.len_utf8();
        if takes_value(&option) {
            found.push((option, (rest < short.len()).then(|| word.from(1 + rest))));
            break;
        }
        found.push((option, None));
    }
    found
}

fn takes_value(option: &str) -> bool {
    DATA.contains(&option) || WITH_VALUE.split_whitespace().any(|known| known == option)
}

fn header(text: Written<String>) -> Written<(String, String)> {
    let (name, value) = text.value.split_once(':').unwrap_or((&text.value, ""));
    Written { value: (name.trim().to_lowercase(), value.trim().to_owned()), range: text.range.clone() }
}

/// Credentials, as the header in which they are sent.
fn authorization(scheme: &str, proof: Written<String>) -> Written<(String, String)> {
    Written { value: ("authorization".to_owned(), format!("{scheme} {}", proof.value)), range: proof.range.clone() }
}

fn cookie(cookie: Written<String>) -> Written<(String, String)> {
    Written { value: ("cookie".to_owned(), cookie.value), range: cookie.range.clone() }
}

/// `name=value`, of which curl encodes the value. The content of a file is unknown.
fn encode(pair: &Written<String>) -> Written<String> {
    let encoded = |value: &str| form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>();
    let value = match (pair.split_once('='), pair.split_once('@')) {
        (Some((name, value)), _) => format!("{name}={}", encoded(value)),
        (None, Some((name, file))) => format!("{name}={}", encoded(&format!("<{file}>"))),
        (None, None) => pair.value.clone(),
    };
    Written { value, range: pair.range.clone() }
}
