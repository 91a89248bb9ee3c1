//! Shell command lines as a shell would split them, with the place of every word.
//!
//! Knows what examples in documentation use: single, double and `$'…'` quotes, backslashes, continued lines, comments,
//! commands whose output stands in a word (`$(…)`), redirections, and what ends a command (`;`, `|`, `&`, a line break).

use std::ops::Range;

use super::model::Written;

/// Why a text is no command line, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// What is wrong.
    pub message: &'static str,
    /// Where.
    pub range: Range<usize>,
}

/// The commands of a text, each as its words. Places count from `offset`.
pub fn commands(text: &str, offset: usize) -> Result<Vec<Vec<Written<String>>>, Malformed> {
    let mut splitter = Splitter { text, at: 0, offset, word: None, words: Vec::new(), commands: Vec::new() };
    splitter.run()?;
    Ok(splitter.commands)
}

struct Splitter<'a> {
    text: &'a str,
    at: usize,
    offset: usize,
    /// The word that is being read, and where it began.
    word: Option<(usize, String)>,
    words: Vec<Written<String>>,
    commands: Vec<Vec<Written<String>>>,
}

impl Splitter<'_> {
    fn run(&mut self) -> Result<(), Malformed> {
        while let Some(letter) = self.next() {
            match letter {
                '\\' => match self.next() {
                    // A line break after a backslash is nothing at all.
                    Some('\n') => {}
                    Some('\r') if self.peek() == Some('\n') => {
                        self.next();
                    }
                    Some(escaped) => self.push(escaped),
                    None => return Err(self.wrong("nothing follows this backslash", self.at - 1)),
                },
                '\'' => self.single()?,
                '"' => self.double()?,
                '$' if self.peek() == Some('\'') => self.dollar()?,
                '$' if self.peek() == Some('(') => self.substitution()?,
                '<' | '>' => self.angle(letter),
                '#' if self.word.is_none() => {
                    while self.peek().is_some_and(|letter| letter != '\n') {
                        self.next();
                    }
                }
                ' ' | '\t' | '\r' => self.end_word(self.at - 1),
                '\n' | ';' | '|' | '&' => self.end_command(self.at - 1),
                other => self.push(other),
            }
        }
        self.end_command(self.at);
        Ok(())
    }

    fn single(&mut self) -> Result<(), Malformed> {
        let open = self.at - 1;
        self.begin(open);
        loop {
            match self.next() {
                Some('\'') => return Ok(()),
                Some(letter) => self.push(letter),
                None => return Err(self.wrong("this quote is not closed", open)),
            }
        }
    }

    fn double(&mut self) -> Result<(), Malformed> {
        let open = self.at - 1;
        self.begin(open);
        loop {
            match self.next() {
                Some('"') => return Ok(()),
                Some('\\') => match self.peek() {
                    Some('\n') => {
                        self.next();
                    }
                    Some(letter @ ('"' | '\\' | '$' | '`')) => {
                        self.next();
                        self.push(letter);
                    }
                    _ => self.push('\\'),
                },
                Some('$') if self.peek() == Some('(') => self.substitution()?,
                Some(letter) => self.push(letter),
                None => return Err(self.wrong("this quote is not closed", open)),
            }
        }
    }

    /// `$(…)`, with whatever quotes and parentheses: a part of the word that is not looked into.
    fn substitution(&mut self) -> Result<(), Malformed> {
        let open = self.at - 1;
        self.push('$');
        let mut depth = 0;
        while let Some(letter) = self.next() {
            self.push(letter);
            match letter {
                '(' => depth += 1,
                ')' if depth == 1 => return Ok(()),
                ')' => depth -= 1,
                _ => {}
            }
        }
        Err(self.wrong("this parenthesis is not closed", open))
    }

    /// `<name>` is a placeholder for a part of the word; `<file`, `>file` and `2>&1` are not words of the command.
    fn angle(&mut self, letter: char) {
        let start = self.at - 1;
        let line = self.text[self.at..].lines().next().unwrap_or_default();
        let name = line.find(['>', ' ', '\t']).filter(|end| letter == '<' && line[*end..].starts_with('>'));
        if let Some(end) = name.filter(|end| *end > 0) {
            let end = self.at + end + 1;
            self.word.get_or_insert((start, String::new())).1.push_str(&self.text[start..end]);
            self.at = end;
            return;
        }
        // A number before it names a stream.
        if self.word.as_ref().is_some_and(|(_, word)| word.bytes().all(|byte| byte.is_ascii_digit())) {
            self.word = None;
        }
        self.end_word(start);
        let target = line.trim_start_matches(['>', '<', '&', ' ', '\t']);
        let length = target.find([' ', '\t', ';', '|', '&']).unwrap_or(target.len());
        self.at += line.len() - target.len() + length;
    }

    /// `$'…'`, with the escapes of C.
    fn dollar(&mut self) -> Result<(), Malformed> {
        let open = self.at - 1;
        self.begin(open);
        self.next();
        loop {
            match self.next() {
                Some('\'') => return Ok(()),
                Some('\\') => match self.next() {
                    Some('n') => self.push('\n'),
                    Some('t') => self.push('\t'),
                    Some('r') => self.push('\r'),
                    Some(letter @ ('\\' | '\'' | '"' | '?')) => self.push(letter),
                    Some(letter) => {
                        self.push('\\');
                        self.push(letter);
                    }
                    None => return Err(self.wrong("this quote is not closed", open)),
                },
                Some(letter) => self.push(letter),
                None => return Err(self.wrong("this quote is not closed", open)),
            }
        }
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.at += letter.len_utf8();
        Some(letter)
    }

    fn begin(&mut self, at: usize) {
        self.word.get_or_insert((at, String::new()));
    }

    fn push(&mut self, letter: char) {
        let start = self.at - letter.len_utf8();
        self.word.get_or_insert((start, String::new())).1.push(letter);
    }

    /// Ends the word that is being read, if there is one, at a byte.
    fn end_word(&mut self, end: usize) {
        if let Some((start, value)) = self.word.take() {
            self.words.push(Written { value, range: self.offset + start..self.offset + end });
        }
    }

    fn end_command(&mut self, end: usize) {
        self.end_word(end);
        if !self.words.is_empty() {
            self.commands.push(std::mem::take(&mut self.words));
        }
    }

    fn wrong(&self, message: &'static str, at: usize) -> Malformed {
        Malformed { message, range: self.offset + at..self.offset + at + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<Vec<String>> {
        let commands = commands(text, 0).unwrap();
        commands.iter().map(|words| words.iter().map(|word| word.value.clone()).collect()).collect()
    }

    #[test]
    fn words_are_split_as_a_shell_does() {
        assert_eq!(
            split("curl -X POST \\\n  'it''s' \"a \\\"b\\\" \\x\" $'c\\'d\\n' e\\ f ''"),
            [["curl", "-X", "POST", "its", "a \"b\" \\x", "c'd\n", "e f", ""]]
        );
        assert_eq!(
            split("# first\nA=1 # more\nb#c; d | e\r\nf"),
            [vec!["A=1"], vec!["b#c"], vec!["d"], vec!["e"], vec!["f"]]
        );
        assert!(split(" \n\n").is_empty());
        assert_eq!(
            split("a \"$(b \"c d\")\" $(e (f) | g)x https://h/<i>/j 2>&1 >k <l m<<N"),
            [["a", "$(b \"c d\")", "$(e (f) | g)x", "https://h/<i>/j", "m"]]
        );
    }

    #[test]
    fn every_word_knows_its_place() {
        let text = "curl 'ä ö' -H \"x\" \\\n--url=é";
        for word in commands(text, 100).unwrap().concat() {
            let place = &text[word.range.start - 100..word.range.end - 100];
            assert_eq!(place.trim_matches(['\'', '"']), word.value, "{word:?}");
        }
    }

    #[test]
    fn what_is_not_closed_is_said_with_its_place() {
        for (text, at) in [("a 'b", 2), ("a \"b", 2), ("a $'b", 2), ("a \\", 2), ("a $(b", 2), ("a \"$(b", 3)] {
            assert_eq!(commands(text, 10).unwrap_err().range, 10 + at..10 + at + 1, "{text}");
        }
    }
}
