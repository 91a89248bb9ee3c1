//! Suggests the known name that was probably meant.

/// Names with a lower similarity are not suggested.
const LIKE: f64 = 0.6;

/// The known name that is most similar to an unknown one.
pub fn nearest<'a>(known: impl Iterator<Item = &'a str>, name: &str) -> Option<String> {
    let length = name.chars().count();
    // Similarity is at most the ratio of the lengths, so names of very different lengths are skipped.
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
    fn names_of_very_different_lengths_are_not_similar() {
        assert_eq!(nearest(["abc", "abcdef"].into_iter(), "abcde").as_deref(), Some("abcdef"));
        assert_eq!(nearest(["abc"].into_iter(), "abcde").as_deref(), Some("abc"));
        assert_eq!(nearest(["abc"].into_iter(), "abcdef"), None);
        assert_eq!(nearest([""].into_iter(), "a"), None);
    }
}
