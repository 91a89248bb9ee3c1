//! What an edit is: one fact, changed in a page or in the contract, and where the disagreement stands then.

use std::ops::Range;

use apidrift_core::rules::Severity;
use serde_json::Value;

use super::api::{Api, Operation};
use super::page::{Fact, Page, Target, TargetKind, What};
use super::set::Set;

pub enum Change {
    Page { page: usize, range: Range<usize>, with: String },
    Contract(Box<dyn Fn(&mut Value)>),
}

/// A place at which an edit can be made.
pub struct Place {
    /// Where, for people.
    pub at: String,
    pub change: Change,
    /// Lines of pages, by number, of which one has to be named.
    pub lines: Vec<(usize, usize)>,
    /// What is missing, and the lines of a page of which one has to be named with it.
    pub missing: Option<(String, usize, Range<usize>)>,
}

pub struct Kind {
    pub name: &'static str,
    /// What a finding has to be at least.
    pub least: Severity,
    pub places: fn(&Scene) -> Vec<Place>,
}

/// A contract and the pages that were written from it.
pub struct Scene<'a> {
    pub api: &'a Api,
    pub set: &'a Set,
    /// The language of the pages that are edited.
    pub language: &'a str,
    /// Whether JSON blocks say that they are.
    pub has_json_fences: bool,
    /// Operations that are not compared with pages, by how they are called.
    pub aside: &'a [String],
}

pub struct Said<'a> {
    pub number: usize,
    pub page: &'a Page,
    pub fact: &'a Fact,
    pub operation: &'a Operation,
}

impl Said<'_> {
    pub fn line(&self) -> (usize, usize) {
        (self.number, self.page.line_of(self.fact.range.start))
    }

    pub fn text(&self) -> &str {
        &self.page.text[self.fact.range.clone()]
    }

    /// Another text in its place, to be found in its line.
    pub fn replaced(&self, with: impl Into<String>) -> Place {
        let with = with.into();
        Place {
            at: format!("{}:{} `{}` -> `{with}`", self.page.path, self.line().1, self.text()),
            change: Change::Page { page: self.number, range: self.fact.range.clone(), with },
            lines: vec![self.line()],
            missing: None,
        }
    }

    /// How many rows its table has.
    pub fn rows(&self, target: &Target) -> usize {
        self.targets(target).count()
    }

    pub fn targets(&self, target: &Target) -> impl Iterator<Item = &Target> {
        let table = target.table;
        self.page.facts.iter().filter_map(move |fact| match &fact.what {
            What::Row(other) if other.table == table => Some(other),
            _ => None,
        })
    }

    /// Whether a table is surely one of its operation's parameters or fields, with one row less, too.
    pub fn is_anchored(&self, target: &Target) -> bool {
        match target.kind {
            TargetKind::Parameter(_) | TargetKind::Field { is_closed: true } => self.rows(target) >= 3,
            _ => false,
        }
    }
}

impl Scene<'_> {
    pub fn said(&self) -> impl Iterator<Item = Said<'_>> {
        let pages = self.set.pages.iter().enumerate().filter(|(_, page)| page.language == self.language);
        let operations = &self.api.operations;
        pages.flat_map(move |(number, page)| {
            let said = move |fact| Said { number, page, fact, operation: &operations[fact.operation] };
            let all = page.facts.iter().map(said);
            all.filter(|said| !self.aside.contains(&said.operation.call()))
        })
    }

    /// Whether a name stands for one parameter or field of an operation only.
    pub fn is_one(&self, operation: &Operation, name: &str) -> bool {
        let parameters = operation.parameters.iter().filter(|one| one.name == name).count();
        let media = operation.body.iter().flat_map(|body| &body.media).filter_map(|media| media.schema.as_ref());
        let in_body =
            media.into_iter().any(|schema| self.api.flat(schema).fields.iter().any(|field| field.name == name));
        parameters + usize::from(in_body) == 1
    }

    /// Whether any parameter of the contract has to be sent, those in paths apart.
    pub fn requires_parameters(&self, but: &str) -> bool {
        let all = self.api.operations.iter().flat_map(|operation| &operation.parameters);
        all.into_iter().any(|one| one.required && one.location != super::api::Location::Path && one.at != but)
    }

    /// A page's method that no operation of the path has.
    pub fn other_method(&self, operation: &Operation) -> Option<&'static str> {
        let is_free = |method: &&str| {
            let same = |other: &&Operation| super::call::fits(&operation.path, &other.path);
            !self.api.operations.iter().filter(same).any(|other| other.method == **method)
        };
        ["PATCH", "PUT", "POST", "DELETE", "GET"].into_iter().find(is_free)
    }
}

/// A change of the contract, with what is said in pages about what it changes.
pub fn in_contract(at: String, said: &[Said<'_>], change: impl Fn(&mut Value) + 'static) -> Option<Place> {
    let lines: Vec<(usize, usize)> = said.iter().map(Said::line).collect();
    (!lines.is_empty()).then(|| Place { at, change: Change::Contract(Box::new(change)), lines, missing: None })
}

pub fn there<'a>(root: &'a mut Value, at: &str) -> &'a mut Value {
    root.pointer_mut(at).unwrap_or_else(|| panic!("{at}"))
}

/// A name that is none of the contract's, and looks as if it were.
pub fn misnamed(name: &str) -> String {
    if name.contains('_') || name.chars().all(|letter| letter.is_lowercase()) {
        format!("{name}_alt")
    } else if name.contains('-') {
        format!("{name}-Alt")
    } else {
        format!("{name}Alt")
    }
}
