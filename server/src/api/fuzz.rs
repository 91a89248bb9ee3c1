//! Keys and cursors as strangers send them.

use chrono::{DateTime, Utc};
use proptest::prelude::*;

use super::auth::bearer;
use super::cursor::{List, Position};
use crate::fuzz::{cases, text};
use crate::store::{Page, PageOf};
use crate::types::IntegrationId;

const HEADERS: &[&str] = &["Bearer 3c9d51be-7a20-4f6e-b8c4-91e5d7f2a06b", "bearer  abc", "Basic YTpi", ""];
const HEADER_TOKENS: &[&str] = &["Bearer", "BEARER ", " ", "\t", "\u{a0}", "\u{2003}", "\n", "ſ", "K", ",", "="];
/// Cursors of the list `a`, the integrations and the jobs.
const CURSORS: &[&str] = &["x1RsDLHzN4FhZnRlciA3", "after 7", "AAAAAAAAAAAAAAAAAAAAAA", "=", ""];
const POSITIONS: &[&str] = &["6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01", "1795466584000123", "-1", ""];
const POSITION_TOKENS: &[&str] =
    &["9223372036854775807", "-9223372036854775808", "{", "}", "urn:uuid:", " ", "after ", "+", "\0", "é"];

/// A position that takes any text, so that cursors have a valid checksum.
#[derive(Debug, Clone, PartialEq)]
struct AnyText(String);

impl Position for AnyText {
    fn write(&self) -> String {
        self.0.clone()
    }
    fn read(text: &str) -> Option<AnyText> {
        Some(AnyText(text.to_owned()))
    }
}

fn list(name: &str) -> List<'static> {
    List { name: name.to_owned(), path: "/things" }
}

/// The cursor of the page after a position.
fn cursor<P: Position + Clone>(list: &List<'_>, position: &P) -> String {
    let page = PageOf { items: vec![position.clone()], has_previous: false, has_next: true };
    let link = list.link(&page, P::clone).unwrap();
    link.strip_prefix("</things?cursor=").and_then(|link| link.strip_suffix(">; rel=\"next\"")).unwrap().to_owned()
}

/// What is read of a cursor with a valid checksum gives a cursor that is read as the same.
fn is_read_again<P: Position + Clone + PartialEq + std::fmt::Debug>(written: &str) {
    let list = list("a");
    if let Some(page) = list.page::<P>(Some(written)) {
        let Page::After(position) = page else { panic!("{page:?}") };
        assert_eq!(list.page(Some(&cursor(&list, &position))), Some(Page::After(position)));
    }
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn a_bearer_key_is_what_stands_after_the_scheme(header in text(HEADERS, HEADER_TOKENS)) {
        if let Some(token) = bearer(&header) {
            prop_assert!(header.len() > "bearer ".len() && header.ends_with(token));
            prop_assert!(header[..header.len() - token.len()].trim_end_matches(' ').eq_ignore_ascii_case("bearer"));
            prop_assert!(!token.is_empty() && !token.contains(char::is_whitespace));
            let again = format!("Bearer {token}");
            prop_assert_eq!(bearer(&again), Some(token));
        } else if let Some(rest) = header.strip_prefix("Bearer ") {
            let rest = rest.trim_start_matches(' ');
            prop_assert!(rest.is_empty() || rest.contains(char::is_whitespace), "{:?} is a key", rest);
        }
    }

    #[test]
    fn a_made_up_cursor_is_refused(made_up in text(CURSORS, POSITION_TOKENS)) {
        prop_assert_eq!(list("a").page::<AnyText>(Some(&made_up)), None);
    }

    #[test]
    fn a_changed_cursor_is_refused(at in any::<prop::sample::Index>(), bit in 0..7_u8, position in text(POSITIONS, POSITION_TOKENS)) {
        let original = cursor(&list("a"), &AnyText(position));
        let mut changed = original.clone().into_bytes();
        let at = at.index(changed.len());
        changed[at] ^= 1 << bit;
        let changed = String::from_utf8(changed).unwrap();
        prop_assert_eq!(list("a").page::<AnyText>(Some(&changed)), None);
    }

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_by_its_own_list_only(position in text(POSITIONS, POSITION_TOKENS)) {
        let position = AnyText(position);
        let written = cursor(&list("a"), &position);
        prop_assert_eq!(list("a").page(Some(&written)), Some(Page::After(position)));
        prop_assert_eq!(list("b").page::<AnyText>(Some(&written)), None);
        is_read_again::<IntegrationId>(&written);
        is_read_again::<DateTime<Utc>>(&written);
    }
}
