//! The tables of the lexicon as Rust text, in the types of `lexicon::table` and `lexicon::vm`.

use crate::Outcome;
use crate::alphabet::Alphabet;
use crate::characters::{Characters, table};
use crate::literals::{self, GROUPS_MAX, Group};
use crate::program::{self, Pattern};
use crate::source::{Exemption, Lexicon, Normalise, Rule, Scope};
use crate::starts;
use crate::trie::{self, Trie};
use std::fmt::Write as _;

/// Index that stands for "none" in the tables of bytes.
const NONE: u8 = u8::MAX;

pub fn lexicon(
    lexicon: &Lexicon,
    normalise: &Normalise,
    patterns: &[Pattern],
    alphabet: &Alphabet,
    characters: &Characters,
) -> Outcome<String> {
    let mut out = String::new();
    let mut trie = Trie::new();
    emit_rules(&mut out, lexicon, normalise, patterns)?;
    emit_words(&mut out, lexicon, alphabet, characters, &mut trie)?;
    emit_exemptions(&mut out, normalise, patterns)?;
    let mut rows = alphabet.set_rows();
    emit_patterns(&mut out, patterns, alphabet, &mut rows, &mut trie)?;

    let flat = trie.flat()?;
    table(&mut out, "/// Child of the trie's root by class, 0 = none.", "ROOT", "u16", &trie.root(alphabet.len()))?;
    table(&mut out, "/// Where the edges of each node begin.", "EDGE_START", "u16", &flat.edge_start)?;
    table(&mut out, "/// Class and child, by class within a node.", "EDGES", "(u16, u16)", &flat.edges)?;
    table(&mut out, "/// Where the ends of each node begin.", "END_START", "u16", &flat.end_start)?;
    table(&mut out, "/// What ends at a node: a word, or a group with the bit `GROUP`.", "ENDS", "u16", &flat.ends)?;
    writeln!(out, "/// Marks an end as a group of literals.\npub const GROUP: u16 = {};", trie::GROUP)?;
    writeln!(
        out,
        "/// One row of bits for each set, bit = class.\npub static SETS: [[u32; {}]; {}] = {rows:?};",
        rows[0].len(),
        rows.len()
    )?;
    writeln!(out, "/// The sentence every health-food advertisement must carry (广告法 18(2)).")?;
    writeln!(out, "pub static NOT_A_DRUG: &[u16] = &{:?};", alphabet.word("不能代替药物")?)?;
    Ok(out)
}

/// Indexes of the patterns whose label begins with `id.`, as first and past-the-last.
fn span_of(id: &str, patterns: &[Pattern]) -> Outcome<(u8, u8)> {
    let label = format!("{id}.");
    let first = patterns.iter().position(|pattern| pattern.label.starts_with(&label));
    let count = patterns.iter().filter(|pattern| pattern.label.starts_with(&label)).count();
    let first = first.unwrap_or(0);
    Ok((u8::try_from(first)?, u8::try_from(first + count)?))
}

fn emit_rules(out: &mut String, lexicon: &Lexicon, normalise: &Normalise, patterns: &[Pattern]) -> Outcome<()> {
    let exemption = |id: &String| {
        let index = normalise.exemptions.keys().position(|known| known == id).ok_or_else(|| format!("exemption `{id}` is not defined"))?;
        Ok(u8::try_from(index)?)
    };
    writeln!(out, "/// The rules, by id.\npub static RULES: [Rule; {}] = [", lexicon.len())?;
    for (id, Rule { name, scope, action, view, exempt, .. }) in lexicon {
        let exempt = exempt.iter().map(exemption).collect::<Outcome<Vec<u8>>>()?;
        let span = span_of(id, patterns)?;
        let (scope, action, on_view_p) = (scope_text(scope)?, pascal(action), view.as_deref() == Some("P"));
        writeln!(
            out,
            "Rule {{ id: {id:?}, name: {name:?}, scope: {scope}, action: Action::{action}, on_view_p: {on_view_p}, patterns: {span:?}, exempt: &{exempt:?} }},"
        )?;
    }
    writeln!(out, "];")?;
    Ok(())
}

fn scope_text(scope: &Scope) -> Outcome<String> {
    match scope {
        Scope::Named(name) if name == "all" => Ok("Scope::All".into()),
        Scope::Named(name) if name == "public" => Ok("Scope::Public".into()),
        Scope::Named(name) => Err(format!("scope `{name}`").into()),
        Scope::Categories(names) => {
            let names: Vec<String> = names.iter().map(|name| format!("ItemCategory::{}", pascal(name))).collect();
            Ok(format!("Scope::Categories(&[{}])", names.join(", ")))
        }
    }
}

/// `health-food` → `HealthFood`: the names of the contract's enums.
fn pascal(name: &str) -> String {
    let part = |part: &str| part[..1].to_ascii_uppercase() + &part[1..];
    name.split('-').map(part).collect()
}

