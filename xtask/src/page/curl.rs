//! Example requests: what a `curl` command asks for.

use super::shell;
use crate::contract::Spanned;

/// A request as a `curl` command makes it.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method, whether it is written or follows from the rest.
    pub method: Spanned<String>,
    /// The URL.
    pub url: Spanned<String>,
    /// The headers: name in lower case, value.
    pub headers: Vec<Spanned<(String, String)>>,
    /// The data that is sent.
    pub data: Option<Spanned<String>>,
}

/// Options of curl that are followed by a value and that say nothing about the request's meaning.
const WITH_VALUE: &[&str] = &[
    "-o",
    "--output",
    "-m",
    "--max-time",
    "--connect-timeout",
    "-A",
    "--user-agent",
    "-u",
    "--user",
    "-w",
    "--write-out",
    "-b",
    "--cookie",
    "-c",
    "--cookie-jar",
    "-e",
    "--referer",
    "-F",
    "--form",
    "-T",
    "--upload-file",
    "-x",
    "--proxy",
    "--retry",
    "--retry-delay",
    "--retry-max-time",
    "--cacert",
    "--cert",
    "--key",
    "-K",
    "--config",
    "--resolve",
    "-D",
    "--dump-header",
    "--oauth2-bearer",
    "-r",
    "--range",
    "-y",
    "-Y",
    "-z",
    "--interface",
    "-C",
];
const DATA: &[&str] = &["-d", "--data", "--data-raw", "--data-ascii", "--data-binary", "--data-urlencode", "--json"];

/// The first `curl` command of a text, if there is one. Places count from `offset`.
pub fn request(text: &str, offset: usize) -> Result<Option<Request>, shell::Malformed> {
    let commands = shell::commands(text, offset)?;
    let Some((name, arguments)) = commands.iter().find_map(|words| {
        // Prompts and assignments may stand before it.
        let at = words.iter().position(|word| word.value == "curl")?;
        Some((&words[at], &words[at + 1..]))
    }) else {
        return Ok(None);
    };
    let mut method: Option<Spanned<String>> = None;
    let mut url: Option<Spanned<String>> = None;
    let mut headers = Vec::new();
    let mut data: Option<Spanned<String>> = None;
    let mut as_query = false;
    let mut head = false;
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        for (option, attached) in options(word) {
            let mut value = || attached.clone().or_else(|| words.next().cloned());
            match option.as_str() {
                "-X" | "--request" => method = value(),
                "-H" | "--header" => headers.extend(value().map(header)),
                "--url" => url = value(),
                "-G" | "--get" => as_query = true,
                "-I" | "--head" => head = true,
                option if DATA.contains(&option) => data = value(),
                option if WITH_VALUE.contains(&option) => drop(value()),
                option if option.starts_with('-') => {}
                _ => url = url.or(Some(word.clone())),
            }
        }
    }
    let Some(url) = url else {
        return Err(shell::Malformed { message: "this command asks for no URL", range: name.range.clone() });
    };
    let implied = match (head, data.is_some() && !as_query) {
        (true, _) => "HEAD",
        (false, true) => "POST",
        (false, false) => "GET",
    };
    Ok(Some(Request {
        method: method.unwrap_or_else(|| Spanned { value: implied.to_owned(), range: name.range.clone() }),
        url,
        headers,
        data,
    }))
}

/// The options in a word, each with the value that is attached to it. A word that is none is given back as it is.
fn options(word: &Spanned<String>) -> Vec<(String, Option<Spanned<String>>)> {
    let text = &word.value;
    let short = text.strip_prefix('-').filter(|rest| !rest.is_empty() && !rest.starts_with('-'));
    let Some(short) = short else {
        return vec![(text.clone(), None)];
    };
    let mut found = Vec::new();
    for (at, letter) in short.char_indices() {
        let option = format!("-{letter}");
        let rest = &short[at + letter.len_utf8()..];
        let takes_value = ["-X", "-H"].contains(&option.as_str())
            || DATA.contains(&option.as_str())
            || WITH_VALUE.contains(&option.as_str());
        if takes_value {
            let attached = (!rest.is_empty()).then(|| Spanned { value: rest.to_owned(), range: word.range.clone() });
            found.push((option, attached));
            break;
        }
        found.push((option, None));
    }
    found
}

fn header(text: Spanned<String>) -> Spanned<(String, String)> {
    let (name, value) = text.value.split_once(':').unwrap_or((&text.value, ""));
    Spanned { value: (name.trim().to_lowercase(), value.trim().to_owned()), range: text.range.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Request {
        request(text, 0).unwrap().unwrap()
    }

    #[test]
    fn the_usual_ways_to_write_a_request_are_read() {
        let whole = read(
            "curl --location --request POST 'https://x.org/a' \\\n--header 'Content-Type: application/json' \\\n--header \"Authorization: Bearer K\"",
        );
        assert_eq!((whole.method.as_str(), whole.url.as_str()), ("POST", "https://x.org/a"));
        let headers: Vec<_> =
            whole.headers.iter().map(|header| (header.value.0.as_str(), header.value.1.as_str())).collect();
        assert_eq!(headers, [("content-type", "application/json"), ("authorization", "Bearer K")]);
        for text in [
            "curl -sSLXPOST https://x.org/a",
            "$ curl -X POST --url https://x.org/a",
            "KEY=1 curl https://x.org/a -d '{}'",
            "curl -o /dev/null -XPOST https://x.org/a | jq .",
            "# trigger\ncurl --data-raw $'{\\'a\\'}' https://x.org/a",
        ] {
            let request = read(text);
            assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", "https://x.org/a"), "{text}");
        }
        assert_eq!(read("curl x.org").method.value, "GET");
        assert_eq!(read("curl -G -d a=b x.org").method.value, "GET");
        assert_eq!(read("curl -I x.org").method.value, "HEAD");
    }

    #[test]
    fn what_is_no_request_is_said() {
        assert!(request("ls -l\npip install x", 0).unwrap().is_none());
        assert!(request("curl 'https://x.org", 0).is_err());
        assert_eq!(request("curl -s", 0).unwrap_err().message, "this command asks for no URL");
    }
}
