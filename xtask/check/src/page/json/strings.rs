//! Parses quoted strings.

use super::found::Kind;
use super::reader::Reader;

impl Reader<'_> {
    /// A string in any quotes that begins here, and whether its quotes are those of JSON.
    pub fn string(&mut self) -> (String, bool) {
        let open = self.at;
        let letter = self.rest().chars().next().unwrap_or_default();
        self.at += letter.len_utf8();
        match letter {
            '"' => (self.until(open, '"'), true),
            '“' | '”' => {
                let range = self.letter(open);
                self.found.wrong(Kind::Other, range, "a string must be in straight double quotes (`\"`)");
                let rest = self.rest();
                let close = rest.find(['”', '“', '"', '\n']).unwrap_or(rest.len());
                self.at += close + rest[close..].chars().next().filter(|last| *last != '\n').map_or(0, char::len_utf8);
                (rest[..close].to_owned(), false)
            }
            quote => {
                let range = self.letter(open);
                self.found.wrong(Kind::Manner, range, "a string must be in double quotes");
                (self.until(open, quote), false)
            }
        }
    }

    /// The content of a string after its opening quote, up to and including its closing quote.
    fn until(&mut self, open: usize, quote: char) -> String {
        let mut text = String::new();
        let mut from = self.at;
        let mut is_broken = false;
        loop {
            match self.peek() {
                Some(byte) if byte == quote as u8 => {
                    text.push_str(&self.text[from..self.at]);
                    self.at += 1;
                    return text;
                }
                Some(b'\\') if self.at + 1 < self.bytes.len() && !matches!(self.bytes[self.at + 1], b'\n' | b'\r') => {
                    text.push_str(&self.text[from..self.at]);
                    self.escape(&mut text);
                    from = self.at;
                }
                end @ (None | Some(b'\n')) | end @ Some(b'\r') if end.is_none() || self.is_line_end() => {
                    if quote == '`' && end.is_some() {
                        self.at += 1;
                        continue;
                    }
                    if end.is_some() && (is_broken || self.goes_on(quote)) {
                        if !is_broken {
                            let message = "write a line break in a string as `\\n`";
                            self.found.wrong(Kind::Other, self.at..self.at + 1, message);
                        }
                        is_broken = true;
                        self.at += 1;
                        continue;
                    }
                    return self.unclosed(open, from, text);
                }
                Some(byte @ 0..0x20) => {
                    let name = if byte == b'\t' { "a tab" } else { "a control character" };
                    let written = if byte == b'\t' { "\\t".to_owned() } else { format!("\\u{byte:04x}") };
                    let message = format!("write {name} in a string as `{written}`");
                    self.found.wrong(Kind::Other, self.at..self.at + 1, message);
                    self.at += 1;
                }
                Some(_) => self.at += 1,
                None => return text,
            }
        }
    }

    fn is_line_end(&self) -> bool {
        self.starts("\n") || self.starts("\r\n")
    }

    /// Whether a string that is not closed on its line continues on the next: no name, string or bracket begins there,
    /// and a quote follows later.
    fn goes_on(&self, quote: char) -> bool {
        let rest = self.rest().trim_start();
        let mut paragraph = rest.lines().take(20).take_while(|line| !line.trim().is_empty());
        !rest.starts_with(['"', '{', '}', '[', ']', '\'']) && paragraph.any(|line| line.contains(quote))
    }

    /// A string without a closing quote. It ends with its line, before a trailing comma.
    fn unclosed(&mut self, open: usize, from: usize, mut text: String) -> String {
        let end = (open + self.text[open..self.at].trim_end().len()).max(from);
        self.found.wrong(Kind::Other, open..end, "this string is not closed on its line");
        let end = self.text[from..end].trim_end_matches(',').len() + from;
        text.push_str(&self.text[from..end]);
        self.at = end;
        text
    }

    /// A backslash escape.
    fn escape(&mut self, text: &mut String) {
        let start = self.at;
        let Some(letter) = self.text[start + 1..].chars().next() else { return };
        self.at = start + 1 + letter.len_utf8();
        let meant = match letter {
            '"' | '\\' | '/' => letter,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => match self.code_point(start) {
                Some((meant, end)) => {
                    self.at = end;
                    meant
                }
                None => {
                    let range = start..self.at;
                    self.found.wrong(Kind::Other, range, "`\\u` must be followed by four hexadecimal digits");
                    '\u{fffd}'
                }
            },
            other => {
                let kind = if matches!(other, '\'' | 'x' | 'v' | '0') { Kind::Manner } else { Kind::Other };
                let message = format!("`\\{other}` is not a JSON escape; write a backslash as `\\\\`");
                self.found.wrong(kind, start..self.at, message);
                text.push('\\');
                other
            }
        };
        text.push(meant);
    }

    /// The character of a `\u` escape, or of a pair of them, and its end.
    fn code_point(&self, start: usize) -> Option<(char, usize)> {
        let unit = |at: usize| {
            let digits = self.text.get(at..at + 6)?.strip_prefix("\\u")?;
            digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
        };
        let first = unit(start)?;
        if let Some(letter) = char::from_u32(first) {
            return Some((letter, start + 6));
        }
        let second = unit(start + 6).filter(|second| (0xDC00..0xE000).contains(second))?;
        let joined = (first < 0xDC00).then(|| 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))?;
        Some((char::from_u32(joined)?, start + 12))
    }
}
