//! Turns `data/lexicon.yaml` and `data/normalise.yaml` into Rust tables, once, when the crate is built.
//!
//! At run time nothing is parsed and no automaton is built: a component starts afresh for every decision, so whatever
//! would be built there would be built for every drafted reply. The tables are read-only data of the component.
//!
//! Reading order: the shapes of the two files, the alphabet, the characters, the patterns, their literals, the word trie.

mod alphabet;
mod characters;
mod emit;
mod literals;
mod program;
mod source;
mod starts;
mod trie;

use std::error::Error;
use std::path::{Path, PathBuf};

/// Every failure of the build says what in the data is wrong; nothing is skipped.
type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let data = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("data");
    println!("cargo::rerun-if-changed={}", data.display());
    println!("cargo::rerun-if-changed=build");
    let lexicon: source::Lexicon = read(&data.join("lexicon.yaml"))?;
    let normalise: source::Normalise = read(&data.join("normalise.yaml"))?;

    let patterns = program::parse_all(&lexicon, &normalise)?;
    let alphabet = alphabet::Alphabet::of(&lexicon, &normalise, &patterns)?;
    let characters = characters::Characters::of(&normalise, &alphabet)?;
    let tables = emit::lexicon(&lexicon, &normalise, &patterns, &alphabet, &characters)?;

    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("characters.rs"), characters.emit(&alphabet)?)?;
    std::fs::write(out.join("lexicon.rs"), tables)?;
    Ok(())
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Outcome<T> {
    let text = std::fs::read_to_string(path)?;
    serde_norway::from_str(&text).map_err(|error| format!("{}: {error}", path.display()).into())
}
