//! The operator's keys for checkpoints: `ledger.key` signs and stays secret, `ledger.vkey` is what others are given.
//!
//! Each has one key a line, the newest first. After a rotation both the new key and the one before sign, so that whoever has
//! either can check new checkpoints, until the old one is retired; `ledger.vkey` keeps every key there ever was, for the
//! checkpoints that only it signed.

use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use ombud_core::ids::MerchantId;
use ombud_ledger::log::{KeyName, SigningKey, VerifierKey, VerifierKeys};
use zeroize::Zeroizing;

use super::files::{Next, Readers, next_of, put_left, read, replace};
use crate::service::acts::What;

/// The operator's name where none is given.
pub const DEFAULT_OPERATOR: &str = "ombud.local";
/// The signing keys' file in the data directory.
pub const KEY_FILE: &str = "ledger.key";
/// The verifier keys' file in the data directory.
pub const VERIFIER_FILE: &str = "ledger.vkey";
/// Bytes of an operator's name: the origins of its merchants' logs are longer by a merchant's id.
const OPERATOR_BYTES_MAX: usize = 128;

/// The operator's name, if the text is one.
///
/// # Errors
/// It has spaces, control characters or `+`, or is longer than [`OPERATOR_BYTES_MAX`].
pub fn operator_name(text: &str) -> Result<KeyName> {
    if text.len() > OPERATOR_BYTES_MAX {
        bail!("an operator's name has at most {OPERATOR_BYTES_MAX} bytes");
    }
    KeyName::new(text).map_err(|error| anyhow!("{error}"))
}

/// The keys that sign, and those that check.
#[derive(Debug)]
pub struct LogKeys {
    operator: KeyName,
    /// The newest first; two while a rotation is not finished.
    signing: Vec<SigningKey>,
    verifiers: VerifierKeys,
}

impl LogKeys {
    /// The keys of a data directory; none where it has none yet.
    pub fn read(data: &Path) -> Result<Option<Self>> {
        let signing = signing(data)?;
        let verifiers = verifiers(data)?;
        let (Some(newest), Some(verifiers)) = (signing.first(), &verifiers) else {
            let (there, missing, remedy) = match (signing.is_empty(), verifiers.is_none()) {
                (true, true) => return Ok(None),
                (true, _) => (VERIFIER_FILE, KEY_FILE, "or make a new key with `ombud key rotate-ledger`"),
                _ => (KEY_FILE, VERIFIER_FILE, "or let the next start make it again from the key that signs"),
            };
            bail!("`{}` is there, `{missing}` is not: restore it from a backup, {remedy}", data.join(there).display());
        };
        let operator = newest.verifier().name().clone();
        let unknown = signing.iter().find(|key| !verifiers.iter().any(|known| known == key.verifier()));
        if let Some(unknown) = unknown {
            bail!("`{}` has a key that `{VERIFIER_FILE}` does not have: {}", data.join(KEY_FILE).display(), unknown.verifier());
        }
        if let Some(other) = verifiers.iter().find(|key| *key.name() != operator) {
            bail!("`{VERIFIER_FILE}` has a key of `{}`, but the operator is `{operator}`", other.name());
        }
        Ok(Some(Self { operator, verifiers: verifiers.clone(), signing }))
    }

    /// Makes the verifier keys' file again where it is lost: those that sign have theirs in them. Older ones are not in it any more.
    pub fn mend(data: &Path) -> Result<()> {
        let signing = signing(data)?;
        if signing.is_empty() || verifiers(data)?.is_some() {
            return Ok(());
        }
        let known = VerifierKeys::new(signing.iter().map(|key| key.verifier().clone()).collect())?;
        replace(&data.join(VERIFIER_FILE), &known.to_string(), Readers::Anybody)?;
        tracing::warn!(
            "`{}` was lost, and was made again from `{KEY_FILE}`: it has the keys that sign; where keys were rotated before, put the older ones back from \
             a copy, for checkpoints that only they signed",
            data.join(VERIFIER_FILE).display()
        );
        Ok(())
    }

    /// Whether the signing key is lost: the verifier keys still say whose logs these are.
    pub fn is_lost(data: &Path) -> bool {
        data.join(VERIFIER_FILE).exists() && !data.join(KEY_FILE).exists()
    }

    /// The keys of a data directory, drawn where it has none. The operator's name is fixed with the first key.
    pub fn open(data: &Path, operator: Option<&KeyName>) -> Result<Self> {
        if let Some(keys) = Self::read(data)? {
            keys.must_be_of(operator)?;
            return Ok(keys);
        }
        let name = operator.cloned().map_or_else(|| operator_name(DEFAULT_OPERATOR), Ok)?;
        let key = SigningKey::generate(name.clone());
        let keys = Self { operator: name, verifiers: VerifierKeys::new(vec![key.verifier().clone()])?, signing: vec![key] };
        keys.write(data)?;
        Ok(keys)
    }

    /// Refuses another operator's name: the origins of the logs would change, and with them every verifier key.
    pub fn must_be_of(&self, operator: Option<&KeyName>) -> Result<()> {
        match operator {
            Some(given) if *given != self.operator => bail!(
                "the operator of this data directory is `{}`, not `{given}`: the name stands in every checkpoint and cannot change; \
                 leave --operator out, or begin with another data directory",
                self.operator
            ),
            _ => Ok(()),
        }
    }

    /// The operator's name.
    pub const fn operator(&self) -> &KeyName {
        &self.operator
    }

    /// The operator's verifier keys.
    pub const fn verifiers(&self) -> &VerifierKeys {
        &self.verifiers
    }

