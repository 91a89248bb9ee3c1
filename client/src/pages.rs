//! Lists that come in pages.
//!
//! The server names the next page in a `Link` header. Only the cursor is taken from there, never the address, so the API
//! key is sent to no other server; only the server knows what a cursor means. A list that leads back to a page already seen
//! is an error and not an endless loop.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::stream::{BoxStream, Stream, StreamExt, TryStreamExt, try_unfold};
use reqwest::Url;

use crate::call_error::CallError;
use crate::errors::DocumentedError;
use crate::link::linked;
use crate::response::Response;

/// The cursor of one page of a list, as the server issued it. Opaque.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cursor(String);

impl Cursor {
    /// A cursor from the text that [`as_str`](Cursor::as_str) returned earlier.
    pub fn new(text: impl Into<String>) -> Cursor {
        Cursor(text.into())
    }

    /// The cursor as text, for storing it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One page of a list.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Page<T> {
    /// The items, at most ten, in the server's order.
    pub items: Vec<T>,
    /// The cursor of the next page; `None` on the last page.
    pub next: Option<Cursor>,
    /// The cursor of the previous page; `None` on the first page.
    pub previous: Option<Cursor>,
    /// The whole answer.
    pub response: Response,
}

impl<T> Page<T> {
    pub(crate) fn new(items: Vec<T>, response: Response) -> Result<Page<T>, (String, Response)> {
        let previous = linked(&response, "prev").and_then(|target| cursor_in(&target));
        let next = match linked(&response, "next") {
            None => None,
            Some(target) => match cursor_in(&target) {
                Some(cursor) => Some(cursor),
                // To end here would lose what follows.
                None => return Err(("the `Link` to the next page has no cursor".into(), response)),
            },
        };
        Ok(Page { items, next, previous, response })
    }
}

/// All items of a list, in order: a stream that fetches each page when it is needed. After an error the stream ends.
pub struct Items<T, E: DocumentedError>(BoxStream<'static, Result<T, CallError<E>>>);

impl<T: Send + 'static, E: DocumentedError> Items<T, E> {
    pub(crate) fn new<F, Fut>(fetch: F) -> Items<T, E>
    where
        F: Fn(Option<Cursor>) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Page<T>, CallError<E>>> + Send + 'static,
    {
        /// What is still to be fetched.
        enum Rest {
            Page(Option<Cursor>),
            Nothing,
        }
        let first = (fetch, VecDeque::new(), Rest::Page(None), HashSet::new());
        Items(
            try_unfold(first, |(fetch, mut items, mut rest, mut seen)| async move {
                loop {
                    if let Some(item) = items.pop_front() {
                        return Ok(Some((item, (fetch, items, rest, seen))));
                    }
                    let Rest::Page(cursor) = rest else {
                        return Ok(None);
                    };
                    let page: Page<T> = fetch(cursor).await?;
                    items = page.items.into();
                    rest = match page.next {
                        None => Rest::Nothing,
                        Some(next) if seen.insert(next.clone()) => Rest::Page(Some(next)),
                        Some(_) => {
                            return Err(CallError::Unreadable {
                                reason: "the `Link` to the next page leads to a page already seen".into(),
                                response: page.response,
                            });
                        }
                    };
                }
            })
            .boxed(),
        )
    }

    /// The next item; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<T, CallError<E>>> {
        self.0.next().await
    }

    /// Collects all items, or returns the first error.
    pub async fn all(self) -> Result<Vec<T>, CallError<E>> {
        self.0.try_collect().await
    }
}

impl<T, E: DocumentedError> Stream for Items<T, E> {
    type Item = Result<T, CallError<E>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(context)
    }
}

impl<T, E: DocumentedError> fmt::Debug for Items<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items").finish_non_exhaustive()
    }
}

/// The `cursor` of a link's query.
fn cursor_in(target: &str) -> Option<Cursor> {
    // Only the query matters; the base makes a relative target a whole address.
    let base = Url::parse("http://localhost/").ok()?;
    let url = base.join(target).ok()?;
    let (_, cursor) = url.query_pairs().find(|(name, _)| name == "cursor")?;
    Some(Cursor(cursor.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, StatusCode};

    fn page(headers: &[&str]) -> Result<Page<()>, String> {
        let mut map = HeaderMap::new();
        for header in headers {
            map.append(http::header::LINK, header.parse().unwrap());
        }
        Page::new(vec![], Response::new(StatusCode::OK, map, vec![])).map_err(|(reason, _)| reason)
    }

    fn next(headers: &[&str]) -> Option<String> {
        page(headers).unwrap().next.map(|cursor| cursor.0)
    }

    #[test]
    fn the_next_page_is_found_in_any_honest_link_header() {
        let both = r#"</cdi/integrations?cursor=a>; rel="prev",</cdi/integrations?cursor=b>; rel="next""#;
        assert_eq!(next(&[both]).as_deref(), Some("b"));
        assert_eq!(page(&[both]).unwrap().previous, Some(Cursor::new("a")));
        for (header, expected) in [
            (r#"</x?cursor=b>; rel=next"#, Some("b")),
            (r#"<https://elsewhere.example/x?limit=1&cursor=b>;title="a, \"b\"; c";rel="last next""#, Some("b")),
            (r#"</x?cursor=b>; REL="Next""#, Some("b")),
            (r#"</x?cursor=b>; rel="prev"; rel="next""#, None),
            (r#"</x?cursor=b%2B%26%3D%20%C3%BC>; rel="next""#, Some("b+&= ü")),
            (r#"</x?cursor=b>"#, None),
            ("", None),
            ("nonsense", None),
            (r#"</x?cursor=b; rel="next""#, None),
        ] {
            assert_eq!(next(&[header]).as_deref(), expected, "{header}");
        }
        assert_eq!(next(&[r#"</x?cursor=a>; rel="prev""#, r#"</x?cursor=b>; rel="next""#]).as_deref(), Some("b"));
    }

    #[test]
    fn a_next_page_without_a_cursor_is_an_error_and_not_the_end() {
        let reason = page(&[r#"</x?page=2>; rel="next""#]).unwrap_err();
        assert!(reason.contains("next page has no cursor"), "{reason}");
        let useless = r#"</x?page=1>; rel="prev",</x?cursor=b>; rel="next""#;
        assert_eq!(page(&[useless]).unwrap().previous, None);
        assert_eq!(next(&[useless]).as_deref(), Some("b"));
    }
}
