//! Splits shell command lines like a shell, with the place of every word and every letter.
//!
//! Supports the syntax of documentation examples: single, double and `$'…'` quotes, backslashes, continued lines,
//! comments, command substitutions (`$(…)`), redirections, here documents and here strings (`<<EOF`, `<<<`), and
//! command separators (`;`, `|`, `&`, a line break).

#[cfg(test)]
mod tests;
mod word;

use std::ops::Range;

use super::model::Written;
pub use word::Word;

/// Why a text is not a valid command line, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// What is wrong.
    pub message: &'static str,
    /// Where.
    pub range: Range<usize>,
    /// Whether every shell would reject it. Otherwise it is only not supported.
    pub is_sure: bool,
}

/// A command.
#[derive(Debug, Clone, Default)]
pub struct Command {
    /// Its name and arguments.
    pub words: Vec<Word>,
    /// Its standard input, if that is in the text.
    pub input: Option<Word>,
}

/// The commands of a text. Places count from `offset`.
pub fn commands(text: &str, offset: usize) -> Result<Vec<Command>, Malformed> {
    let mut splitter = Splitter {
        text,
        at: 0,
        offset,
        word: None,
        command: Command::default(),
        commands: Vec::new(),
        documents: Vec::new(),
        is_input: false,
        has_escaped_quote: false,
    };
    splitter.run()?;
    Ok(splitter.commands)
}

/// The current word.
struct Begun {
    start: usize,
    value: String,
    /// See [`Word`], but with offsets into the text.
    places: Vec<(usize, usize)>,
    /// The offset in the text after the last place.
    next: usize,
}

/// A here document that begins on the next line.
struct Document {
    /// The line that ends it.
    end: String,
    /// Whether its lines may be indented by tabs.
    is_indented: bool,
    /// The index of the command that receives it.
    command: usize,
}

struct Splitter<'a> {
    text: &'a str,
    at: usize,
    offset: usize,
    word: Option<Begun>,
    command: Command,
    commands: Vec<Command>,
    documents: Vec<Document>,
    /// Whether the next word is the standard input.
    is_input: bool,
    /// Whether a single quote that closes a text follows a backslash: it was meant as part of the text.
    has_escaped_quote: bool,
}

