//! The name of a table.

use std::fmt;
use std::str::FromStr;

/// The name of a table or view: `users`, or with its schema `sales.users`. Parts in double quotes may contain any
/// characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName {
    written: String,
    parts: Vec<String>,
}

/// The text is not the name of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "write the name of a table or view, such as `users` or `sales.users`; a name that contains a dot needs double quotes"
)]
pub struct NotATable;

impl TableName {
    /// The name as SQL, with every part quoted.
    pub fn quoted(&self) -> String {
        let parts: Vec<String> = self.parts.iter().map(|part| quoted(part)).collect();
        parts.join(".")
    }

    /// The name without its schema, and without quotes.
    pub fn last(&self) -> &str {
        self.parts.last().map_or("", String::as_str)
    }

    /// The schema, without quotes.
    pub fn schema(&self) -> Option<&str> {
        self.parts.iter().rev().nth(1).map(String::as_str)
    }

    /// The name with only the necessary quotes: equal names give equal texts, however they were written.
    pub fn unquoted(&self) -> String {
        let part = |part: &String| if part.contains(['.', '"']) { quoted(part) } else { part.clone() };
        self.parts.iter().map(part).collect::<Vec<_>>().join(".")
    }
}

/// Quotes a name for SQL.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl fmt::Display for TableName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.written)
    }
}

impl FromStr for TableName {
    type Err = NotATable;

    fn from_str(text: &str) -> Result<TableName, NotATable> {
        let mut parts = Vec::new();
        let mut rest = text;
        loop {
            let part;
            (part, rest) = match rest.strip_prefix('"') {
                Some(inside) => in_quotes(inside).ok_or(NotATable)?,
                None => {
                    let end = rest.find('.').unwrap_or(rest.len());
                    (rest[..end].to_owned(), &rest[end..])
                }
            };
            if part.is_empty() || part.contains('\0') {
                return Err(NotATable);
            }
            parts.push(part);
            if rest.is_empty() {
                break;
            }
            rest = rest.strip_prefix('.').ok_or(NotATable)?;
        }
        if parts.len() > 3 {
            return Err(NotATable);
        }
        Ok(TableName { written: text.to_owned(), parts })
    }
}

/// The text before the closing quote, and the text after it. Two quotes are an escaped quote.
fn in_quotes(text: &str) -> Option<(String, &str)> {
    let mut part = String::new();
    let mut rest = text;
    loop {
        let quote = rest.find('"')?;
        part.push_str(&rest[..quote]);
        rest = &rest[quote + 1..];
        match rest.strip_prefix('"') {
            Some(further) => {
                part.push('"');
                rest = further;
            }
            None => return Some((part, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_quoted_whatever_is_in_it() {
        for (written, sql) in [
            ("users", r#""users""#),
            ("sales.users", r#""sales"."users""#),
            ("Weird name; DROP TABLE x", r#""Weird name; DROP TABLE x""#),
            (r#""a.b""#, r#""a.b""#),
            (r#""a.b".c"#, r#""a.b"."c""#),
            (r#""a""b""#, r#""a""b""#),
            (r#"a"b"#, r#""a""b""#),
        ] {
            let name: TableName = written.parse().unwrap();
            assert_eq!(name.quoted(), sql, "{written}");
            assert_eq!(name.to_string(), written);
            assert_eq!(name.unquoted().parse::<TableName>().unwrap().quoted(), sql);
        }
    }

    #[test]
    fn equal_names_give_equal_texts() {
        for (written, unquoted) in
            [("users", "users"), (r#""sales"."users""#, "sales.users"), (r#""a.b".c"#, r#""a.b".c"#)]
        {
            assert_eq!(written.parse::<TableName>().unwrap().unquoted(), unquoted);
        }
    }

    #[test]
    fn invalid_names_are_refused() {
        for text in ["", ".", "a.", ".a", "a..b", "\"a", "\"\"", "\"a\"b", "a.b.c.d", "a\0"] {
            assert_eq!(text.parse::<TableName>(), Err(NotATable), "{text}");
        }
    }
}
