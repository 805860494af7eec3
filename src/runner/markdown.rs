//! The text of a job summary: GitHub-flavoured Markdown that a person reads on the run's page.

/// The most names that a cell shows; the rest is counted. The runner's limit is 1 MiB for a step.
const LONGEST_LIST: usize = 200;

/// Builds a summary. Every value from outside is escaped when it is added.
#[derive(Debug, Default)]
pub struct Markdown(String);

impl Markdown {
    /// A heading of the third level: GitHub's page uses those above.
    #[must_use]
    pub fn heading(mut self, text: &str) -> Self {
        self.0 += &format!("### {}\n\n", escape(text));
        self
    }

    /// A table of two columns.
    #[must_use]
    pub fn table(mut self, headers: [&str; 2], rows: &[(String, Cell)]) -> Self {
        let [first, second] = headers.map(escape);
        self.0 += &format!("| {first} | {second} |\n| --- | --- |\n");
        for (name, cell) in rows {
            self.0 += &format!("| {} | {} |\n", escape(name), cell.render());
        }
        self.0.push('\n');
        self
    }

    /// A table of any number of columns.
    #[must_use]
    pub fn columns(mut self, headers: &[&str], rows: &[Vec<Cell>]) -> Self {
        let headers: Vec<_> = headers.iter().map(|header| escape(header)).collect();
        self.0 += &format!("| {} |\n|{}\n", headers.join(" | "), " --- |".repeat(headers.len()));
        for row in rows {
            let cells: Vec<_> = row.iter().map(Cell::render).collect();
            self.0 += &format!("| {} |\n", cells.join(" | "));
        }
        self.0.push('\n');
        self
    }

    /// A paragraph that begins with a label in bold.
    #[must_use]
    pub fn labelled(mut self, label: &str, text: &str) -> Self {
        self.0 += &format!("**{}** {}\n\n", escape(label), prose(text));
        self
    }

    /// A paragraph.
    #[must_use]
    pub fn paragraph(mut self, text: &str) -> Self {
        self.0 += &format!("{}\n\n", prose(text));
        self
    }

    /// A link on a line of its own. The address is ours, never from outside.
    #[must_use]
    pub fn link(mut self, text: &str, address: &str) -> Self {
        self.0 += &format!("[{}]({address})\n\n", escape(text));
        self
    }

    /// The finished text.
    #[must_use]
    pub fn finish(self) -> String {
        self.0
    }
}

/// What a table's cell holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Plain text.
    Text(String),
    /// A name or address, shown as code.
    Code(String),
    /// Names, each shown as code.
    Codes(Vec<String>),
    /// The same, collapsed. The label is our own text, without anything that HTML would interpret.
    Folded(String, Vec<String>),
}

impl Cell {
    fn render(&self) -> String {
        match self {
            Self::Text(text) => escape(text),
            Self::Code(text) => Self::code(text),
            Self::Codes(texts) => Self::codes(texts),
            Self::Folded(label, texts) => format!("<details><summary>{label}</summary>{}</details>", Self::codes(texts)),
        }
    }

    fn codes(texts: &[String]) -> String {
        let shown: Vec<_> = texts.iter().take(LONGEST_LIST).map(|text| Self::code(text)).collect();
        match texts.len().saturating_sub(LONGEST_LIST) {
            0 => shown.join(", "),
            more => format!("{} and {more} more", shown.join(", ")),
        }
    }

    /// A pipe ends a cell, in code too.
    fn code(text: &str) -> String {
        code(text).replace('|', "\\|")
    }
}

/// Our own sentences have names, addresses and text from outside in backticks, which are code spans in Markdown too.
fn prose(text: &str) -> String {
    let pieces: Vec<_> = text.split('`').collect();
    let paired = pieces.len() % 2 == 1;
    pieces.iter().enumerate().map(|(at, piece)| if paired && at % 2 == 1 { code(piece) } else { escape(piece) }).collect()
}

/// A code span. Markdown interprets nothing in it but a backtick.
fn code(text: &str) -> String {
    format!("`{}`", one_line(text).replace('`', "'"))
}

/// Plain text: characters with a meaning in Markdown or HTML get a backslash.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in one_line(text).chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '&' | '$' | '@' | '!') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn one_line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_text_means_nothing_in_markdown() {
        let text = Markdown::default().paragraph("said `<img>|**b**\n# h` and <b>*x*</b> | @me").finish();
        assert_eq!(text, "said `<img>|**b** # h` and \\<b\\>\\*x\\*\\</b\\> \\| \\@me\n\n");
    }

    #[test]
    fn a_table_has_headers_and_one_line_a_row() {
        let cells =
            [Cell::Text("a|b".to_owned()), Cell::Codes(vec!["c".to_owned()]), Cell::Folded("1 tool".to_owned(), vec!["d".to_owned()])];
        let rows: Vec<_> = cells.into_iter().map(|cell| ("x".to_owned(), cell)).collect();
        let text = Markdown::default().table(["A", "B"], &rows).finish();
        let folded = "<details><summary>1 tool</summary>`d`</details>";
        assert_eq!(text, format!("| A | B |\n| --- | --- |\n| x | a\\|b |\n| x | `c` |\n| x | {folded} |\n\n"));
    }

    #[test]
    fn a_table_may_have_more_columns() {
        let row = vec![Cell::Code("a|b".to_owned()), Cell::Text("1".to_owned()), Cell::Text("*".to_owned())];
        let text = Markdown::default().columns(&["A", "B", "C"], &[row]).finish();
        assert_eq!(text, "| A | B | C |\n| --- | --- | --- |\n| `a\\|b` | 1 | \\* |\n\n");
    }

    #[test]
    fn a_single_backtick_opens_nothing() {
        assert_eq!(prose("a ` b"), "a  b");
    }
}
