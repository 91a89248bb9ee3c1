//! What a page says of a request's body.

use super::example::{Way, example};
use super::json::{self, Style};
use super::manner::Declaration;
use super::page::{Page, TargetKind};
use super::pick::{one_of, pick};
use super::schema::Flat;
use super::section::Writing;
use super::tables::{self, Columns, Row};
use super::words::Words;

impl Writing<'_> {
    pub fn body(&self, page: &mut Page) {
        let words = self.manner.words;
        let Some((body, media)) = self.operation.body.as_ref().and_then(|body| Some((body, body.shown()?))) else {
            return;
        };
        let Some(schema) = &media.schema else { return };
        let flat = self.api.flat(schema);
        match self.manner.declaration {
            Declaration::List => page.block("- Request:"),
            Declaration::TitledFence => page.heading(self.level + 1, "Arguments"),
            Declaration::HttpFence => page.block("**Request Body:**"),
            Declaration::Route => page.heading(self.level + 2, "Body"),
            _ => page.heading(self.level + 1, words.request_body),
        }
        let shows_json =
            matches!(self.manner.declaration, Declaration::HttpFence | Declaration::TitledFence | Declaration::Route);
        if let (true, true, Some(made)) =
            (shows_json, media.is_json(), example(self.api, schema, Way::Request, &self.seed))
        {
            page.line("```json");
            let has_comment = pick(&format!("{} request", self.seed), 3) == 0;
            page.put(if has_comment { "// Request\n" } else { "" });
            json::write(page, &made, Way::Request, if has_comment { Style::Exact } else { Style::Plain }, "");
            page.block("\n```");
        }
        if flat.is_unclear || flat.alternatives.is_some() || flat.fields.is_empty() {
            self.other_body(page, &flat);
            return;
        }
        let rows = self.api.field_rows(&flat, TargetKind::Field { is_closed: !flat.is_open });
        tables::write(page, &rows, self.manner.fields, words, &self.seed);
        self.asterisk(page, &rows);
        let mut others: Vec<String> = Vec::new();
        for other in body.media.iter().filter_map(|media| media.schema.as_ref()) {
            let names = self.api.flat(other).fields.into_iter().map(|field| field.name);
            others.extend(names.filter(|name| !rows.iter().any(|row| row.target.name == *name)));
        }
        others.dedup();
        if !others.is_empty() && body.media.len() > 1 {
            page.block(&format!("`{}`", others.join("`, `")));
        }
        self.nested(page, &flat, 0, &mut Vec::new());
    }

    fn asterisk(&self, page: &mut Page, rows: &[Row]) {
        if self.manner.fields == Columns::Asterisk && rows.iter().any(|row| row.target.required) {
            page.block("\\* Fields with an asterisk are REQUIRED.");
        }
    }

    /// The objects in a body, each with a table of its own.
    fn nested(&self, page: &mut Page, flat: &Flat, depth: usize, seen: &mut Vec<String>) {
        if depth > 1 || self.manner.fields == Columns::List {
            return;
        }
        for field in flat.fields.iter().filter(|field| !field.read_only) {
            let Some(object) = self.api.object_in(&field.at) else { continue };
            if seen.len() > 5 || object.members.iter().any(|member| seen.contains(member)) {
                continue;
            }
            seen.extend(object.members.iter().cloned());
            if self.manner.declaration == Declaration::TitledFence {
                page.heading(self.level + 2, &format!("{} object", super::mdx_safe(&field.name)));
            } else {
                page.block(&Words::fill(self.manner.words.fields_of, &field.name));
            }
            let rows = self.api.field_rows(&object, TargetKind::Nested);
            tables::write(page, &rows, self.manner.fields, self.manner.words, &self.seed);
            self.nested(page, &object, depth + 1, seen);
        }
    }

    /// A body that is no plain object.
    fn other_body(&self, page: &mut Page, flat: &Flat) {
        let is_english = self.manner.words.folder.is_empty();
        let mut names: Vec<String> = flat.fields.iter().map(|field| field.name.clone()).collect();
        for alternative in flat.alternatives.iter().flat_map(|(all, _)| all) {
            names.extend(self.api.flat(alternative).fields.into_iter().map(|field| field.name));
        }
        let list = flat.members.iter().find(|member| self.api.at(member).get("items").is_some());
        let items = list.map(|list| self.api.flat(&format!("{list}/items")));
        if let Some(items) =
            items.filter(|items| !items.is_unclear && items.alternatives.is_none() && !items.fields.is_empty())
        {
            page.block(if is_english { "The body is a list. Each item has these fields:" } else { "`[{…}, {…}]`" });
            tables::write(
                page,
                &self.api.field_rows(&items, TargetKind::Nested),
                self.manner.fields,
                self.manner.words,
                &self.seed,
            );
            return;
        }
        names.sort();
        names.dedup();
        match (names.is_empty(), is_english) {
            (true, true) => page.block(one_of(
                &self.seed,
                &["Send the content as it is.", "What to send depends on what you want to store."],
            )),
            (true, false) => {}
            (false, true) => {
                page.block(&format!("The body takes one of several forms, with some of `{}`.", names.join("`, `")))
            }
            (false, false) => page.block(&format!("`{}`", names.join("`, `"))),
        }
    }
}