impl Splitter<'_> {
    fn run(&mut self) -> Result<(), Malformed> {
        while let Some(letter) = self.next() {
            match letter {
                '\\' => match self.next() {
                    // A line break after a backslash is removed.
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
                '\n' => {
                    self.end_command(self.at - 1);
                    self.read_documents();
                }
                ';' | '|' | '&' => self.end_command(self.at - 1),
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
                Some('\'') => {
                    self.inner_quote(open)?;
                    return Ok(());
                }
                Some(letter) => self.push(letter),
                None => return Err(self.unclosed(open)),
            }
        }
    }

    /// Reports a single quote that closes a text but was meant as part of it. The text began at `open`.
    fn inner_quote(&mut self, open: usize) -> Result<(), Malformed> {
        let at = self.at - 1;
        let text = &self.text[open + 1..at];
        let (before, after) = (text.chars().next_back(), self.peek());
        if before == Some('\\') {
            self.has_escaped_quote = true;
            if after.is_some_and(char::is_alphanumeric) {
                return Err(self.unclear("a backslash does not escape a quote in single quotes", at - 1));
            }
        }
        // `'{"text": "It's"}'`
        if before.is_some_and(char::is_alphabetic)
            && after.is_some_and(char::is_alphabetic)
            && text.starts_with(['{', '['])
        {
            return Err(self.wrong("this apostrophe ends the single-quoted string; write `'\\''` instead", at));
        }
        Ok(())
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
                    Some('\r') if self.text[self.at..].starts_with("\r\n") => self.at += 2,
                    Some(letter @ ('"' | '\\' | '$' | '`')) => {
                        self.next();
                        self.push(letter);
                    }
                    _ => self.push('\\'),
                },
                Some('$') if self.peek() == Some('(') => self.substitution()?,
                Some(letter) => self.push(letter),
                None => return Err(self.unclosed(open)),
            }
        }
    }

    /// `$(…)`, with any quotes and parentheses: a part of the word that is not interpreted.
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
        Err(self.unclear("this parenthesis is not closed", open))
    }

    /// `<name>` is a placeholder for a part of the word; `<file`, `>file` and `2>&1` are not words of the command.
    fn angle(&mut self, letter: char) {
        let start = self.at - 1;
        let line = self.text[self.at..].lines().next().unwrap_or_default();
        let name = line.find(['>', ' ', '\t']).filter(|end| letter == '<' && line[*end..].starts_with('>'));
        if let Some(end) = name.filter(|end| *end > 0) {
            let end = self.at + end + 1;
            self.at = start;
            while self.at < end {
                if let Some(letter) = self.next() {
                    self.push(letter);
                }
            }
            return;
        }
        // A number before it is a file descriptor.
        if self.word.as_ref().is_some_and(|word| word.value.bytes().all(|byte| byte.is_ascii_digit())) {
            self.word = None;
        }
        self.end_word(start);
        if letter == '<' && line.starts_with("<<") {
            self.at += 2;
            self.is_input = true;
            return;
        }
        if letter == '<' && line.starts_with('<') {
            self.document(line);
            return;
        }
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
                    None => return Err(self.unclosed(open)),
                },
                Some(letter) => self.push(letter),
                None => return Err(self.unclosed(open)),
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
        self.word.get_or_insert(Begun { start: at, value: String::new(), places: Vec::new(), next: usize::MAX });
    }

    /// Adds the current letter, or the character of the current escape.
    fn push(&mut self, letter: char) {
        let start = self.at - letter.len_utf8();
        self.begin(start);
        let Some(word) = &mut self.word else { return };
        if word.next != start {
            word.places.push((word.value.len(), start));
        }
        word.next = self.at;
        word.value.push(letter);
    }

    /// `<<EOF` and `<<-'EOF'`: the lines that follow, up to one with this name, are the standard input.
    fn document(&mut self, line: &str) {
        let after = line[1..].strip_prefix('-').unwrap_or(&line[1..]);
        let name = after.trim_start_matches([' ', '\t']);
        let length = name.find([' ', '\t', ';', '|', '&', '>', '\r']).unwrap_or(name.len());
        let end = name[..length].trim_matches(['\'', '"']).trim_start_matches('\\').to_owned();
        let is_indented = line[1..].starts_with('-');
        self.documents.push(Document { end, is_indented, command: self.commands.len() });
        self.at += line.len() - name.len() + length;
    }

    /// Reads the here documents that were announced on the line that ends here.
    fn read_documents(&mut self) {
        for document in std::mem::take(&mut self.documents) {
            let (start, mut end) = (self.at, self.at);
            for line in self.text[start..].split_inclusive('\n') {
                self.at += line.len();
                let content = line.trim_end_matches(['\n', '\r']);
                let content = if document.is_indented { content.trim_start_matches('\t') } else { content };
                if content == document.end {
                    break;
                }
                end = self.at;
            }
            if let Some(command) = self.commands.get_mut(document.command) {
                command.input = Some(Word::verbatim(&self.text[start..end], self.offset + start));
            }
        }
    }

    /// Ends the current word, if there is one, at a byte.
    fn end_word(&mut self, end: usize) {
        let Some(word) = self.word.take() else { return };
        let offset = self.offset;
        let places = word.places.into_iter().map(|(at, place)| (at, place + offset)).collect();
        let written = Written { value: word.value, range: offset + word.start..offset + end };
        let word = Word::new(written, places);
        if std::mem::take(&mut self.is_input) {
            self.command.input = Some(word);
        } else {
            self.command.words.push(word);
        }
    }

    fn end_command(&mut self, end: usize) {
        self.end_word(end);
        self.is_input = false;
        let command = std::mem::take(&mut self.command);
        if !command.words.is_empty() {
            self.commands.push(command);
        }
    }

    fn wrong(&self, message: &'static str, at: usize) -> Malformed {
        Malformed { message, range: self.offset + at..self.offset + at + 1, is_sure: true }
    }

    /// An error for text that may be valid but is not supported.
    fn unclear(&self, message: &'static str, at: usize) -> Malformed {
        Malformed { is_sure: false, ..self.wrong(message, at) }
    }

    fn unclosed(&self, open: usize) -> Malformed {
        Malformed { is_sure: !self.has_escaped_quote, ..self.wrong("this quote is not closed", open) }
    }
}
