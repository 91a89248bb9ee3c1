//! The known name that was probably meant.

/// Names that are less alike than this are not taken for one another.
const LIKE: f64 = 0.6;

/// The name that is most like one that there is not.
pub fn nearest<'a>(known: impl Iterator<Item = &'a str>, name: &str) -> Option<String> {
    let length = name.chars().count();
    // Names are no more alike than the shorter is long in terms of the longer.
    let is_near = |known: &&str| {
        let known = known.chars().count();
        length.min(known) * 5 >= length.max(known) * 3
    };
    let likenesses = known.filter(is_near).map(|known| (strsim::normalized_damerau_levenshtein(known, name), known));
    let best = likenesses.max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.filter(|(likeness, _)| *likeness >= LIKE).map(|(_, known)| known.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_whose_lengths_are_far_apart_are_not_alike() {
        assert_eq!(nearest(["abc", "abcdef"].into_iter(), "abcde").as_deref(), Some("abcdef"));
        assert_eq!(nearest(["abc"].into_iter(), "abcde").as_deref(), Some("abc"));
        assert_eq!(nearest(["abc"].into_iter(), "abcdef"), None);
        assert_eq!(nearest([""].into_iter(), "a"), None);
    }
}
