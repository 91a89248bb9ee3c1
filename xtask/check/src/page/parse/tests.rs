//! How pages are parsed.

use super::*;

fn page(text: &str) -> Page {
    Page::read(&Source::new("page.md", text), Language::English)
}

#[test]
fn claims_are_recognised_by_their_form_and_have_places() {
    let text = "# Ä title\n\n`POST /things/{id}`\n\nYou need `a.b`. It allows 1,000 requests\nper minute.\n\n| What | Then |\n| --- | --- |\n| **Bad** `404 Not here` | `x` |\n\nSee [errors](errors.md).\n";
    let page = page(text);
    let endpoint = &page.declarations[0].endpoint;
    assert_eq!((endpoint.method.as_str(), endpoint.path.as_str()), ("POST", "/things/{id}"));
    assert_eq!(&text[endpoint.path.range.clone()], "/things/{id}");
    let error = &page.errors[0];
    assert_eq!((error.status.value, error.message.as_str()), (404, "Not here"));
    assert_eq!(&text[error.message.range.clone()], "Not here");
    assert_eq!(&text[error.range.clone()], "| **Bad** `404 Not here` | `x` |");
    assert_eq!(page.limits.iter().map(|limit| (limit.number.value, limit.seconds)).collect::<Vec<_>>(), [(1000, 60)]);
    assert_eq!(page.spans.iter().map(|span| span.as_str()).collect::<Vec<_>>(), ["POST /things/{id}", "a.b"]);
    assert_eq!(page.links[0].value, "errors.md");
    assert!(page.tables.is_empty(), "a table of errors only");
}

#[test]
fn tables_have_cells_with_places_and_introductions() {
    let text = "## Values\n\nThose of `kind`:\n\n| Name | |\n|---|--|\n| <code>one</code> | *a* `b` |\n| `two` | |\n";
    let page = page(text);
    let table = &page.tables[0];
    assert_eq!((table.heading.as_str(), table.introduced_by.as_slice()), ("values", &["kind".to_owned()][..]));
    assert_eq!(table.rows.len(), 2);
    assert_eq!(table.rows[0].name().unwrap().value, "one");
    assert_eq!(&text[table.rows[0].name().unwrap().range.clone()], "one");
    assert_eq!(table.rows[0].cells[1].text, "a b");
    assert_eq!(&text[table.rows[0].cells[1].range.clone()], "*a* `b`");
}

#[test]
fn tables_in_html_are_tables() {
    let text = "<table>\n<tr><th>Error</th></tr>\n<tr><td>Bad: <code>404 Not here</code><td>No</tr>\n\n<tr>\n<td>\n\n`409 Oh`\n\n</td></tr>\n<tr><td> <code>kind</code></td><td>Required </td></tr>\n</table>\n\n`202`\n\n<table>\n\n# Next\n\n`a`\n";
    let page = page(text);
    let errors: Vec<_> = page.errors.iter().map(|row| &text[row.message.range.clone()]).collect();
    assert_eq!(errors, ["Not here", "Oh"]);
    assert_eq!(&text[page.errors[0].range.clone()], "<tr><td>Bad: <code>404 Not here</code><td>No</tr>");
    let row = &page.tables[0].rows[0];
    assert_eq!((row.name().unwrap().as_str(), row.cells[1].text.trim()), ("kind", "Required"));
    assert_eq!(page.spans.iter().map(|span| span.as_str()).collect::<Vec<_>>(), ["202", "a"]);
}

#[test]
fn code_blocks_keep_their_text_and_place() {
    let text = "```bash title\ncurl 'x' \\\n{{y}}\n```\n\n    indented\n\n```json\n```\n";
    let page = page(text);
    let blocks: Vec<_> = page.blocks.iter().map(|block| (block.language.as_str(), block.text.as_str())).collect();
    assert_eq!(blocks, [("bash", "curl 'x' \\\n{{y}}\n"), ("", "indented\n"), ("json", "")]);
    assert_eq!(&text[page.blocks[0].text.range.clone()], "curl 'x' \\\n{{y}}\n");
    for text in ["=== \"Tab\"\n\n    ```json title\n    {}\n    ```\n", "~~~~ {.json .x}\n{}\n~~~~\n"] {
        let page = self::page(text);
        assert_eq!((page.blocks[0].language.as_str(), page.blocks[0].text.trim()), ("json", "{}"), "{text}");
    }
}

