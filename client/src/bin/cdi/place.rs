//! Lines and columns, for messages that say where something is wrong.

/// Line and column of a byte offset, both counted from one.
pub(crate) fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::line_and_column;

    #[test]
    fn lines_and_columns_begin_at_one_and_columns_are_characters() {
        for (offset, expected) in [(0, (1, 1)), (1, (1, 2)), (4, (2, 1)), (6, (2, 2)), (100, (2, 3))] {
            assert_eq!(line_and_column("abc\nüx", offset), expected, "{offset}");
        }
    }
}
