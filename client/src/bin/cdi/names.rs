//! Finds the integration that a text names: by its name, its ID, or the beginning of its ID. If there is none, suggests
//! similar ones.

use uuid::Uuid;

use crate::cache::Known;
use crate::failure::{Exit, Failure};

/// A text with fewer hexadecimal digits is not taken for the beginning of an ID.
const SHORTEST_PREFIX: usize = 4;
/// Names that are less alike than this are not suggested.
const LIKENESS: f64 = 0.6;
/// A name that the text is a part of counts as this much alike.
const LIKENESS_OF_PARTS: f64 = 0.9;
/// IDs are random, so one that is this much alike is probably the same, copied wrongly.
const LIKENESS_OF_IDS: f64 = 0.8;
/// A suggestion is dropped if it is less alike than the best one by more than this.
const MOST_LESS_LIKELY: f64 = 0.1;
const MOST_SUGGESTIONS: usize = 3;

/// An OpenCDI server reads its configuration only when it starts.
pub(crate) const IF_NEW: &str = "If it is new in opencdi.toml, see the server's log: it reloads the file.";

/// Which integrations a text names.
#[derive(Debug, PartialEq)]
pub(crate) enum Match<'a> {
    None,
    One(&'a Known),
    /// Several have this name.
    Names(Vec<&'a Known>),
    /// Several IDs begin like this.
    Prefixes(Vec<&'a Known>),
}

/// The ID, if the text is one. Only the hyphenated form is.
pub(crate) fn id(text: &str) -> Option<Uuid> {
    (text.len() == 36).then(|| text.parse().ok()).flatten()
}

/// A name that equals wins over the beginning of an ID.
pub(crate) fn find<'a>(text: &str, known: &'a [Known]) -> Match<'a> {
    let named: Vec<_> = known.iter().filter(|integration| integration.name == text).collect();
    match named.as_slice() {
        [one] => return Match::One(one),
        [] => {}
        _ => return Match::Names(named),
    }
    if !is_prefix(text) {
        return Match::None;
    }
    let text = text.to_ascii_lowercase();
    let begun: Vec<_> = known.iter().filter(|integration| integration.id.to_string().starts_with(&text)).collect();
    match begun.as_slice() {
        [one] => Match::One(one),
        [] => Match::None,
        _ => Match::Prefixes(begun),
    }
}

/// The error for a text that names no integration, or more than one.
pub(crate) fn failure(text: &str, known: &[Known], command: &str, is_braze: bool) -> Failure {
    let ids = |several: &[&Known]| several.iter().map(|one| one.id.to_string()).collect::<Vec<_>>().join(", ");
    match find(text, known) {
        Match::Names(several) => {
            let message = format!("{} integrations are named `{text}`; give an ID: {}", several.len(), ids(&several));
            Failure::new(Exit::Usage, "ambiguous_name", message)
        }
        Match::Prefixes(several) => {
            let list: Vec<_> = several.iter().map(|one| format!("{} ({})", one.id, one.name)).collect();
            let message = format!(
                "the IDs of {} integrations begin with `{text}`; give more digits: {}",
                several.len(),
                list.join(", ")
            );
            Failure::new(Exit::Usage, "ambiguous_id", message)
        }
        Match::None | Match::One(_) => {
            let suggestions = suggestions(text, known);
            let advice = match (suggestions.is_empty(), known.is_empty()) {
                _ if is_short_prefix(text, known) => {
                    format!("write at least {SHORTEST_PREFIX} characters of the ID")
                }
                (false, _) => format!("did you mean {}?", either(&suggestions)),
                (true, true) => "the workspace of this API key has none".into(),
                (true, false) => format!("`{command} list` shows all"),
            };
            let message = format!("there is no integration with the name or ID `{text}`; {advice}");
            let failure = Failure::new(Exit::NotFound, "integration_not_found", message);
            // Otherwise it is clear enough which one was meant.
            let may_be_new = !is_short_prefix(text, known) && !known.iter().any(|one| is_same(&one.name, text));
            if may_be_new && !is_braze { failure.advise(IF_NEW) } else { failure }
        }
    }
}

