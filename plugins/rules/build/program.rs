//! Patterns: parsed with the regex crate's own parser, compiled to the small programs that `lexicon::vm` runs.

use crate::Outcome;
use crate::alphabet::Alphabet;
use crate::source::{Lexicon, Normalise};
use regex_syntax::hir::{Class, ClassUnicode, Hir, HirKind, Look, Repetition};

/// One pattern of the data files, in the order in which the tables hold them.
pub struct Pattern {
    /// `RC-…`, `EX-…`, or `EX-… not-if`, with the pattern's index behind a dot.
    pub label: String,
    pub hir: Hir,
    /// The group beside `span`: `n`, `amount`, `refund`, `times` or `day`.
    pub value: Option<String>,
    pub on_view_p: bool,
}

/// Every pattern of both files: those of the rules first, then those of the exemptions, each `not-if` behind its exemption.
pub fn parse_all(lexicon: &Lexicon, normalise: &Normalise) -> Outcome<Vec<Pattern>> {
    let rules = lexicon.iter().flat_map(|(id, rule)| {
        let on_view_p = rule.view.as_deref() == Some("P");
        rule.regex.iter().enumerate().map(move |(index, text)| (format!("{id}.{index}"), text, on_view_p))
    });
    let exemptions = normalise.exemptions.iter().flat_map(|(id, exemption)| {
        let patterns = exemption.regex.iter().enumerate().map(move |(index, text)| (format!("{id}.{index}"), text, false));
        patterns.chain(exemption.not_if.iter().map(move |text| (format!("{id} not-if.0"), text, false)))
    });
    rules.chain(exemptions).map(|(label, text, on_view_p)| parse(label, text, on_view_p)).collect()
}

fn parse(label: String, text: &str, on_view_p: bool) -> Outcome<Pattern> {
    let hir = regex_syntax::parse(text).map_err(|error| format!("{label}: {error}"))?;
    let mut names = Vec::new();
    group_names(&hir, &mut names).map_err(|problem| format!("{label}: {problem}"))?;
    names.retain(|name| name != "span");
    match names.len() {
        0 | 1 => Ok(Pattern { label, hir, value: names.pop(), on_view_p }),
        _ => Err(format!("{label}: more than one group beside `span`: {names:?}").into()),
    }
}

fn group_names(hir: &Hir, names: &mut Vec<String>) -> Outcome<()> {
    match hir.kind() {
        HirKind::Capture(capture) => {
            names.push(capture.name.as_ref().ok_or("a group without a name, write (?:…)")?.to_string());
            group_names(&capture.sub, names)
        }
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().try_for_each(|part| group_names(part, names)),
        HirKind::Repetition(repetition) => group_names(&repetition.sub, names),
        _ => Ok(()),
    }
}

/// The Unicode class of a node; the patterns have no byte classes.
pub fn unicode_class(class: &Class) -> Outcome<&ClassUnicode> {
    match class {
        Class::Unicode(class) => Ok(class),
        Class::Bytes(_) => Err("a class of bytes".into()),
    }
}

/// Mirrors `lexicon::vm::Inst`; `Debug` prints exactly the Rust text of the run-time enum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inst {
    Class(u16),
    Set(u8),
    Split(u16, u16),
    Jump(u16),
    Save(u8),
    Start,
    End,
    Repeat { set: u8, min: u8, max: u8, lazy: bool },
    Match,
}

/// The program of one pattern. Order of preference is that of Perl and RE2: the first branch, the longer greedy repeat.
pub fn compile(pattern: &Pattern, alphabet: &Alphabet) -> Outcome<Vec<Inst>> {
    let mut compiler = Compiler { alphabet, code: Vec::new() };
    compiler.node(&pattern.hir).map_err(|problem| format!("{}: {problem}", pattern.label))?;
    compiler.code.push(Inst::Match);
    Ok(compiler.code)
}

struct Compiler<'a> {
    alphabet: &'a Alphabet,
    code: Vec<Inst>,
}

