//! Command lines in messages, which can be pasted into a shell.

use std::path::Path;

/// A text as one word of a shell.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@%+=,".contains(&byte);
    match !text.is_empty() && text.bytes().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// A path as one word of a shell. One that begins with a hyphen is not taken for an option.
pub(crate) fn quoted_path(path: &Path) -> String {
    let text = path.display().to_string();
    if text.starts_with('-') { quoted(&format!("./{text}")) } else { quoted(&text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_back_what_was_given() {
        assert_eq!(quoted("http://127.0.0.1:8080/x"), "http://127.0.0.1:8080/x");
        assert_eq!(quoted("my profile"), "'my profile'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted_path(Path::new("/home/a b/key")), "'/home/a b/key'");
        assert_eq!(quoted_path(Path::new("-f")), "./-f");
    }
}
