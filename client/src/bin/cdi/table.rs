//! Tables that fit. Where the room is short, texts are first replaced by their short forms, then long texts are cut, then
//! columns are left out, the least important first.

use anstyle::Style;
use unicode_width::UnicodeWidthStr;

const GAP: usize = 2;
/// Long texts are cut to this many columns before a column is left out.
const READABLE: usize = 24;
/// The most characters that a cut text keeps for each column: combining marks take none.
const MOST_MARKS: usize = 8;

/// One column.
#[derive(Clone, Copy)]
pub(crate) struct Column {
    pub(crate) title: &'static str,
    pub(crate) kind: Kind,
    /// The lowest are left out first; 0 never is.
    pub(crate) rank: u8,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Text,
    /// May be cut.
    LongText,
    /// To the right.
    Number,
}

/// One cell of a table.
pub(crate) struct Cell {
    text: String,
    /// The form that says nearly the same in less room.
    short: Option<String>,
    style: Style,
}

impl Cell {
    /// A text, without what could take control of a terminal.
    pub(crate) fn new(text: &str) -> Cell {
        Cell { text: printable(text), short: None, style: Style::new() }
    }

    pub(crate) fn or_shorter(mut self, text: &str) -> Cell {
        self.short = Some(printable(text));
        self
    }

    fn form(&self, short: bool) -> &str {
        self.short.as_deref().filter(|_| short).unwrap_or(&self.text)
    }

    pub(crate) fn style(mut self, style: Style) -> Cell {
        self.style = style;
        self
    }
}

