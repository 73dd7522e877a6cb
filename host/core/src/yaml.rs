//! YAML that strangers give. Its parser takes time with the square of how deep collections are nested, and only then says that it is too deep: so
//! the depth is looked at first.

use serde_norway::Value;

/// How deep collections may be nested, in levels of brackets and of indentation together. The parser itself takes 128.
pub const YAML_LEVELS_MAX: usize = 100;

/// Reads a text as one document.
///
/// # Errors
/// It is nested too deep, or no YAML.
pub fn read(text: &str) -> Result<Value, String> {
    if let Some(line) = too_deep(text) {
        return Err(format!(
            "nested deeper than {YAML_LEVELS_MAX} levels in line {line}: lists and mappings in each other are at most that deep"
        ));
    }
    serde_norway::from_str(text).map_err(|error| match twice(text, &error) {
        Some(said) => said,
        None => error.to_string(),
    })
}

/// A key that stands in a mapping twice, by its own lines: the parser names the line in which the mapping begins. None where that is not what is
/// wrong, or the mapping is not written as people write them, a key in each line.
fn twice(text: &str, error: &serde_norway::Error) -> Option<String> {
    let said = error.to_string();
    let (before, behind) = said.split_once("duplicate entry with key \"")?;
    let (key, _) = behind.split_once('"')?;
    let location = error.location()?;
    let is_key = |line: &str| {
        let own = line.get(location.column().checked_sub(1)?..)?;
        let is = own.strip_prefix(key)?.trim_start().starts_with(':');
        let filled = |sign: u8| !matches!(sign, b' ' | b'-' | b'?');
        (is && !line.bytes().take(location.column() - 1).any(filled)).then_some(())
    };
    let lines = text.lines().enumerate().skip(location.line().checked_sub(1)?);
    let mut found = lines.filter(|(_, line)| is_key(line).is_some()).map(|(at, _)| at + 1);
    let (first, second) = (found.next()?, found.next()?);
    Some(format!("{before}the key `{key}` stands there twice, in lines {first} and {second}"))
}

/// The first line in which collections are nested too deep. It goes by the text once and knows quotes, comments and block scalars as people write
/// them; who writes them otherwise meets the bounds of the process that reads.
fn too_deep(text: &str) -> Option<usize> {
    let mut scan = Scan::default();
    // Whatever ends a line for YAML.
    let lines = text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']);
    lines.enumerate().find(|(_, line)| scan.is_too_deep(line)).map(|(at, _)| at + 1)
}

#[derive(Default)]
struct Scan {
    /// The columns of the blocks that are open.
    columns: Vec<usize>,
    /// Brackets that are open.
    brackets: usize,
    /// The quote that is open.
    quote: Option<u8>,
    /// A block scalar is open: it takes what stands further to the right.
    scalar: Option<usize>,
}

impl Scan {
    /// Takes a line; whether it is too deep in it.
    fn is_too_deep(&mut self, line: &str) -> bool {
        let bytes = line.as_bytes();
        let indent = bytes.iter().take_while(|byte| **byte == b' ').count();
        let is_blank = line.trim_ascii().is_empty();
        if self.scalar.is_some_and(|column| is_blank || indent > column) {
            return false;
        }
        self.scalar = None;
        let mut at = indent;
        if self.quote.is_none() && self.brackets == 0 {
            if is_blank || bytes.get(indent) == Some(&b'#') {
                return false;
            }
            at = self.blocks(bytes, indent);
        }
        let mut deepest = self.levels();
        // Whether a value may begin here.
        let mut begins = true;
        let is_space = |at: usize| bytes.get(at).is_none_or(|byte| matches!(byte, b' ' | b'\t'));
        while let Some(byte) = bytes.get(at) {
            let next = bytes.get(at + 1);
            at += 1;
            match (self.quote, byte) {
                (Some(b'"'), b'\\') => at += 1,
                (Some(b'\''), b'\'') if next == Some(&b'\'') => at += 1,
                (Some(quote), byte) if quote == *byte => (self.quote, begins) = (None, false),
                (Some(_), _) | (None, b' ' | b'\t') => {}
                (None, b'#') if at < 2 || is_space(at - 2) => break,
                (None, b'"' | b'\'') if begins => self.quote = Some(*byte),
                (None, b'[' | b'{') if begins || self.brackets > 0 => (self.brackets, begins) = (self.brackets + 1, true),
                (None, b']' | b'}') => (self.brackets, begins) = (self.brackets.saturating_sub(1), false),
                (None, b',') if self.brackets > 0 => begins = true,
                (None, b':') if is_space(at) || self.brackets > 0 => begins = true,
                // A tag or an anchor stands before its value.
                (None, b'!' | b'&') if begins => {
                    let ends = |byte: &u8| matches!(byte, b' ' | b'\t' | b',' | b'[' | b']' | b'{' | b'}');
                    at += bytes.iter().skip(at).take_while(|byte| !ends(byte)).count();
                }
                (None, _) => begins = false,
            }
            deepest = deepest.max(self.levels());
        }
        if self.quote.is_none() && self.brackets == 0 {
            // Behind a key it is to the right of the key, behind a dash of the dash.
            let behind = scalar_behind(line);
            self.scalar = behind.and_then(|behind| self.columns.iter().rev().nth(if behind == ':' { 0 } else { 1 }).copied());
        }
        deepest > YAML_LEVELS_MAX
    }

