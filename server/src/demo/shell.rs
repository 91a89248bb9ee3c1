//! Formats shell commands so that they can be copied from a terminal of any width.

const INDENT: &str = "  ";
const DEEPER: &str = "    ";
/// The ends of a line that continues with another word, and with the rest of the same word.
const GOES_ON: &str = " \\";
const CONTINUES: &str = "\\";

/// Formats a command, given as its words, in lines of at most `width` columns. Continued lines end with a backslash. A
/// word that is longer than a line continues at the start of the next line, where the shell joins it again; words may
/// therefore be quoted with `"`, but not with `'`.
pub(super) fn fold(words: &[&str], width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = INDENT.to_owned();
    for (index, word) in words.iter().enumerate() {
        let end = if index + 1 == words.len() { 0 } else { GOES_ON.len() };
        if index > 0 {
            let fits = line.len() + 1 + word.len() + end <= width;
            // A word that must be broken anyway may start on this line, if there is a natural break.
            let is_too_long = DEEPER.len() + word.len() + end > width;
            let room = width.saturating_sub(line.len() + 1 + CONTINUES.len());
            if fits || is_too_long && natural_break(word, room).is_some() {
                line.push(' ');
            } else {
                lines.push(std::mem::replace(&mut line, DEEPER.to_owned()) + GOES_ON);
            }
        }
        let mut rest = *word;
        while line.len() + rest.len() + end > width {
            let room = width.saturating_sub(line.len() + CONTINUES.len()).clamp(1, rest.len());
            let (piece, further) = rest.split_at(natural_break(rest, room).unwrap_or(room));
            lines.push(std::mem::take(&mut line) + piece + CONTINUES);
            rest = further;
        }
        line.push_str(rest);
    }
    lines.push(line);
    lines
}

/// The best place to break a word within the first `most` bytes: after a separator.
fn natural_break(word: &str, most: usize) -> Option<usize> {
    word[..most.min(word.len())].rfind(['/', '=', ' ']).map(|at| at + 1)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const WORDS: [&str; 6] = [
        "show",
        "--request",
        "POST",
        "\"$CDI_URL/cdi/integrations/00000000-0000-0000-0000-000000000000/job_sync_status\"",
        "--header",
        "\"Authorization: Bearer $CDI_API_KEY\"",
    ];

    #[test]
    fn the_shell_reads_the_same_at_every_width() {
        for width in 20..130 {
            let lines = fold(&WORDS, width);
            assert!(lines.iter().all(|line| line.len() <= width), "{width}: {lines:#?}");
            let script = format!("show() {{ printf '%s\\n' \"$@\"; }}\n{}\n", lines.join("\n"));
            let mut shell = Command::new("sh");
            shell.args(["-c", &script]).env("CDI_URL", "http://localhost").env("CDI_API_KEY", "cdi_key");
            let expected = "--request\nPOST\n\
                http://localhost/cdi/integrations/00000000-0000-0000-0000-000000000000/job_sync_status\n\
                --header\nAuthorization: Bearer cdi_key\n";
            assert_eq!(String::from_utf8_lossy(&shell.output().unwrap().stdout), expected, "{width}: {lines:#?}");
        }
    }

    #[test]
    fn short_commands_stay_on_one_line() {
        assert_eq!(fold(&["cdi", "status", "Users", "--follow"], 80), ["  cdi status Users --follow"]);
        assert_eq!(fold(&["cdi", "status", "Users", "--follow"], 19), ["  cdi status \\", "    Users --follow"]);
        let key = format!("CDI_API_KEY={}", "k".repeat(47));
        assert_eq!(fold(&["export", &key], 40)[0], "  export CDI_API_KEY=\\");
    }
}
