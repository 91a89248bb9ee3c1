//! Completion in bash, which inserts what it is given unchanged, so blanks and special characters are escaped here. How depends on
//! the quote that the word begins with. Bash strips it from the word, so the script passes on what was typed.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

use clap::Command;
use clap_complete::engine::complete;
use clap_complete::env::{self, EnvCompleter};

/// Completion in bash.
pub(crate) struct Bash;

/// The variable with the word as it was typed.
const TYPED: &str = "_CDI_TYPED";
/// The line of the script before which that is set.
const SET_BEFORE: &str = "        _CLAP_IFS=";

impl EnvCompleter for Bash {
    fn name(&self) -> &'static str {
        env::Bash.name()
    }

    fn is(&self, name: &str) -> bool {
        env::Bash.is(name)
    }

    fn write_registration(
        &self,
        variable: &str,
        name: &str,
        bin: &str,
        completer: &str,
        script: &mut dyn Write,
    ) -> io::Result<()> {
        let mut text = Vec::new();
        env::Bash.write_registration(variable, name, bin, completer, &mut text)?;
        let text = String::from_utf8_lossy(&text);
        let typed = format!("        {TYPED}=\"${{COMP_WORDS[COMP_CWORD]}}\" \\\n{SET_BEFORE}");
        script.write_all(text.replacen(SET_BEFORE, &typed, 1).as_bytes())
    }

    fn write_complete(
        &self,
        command: &mut Command,
        mut words: Vec<OsString>,
        folder: Option<&Path>,
        output: &mut dyn Write,
    ) -> io::Result<()> {
        let index = std::env::var("_CLAP_COMPLETE_INDEX").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
        let separator = std::env::var("_CLAP_IFS").unwrap_or_else(|_| "\n".into());
        let quote = std::env::var(TYPED).ok().and_then(|typed| typed.chars().next());
        if !matches!(quote, Some('"' | '\''))
            && let Some(word) = words.get_mut(index)
        {
            *word = unescaped(&word.to_string_lossy()).into();
        }
        let candidates = complete(command, words, index, folder)?;
        let values = candidates.iter().map(|candidate| escaped(&candidate.get_value().to_string_lossy(), quote));
        write!(output, "{}", values.collect::<Vec<_>>().join(&separator))
    }
}

/// A text as bash reads it in a word that begins with this character.
fn escaped(text: &str, first: Option<char>) -> String {
    let needs_escape = |character: char| match first {
        // Nothing can be escaped.
        Some('\'') => false,
        Some('"') => "\\\"$`".contains(character),
        _ => !character.is_alphanumeric() && !"-_./:=,@%+".contains(character),
    };
    let escape = |character| needs_escape(character).then_some('\\').into_iter().chain([character]);
    text.chars().flat_map(escape).collect()
}

/// What bash makes of a word without quotes.
fn unescaped(text: &str) -> String {
    let mut characters = text.chars();
    std::iter::from_fn(|| match characters.next() {
        Some('\\') => characters.next(),
        character => character,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_escaped_as_the_quotes_need_it() {
        let name = "it's $5 \"a\"";
        assert_eq!(escaped(name, Some('i')), r#"it\'s\ \$5\ \"a\""#);
        assert_eq!(escaped(name, Some('"')), r#"it's \$5 \"a\""#);
        assert_eq!(escaped("Orders of", Some('\'')), "Orders of");
        assert_eq!(escaped("--if-running", None), "--if-running");
        assert_eq!(unescaped(&escaped(name, None)), name);
    }

    #[test]
    fn the_script_for_bash_passes_on_the_word_as_it_was_typed() {
        let mut script = Vec::new();
        Bash.write_registration("_CDI_COMPLETE", "cdi", "cdi", "cdi", &mut script).unwrap();
        assert!(String::from_utf8(script).unwrap().contains("_CDI_TYPED=\"${COMP_WORDS[COMP_CWORD]}\" \\\n"));
    }
}