    /// Opens and closes blocks by where a line and what stands behind its dashes begin; where its first value begins.
    fn blocks(&mut self, bytes: &[u8], indent: usize) -> usize {
        let mut at = indent;
        self.columns.retain(|column| *column <= indent);
        loop {
            if self.columns.last().is_none_or(|last| *last < at) {
                self.columns.push(at);
            }
            let is_dash = matches!(bytes.get(at), Some(b'-' | b'?')) && matches!(bytes.get(at + 1), Some(b' ' | b'\t'));
            if !is_dash {
                return at;
            }
            at += 1;
            while matches!(bytes.get(at), Some(b' ' | b'\t')) {
                at += 1;
            }
        }
    }

    fn levels(&self) -> usize {
        self.columns.len() + self.brackets
    }
}

/// Behind what a line begins a block scalar, if it does: `key: |`, `- >-`.
fn scalar_behind(line: &str) -> Option<char> {
    let line = line.split(" #").next().unwrap_or_default().trim_ascii_end();
    let (before, last) = line.rsplit_once(' ')?;
    let is_header = last.starts_with(['|', '>']) && last.chars().skip(1).all(|sign| matches!(sign, '+' | '-' | '1'..='9'));
    before.trim_ascii_end().chars().next_back().filter(|sign| is_header && matches!(sign, ':' | '-' | '?'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_read(text: &str) -> bool {
        match read(text) {
            Ok(_) => true,
            Err(error) => {
                assert!(error.contains("deeper than 100 levels"), "{error}: {text}");
                false
            }
        }
    }

    #[test]
    fn collections_are_nested_so_deep_and_no_deeper() {
        // The list and what stands in it begin at a column, which is a level as well.
        let brackets = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let braces = |levels: usize| format!("{}1{}", "{a: ".repeat(levels), "}".repeat(levels));
        let dashes = |levels: usize| format!("{}1", "- ".repeat(levels));
        let keys = |levels: usize| (0..levels).map(|level| format!("{}a:\n", " ".repeat(level))).collect::<String>();
        let under = |levels: usize| format!("cases:\n  - {}", brackets(levels));
        for (nested, most) in [(&brackets as &dyn Fn(usize) -> String, 99), (&braces, 99), (&dashes, 99), (&keys, 100), (&under, 97)] {
            assert!(is_read(&nested(most)), "{}", nested(most));
            assert!(!is_read(&nested(most + 1)), "{}", nested(most + 1));
        }
    }

    #[test]
    fn a_key_that_stands_there_twice_is_named_with_both_lines() {
        for (text, said) in [
            ("a: 1\nb: 2\n\na : 3\n", "the key `a` stands there twice, in lines 1 and 4"),
            (
                "rows:\n- id: x\n  amount: 1\n  list:\n    amount: 7\n  amount: 2\n- amount: 3\n",
                "rows[0]: the key `amount` stands there twice, in lines 3 and 6",
            ),
            ("rows:\n- a: 1\n- a: 1\n  b: 1\n  a: 2\n", "rows[1]: the key `a` stands there twice, in lines 3 and 5"),
            // Where no line is the key's own, the parser's words stand.
            ("{a: 1, a: 2}", "duplicate entry with key \"a\""),
        ] {
            assert_eq!(read(text).unwrap_err(), said);
        }
    }

    #[test]
    fn what_is_no_collection_is_no_level() {
        let many = "[{".repeat(200);
        for text in [
            format!("a: \"{many}\"\nb: '{many} it''s'\n"),
            format!("a: b{many}\n"),
            format!("# {many}\na: 1 # {many}\nb: |\n  {many}\n\n  {many}\nc: >-\n  {many}\nd: [1, 2]\n"),
            format!("- a: |\n    {many}\n  b: >+ # {many}\n   {many}\n  c: 1\n"),
            format!("- |\n {many}\n- \"\n {many}\\\" {many}\"\n"),
            "- {a: [1, 2], b: {c: d}}\n".repeat(500),
            "- a:\n    - b\n  c: 'x'\n".repeat(500),
            "a: !tag [1]\nb: &x {c: 1}\nd: http://e.f/[g\n".to_owned(),
        ] {
            assert!(is_read(&text), "{text}");
        }
    }

    #[test]
    fn what_is_hidden_behind_something_else_is_found() {
        let deep = "[".repeat(200);
        for before in [
            "a: it's [",
            "a: \"x\" # [\nb: ",
            "a: 'x''y' \nb: ",
            "- |\n  x\n- ",
            "- a: |\n    x\n  b: ",
            "# \u{85}",
            "- [!a,",
            "a: \"\\\\\"\nb: ",
            "[ # ]\n",
        ] {
            assert!(too_deep(&format!("{before}{deep}")).is_some() || before.starts_with("a: it"), "{before}");
        }
    }

    #[test]
    fn how_deep_it_is_takes_no_time() {
        let began = std::time::Instant::now();
        assert!(!is_read(&"[".repeat(4 << 20)));
        assert!(!is_read(&"- ".repeat(2 << 20)));
        assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
    }
}
