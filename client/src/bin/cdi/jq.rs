//! `--jq`: an expression that selects what is printed. It is parsed before anything is sent.

use std::fmt;
use std::sync::Arc;

use jaq_core::data::JustLut;
use jaq_core::load::{self, Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Filter, Vars};
use jaq_json::{Val, read};
use serde_json::Value;

/// Of a longer message so many characters of its beginning and its end are shown.
const MOST_OF_A_MESSAGE: usize = 60;

/// An expression that can be run.
#[derive(Clone)]
pub(crate) struct Jq(Arc<Filter<JustLut<Val>>>);

impl fmt::Debug for Jq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Jq").finish_non_exhaustive()
    }
}

impl Jq {
    /// The expression; an error says what is wrong, and where.
    pub(crate) fn new(expression: &str) -> Result<Jq, String> {
        let definitions = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
        let functions = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
        let arena = Arena::default();
        let modules = Loader::new(definitions)
            .load(&arena, File { code: expression, path: () })
            .map_err(|errors| first(errors.into_iter().map(|(_, error)| syntax(expression, error))))?;
        let filter = Compiler::default().with_funs(functions).compile(modules).map_err(|errors| {
            let undefined = errors.into_iter().flat_map(|(_, errors)| errors);
            first(
                undefined
                    .map(|(name, what)| format!("{}: there is no {} `{name}`", place(expression, name), what.as_str())),
            )
        })?;
        Ok(Jq(Arc::new(filter)))
    }

    /// What the expression selects, as it is printed; an error is one that the expression meets in this value.
    pub(crate) fn run(&self, value: &Value) -> Result<Vec<String>, String> {
        let input = read::parse_single(value.to_string().as_bytes()).map_err(|error| error.to_string())?;
        let context = Ctx::<JustLut<Val>>::new(&self.0.lut, Vars::new([]));
        let mut lines = Vec::new();
        for result in self.0.id.run((context, input)) {
            match result {
                Ok(Val::TStr(text) | Val::BStr(text)) => lines.push(String::from_utf8_lossy(&text).into_owned()),
                Ok(value) => lines.push(value.to_string()),
                Err(exception) => match exception.get_err() {
                    Ok(error) => return Err(shortened(&error.to_string())),
                    // `halt`
                    Err(_) => break,
                },
            }
        }
        Ok(lines)
    }
}

/// Messages have the whole value in them.
fn shortened(message: &str) -> String {
    let characters: Vec<_> = message.chars().collect();
    if characters.len() <= 2 * MOST_OF_A_MESSAGE {
        return message.to_owned();
    }
    let text = |part: &[char]| part.iter().collect::<String>();
    let (begin, end) = (&characters[..MOST_OF_A_MESSAGE], &characters[characters.len() - MOST_OF_A_MESSAGE..]);
    format!("{}…{}", text(begin), text(end))
}

fn syntax(expression: &str, error: load::Error<&str>) -> String {
    match error {
        load::Error::Io(errors) => first(
            errors.into_iter().map(|(module, _)| format!("{}: modules cannot be used", place(expression, module))),
        ),
        load::Error::Lex(errors) => first(
            errors
                .into_iter()
                .map(|(expected, found)| format!("{}: expected {}", place(expression, found), expected.as_str())),
        ),
        load::Error::Parse(errors) => first(
            errors
                .into_iter()
                .map(|(expected, found)| format!("{}: expected {}", place(expression, found), expected.as_str())),
        ),
    }
}

fn first(mut messages: impl Iterator<Item = String>) -> String {
    messages.next().unwrap_or_else(|| "this is not a jq expression".into())
}

/// Line and column of a part of the expression, and what stands there.
fn place(expression: &str, part: &str) -> String {
    let offset = (part.as_ptr() as usize).saturating_sub(expression.as_ptr() as usize);
    let before = expression.get(..offset).unwrap_or(expression);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let at_end = if before.len() == expression.len() { " (the end)" } else { "" };
    match expression.contains('\n') {
        true => format!("line {line}, column {column}{at_end}"),
        false => format!("column {column}{at_end}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(expression: &str) -> Result<Vec<String>, String> {
        Jq::new(expression)?.run(&json!({"jobs": [{"status": "a b", "rows": 7}, {"status": "ü", "rows": 1.5}]}))
    }

    #[test]
    fn strings_are_printed_without_quotes_and_everything_else_as_json() {
        assert_eq!(run(".jobs[].status").unwrap(), ["a b", "ü"]);
        assert_eq!(run(".jobs[].rows, null, true").unwrap(), ["7", "1.5", "null", "true"]);
        assert_eq!(run(".jobs[0]").unwrap(), [r#"{"status":"a b","rows":7}"#]);
        assert_eq!(run(".jobs[] | select(.status | test(\"^a\")) | [.rows, .status] | @sh").unwrap(), ["7 'a b'"]);
        assert_eq!(run(".jobs | length, (.[] | .rows | tostring)").unwrap(), ["2", "7", "1.5"]);
        assert_eq!(run("empty").unwrap(), [""; 0]);
        assert_eq!(run("1, halt, 2").unwrap(), ["1"]);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (expression, expected) in [
            (".jobs[", "column 7 (the end): expected closing bracket"),
            (".jobs | nonsense", "column 9: there is no filter `nonsense`"),
            (".jobs |", "column 8 (the end): expected term"),
            (".jobs |\n  select(", "line 2, column 10 (the end): expected closing parenthesis"),
            (".jobs | $x", "column 9: there is no variable `$x`"),
            ("include \"a\"; .", "column 10: modules cannot be used"),
            ("", "column 1 (the end): expected term"),
        ] {
            assert_eq!(run(expression).unwrap_err(), expected, "{expression}");
        }
        assert_eq!(run(".jobs[0].x.y[0]").unwrap_or_default(), ["null"]);
        let error = run(".jobs.x").unwrap_err();
        assert_eq!(error, r#"cannot index [{"status":"a b","rows":7},{"status":"ü","rows":1.5}] with "x""#);
    }

    #[test]
    fn a_message_does_not_repeat_a_whole_list() {
        let many: Vec<_> = (0..1000).collect();
        let error = Jq::new(".x").unwrap().run(&json!(many)).unwrap_err();
        assert!(error.starts_with("cannot index [0,1,2") && error.ends_with("with \"x\""), "{error}");
        assert_eq!(error.chars().count(), 2 * MOST_OF_A_MESSAGE + 1);
    }
}
