use super::*;

fn split(text: &str) -> Vec<Vec<String>> {
    let commands = commands(text, 0).unwrap();
    let words = |command: &Command| command.words.iter().map(|word| word.value.clone()).collect();
    commands.iter().map(words).collect()
}

#[test]
fn words_are_split_as_a_shell_does() {
    assert_eq!(
        split("curl -X POST \\\n  'it''s' \"a \\\"b\\\" \\x\" $'c\\'d\\n' e\\ f ''"),
        [["curl", "-X", "POST", "its", "a \"b\" \\x", "c'd\n", "e f", ""]]
    );
    assert_eq!(
        split("# first\nA=1 # more\nb#c; d | e\r\nf"),
        [vec!["A=1"], vec!["b#c"], vec!["d"], vec!["e"], vec!["f"]]
    );
    assert!(split(" \n\n").is_empty());
    assert_eq!(
        split("a \"$(b \"c d\")\" $(e (f) | g)x https://h/<i>/j 2>&1 >k <l m<<N"),
        [["a", "$(b \"c d\")", "$(e (f) | g)x", "https://h/<i>/j", "m"]]
    );
}

#[test]
fn every_word_has_its_place() {
    let text = "curl 'ä ö' -H \"x\" \\\n--url=é";
    for word in &commands(text, 100).unwrap()[0].words {
        let place = &text[word.range.start - 100..word.range.end - 100];
        assert_eq!(place.trim_matches(['\'', '"']), word.value, "{word:?}");
    }
}

#[test]
fn unclosed_quotes_are_reported_at_their_place() {
    for (text, at) in [("a 'b", 2), ("a \"b", 2), ("a $'b", 2), ("a \\", 2), ("a $(b", 2), ("a \"$(b", 3)] {
        assert_eq!(commands(text, 10).unwrap_err().range, 10 + at..10 + at + 1, "{text}");
    }
}

#[test]
fn every_letter_of_a_word_has_its_place() {
    let text = "a 'x\ny'\"\\\"é\"\\ü$'\\nz'<b>";
    let word = &commands(text, 10).unwrap()[0].words[1];
    assert_eq!(word.value, "x\ny\"éü\nz<b>");
    for letter in ["x\ny", "\"", "é", "ü", "z", "<b>"] {
        let at = word.value.find(letter).unwrap();
        let place = word.place(&(at..at + letter.len()));
        assert_eq!(&text[place.start - 10..place.end - 10], letter);
    }
    let rest = word.from(word.value.find('é').unwrap());
    assert_eq!(rest.value, "éü\nz<b>");
    assert_eq!(&text[rest.place(&(2..4)).start - 10..][..2], "ü");
}

#[test]
fn here_documents_are_read() {
    let text = "a -d @- <<EOF b\n{\"c\": 'd}\nEOF\ne <<-'X' | f\n\tg\n\tX\nh <<< 'i'";
    let commands = commands(text, 5).unwrap();
    let found: Vec<_> = commands
        .iter()
        .map(|command| (command.words[0].value.as_str(), command.input.as_ref().map(|input| input.value.as_str())))
        .collect();
    assert_eq!(found, [("a", Some("{\"c\": 'd}\n")), ("e", Some("\tg\n")), ("f", None), ("h", Some("i"))]);
    assert_eq!(commands[0].words.len(), 4);
    let input = commands[0].input.as_ref().unwrap();
    assert_eq!(input.place(&(0..1)), 5 + text.find('{').unwrap()..6 + text.find('{').unwrap());
}

#[test]
fn unsupported_syntax_is_distinguished_from_mistakes() {
    for (text, is_sure) in [
        ("a 'b", true),
        ("a \\", true),
        ("a '{\"b\": \"It's Let's\"}'", true),
        ("a $(b", false),
        ("a 'b \\'c d\\' e'", false),
        ("a 'b \\' c\\' e'", false),
    ] {
        assert_eq!(commands(text, 0).unwrap_err().is_sure, is_sure, "{text}");
    }
    assert!(commands("cd 'C:\\' b", 0).is_ok());
    assert!(commands("a 'b'c '{\"d\": '$E'}' 'it''s'", 0).is_ok());
}
