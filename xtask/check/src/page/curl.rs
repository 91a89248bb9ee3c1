//! Example requests: what a `curl` command asks for.

use super::model::Written;
use super::shell;

/// A request as a `curl` command makes it.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method, whether it is written or follows from the rest.
    pub method: Written<String>,
    /// The URL.
    pub url: Written<String>,
    /// The headers: name in lower case, value. Users and cookies are among them.
    pub headers: Vec<Written<(String, String)>>,
    /// What is added to the URL's query, as it is sent.
    pub query: Vec<Written<String>>,
    /// Parts of a form and files that are sent.
    pub uploads: Vec<Written<String>>,
    /// The data that is sent.
    pub data: Vec<Written<String>>,
}

/// Options of curl that are followed by a value. Most say nothing about the request's meaning.
const WITH_VALUE: &str = "\
    -A -C -D -E -F -K -P -Q -T -U -Y -b -c -e -h -m -o -r -t -u -w -x -y -z \
    --abstract-unix-socket --alt-svc --aws-sigv4 --cacert --capath --cert --cert-type --ciphers --config --connect-timeout --connect-to \
    --continue-at --cookie --cookie-jar --create-file-mode --crlfile --curves --dns-servers --doh-url --dump-header --ech --egd-file \
    --engine --etag-compare --etag-save --expect100-timeout --form --form-string --ftp-port --happy-eyeballs-timeout-ms --help --hostpubmd5 \
    --hostpubsha256 --hsts --interface --ip-tos --ipfs-gateway --keepalive-cnt --keepalive-time --key --key-type --limit-rate --local-port \
    --login-options --max-filesize --max-redirs --max-time --netrc-file --noproxy --output --output-dir --parallel-max --pass \
    --pinnedpubkey --preproxy --proto --proto-default --proto-redir --proxy --proxy-cacert --proxy-cert --proxy-header --proxy-key \
    --proxy-user --pubkey --quote --random-file --range --rate --referer --request-target --resolve --retry --retry-delay \
    --retry-max-time --socks4 --socks4a --socks5 --socks5-hostname --speed-limit --speed-time --stderr --telnet-option --time-cond \
    --tls-max --tls13-ciphers --trace --trace-ascii --trace-config --unix-socket --upload-file --user --user-agent --variable --write-out";
/// Options of curl that are followed by data to send.
const DATA: &[&str] = &["-d", "--data", "--data-raw", "--data-ascii", "--data-binary", "--data-urlencode", "--json"];

/// Words before the name of a program that does not run there.
const SPEAK_OF_IT: [&str; 6] = ["install", "add", "man", "which", "-v", "-S"];

/// The `curl` commands of a text, or why one of them would not work. Places count from `offset`.
pub fn requests(text: &str, offset: usize) -> Result<Vec<Request>, shell::Malformed> {
    let commands = shell::commands(text, offset)?;
    commands.iter().filter_map(|words| Some(request(&words[name(words)?..]))).collect()
}

/// Where the name of the command stands, if it is curl. Prompts, assignments and other programs may stand before it.
fn name(words: &[Written<String>]) -> Option<usize> {
    let at = words.iter().position(|word| word.value == "curl")?;
    let only_speaks_of_it = |word: &Written<String>| SPEAK_OF_IT.contains(&word.value.as_str());
    (!words[..at].iter().any(only_speaks_of_it)).then_some(at)
}

/// A command whose first word is its name.
fn request(words: &[Written<String>]) -> Result<Request, shell::Malformed> {
    let mut words = words.iter();
    let name = words.next().map(|name| name.range.clone()).unwrap_or_default();
    let (mut method, mut url): (Option<Written<String>>, Option<Written<String>>) = (None, None);
    let (mut headers, mut data, mut query) = (Vec::new(), Vec::new(), Vec::new());
    let mut uploads = Vec::new();
    let (mut as_query, mut head, mut put) = (false, false, false);
    // What of the data is encoded before it is sent.
    let mut encoded: Vec<bool> = Vec::new();
    while let Some(word) = words.next() {
        for (option, attached) in options(word) {
            let mut value = || attached.clone().or_else(|| words.next().cloned());
            match option.as_str() {
                "-X" | "--request" => method = value(),
                "-H" | "--header" => headers.extend(value().map(header)),
                "--oauth2-bearer" => headers.extend(value().map(|token| authorization("Bearer", token))),
                "-u" | "--user" => headers.extend(value().map(|user| authorization("Basic", user))),
                "-b" | "--cookie" => headers.extend(value().map(cookie)),
                "-F" | "--form" | "--form-string" => uploads.extend(value()),
                "-T" | "--upload-file" => {
                    put = true;
                    uploads.extend(value());
                }
                "--url" => url = value(),
                "--url-query" => query.extend(value().map(|pair| encode(&pair))),
                "-G" | "--get" => as_query = true,
                "-I" | "--head" => head = true,
                option if DATA.contains(&option) => {
                    encoded.push(option == "--data-urlencode");
                    data.extend(value());
                }
                option if takes_value(option) => drop(value()),
                option if option.starts_with('-') => {}
                _ => url = url.or(Some(word.clone())),
            }
        }
    }
    let Some(url) = url else {
        return Err(shell::Malformed { message: "this command asks for no URL", range: name });
    };
    if as_query {
        let pairs = data.drain(..).zip(encoded);
        query.extend(pairs.map(|(pair, is_encoded)| if is_encoded { encode(&pair) } else { pair }));
    }
    let implied = match (head, put, data.is_empty() && uploads.is_empty()) {
        (true, ..) => "HEAD",
        (false, true, _) => "PUT",
        (false, false, false) => "POST",
        (false, false, true) => "GET",
    };
    Ok(Request {
        method: method.unwrap_or_else(|| Written { value: implied.to_owned(), range: name }),
        url,
        query,
        uploads,
        headers,
        data,
    })
}

