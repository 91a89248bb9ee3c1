"""What Schemathesis cannot read from the contract: which cursors the server has issued."""

from urllib.parse import parse_qs, urlsplit

import schemathesis
from requests.utils import parse_header_links

# The paths of pages that `Link` headers have named, each with its cursors.
ISSUED: dict[str, set[str]] = {}


def cursors(url: str) -> set[str]:
    return set(parse_qs(urlsplit(url).query, keep_blank_values=True).get("cursor", []))


@schemathesis.check
def only_an_unknown_cursor_is_refused(ctx, response, case) -> None:
    """A request that fits the contract is answered with 400 only for a cursor that the server has not issued."""
    for link in response.headers.get("link", []):
        for page in parse_header_links(link):
            ISSUED.setdefault(urlsplit(page["url"]).path, set()).update(cursors(page["url"]))
    if response.status_code != 400 or case.meta is None or not case.meta.generation.mode.is_positive:
        return
    url = response.request.url
    sent = cursors(url)
    message = response.json().get("message")
    assert sent and message == "Invalid cursor", f"a request that fits the contract was refused: {message}"
    assert not sent <= ISSUED.get(urlsplit(url).path, set()), "a cursor that the server has issued was refused"
