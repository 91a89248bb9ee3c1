//! Page cursors, which are opaque to clients and valid for one list only, and the `Link` header with them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use sha2::{Digest, Sha256};

use crate::store::{Page, PageOf};

/// Length of a cursor's checksum in bytes.
const CHECKSUM: usize = 8;

/// The list that a cursor belongs to, such as the jobs of an integration.
pub struct List<'a> {
    /// The list's name, which must be unique among all lists.
    pub name: String,
    /// Its path, for the `Link` header.
    pub path: &'a str,
}

/// Conversion of a position in a list to and from text.
pub trait Position: Sized {
    fn write(&self) -> String;
    fn read(text: &str) -> Option<Self>;
}

impl List<'_> {
    /// The requested page; `None` if the cursor does not belong to this list.
    pub fn page<P: Position>(&self, cursor: Option<&str>) -> Option<Page<P>> {
        let Some(cursor) = cursor else { return Some(Page::First) };
        let bytes = BASE64.decode(cursor).ok()?;
        let (checksum, text) = bytes.split_at_checked(CHECKSUM)?;
        if checksum != self.checksum(text) {
            return None;
        }
        let (direction, position) = std::str::from_utf8(text).ok()?.split_once(' ')?;
        let position = P::read(position)?;
        match direction {
            "after" => Some(Page::After(position)),
            "before" => Some(Page::Before(position)),
            _ => None,
        }
    }

    /// The `Link` header of a page; `None` for a single page.
    pub fn link<T, P: Position>(&self, page: &PageOf<T>, position: impl Fn(&T) -> P) -> Option<String> {
        let link = |direction: &str, item: &T, relation: &str| {
            let text = format!("{direction} {}", position(item).write());
            let cursor = [self.checksum(text.as_bytes()).as_slice(), text.as_bytes()].concat();
            format!("<{}?cursor={}>; rel=\"{relation}\"", self.path, BASE64.encode(cursor))
        };
        let previous = page.items.first().filter(|_| page.has_previous).map(|item| link("before", item, "prev"));
        let next = page.items.last().filter(|_| page.has_next).map(|item| link("after", item, "next"));
        let links: Vec<String> = previous.into_iter().chain(next).collect();
        (!links.is_empty()).then(|| links.join(","))
    }

    /// A checksum that tells cursors of this list from those of other lists and from guesses. It is not a security measure: a
    /// forged cursor only gives a position in a list that the caller may read anyway.
    fn checksum(&self, text: &[u8]) -> Vec<u8> {
        let digest = Sha256::new().chain_update(&self.name).chain_update([0]).chain_update(text).finalize();
        digest[..CHECKSUM].to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Position for u32 {
        fn write(&self) -> String {
            self.to_string()
        }
        fn read(text: &str) -> Option<u32> {
            text.parse().ok()
        }
    }

    fn list(name: &str) -> List<'static> {
        List { name: name.to_owned(), path: "/things" }
    }

    fn cursors(link: &str) -> Vec<String> {
        link.split("cursor=").skip(1).map(|part| part.split('>').next().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_cursor_encodes_its_position_and_direction() {
        let page = PageOf { items: vec![1u32, 2, 3], has_previous: true, has_next: true };
        let link = list("a").link(&page, |item| *item).unwrap();
        assert!(link.starts_with("</things?cursor=") && link.contains(">; rel=\"prev\",</things?cursor="), "{link}");
        let cursors = cursors(&link);
        assert!(matches!(list("a").page::<u32>(Some(&cursors[0])), Some(Page::Before(1))));
        assert!(matches!(list("a").page::<u32>(Some(&cursors[1])), Some(Page::After(3))));
    }

    #[test]
    fn a_single_page_has_no_link() {
        let page = PageOf { items: vec![1u32], has_previous: false, has_next: false };
        assert_eq!(list("a").link(&page, |item| *item), None);
    }

    #[test]
    fn cursors_of_other_lists_and_guesses_are_refused() {
        let page = PageOf { items: vec![7u32], has_previous: false, has_next: true };
        let cursor = cursors(&list("a").link(&page, |item| *item).unwrap()).remove(0);
        assert!(list("b").page::<u32>(Some(&cursor)).is_none());
        for guess in ["", "x", "AAAA", "after 7", "AAAAAAAAAAAAAAAAAAAAAA", "ü", &cursor[1..]] {
            assert!(list("a").page::<u32>(Some(guess)).is_none(), "{guess:?}");
        }
    }
}