#[test]
fn tabs_are_read_as_components_and_as_mkdocs_has_them() {
    for text in [
        "<Tabs>\n<TabItem value=\"404\" label=\"HTTP 404\">\n\n```json\n{}\n```\n</TabItem>\n</Tabs>\n\nend\n",
        "=== \"404\"\n\n    ```json\n    {}\n    ```\n\nend\n",
    ] {
        let page = page(text);
        assert!(page.tabs[0].label.contains("404"), "{text}");
        assert!(page.tabs[0].range.contains(&page.blocks[0].start), "{text}");
        assert!(!page.tabs[0].range.contains(&text.find("end").unwrap()), "{text}");
    }
}

#[test]
fn template_tags_in_any_script_split_no_character() {
    for text in ["- {{ 名前 }} foo\n", "> {% é %}text\n", "1. {{ ü }}x\n\n    {% é %}y\n"] {
        page(text);
    }
}

#[test]
fn liquid_and_kramdown_are_tolerated() {
    let page = page(
        "{% api %}\n{% apimethod post %}\n/things/{id}\n{% endapimethod %}\n\n| Error | Then |\n|---|---|\n| `404 Not here` | x |\n{: .reset }\n{% multi_lang_include rate_limits.md endpoint='x' %}\n",
    );
    assert_eq!(page.includes[0].value, "rate_limits.md endpoint='x'");
    assert_eq!(page.declarations[0].endpoint.method.value, "POST");
    assert_eq!(page.errors.len(), 1);
}

#[test]
fn an_error_may_have_its_status_in_a_separate_cell() {
    let page =
        page("| Status | Message | |\n|---|---|---|\n| 404 | `Not here` | x |\n| `500` | `Oh` | |\n| 7 | `x` | |\n");
    let errors: Vec<_> = page.errors.iter().map(|row| (row.status.value, row.message.as_str())).collect();
    assert_eq!(errors, [(404, "Not here"), (500, "Oh")]);
    assert_eq!(page.tables[0].rows.len(), 1);
}

#[test]
fn a_status_outside_a_table_is_not_a_claim() {
    assert!(page("`404 Not here` happens. 5 things. Every minute counts, says 7.\n").errors.is_empty());
}

#[test]
fn rate_limits_are_read_from_rendered_text() {
    for text in [
        "allows **20** requests per **minute**, and\nmore",
        "- 20&nbsp;requests per\n  minute",
        "> 20 requests per\n> minute",
        "20 requests <!-- once 30 --> per minute. After `429 Rate Limited` wait a minute.",
        "# `20` requests per minute\n\nA page has 30 rows; it takes 7 rows a minute.",
        "| Limit |\n|---|\n| 20 requests per minute |\n",
    ] {
        let page = page(text);
        let found: Vec<_> = page.limits.iter().map(|limit| (limit.number.value, limit.seconds)).collect();
        assert_eq!(found, [(20, 60)], "{text}");
        assert_eq!(&text[page.limits[0].number.range.clone()], "20", "{text}");
    }
    assert_eq!(page("The sync runs 7 times a day.").limits.len(), 1, "where nothing else is said");
}

#[test]
fn a_code_span_that_differs_from_its_source_has_its_whole_place() {
    let text = "`POST\n/a“ü`\n\n| E |\n|---|\n| `404 Integration not found\\|“` |\n";
    let page = page(text);
    assert_eq!(&text[page.errors[0].message.range.clone()], "`404 Integration not found\\|“`");
    assert_eq!(&text[page.declarations[0].endpoint.path.range.clone()], "/a“ü");
}
