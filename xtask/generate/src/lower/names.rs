//! Names as progenitor writes them, so that what the lowered document calls a type is what its Rust type is called.

use std::collections::HashSet;

use heck::{ToPascalCase as _, ToSnakeCase as _};
use unicode_ident::{is_xid_continue, is_xid_start};

/// The name of a type or a variant: `list-pets` becomes `ListPets`. progenitor does not change it any more.
pub fn type_name(text: &str) -> String {
    settled(text, str::to_pascal_case, "X")
}

/// The name of a field, a parameter or a method: `petId` becomes `pet_id`.
pub fn value_name(text: &str) -> String {
    settled(text, str::to_snake_case, "x")
}

/// The name of a variant or type that progenitor makes of a text.
pub fn progenitor_type_name(text: &str) -> String {
    sanitized(text, str::to_pascal_case, "X")
}

/// The name of a field that progenitor makes of a text.
pub fn progenitor_value_name(text: &str) -> String {
    sanitized(text, str::to_snake_case, "x")
}

/// Sanitized until it changes no more: `X_Y` becomes `XY`, which becomes `Xy`.
fn settled(text: &str, case: fn(&str) -> String, prefix: &str) -> String {
    let mut name = sanitized(text, case, prefix);
    for _ in 0..8 {
        let next = sanitized(&name, case, prefix);
        if next == name {
            break;
        }
        name = next;
    }
    name
}

/// What progenitor (typify) does with a name.
fn sanitized(text: &str, case: fn(&str) -> String, prefix: &str) -> String {
    let name = match text {
        "+1" => "plus1".to_owned(),
        "-1" => "minus1".to_owned(),
        _ => case(&text.replace('\'', "").replace(|letter| !is_xid_continue(letter), "-")),
    };
    let name = match name.chars().next() {
        None => prefix.to_owned(),
        Some(first) if is_xid_start(first) => name,
        Some(_) => format!("{prefix}{name}"),
    };
    if name == "gen" || syn::parse_str::<syn::Ident>(&name).is_err() { format!("{name}_") } else { name }
}

/// Names that must differ from each other.
#[derive(Debug, Default, Clone)]
pub struct Names {
    taken: HashSet<String>,
}

impl Names {
    /// Names beside those that the surrounding code uses.
    pub fn beside(reserved: &[&str]) -> Names {
        Names { taken: reserved.iter().map(|name| (*name).to_owned()).collect() }
    }

    /// The wanted name, or with the first number behind it that makes it differ: `Pet`, `Pet2`, `Pet3`.
    pub fn unique(&mut self, wanted: &str) -> String {
        let numbered = (2..).map(|number| format!("{wanted}{number}"));
        let free = std::iter::once(wanted.to_owned()).chain(numbered).find(|name| !self.taken.contains(name));
        let name = free.unwrap_or_default();
        self.taken.insert(name.clone());
        name
    }

    /// Takes a name; `false` if it is taken already.
    pub fn take(&mut self, name: &str) -> bool {
        self.taken.insert(name.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_progenitor_keeps() {
        for (text, expected) in [
            ("HTTPValidationError", "HttpValidationError"),
            ("X_Y", "Xy"),
            ("list-pets", "ListPets"),
            ("self", "Self_"),
            ("2nd", "X2nd"),
            ("", "X"),
            ("+1", "Plus1"),
            ("größe", "Größe"),
            ("Thing.name", "ThingName"),
        ] {
            assert_eq!(type_name(text), expected);
        }
        for (text, expected) in [("petId", "pet_id"), ("type", "type_"), ("X-Rate-Limit", "x_rate_limit"), ("$", "x")] {
            assert_eq!(value_name(text), expected);
        }
    }

    #[test]
    fn taken_names_get_numbers() {
        let mut names = Names::beside(&["Pet"]);
        assert_eq!(
            (names.unique("Pet"), names.unique("Pet"), names.unique("Cat")),
            ("Pet2".into(), "Pet3".into(), "Cat".into())
        );
    }
}