impl Compiler<'_> {
    fn here(&self) -> Outcome<u16> {
        Ok(u16::try_from(self.code.len())?)
    }

    fn node(&mut self, hir: &Hir) -> Outcome<()> {
        match hir.kind() {
            HirKind::Empty => Ok(()),
            HirKind::Literal(literal) => {
                for scalar in std::str::from_utf8(&literal.0)?.chars() {
                    self.code.push(Inst::Class(self.alphabet.literal(scalar)?));
                }
                Ok(())
            }
            HirKind::Class(class) => {
                let set = self.alphabet.set(unicode_class(class)?)?;
                self.code.push(Inst::Set(set));
                Ok(())
            }
            HirKind::Look(Look::Start) => {
                self.code.push(Inst::Start);
                Ok(())
            }
            HirKind::Look(Look::End) => {
                self.code.push(Inst::End);
                Ok(())
            }
            HirKind::Look(look) => Err(format!("{look:?} is not used by the data and not supported").into()),
            HirKind::Capture(capture) => {
                // Slots 0 and 1 are the span, 2 and 3 the value; the whole match is known without a slot.
                let slot = if capture.name.as_deref() == Some("span") { 0 } else { 2 };
                self.code.push(Inst::Save(slot));
                self.node(&capture.sub)?;
                self.code.push(Inst::Save(slot + 1));
                Ok(())
            }
            HirKind::Concat(parts) => parts.iter().try_for_each(|part| self.node(part)),
            HirKind::Alternation(branches) => self.alternation(branches),
            HirKind::Repetition(repetition) => self.repetition(repetition),
        }
    }

    fn alternation(&mut self, branches: &[Hir]) -> Outcome<()> {
        let mut exits = Vec::new();
        for (index, branch) in branches.iter().enumerate() {
            if index + 1 == branches.len() {
                self.node(branch)?;
                break;
            }
            let split = self.code.len();
            self.code.push(Inst::Split(0, 0));
            self.node(branch)?;
            exits.push(self.code.len());
            self.code.push(Inst::Jump(0));
            self.code[split] = Inst::Split(u16::try_from(split + 1)?, self.here()?);
        }
        let end = self.here()?;
        exits.into_iter().for_each(|exit| self.code[exit] = Inst::Jump(end));
        Ok(())
    }

    fn repetition(&mut self, repetition: &Repetition) -> Outcome<()> {
        let (min, lazy) = (repetition.min, !repetition.greedy);
        if let (HirKind::Class(class), Some(max)) = (repetition.sub.kind(), repetition.max) {
            // One instruction instead of a chain of optional copies: `[^。,]{0,30}` is the most frequent shape of the data.
            let set = self.alphabet.set(unicode_class(class)?)?;
            self.code.push(Inst::Repeat { set, min: u8::try_from(min)?, max: u8::try_from(max)?, lazy });
            return Ok(());
        }
        for _ in 0..min {
            self.node(&repetition.sub)?;
        }
        let fork = |take: u16, leave: u16| if lazy { Inst::Split(leave, take) } else { Inst::Split(take, leave) };
        let Some(max) = repetition.max else {
            if repetition.sub.properties().minimum_len().unwrap_or(0) == 0 {
                return Err("an endless repeat of something that may be empty".into());
            }
            let split = self.here()?;
            self.code.push(Inst::Split(0, 0));
            self.node(&repetition.sub)?;
            self.code.push(Inst::Jump(split));
            self.code[usize::from(split)] = fork(split + 1, self.here()?);
            return Ok(());
        };
        let mut splits = Vec::new();
        for _ in min..max {
            splits.push(self.code.len());
            self.code.push(Inst::Split(0, 0));
            self.node(&repetition.sub)?;
        }
        let end = self.here()?;
        for split in splits {
            self.code[split] = fork(u16::try_from(split + 1)?, end);
        }
        Ok(())
    }
}
