//! The example requests of a page: shell commands, and raw HTTP requests.

use crate::page::{self, Page, Request, http};

/// Languages of code blocks that contain shell commands.
const SHELLS: [&str; 8] = ["bash", "sh", "shell", "zsh", "console", "shell-session", "curl", ""];

/// Languages of code blocks that may contain raw HTTP requests.
const RAW: [&str; 6] = ["http", "rest", "", "text", "plaintext", "json"];

/// The example requests of a page, and the commands that a shell would reject.
pub fn requests(page: &Page) -> (Vec<Request>, Vec<page::Malformed>) {
    let (mut requests, mut wrong) = (Vec::new(), Vec::new());
    for block in &page.blocks {
        let language = block.language.as_str();
        let start = block.text.range.start;
        if block.text.contains("curl") && (SHELLS.contains(&language) || ["json", "text"].contains(&language)) {
            match page::requests(&block.text, start) {
                Ok(found) => requests.extend(found),
                Err(malformed) if !SHELLS.contains(&language) || !malformed.is_sure => {}
                Err(malformed) => wrong.push(malformed),
            }
        } else if RAW.contains(&language) {
            requests.extend(http::messages(&block.text, start).into_iter().filter_map(|message| match message {
                http::Message::Request(request) => Some(request),
                http::Message::Response(_) => None,
            }));
        }
    }
    (requests, wrong)
}
