//! A part of a page together with what it is about, which is what is compared.

use std::collections::HashMap;

use apidrift_core::contract::Operation;
use openapi_model::document::Parameter;

use super::basis::Basis;
use super::endpoint::Subjects;
use crate::page::Page;

/// A part of a page together with what it is about.
#[derive(Clone, Copy)]
pub struct About<'a, 'b> {
    pub basis: &'a Basis<'b>,
    /// What the pages of the same language are about.
    pub subjects: &'a Subjects<'b>,
    pub operation: &'a Operation,
    /// The part.
    pub page: &'a Page,
    /// The names of path parameters by those that the page has for them, where they differ.
    pub names: &'a HashMap<String, String>,
    /// Whether nothing else in this language describes the operation.
    pub is_only: bool,
}

impl<'a> About<'a, '_> {
    /// The parameter that a page calls by a name.
    pub fn parameter(&self, name: &str) -> Option<&'a Parameter> {
        let named = self.names.get(name).map_or(name, String::as_str);
        let exact = self.operation.parameter(named).or_else(|| self.operation.parameter(name));
        // `tags[]` is a manner of writing a list of tags.
        let plain = |name: &str| name.trim_end_matches("[]").to_owned();
        exact.or_else(|| self.operation.parameters.iter().find(|known| plain(&known.name) == plain(name)))
    }
}
