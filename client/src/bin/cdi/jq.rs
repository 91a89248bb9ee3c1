//! `--jq`: an expression that selects what is printed. It is parsed before anything is sent.

use std::fmt;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use jaq_core::data::JustLut;
use jaq_core::load::{self, Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Filter, Vars};
use jaq_json::{Val, read};
use serde_json::Value;

use crate::failure::{Exit, Failure};
use crate::place::line_and_column;

/// A longer message is cut to this many characters of its beginning and of its end.
const MOST_OF_A_MESSAGE: usize = 60;

/// jq ends with a message and an exit code of the caller's choice. The exit codes of `cdi` are its own, so this is an error
/// like any other.
const OWN_DEFINITIONS: &str = "def halt_error: error; def halt_error($exit_code): error;";

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
        let own = load::parse(OWN_DEFINITIONS, |parser| parser.defs()).unwrap_or_default();
        let definitions = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs()).chain(own);
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

    /// Prints each result as soon as the expression has it, because there may be no end of them; an error is one that the
    /// expression meets in this value. It ends early if printing breaks off.
    pub(crate) fn run(
        &self,
        value: &Value,
        mut print: impl FnMut(&str) -> io::Result<ControlFlow<()>>,
    ) -> Result<(), Failure> {
        let failure =
            |error: &str| Failure::new(Exit::Usage, "jq", format!("the result cannot be printed: --jq: {error}"));
        let input = read::parse_single(value.to_string().as_bytes()).map_err(|error| failure(&error.to_string()))?;
        let context = Ctx::<JustLut<Val>>::new(&self.0.lut, Vars::new([]));
        for result in self.0.id.run((context, input)) {
            match result {
                Ok(value) => {
                    if print(&text(value))?.is_break() {
                        break;
                    }
                }
                Err(exception) => match (exception.clone().get_err(), exception.get_halt()) {
                    (Ok(error), _) => return Err(failure(&shortened(text(error.into_val()).trim_end()))),
                    (Err(_), Ok(exit_code)) if exit_code != 0 => {
                        return Err(failure(&format!("the expression ended with halt({exit_code})")));
                    }
                    (Err(_), _) => break,
                },
            }
        }
        Ok(())
    }
}

/// A string without quotes, everything else as JSON.
fn text(value: Val) -> String {
    match value {
        Val::TStr(text) | Val::BStr(text) => String::from_utf8_lossy(&text).into_owned(),
        value => value.to_string(),
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
    let (line, column) = line_and_column(expression, offset);
    let at_end = if offset >= expression.len() { " (the end)" } else { "" };
    match expression.contains('\n') {
        true => format!("line {line}, column {column}{at_end}"),
        false => format!("column {column}{at_end}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What is printed, up to ten lines.
    fn run_with(expression: &str, value: &Value) -> Result<Vec<String>, String> {
        let mut lines = Vec::new();
        let print = |text: &str| {
            lines.push(text.to_owned());
            Ok(if lines.len() < 10 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        };
        let result = Jq::new(expression)?.run(value, print);
        result.map(|()| lines).map_err(|failure| {
            assert_eq!(failure.exit, Exit::Usage);
            failure.for_people().trim_start_matches("cdi: the result cannot be printed: --jq: ").to_owned()
        })
    }

    fn run(expression: &str) -> Result<Vec<String>, String> {
        run_with(expression, &json!({"jobs": [{"status": "a b", "rows": 7}, {"status": "ü", "rows": 1.5}]}))
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
    fn an_expression_without_end_is_run_as_long_as_its_results_are_read() {
        assert_eq!(run("repeat(1)").unwrap(), ["1"; 10]);
        assert_eq!(run("range(infinite)").unwrap().last().map(String::as_str), Some("9"));
    }

    #[test]
    fn an_error_of_the_expression_itself_is_an_error() {
        assert_eq!(run("\"no jobs\\n\" | halt_error").unwrap_err(), "no jobs");
        assert_eq!(run("{a: 1} | halt_error(3)").unwrap_err(), r#"{"a":1}"#);
        assert_eq!(run("error(\"no jobs\")").unwrap_err(), "no jobs");
        assert_eq!(run("1, halt(3)").unwrap_err(), "the expression ended with halt(3)");
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
        let error = run_with(".x", &json!(many)).unwrap_err();
        assert!(error.starts_with("cannot index [0,1,2") && error.ends_with("with \"x\""), "{error}");
        assert_eq!(error.chars().count(), 2 * MOST_OF_A_MESSAGE + 1);
    }
}
