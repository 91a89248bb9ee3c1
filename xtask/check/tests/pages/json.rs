//! JSON as pages show it, and what each part of it says.

use serde_json::Value;

use super::example::{Example, Way};
use super::page::{Page, What};

/// What people do to JSON in a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Plain,
    /// As it is, where its syntax is somebody else's matter.
    Exact,
    /// A comment at the end of a line.
    Commented,
    /// `...` where a list goes on.
    Shortened,
}

pub struct Writer<'a> {
    pub page: &'a mut Page,
    pub way: Way,
    pub style: Style,
    /// Before every line but the first.
    pub indent: &'a str,
}

/// Writes a value; without a line break at its end.
pub fn write(page: &mut Page, example: &Example, way: Way, style: Style, indent: &str) {
    Writer { page, way, style, indent }.write(example, 1);
}

impl Writer<'_> {
    fn next_line(&mut self, depth: usize) {
        self.page.put("\n");
        let indent = format!("{}{}", self.indent, "  ".repeat(depth));
        self.page.put(&indent);
    }

    fn write(&mut self, example: &Example, depth: usize) {
        match example {
            Example::Scalar { value, kinds, at } => {
                let what = What::Literal { kinds: kinds.clone(), at: at.clone(), value: value.clone(), way: self.way };
                self.page.fact(what, &value.to_string());
                if let (Value::String(_), Style::Plain) = (value, self.style) {
                    let end = self.page.text.len() - 1;
                    self.page.mark(What::StringEnd, end);
                }
            }
            Example::Object(fields) if fields.is_empty() => self.page.put("{}"),
            Example::List(items) if items.is_empty() => self.page.put("[]"),
            Example::Object(fields) => {
                self.page.put("{");
                for (index, (name, value)) in fields.iter().enumerate() {
                    self.next_line(depth);
                    self.page.put("\"");
                    let quoted = Value::String(name.name.clone()).to_string();
                    self.page.fact(What::Key(name.clone(), self.way), &quoted[1..quoted.len() - 1]);
                    self.page.put("\": ");
                    self.write(value, depth + 1);
                    let is_last = index + 1 == fields.len();
                    if is_last && self.style == Style::Plain {
                        let end = self.page.text.len();
                        self.page.mark(What::Last, end);
                    }
                    self.page.put(if is_last { "" } else { "," });
                    if self.style == Style::Commented
                        && index == 0
                        && depth == 1
                        && matches!(value, Example::Scalar { .. })
                    {
                        self.page.put(" // as you know it");
                    }
                }
                self.next_line(depth - 1);
                self.page.put("}");
            }
            Example::List(items) => {
                self.page.put("[");
                let shown = if self.style == Style::Shortened { 1 } else { items.len() };
                for (index, item) in items.iter().take(shown).enumerate() {
                    self.page.put(if index == 0 { "" } else { "," });
                    self.next_line(depth);
                    self.write(item, depth + 1);
                }
                if self.style == Style::Shortened {
                    self.page.put(",");
                    self.next_line(depth);
                    self.page.put("...");
                }
                self.next_line(depth - 1);
                self.page.put("]");
            }
        }
    }
}
