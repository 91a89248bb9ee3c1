//! Identifiers that are a missing value in writing, such as `NULL` or `nan`: exports to CSV and data frames make such texts.
//! They are sent like others, because a user may be called so, but preview, check and the log warn of them.

use crate::sync::row::{Identifier, Row};

/// What programs write for a missing value, in any case.
const IN_ANY_CASE: [&str; 11] =
    ["null", "nan", "none", "undefined", "n/a", "#n/a", "<na>", "<null>", "(null)", "[null]", "<none>"];
/// The same where another case may be a name.
const AS_WRITTEN: [&str; 4] = ["NA", "NaT", "nil", "\\N"];
/// The longest of them, in bytes.
const LONGEST: usize = 9;

/// The column and text of an identifier that is probably a missing value.
pub fn missing_value(identifier: &Identifier) -> Option<(&'static str, &str)> {
    let columns = match identifier {
        Identifier::ExternalId(_) => ["EXTERNAL_ID", ""],
        Identifier::Alias { .. } => ["ALIAS_NAME", "ALIAS_LABEL"],
        Identifier::BrazeId(_) => ["BRAZE_ID", ""],
        Identifier::Email(_) => ["EMAIL", ""],
        Identifier::Phone(_) => ["PHONE", ""],
    };
    columns.into_iter().zip(identifier.texts()).find(|(_, text)| is_missing_value(text))
}

fn is_missing_value(text: &str) -> bool {
    // Nearly all identifiers are longer: this runs for every row of a sync.
    text.len() <= LONGEST
        && (AS_WRITTEN.contains(&text) || IN_ANY_CASE.iter().any(|word| word.eq_ignore_ascii_case(text)))
}

/// Counts the rows of a sync with such an identifier.
#[derive(Debug, Default)]
pub struct MissingValues {
    rows: u64,
    example: String,
}

impl MissingValues {
    /// Looks at a row.
    pub fn take(&mut self, row: &Row) {
        let Some((column, text)) = row.identifier.as_ref().and_then(missing_value) else { return };
        if self.rows == 0 {
            self.example = format!("{column} is the text {text:?}");
        }
        self.rows += 1;
    }

    /// Logs one warning, if there were any.
    pub fn warn(&self) {
        if self.rows > 0 {
            tracing::warn!(
                rows = self.rows,
                example = %self.example,
                "missing values were probably exported as texts, so rows were taken for users of that name"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_missing_values_are_told_from_identifiers() {
        for missing in ["NULL", "null", "Null", "nan", "NaN", "None", "<NA>", "undefined", "N/A", "NA", "NaT", "\\N"] {
            assert!(is_missing_value(missing), "{missing}");
        }
        for id in ["", "a", "0", "nulls", "Nat", "na", "Nil", "nan-1", "none@example.com", "undefined-1"] {
            assert!(!is_missing_value(id), "{id}");
        }
        assert!(IN_ANY_CASE.iter().chain(&AS_WRITTEN).all(|word| word.len() <= LONGEST));
    }

    #[test]
    fn the_column_is_named() {
        let alias = |name: &str, label: &str| Identifier::Alias { name: name.into(), label: label.into() };
        assert_eq!(missing_value(&alias("a", "nan")), Some(("ALIAS_LABEL", "nan")));
        assert_eq!(missing_value(&alias("None", "l")), Some(("ALIAS_NAME", "None")));
        assert_eq!(missing_value(&alias("a", "l")), None);
        assert_eq!(missing_value(&Identifier::Phone("NULL".into())), Some(("PHONE", "NULL")));
    }
}