    /// The verifier keys of those that sign, the newest first.
    pub fn signing(&self) -> impl Iterator<Item = &VerifierKey> {
        self.signing.iter().map(SigningKey::verifier)
    }

    /// The signing keys under the name of a merchant's log.
    pub fn signing_of(&self, merchant: &MerchantId) -> Vec<SigningKey> {
        self.signing.iter().map(|key| key.of_merchant(merchant)).collect()
    }

    /// Draws a new key, which signs from now on; the newest one so far goes on signing beside it. Given back with the keys that stop: those
    /// which signed beside that one, for its rotation was not ended. Nothing is written yet.
    ///
    /// # Errors
    /// There are too many keys, or the files cannot be read.
    pub fn rotated(data: &Path, operator: Option<&KeyName>) -> Result<(Self, Vec<VerifierKey>)> {
        // A lost signing key is no hindrance: its verifier key says whose logs these are.
        let (before, known) = (signing(data)?, verifiers(data)?);
        let stopped = before.iter().skip(1).map(|key| key.verifier().clone()).collect();
        if Self::is_lost(data) {
            tracing::warn!("`{}` is lost: only the new key signs, the one before stays known", data.join(KEY_FILE).display());
        }
        let name = known.as_ref().and_then(|known| known.iter().next()).map(|key| key.name().clone());
        let name = match (name, operator) {
            (Some(name), _) => name,
            (None, Some(operator)) => operator.clone(),
            (None, None) => operator_name(DEFAULT_OPERATOR)?,
        };
        let key = SigningKey::generate(name.clone());
        let verifiers = [key.verifier()].into_iter().chain(known.iter().flat_map(VerifierKeys::iter)).cloned().collect();
        let keys = Self {
            operator: name,
            verifiers: VerifierKeys::new(verifiers)?,
            signing: [key].into_iter().chain(before.into_iter().take(1)).collect(),
        };
        keys.must_be_of(operator)?;
        Ok((keys, stopped))
    }

    /// Ends a rotation: only the newest key signs from now on, the one before is destroyed. Nothing is written yet.
    pub fn retired(mut self) -> Self {
        self.signing.truncate(1);
        self
    }

    /// Writes them beside the files of the keys. Where one cannot be written, both stay as they are.
    pub(super) fn stage(&self, data: &Path) -> Result<Staged> {
        let verifiers = Next::of(&data.join(VERIFIER_FILE), &self.verifiers.to_string(), Readers::Anybody)?;
        let mut text = Zeroizing::new(String::new());
        for key in &self.signing {
            text.push_str(&key.to_text());
            text.push('\n');
        }
        Ok(Staged { verifiers, keys: Next::of(&data.join(KEY_FILE), &text, Readers::Owner)? })
    }

    /// Whether a change of the keys has left files that are not in their place.
    pub(super) fn is_interrupted(data: &Path) -> bool {
        next_of(&data.join(KEY_FILE)).exists()
    }

    /// Finishes an interrupted change, if it is the one that the newest act of the keys' tells of; whether it was. What was not recorded
    /// did not take place.
    pub(super) fn finish(data: &Path, newest: &What) -> Result<bool> {
        // What is recorded was written before: files that cannot be read were not.
        let Ok(next) = signing_in(&next_of(&data.join(KEY_FILE))) else { return Ok(false) };
        let now = signing(data)?;
        let is_newest = |keys: &[SigningKey], key: &str| keys.first().is_some_and(|own| own.verifier().to_string() == key);
        let signs = |keys: &[SigningKey], key: &str| keys.iter().any(|own| own.verifier().to_string() == key);
        let took_place = match newest {
            What::LedgerKeyRotated { key } => is_newest(&next, key) && !is_newest(&now, key),
            What::LedgerKeyRetired { key } => signs(&now, key) && !signs(&next, key),
            _ => false,
        };
        if took_place {
            put_left(&data.join(VERIFIER_FILE))?;
            put_left(&data.join(KEY_FILE))?;
        }
        Ok(took_place)
    }

    fn write(&self, data: &Path) -> Result<()> {
        self.stage(data)?.put()
    }
}

/// The files of keys, written beside those in force; they go again unless they are put in their place.
pub(super) struct Staged {
    verifiers: Next,
    keys: Next,
}

impl Staged {
    /// Puts the verifier keys in their place first: a key that signs is never one that nobody knows.
    pub(super) fn put(self) -> Result<()> {
        self.verifiers.put()?;
        self.keys.put()
    }
}

/// The operator's verifier keys of a data directory; none where it has none yet.
pub fn verifiers(data: &Path) -> Result<Option<VerifierKeys>> {
    let path = data.join(VERIFIER_FILE);
    let parse = |text: String| text.parse().map_err(|error| anyhow!("{error}")).with_context(|| format!("`{}`", path.display()));
    read(&path)?.map(parse).transpose()
}

fn signing(data: &Path) -> Result<Vec<SigningKey>> {
    signing_in(&data.join(KEY_FILE))
}

fn signing_in(path: &Path) -> Result<Vec<SigningKey>> {
    let Some(text) = read(path)?.map(Zeroizing::new) else { return Ok(Vec::new()) };
    let parse = |line| SigningKey::parse(line).map_err(|error| anyhow!("{error}")).with_context(|| format!("`{}`", path.display()));
    let keys = text.lines().filter(|line| !line.is_empty()).map(parse).collect::<Result<Vec<_>>>()?;
    if keys.is_empty() {
        bail!("`{}` has no key: restore it from a backup", path.display());
    }
    Ok(keys)
}
