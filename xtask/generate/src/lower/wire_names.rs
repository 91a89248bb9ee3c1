//! Names of fields and values of enums that would become equal in Rust: `id` beside `_id`, `+1` beside `plus1`.
//!
//! progenitor panics on them or writes code that does not compile. The lowered document has another name for the later of
//! them, and the generated text gets the real one back where it says what is sent.

use std::collections::BTreeMap;

use super::names::Names;

/// Stand-ins and what they stand for.
#[derive(Debug, Default, Clone)]
pub struct WireNames {
    real: BTreeMap<String, String>,
}

impl WireNames {
    /// What the lowered document calls something that is sent as `real`, so that its Rust name differs from all in
    /// `taken`. `rust_name` is how progenitor names it; `+1` as a variant begins with a small letter, so it gets another.
    pub fn stand_in(&mut self, real: &str, taken: &mut Names, rust_name: fn(&str) -> String) -> String {
        let wanted = rust_name(&rust_name(real));
        let is_kept = wanted == rust_name(real) || !matches!(real, "+1" | "-1");
        let wanted = if is_kept { rust_name(real) } else { wanted };
        if is_kept && !self.real.contains_key(real) && taken.take(&wanted) {
            return real.to_owned();
        }
        let mut stand_in = taken.unique(wanted.trim_end_matches('_'));
        // progenitor ignores apostrophes in names, so they make a stand-in differ from every other text.
        loop {
            stand_in.push('\'');
            let known = self.real.entry(stand_in.clone()).or_insert_with(|| real.to_owned());
            if known == real {
                return stand_in;
            }
        }
    }

    /// What a text of the generated code stands for, if it is a stand-in.
    pub fn real(&self, text: &str) -> Option<&str> {
        self.real.get(text).map(String::as_str)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.real.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::super::names::progenitor_value_name;
    use super::*;

    #[test]
    fn a_name_that_is_taken_gets_a_stand_in() {
        let (mut wire, mut taken) = (WireNames::default(), Names::default());
        let mut name = |real: &str| wire.stand_in(real, &mut taken, progenitor_value_name);
        assert_eq!([name("id"), name("_id"), name("ID")], ["id", "id2'", "id3'"]);
        assert_eq!((wire.real("id2'"), wire.real("id")), (Some("_id"), None));
        // Another struct has other fields.
        let mut taken = Names::default();
        let mut name = |real: &str| wire.stand_in(real, &mut taken, progenitor_value_name);
        assert_eq!([name("id"), name("ID")], ["id", "id2''"]);
    }
}