/// A text of the server's, without what could take control of a terminal.
pub(crate) fn printable(text: &str) -> String {
    // Control characters, and those that change the direction of what follows.
    let takes_control = |character: char| {
        character.is_control()
            || matches!(character, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars()
        .map(|character| if takes_control(character) { char::REPLACEMENT_CHARACTER } else { character })
        .collect()
}

/// The lines of a table, and the titles of what had to be left out.
pub(crate) fn table(
    columns: &[Column],
    rows: &[Vec<Cell>],
    room: Option<usize>,
    colour: bool,
) -> (String, Vec<&'static str>) {
    let widest = |index: usize, short: bool| {
        let cells = rows.iter().map(|row| row[index].form(short).width()).max().unwrap_or(0);
        cells.max(columns[index].title.width())
    };
    let mut widths: Vec<_> = (0..columns.len()).map(|index| widest(index, false)).collect();
    let mut short = vec![false; columns.len()];
    for index in 0..columns.len() {
        let total = widths.iter().map(|width| width + GAP).sum::<usize>() - GAP;
        if room.is_some_and(|room| total > room) {
            short[index] = true;
            widths[index] = widest(index, true);
        }
    }
    let (kept, left_out) = fit(columns, &mut widths, room);
    let header = Style::new().bold();
    let mut text = String::new();
    let mut line = |cells: &dyn Fn(usize) -> (String, Style)| {
        let mut written = String::new();
        for &index in &kept {
            let (content, style) = cells(index);
            let content = cut(&content, widths[index]);
            let blank = " ".repeat(widths[index].saturating_sub(content.width()));
            let content = if colour { format!("{style}{content}{style:#}") } else { content };
            match columns[index].kind {
                Kind::Number => written.push_str(&format!("{blank}{content}")),
                _ => written.push_str(&format!("{content}{blank}")),
            }
            written.push_str(&" ".repeat(GAP));
        }
        text.push_str(written.trim_end());
        text.push('\n');
    };
    line(&|index| (columns[index].title.into(), header));
    for row in rows {
        line(&|index| (row[index].form(short[index]).to_owned(), row[index].style));
    }
    text.pop();
    (text, left_out)
}

/// Makes the columns fit; the indices of those that stay, and the titles of the others.
fn fit(columns: &[Column], widths: &mut [usize], room: Option<usize>) -> (Vec<usize>, Vec<&'static str>) {
    let mut kept: Vec<usize> = (0..columns.len()).collect();
    let mut left_out: Vec<usize> = Vec::new();
    let Some(room) = room else {
        return (kept, Vec::new());
    };
    let total = |kept: &[usize], widths: &[usize]| kept.iter().map(|&index| widths[index] + GAP).sum::<usize>() - GAP;
    let shrink = |kept: &[usize], widths: &mut [usize], least: usize| {
        for &index in kept.iter().filter(|&&index| columns[index].kind == Kind::LongText) {
            let excess = total(kept, widths).saturating_sub(room);
            let least = least.max(columns[index].title.width()).min(widths[index]);
            widths[index] = widths[index].saturating_sub(excess).max(least);
        }
    };
    shrink(&kept, widths, READABLE);
    while total(&kept, widths) > room {
        let Some(&least) =
            kept.iter().filter(|&&index| columns[index].rank > 0).min_by_key(|&&index| columns[index].rank)
        else {
            break;
        };
        kept.retain(|&index| index != least);
        left_out.push(least);
    }
    left_out.sort_unstable();
    shrink(&kept, widths, 0);
    (kept, left_out.into_iter().map(|index| columns[index].title).collect())
}

/// The beginning of a text, so that it takes no more than this many columns.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut beginning = String::new();
    // A text is not as wide as its characters together: some join, others widen the one before. There is an end to marks
    // without width.
    for character in text.chars().take(MOST_MARKS.saturating_mul(width)) {
        let before = beginning.len();
        beginning.push(character);
        if beginning.width() >= width {
            beginning.truncate(before);
            break;
        }
    }
    beginning.push('…');
    beginning
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 4] = [
        Column { title: "ID", kind: Kind::Text, rank: 0 },
        Column { title: "NAME", kind: Kind::LongText, rank: 0 },
        Column { title: "ROWS", kind: Kind::Number, rank: 2 },
        Column { title: "NOTE", kind: Kind::Text, rank: 1 },
    ];

    fn shown(room: Option<usize>) -> (String, Vec<&'static str>) {
        let row = |cells: [&str; 4]| cells.map(Cell::new).into_iter().collect::<Vec<_>>();
        let rows =
            [row(["0001", "Users of all the shops of the world", "7", "-"]), row(["0002", "顧客", "1234", "new"])];
        table(&COLUMNS, &rows, room, false)
    }

    #[test]
    fn with_room_everything_is_shown() {
        let expected = "\
ID    NAME                                 ROWS  NOTE
0001  Users of all the shops of the world     7  -
0002  顧客                                 1234  new";
        assert_eq!(shown(None), (expected.into(), vec![]));
        assert_eq!(shown(Some(200)), (expected.into(), vec![]));
    }

    #[test]
    fn short_forms_are_used_before_anything_is_cut() {
        let row =
            |id: &str, name| vec![Cell::new(id).or_shorter(&id[..4]), Cell::new(name), Cell::new("7"), Cell::new("-")];
        let rows = [row("0001-0002", "Users"), row("0003-0004", "Orders")];
        let first = |room| table(&COLUMNS, &rows, room, false).0.lines().nth(1).unwrap().to_owned();
        assert_eq!(first(Some(24)), "0001  Users      7  -");
        assert_eq!(first(Some(80)), "0001-0002  Users      7  -");
        assert_eq!(first(None), "0001-0002  Users      7  -", "what is piped is never shortened");
        assert!(table(&COLUMNS, &rows, Some(24), false).1.is_empty());
    }

    #[test]
    fn long_texts_are_cut_before_columns_are_left_out() {
        let expected = "\
ID    NAME                       ROWS  NOTE
0001  Users of all the shops o…     7  -
0002  顧客                       1234  new";
        assert_eq!(shown(Some(43)), (expected.into(), vec![]));
    }

    #[test]
    fn what_matters_least_is_left_out_first() {
        assert_eq!(shown(Some(36)).1, ["NOTE"]);
        assert_eq!(shown(Some(30)).1, ["ROWS", "NOTE"]);
    }

    #[test]
    fn no_line_is_wider_than_the_room_as_long_as_that_can_be() {
        for room in 10..80 {
            let (text, _) = shown(Some(room));
            assert!(text.lines().all(|line| line.width() <= room), "{room}:\n{text}");
        }
        // Too little for anything: still no panic.
        for room in 0..10 {
            shown(Some(room));
        }
    }

    #[test]
    fn a_text_is_as_wide_as_it_looks_and_not_as_its_characters_are() {
        for name in ["❤\u{fe0f}", "👨\u{200d}👩\u{200d}👧", "🇩🇪", "e\u{301}", "顧客", "لا", "\u{301}"]
        {
            let name = name.repeat(100);
            let rows = [["1", &name, "2", "b"].map(Cell::new).into_iter().collect()];
            for room in 20..60 {
                let (text, _) = table(&COLUMNS, &rows, Some(room), false);
                assert!(text.lines().all(|line| line.width() <= room), "{room}:\n{text}");
            }
        }
    }

    #[test]
    fn colours_take_no_room() {
        let red = Style::new().fg_color(Some(anstyle::AnsiColor::Red.into()));
        let rows = [["1", "a", "2", "b"].map(|text| Cell::new(text).style(red)).into_iter().collect()];
        let (coloured, _) = table(&COLUMNS, &rows, Some(80), true);
        let (plain, _) = table(&COLUMNS, &rows, Some(80), false);
        assert!(coloured.contains("\u{1b}[31ma\u{1b}[0m"), "{coloured:?}");
        let bare = coloured.replace("\u{1b}[31m", "").replace("\u{1b}[1m", "").replace("\u{1b}[0m", "");
        let trimmed = |text: &str| text.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
        assert_eq!(trimmed(&bare), trimmed(&plain));
    }

    #[test]
    fn nothing_takes_control_of_the_terminal() {
        assert_eq!(Cell::new("a\u{1b}[31m\n\u{9b}b").text, "a\u{fffd}[31m\u{fffd}\u{fffd}b");
        assert_eq!(Cell::new("a\u{202e}b").text, "a\u{fffd}b");
    }
}