fn emit_words(out: &mut String, lexicon: &Lexicon, alphabet: &Alphabet, characters: &Characters, trie: &mut Trie) -> Outcome<()> {
    let mut count = 0;
    let mut words = String::new();
    for (index, (id, rule)) in lexicon.iter().enumerate() {
        for (word, origins) in rule.words() {
            if !characters.is_on_view_n(word) {
                return Err(format!("{id}: the word `{word}` cannot stand on view N").into());
            }
            let not_before = rule.not_after.get(word).map(String::as_str).unwrap_or_default();
            let (not_before, disease) = (alphabet.word(not_before)?, rule.disease.iter().any(|name| name == word));
            writeln!(
                words,
                "Word {{ rule: {index}, origins: Origins({origins}), disease: {disease}, not_before: &{not_before:?} }}, // {word}"
            )?;
            trie.add(&alphabet.word(word)?, count)?;
            count += 1;
        }
        for word in rule.not_after.keys().chain(&rule.disease) {
            if !rule.words().contains_key(word.as_str()) {
                return Err(format!("{id}: `{word}` is not a word of the rule").into());
            }
        }
    }
    writeln!(out, "/// The words of all rules.\npub static WORDS: [Word; {count}] = [\n{words}];")?;
    Ok(())
}

fn emit_exemptions(out: &mut String, normalise: &Normalise, patterns: &[Pattern]) -> Outcome<()> {
    writeln!(out, "/// The exemptions, by id.\npub static EXEMPTIONS: [Exemption; {}] = [", normalise.exemptions.len())?;
    for (id, Exemption { not_if, when, terms, origins, .. }) in &normalise.exemptions {
        let span = span_of(id, patterns)?;
        let not_if = if not_if.is_some() { span_of(&format!("{id} not-if"), patterns)?.0 } else { NONE };
        let official_only = match when.as_deref() {
            None => false,
            Some("official-contact-allowed") => true,
            Some(fact) => return Err(format!("{id}: unknown fact `{fact}`").into()),
        };
        let terms = match terms.as_deref() {
            None => "None",
            Some("rc.allow_terms") => "Allowed",
            Some("product-facts.substantiated") => "Substantiated",
            Some(list) => return Err(format!("{id}: unknown list of terms `{list}`").into()),
        };
        let mut lifts = if origins.is_empty() { 0b1111 } else { 0 };
        for origin in origins {
            lifts |= match origin.as_str() {
                "S" => 1,
                "L" => 2,
                "G" => 4,
                "regex" => 8,
                other => return Err(format!("{id}: unknown origin `{other}`").into()),
            };
        }
        writeln!(
            out,
            "Exemption {{ id: {id:?}, patterns: {span:?}, not_if: {not_if}, official_only: {official_only}, terms: TermSource::{terms}, lifts: Origins({lifts}) }},"
        )?;
    }
    writeln!(out, "];")?;
    Ok(())
}

fn emit_patterns(out: &mut String, patterns: &[Pattern], alphabet: &Alphabet, rows: &mut Vec<Vec<u32>>, trie: &mut Trie) -> Outcome<()> {
    let mut groups: Vec<Group> = Vec::new();
    let mut number = |group: Group| -> Outcome<u8> {
        let index = groups.iter().position(|known| *known == group).unwrap_or(groups.len());
        if index == groups.len() {
            for literal in &group {
                trie.add(literal, trie::GROUP | u16::try_from(index)?)?;
            }
            groups.push(group);
        }
        if index < usize::from(NONE) { Ok(u8::try_from(index)?) } else { Err("too many groups of literals".into()) }
    };
    writeln!(out, "/// The patterns of the rules, then those of the exemptions.\npub static PATTERNS: [Pattern; {}] = [", patterns.len())?;
    for pattern in patterns {
        let mut needs = [NONE; GROUPS_MAX];
        let mut prefix = NONE;
        // Patterns of view P and of `not-if` run on other texts than the trie reads.
        if !pattern.on_view_p && !pattern.label.contains("not-if") {
            let found = literals::needs(pattern, alphabet)?;
            for (index, group) in found.groups.into_iter().enumerate() {
                needs[index] = number(group)?;
                if found.prefix == Some(index) {
                    prefix = needs[index];
                }
            }
        }
        let value = pascal(pattern.value.as_deref().unwrap_or("none"));
        let code = program::compile(pattern, alphabet)?;
        let begins = if prefix == NONE { begins(&code, rows, alphabet)? } else { (NONE, NONE) };
        let code: Vec<String> = code.iter().map(|inst| format!("Inst::{inst:?}")).collect();
        let code = code.join(", ");
        writeln!(
            out,
            "Pattern {{ code: &[{code}], needs: {needs:?}, prefix: {prefix}, begins: {begins:?}, value: Value::{value} }}, // {}",
            pattern.label
        )?;
    }
    writeln!(out, "];\n/// Number of groups of literals.\npub const GROUPS: usize = {};", groups.len())?;
    Ok(())
}

/// The sets of classes that can stand first and second in a match, as rows behind the patterns' own sets.
fn begins(code: &[program::Inst], rows: &mut Vec<Vec<u32>>, alphabet: &Alphabet) -> Outcome<(u8, u8)> {
    let starts = starts::starts(code, rows, alphabet.len());
    let mut number = |row: Vec<u32>| {
        let index = rows.iter().position(|known| *known == row).unwrap_or(rows.len());
        if index == rows.len() {
            rows.push(row);
        }
        if index < usize::from(NONE) { Ok(u8::try_from(index)?) } else { Err::<u8, Box<dyn std::error::Error>>("too many sets".into()) }
    };
    Ok((number(starts.first)?, number(starts.second)?))
}