/// The options in a word, each with the value that is attached to it. A word that is none is given back as it is.
fn options(word: &Written<String>) -> Vec<(String, Option<Written<String>>)> {
    let text = &word.value;
    let short = text.strip_prefix('-').filter(|rest| !rest.is_empty() && !rest.starts_with('-'));
    let Some(short) = short else {
        return vec![(text.clone(), None)];
    };
    let mut found = Vec::new();
    for (at, letter) in short.char_indices() {
        let option = format!("-{letter}");
        let rest = &short[at + letter.len_utf8()..];
        if ["-X", "-H"].contains(&option.as_str()) || DATA.contains(&option.as_str()) || takes_value(&option) {
            let attached = (!rest.is_empty()).then(|| Written { value: rest.to_owned(), range: word.range.clone() });
            found.push((option, attached));
            break;
        }
        found.push((option, None));
    }
    found
}

fn takes_value(option: &str) -> bool {
    WITH_VALUE.split_whitespace().any(|known| known == option)
}

fn header(text: Written<String>) -> Written<(String, String)> {
    let (name, value) = text.value.split_once(':').unwrap_or((&text.value, ""));
    Written { value: (name.trim().to_lowercase(), value.trim().to_owned()), range: text.range.clone() }
}

/// What proves who asks, as the header in which it is sent.
fn authorization(scheme: &str, proof: Written<String>) -> Written<(String, String)> {
    Written { value: ("authorization".to_owned(), format!("{scheme} {}", proof.value)), range: proof.range.clone() }
}

fn cookie(cookie: Written<String>) -> Written<(String, String)> {
    Written { value: ("cookie".to_owned(), cookie.value), range: cookie.range.clone() }
}

/// `name=value`, of which curl encodes the value. What stands in a file is not known.
fn encode(pair: &Written<String>) -> Written<String> {
    let encoded = |value: &str| form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>();
    let value = match (pair.split_once('='), pair.split_once('@')) {
        (Some((name, value)), _) => format!("{name}={}", encoded(value)),
        (None, Some((name, file))) => format!("{name}={}", encoded(&format!("<{file}>"))),
        (None, None) => pair.value.clone(),
    };
    Written { value, range: pair.range.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Request {
        requests(text, 0).unwrap().remove(0)
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
            "curl --max-redirs 3 -E cert.pem --noproxy '*' >out 2>&1 -XPOST https://x.org/a",
            "# trigger\ncurl --data-raw $'{\\'a\\'}' https://x.org/a",
        ] {
            let request = read(text);
            assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", "https://x.org/a"), "{text}");
        }
        assert_eq!(read("curl x.org").method.value, "GET");
        assert_eq!(read("curl -G -d a=b x.org").method.value, "GET");
        assert_eq!(read("curl -I x.org").method.value, "HEAD");
        let query = read("curl -G x.org --data-urlencode a=b -d c=d --oauth2-bearer K");
        assert_eq!(query.query.iter().map(|pair| pair.as_str()).collect::<Vec<_>>(), ["a=b", "c=d"]);
        assert!(query.data.is_empty());
        assert_eq!(query.headers[0].value, ("authorization".to_owned(), "Bearer K".to_owned()));
        let query = read(
            "curl -G x.org --data-urlencode 'at=10:00+02:00' -d b=%20 --data-urlencode c@file --url-query 'd=1 2'",
        )
        .query;
        let query: Vec<_> = query.iter().map(|pair| pair.as_str()).collect();
        assert_eq!(query, ["d=1+2", "at=10%3A00%2B02%3A00", "b=%20", "c=%3Cfile%3E"]);
        for (text, method) in
            [("curl x.org -F file=@a", "POST"), ("curl x.org -T a", "PUT"), ("curl x.org -F a=b -X PUT", "PUT")]
        {
            assert_eq!(read(text).method.value, method, "{text}");
        }
        let headers = read("curl x.org -uname:password --cookie 'a=b'").headers;
        let headers: Vec<_> = headers.iter().map(|header| (header.value.0.as_str(), header.value.1.as_str())).collect();
        assert_eq!(headers, [("authorization", "Basic name:password"), ("cookie", "a=b")]);
        let urls = requests("for i in 1 2; do curl x.org/$i; done\ncurl y.org | curl z.org", 0).unwrap();
        assert_eq!(urls.iter().map(|request| request.url.as_str()).collect::<Vec<_>>(), ["x.org/$i", "y.org", "z.org"]);
    }

    #[test]
    fn what_is_no_request_is_said() {
        assert!(requests("ls -l\napt install curl jq\nman curl", 0).unwrap().is_empty());
        assert!(requests("curl 'https://x.org", 0).is_err());
        assert_eq!(requests("curl x.org; curl -s", 0).unwrap_err().message, "this command asks for no URL");
    }
}
