//! Lists of parameters in statements.

use super::database::Statement;

/// This many parameters, from the one with the number `first` on: `$3, $4, …`.
pub(super) fn places(first: usize, number: usize) -> String {
    (first..first + number).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ")
}

/// Binds each of these texts to a parameter.
pub(super) fn bind_all<'q>(statement: Statement<'q>, texts: &'q [String]) -> Statement<'q> {
    texts.iter().fold(statement, |statement, text| statement.bind(text))
}
