//! The import `text` of contract version 1.1, answered by the host. What it costs is part of the contract: a replay uses the same fuel.

use ombud_rules::text;
use wasmtime::component::Linker;
use wasmtime::{StoreContextMut, Trap};

use crate::store::Guest;
use crate::v1::bindings::ombud::policy::text::Found;

/// The import's name. A component of version 1.0 does not have it.
const TEXT: &str = "ombud:policy/text@1.1.0";

/// Fuel for each byte that is folded.
const FUEL_FOLD: u64 = 16;
/// Fuel for each word, and for each one found.
const FUEL_ENTRY: u64 = 64;
/// Fuel for each byte of the text and word that is looked for in it.
const FUEL_SEARCH: u64 = 2;

/// Names the import.
pub(crate) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    let mut interface = linker.instance(TEXT)?;
    interface.func_wrap("fold", |mut store: StoreContextMut<'_, Guest>, (text,): (String,)| {
        spend(&mut store, bytes(&text).saturating_mul(FUEL_FOLD))?;
        Ok((text::fold(&text),))
    })?;
    interface.func_wrap("find", |mut store: StoreContextMut<'_, Guest>, (text, words): (String, Vec<String>)| {
        spend(&mut store, fuel_of_find(&text, &words))?;
        let found = text::find(&text, &words);
        spend(&mut store, FUEL_ENTRY.saturating_mul(found.len() as u64))?;
        let found = found.into_iter().map(|found| Found { word: found.word, start: found.start, end: found.end, matched: found.matched });
        Ok((found.collect::<Vec<_>>(),))
    })
}

fn fuel_of_find(text: &str, words: &[String]) -> u64 {
    let folded = words.iter().map(|word| bytes(word)).fold(bytes(text), u64::saturating_add);
    let search = bytes(text).saturating_mul(FUEL_SEARCH).saturating_add(FUEL_ENTRY);
    folded.saturating_mul(FUEL_FOLD).saturating_add(search.saturating_mul(words.len() as u64))
}

fn bytes(text: &str) -> u64 {
    text.len() as u64
}

/// Takes fuel for work that the guest does not do itself, before it is done.
fn spend(store: &mut StoreContextMut<'_, Guest>, fuel: u64) -> wasmtime::Result<()> {
    match store.get_fuel()?.checked_sub(fuel) {
        Some(left) => store.set_fuel(left),
        None => {
            store.set_fuel(0)?;
            Err(Trap::OutOfFuel.into())
        }
    }
}