/// Another integration whose ID differs in so little that it was probably copied wrongly.
pub(crate) fn near_id(id: Uuid, known: &[Known]) -> Option<&Known> {
    let likeness = |one: &Known| alike(&one.id.simple().to_string(), &id.simple().to_string());
    let likely = known.iter().filter(|one| one.id != id && likeness(one) > LIKENESS_OF_IDS);
    likely.max_by(|one, other| likeness(one).total_cmp(&likeness(other)))
}

/// How many characters of IDs tell them apart, at least the eight before the first hyphen; `None` if it takes the last group.
pub(crate) fn shortest_unique(ids: &[Uuid]) -> Option<usize> {
    let texts: Vec<_> = ids.iter().map(Uuid::to_string).collect();
    let unique = |length: &usize| {
        let beginnings: std::collections::HashSet<_> = texts.iter().map(|text| &text[..*length]).collect();
        beginnings.len() == texts.len()
    };
    [8, 13, 18, 23].into_iter().find(unique)
}

/// Whether a text can be the beginning of an ID.
pub(crate) fn is_prefix(text: &str) -> bool {
    text.bytes().filter(u8::is_ascii_hexdigit).count() >= SHORTEST_PREFIX
        && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// Whether an ID begins like this, and the text is too short to be taken for its beginning: it may be a mistyped name.
fn is_short_prefix(text: &str, known: &[Known]) -> bool {
    let text = text.to_ascii_lowercase();
    !text.is_empty() && !is_prefix(&text) && known.iter().any(|one| one.id.to_string().starts_with(&text))
}

/// Similar names and IDs, the most similar first.
fn suggestions(text: &str, known: &[Known]) -> Vec<String> {
    let lower = text.to_lowercase();
    if let Some(same) = known.iter().find(|integration| is_same(&integration.name, text)) {
        return vec![format!("`{}`", same.name)];
    }
    let digits: String = lower.trim_start_matches("urn:uuid:").chars().filter(char::is_ascii_hexdigit).collect();
    let mut likely: Vec<(f64, String)> = known
        .iter()
        .filter_map(|integration| {
            let name = integration.name.to_lowercase();
            let id = integration.id.simple().to_string();
            let part = lower.chars().count() >= 3 && name.contains(&lower);
            let by_name = if part { LIKENESS_OF_PARTS } else { alike(&name, &lower) };
            let by_id = alike(&id, &digits);
            if by_id > LIKENESS_OF_IDS && by_id > by_name {
                Some((by_id, format!("`{}` ({})", integration.id, integration.name)))
            } else {
                (by_name >= LIKENESS).then(|| (by_name, format!("`{}`", integration.name)))
            }
        })
        .collect();
    likely.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    likely.dedup_by(|(_, one), (_, other)| one == other);
    let best = likely.first().map_or(0.0, |(likeness, _)| *likeness);
    let as_likely = likely.into_iter().filter(|(likeness, _)| best - likeness <= MOST_LESS_LIKELY);
    as_likely.take(MOST_SUGGESTIONS).map(|(_, suggestion)| suggestion).collect()
}

/// Whether two names differ in nothing but upper and lower case.
fn is_same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

fn alike(one: &str, other: &str) -> f64 {
    strsim::normalized_damerau_levenshtein(one, other)
}

fn either(suggestions: &[String]) -> String {
    match suggestions {
        [before @ .., one, last] => {
            let before: String = before.iter().map(|text| format!("{text}, ")).collect();
            format!("{before}{one} or {last}")
        }
        rest => rest.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<Known> {
        [
            ("6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01", "Users"),
            ("6f1e9999-75d2-4c38-8e11-b2f09a6cd3e4", "Orders of the shops"),
            ("abcdef00-0000-4000-8000-000000000000", "dead"),
            ("dead0000-0000-4000-8000-000000000000", "Purchases"),
        ]
        .map(|(id, name)| Known { id: id.parse().unwrap(), name: name.into() })
        .into()
    }

    fn found(text: &str) -> Option<String> {
        match find(text, &known()) {
            Match::One(one) => Some(one.name.clone()),
            _ => None,
        }
    }

    fn message(text: &str) -> String {
        failure(text, &known(), "cdi", false).for_people()
    }

    #[test]
    fn an_integration_is_found_by_name_and_by_the_beginning_of_its_id() {
        assert_eq!(found("Users").as_deref(), Some("Users"));
        for text in ["6f1e24a8", "6F1E2", "6f1e24a8-0a3b", "6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b0"] {
            assert_eq!(found(text).as_deref(), Some("Users"), "{text}");
        }
        assert_eq!(found("dead").as_deref(), Some("dead"), "a name that equals wins");
        assert_eq!(found("dead0").as_deref(), Some("Purchases"));
        for text in ["6f1", "6f1e", "6f1e24a80", "users", "abc", "----", ""] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    #[test]
    fn what_may_have_been_meant_is_suggested() {
        for (text, expected) in [
            ("users", "did you mean `Users`?"),
            ("USERS", "did you mean `Users`?"),
            ("Userz", "did you mean `Users`? If it is new in opencdi.toml, see the server's log: it reloads the file."),
            ("Orders", "did you mean `Orders of the shops`?"),
            ("6f1e24a80a3b4a519d0e0c7a4f7a1b01", "did you mean `6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01` (Users)?"),
            ("6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b0z", "did you mean `6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01` (Users)"),
            (
                "Nobody",
                "; `cdi list` shows all. If it is new in opencdi.toml, see the server's log: it reloads the file.",
            ),
            ("6F1", "; write at least 4 characters of the ID"),
            ("fff", "; `cdi list` shows all"),
        ] {
            assert!(message(text).contains(expected), "{text}: {}", message(text));
        }
        for (text, is_braze) in [("USERS", false), ("6F1", false), ("Userz", true), ("Nobody", true)] {
            let message = failure(text, &known(), "cdi", is_braze).for_people();
            assert!(!message.contains("restart"), "{message}");
        }
        let several =
            ["Users EU", "Users US", "Users UK", "Users IN"].map(|name| Known { id: Uuid::nil(), name: name.into() });
        assert_eq!(suggestions("Users", &several).len(), MOST_SUGGESTIONS);
        assert_eq!(either(&["a".into(), "b".into(), "c".into()]), "a, b or c");
    }

    #[test]
    fn an_id_that_was_copied_wrongly_is_recognised() {
        let near = |id: &str| near_id(id.parse().unwrap(), &known()).map(|one| one.name.clone());
        assert_eq!(near("6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b11").as_deref(), Some("Users"));
        assert_eq!(near("6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01"), None, "it is the same");
        assert_eq!(near("3c9d51be-7a20-4f6e-b8c4-91e5d7f2a06b"), None);
    }

    #[test]
    fn a_beginning_of_several_ids_lists_them() {
        let expected = "cdi: the IDs of 2 integrations begin with `6f1e`; give more digits: \
            6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01 (Users), 6f1e9999-75d2-4c38-8e11-b2f09a6cd3e4 (Orders of the shops)";
        assert_eq!(message("6f1e"), expected);
    }

    #[test]
    fn ids_are_shortened_as_far_as_they_stay_different() {
        let ids: Vec<_> = known().iter().map(|one| one.id).collect();
        assert_eq!(shortest_unique(&ids), Some(8));
        let alike = ["6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01", "6f1e24a8-0a3c-4a51-9d0e-0c7a4f7a1b01"];
        assert_eq!(shortest_unique(&alike.map(|id| id.parse().unwrap())), Some(13));
        assert_eq!(shortest_unique(&[Uuid::nil(), Uuid::from_u128(1)]), None);
    }
}
