//! All that a page says of one operation.

use super::answers;
use super::api::{Api, Location, Operation};
use super::call::{self, Part};
use super::curl;
use super::manner::{Declaration, Manner};
use super::page::{Page, What};
use super::pick::pick;
use super::schema::Flat;
use super::tables::{self, Row};

const LOCATIONS: [Location; 4] = [Location::Path, Location::Query, Location::Header, Location::Cookie];

pub struct Writing<'a> {
    pub api: &'a Api,
    pub operation: &'a Operation,
    pub manner: &'a Manner,
    /// Of the operation's own heading.
    pub level: usize,
    /// Whether paths begin with the server's.
    pub has_base: bool,
    pub seed: String,
}

impl Writing<'_> {
    pub fn write(&self, page: &mut Page) {
        page.operation = self.operation.index;
        let start = page.text.len();
        let words = self.manner.words;
        self.declare(page);
        if let Some(permission) = &self.operation.permission {
            let (before, after) = words.permission.split_once("{}").unwrap_or((words.permission, ""));
            page.put(before);
            page.fact(What::Permission, permission);
            page.block(after);
        }
        if let Some(limit) = &self.operation.rate_limit
            && words.folder.is_empty()
            && pick(&format!("{} limit", self.seed), 2) == 0
        {
            page.put("This endpoint allows ");
            page.fact(What::RateLimit, limit);
            page.block(" requests per minute.");
        }
        if self.manner.declaration == Declaration::TitledFence {
            self.tabs(page);
        }
        self.parameters(page);
        self.body(page);
        if !matches!(self.manner.declaration, Declaration::TitledFence | Declaration::Raw) {
            self.request(page);
        }
        answers::write(page, self.api, self.operation, self.manner, self.level + 1, &self.seed);
        page.mark(What::Section, start);
    }

    /// What the page calls a variable of the path. Nobody sees its name but readers.
    fn variable(&self, name: &str) -> String {
        let all = &self.operation.parameters;
        let only = all.iter().filter(|one| one.location == Location::Path).count() == 1;
        let is_taken = all.iter().any(|one| one.name.eq_ignore_ascii_case("id"))
            || self.fields().is_some_and(|flat| flat.fields.iter().any(|field| field.name == "id"));
        let is_renamed = only && !is_taken && pick(&format!("{}{}", self.api.name, self.operation.path), 6) == 0;
        if is_renamed { "id".to_owned() } else { name.to_owned() }
    }

    fn path(&self) -> Vec<Part> {
        let whole = |segment: &str| {
            !segment.contains('{')
                || (segment.starts_with('{') && segment.ends_with('}') && segment.matches('{').count() == 1)
        };
        let has_colons = pick(&self.seed, 4) == 0 && self.operation.path.split('/').all(whole);
        let mut parts = call::parts(&self.operation.path, |name| {
            let name = self.variable(name);
            if has_colons { format!(":{name}") } else { format!("{{{name}}}") }
        });
        let ends_plain = !self.operation.path.ends_with('/') && !self.operation.path.contains('.');
        if ends_plain && pick(&format!("{} slash", self.seed), 12) == 0 {
            parts.push(Part::Text("/".into()));
        }
        parts
    }

    fn put_path(&self, page: &mut Page) {
        page.put(if self.has_base { &self.operation.base } else { "" });
        call::write(page, &self.path(), &What::Segment);
    }

    fn endpoint(&self, page: &mut Page) {
        page.fact(What::Method, &self.operation.method);
        page.put(" ");
        self.put_path(page);
    }

    fn declare(&self, page: &mut Page) {
        let (title, words) = (&self.operation.title, self.manner.words);
        if self.manner.declaration == Declaration::Heading {
            page.put(&format!("{} ", "#".repeat(self.level)));
            self.endpoint(page);
            page.block("");
            page.block(&format!(
                "{}.",
                if words.folder.is_empty() { title } else { words.intro.trim_end_matches(['.', '。']) }
            ));
            return;
        }
        page.put(&format!("{} {title}\n", "#".repeat(self.level)));
        match self.manner.declaration {
            Declaration::Liquid => {
                page.put("{% apimethod ");
                page.fact(What::Method, &self.operation.method.to_lowercase());
                page.put(" %}\n");
                self.put_path(page);
                page.block("\n{% endapimethod %}");
                page.block(&format!("> {}", words.intro));
            }
            Declaration::TitledFence => {
                page.put("\n## Route\n\n```curl title=\"");
                page.fact(What::Method, &self.operation.method);
                page.put("\"\n");
                self.put_path(page);
                page.block("\n```");
            }
            Declaration::HttpFence => {
                page.put("\n```http\n");
                self.endpoint(page);
                let media = self.operation.body.as_ref().and_then(|body| body.shown());
                if let Some(media) = media.filter(|media| !media.name.contains('*')) {
                    page.put(&format!("\nContent-Type: {}", media.name));
                }
                page.block("\n```");
            }
            Declaration::List => {
                page.put("\n- Endpoint: `");
                self.put_path(page);
                page.put("`\n- Method: `");
                page.fact(What::Method, &self.operation.method);
                page.put("`\n");
                if self.operation.parameters.is_empty() && self.operation.body.is_none() {
                    page.put("- Parameters: None\n");
                }
                page.put("\n");
            }
            Declaration::Route => {
                let marks = "#".repeat(self.level + 1);
                page.put(&format!("\n{marks} Request\n\n{marks}# Route\n\n`"));
                self.endpoint(page);
                page.block("`");
            }
            Declaration::Span => {
                page.put("\n`");
                self.endpoint(page);
                page.block("`");
                page.block(words.intro);
            }
            Declaration::Raw => {
                page.put("\n```http\n");
                match self.api.call(self.operation, &self.seed) {
                    Some(call) => curl::raw(page, &call, &self.path(), self.has_base),
                    None => {
                        self.endpoint(page);
                        page.put(" HTTP/1.1\n");
                    }
                }
                page.block("```");
            }
            Declaration::Heading => {}
        }
    }

    /// Examples in several languages, of which one is a command.
    fn tabs(&self, page: &mut Page) {
        let Some(call) = self.api.call(self.operation, &self.seed) else { return };
        page.put("## Usage\n\n<Tabs groupId=\"prog-language\">\n");
        page.put("  <TabItem value=\"curl\" label=\"Curl\" default>\n\n  ```bash\n");
        curl::command(page, &call, &self.seed, "  ");
        page.put("  ```\n\n  </TabItem>\n  <TabItem value=\"python\" label=\"Python\">\n\n  ```python\n");
        let name = super::about::words_of(&self.operation.title).replace(' ', "_");
        page.put(&format!(
            "  client = Client(api_key='__YOUR_API_KEY__')\n  client.{name}(\n    source=\"docs\"\n  )\n"
        ));
        page.block("  ```\n\n  </TabItem>\n</Tabs>");
    }

    fn parameters(&self, page: &mut Page) {
        let words = self.manner.words;
        let mut all: Vec<(usize, Vec<Row>)> = Vec::new();
        for (index, location) in LOCATIONS.into_iter().enumerate() {
            let mut rows = self.api.parameter_rows(self.operation, location);
            for row in rows.iter_mut().filter(|_| location == Location::Path) {
                let shown = self.variable(&row.target.name);
                if shown != row.target.name {
                    (row.target.name, row.target.owner) = (shown, None);
                }
            }
            if !rows.is_empty() {
                all.push((index, rows));
            }
        }
        if self.manner.declaration == Declaration::List {
            for (index, rows) in all {
                page.block(&format!("- {}:", ["Url-Parameters", "Parameters", "Headers", "Cookies"][index]));
                tables::write(page, &rows, self.manner.columns, words, &self.seed);
            }
            return;
        }
        for (index, rows) in all {
            self.part(page, words.parameters[index]);
            tables::write(page, &rows, self.manner.columns, words, &self.seed);
        }
    }

    /// Begins a part of the section.
    fn part(&self, page: &mut Page, title: &str) {
        match self.manner.declaration {
            Declaration::HttpFence => page.block(&format!("**{title}:**")),
            Declaration::Route => page.heading(self.level + 2, title),
            _ => page.heading(self.level + 1, title),
        }
    }

    pub fn fields(&self) -> Option<Flat> {
        let media = self.operation.body.as_ref()?.shown()?;
        Some(self.api.flat(media.schema.as_ref()?))
    }

    fn request(&self, page: &mut Page) {
        let Some(call) = self.api.call(self.operation, &self.seed) else { return };
        match self.manner.declaration {
            Declaration::Route => page.heading(self.level + 2, "cURL"),
            Declaration::List => page.block("- Example:"),
            _ => self.part(page, self.manner.words.example_request),
        }
        page.line(&format!("```{}", self.manner.shell));
        if self.manner.declaration == Declaration::Route {
            page.put("$ ");
        } else if self.manner.shell == "shell" {
            page.line(&format!("# {}", self.operation.title));
        }
        curl::command(page, &call, &self.seed, "");
        page.block("```");
    }
}
