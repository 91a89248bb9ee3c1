//! A part of a page together with its subject, which is the unit of comparison.

use std::collections::HashMap;

use apidrift_core::contract::Operation;
use openapi_model::document::Parameter;

use super::basis::Basis;
use super::endpoint::Subjects;
use crate::page::Page;

/// A part of a page together with the operation that it describes.
#[derive(Clone, Copy)]
pub struct About<'a, 'b> {
    pub basis: &'a Basis<'b>,
    /// The subjects of all pages in the same language.
    pub subjects: &'a Subjects<'b>,
    pub operation: &'a Operation,
    /// The part of the page.
    pub page: &'a Page,
    /// The contract's names of path parameters by the page's names, where they differ.
    pub names: &'a HashMap<String, String>,
    /// Whether nothing else in this language describes the operation.
    pub is_only: bool,
}

impl<'a> About<'a, '_> {
    /// The parameter with a name used on the page.
    pub fn parameter(&self, name: &str) -> Option<&'a Parameter> {
        let named = self.names.get(name).map_or(name, String::as_str);
        let exact = self.operation.parameter(named).or_else(|| self.operation.parameter(name));
        // `tags[]` is one way to write a list of tags.
        let plain = |name: &str| name.trim_end_matches("[]").to_owned();
        exact.or_else(|| self.operation.parameters.iter().find(|known| plain(&known.name) == plain(name)))
    }
}
