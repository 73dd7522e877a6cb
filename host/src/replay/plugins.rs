//! Plugins and settings that were loaded before, by digest.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ombud_ledger::Digest;
use ombud_sandbox::{Plugin, Sandbox};

use super::blobs::Blobs;

/// Settings remembered at the same time.
const SETTINGS_MAX: usize = 1_000;

/// What there is of a component.
#[derive(Clone)]
pub(super) enum Component {
    /// Compiled and linked.
    Loaded(Plugin),
    /// Its bytes are sound, and refused for this reason.
    Refused(Arc<str>),
}

/// A place for one component: whoever comes first loads it, others wait for that.
type Slot = Arc<Mutex<Option<Component>>>;

/// The cache.
#[derive(Default)]
pub(super) struct Plugins {
    slots: Mutex<HashMap<Digest, Slot>>,
    settings: Mutex<HashMap<Digest, Arc<str>>>,
}

impl Plugins {
    /// The component under a digest: loaded before, or from its bytes; none where they are missing or damaged.
    pub(super) fn component<B: Blobs + ?Sized>(
        &self,
        digest: &Digest,
        blobs: &B,
        sandbox: &Sandbox,
    ) -> Result<Option<Component>, B::Error> {
        let slot = lock(&self.slots).entry(*digest).or_default().clone();
        let mut place = lock(&slot);
        if let Some(component) = &*place {
            return Ok(Some(component.clone()));
        }
        let Some(bytes) = sound(blobs, digest)? else { return Ok(None) };
        let component = match sandbox.load(&bytes) {
            Ok(plugin) => Component::Loaded(plugin),
            Err(refused) => {
                tracing::warn!(component = %digest, %refused, "a stored component does not load");
                Component::Refused(refused.to_string().into())
            }
        };
        Ok(Some(place.insert(component).clone()))
    }

    /// The settings under a digest; none where they are missing, damaged or no text.
    pub(super) fn settings<B: Blobs + ?Sized>(&self, digest: &Digest, blobs: &B) -> Result<Option<Arc<str>>, B::Error> {
        if let Some(settings) = lock(&self.settings).get(digest) {
            return Ok(Some(settings.clone()));
        }
        let Some(settings) = sound(blobs, digest)?.and_then(|bytes| String::from_utf8(bytes).ok()) else { return Ok(None) };
        let settings: Arc<str> = settings.into();
        let mut known = lock(&self.settings);
        if known.len() >= SETTINGS_MAX {
            known.clear();
        }
        known.insert(*digest, settings.clone());
        Ok(Some(settings))
    }
}

/// Whether bytes are stored that are what their digest says.
///
/// # Errors
/// The source itself fails.
pub fn is_stored<B: Blobs + ?Sized>(blobs: &B, digest: &Digest) -> Result<bool, B::Error> {
    Ok(sound(blobs, digest)?.is_some())
}

/// Bytes that are what their digest says.
fn sound<B: Blobs + ?Sized>(blobs: &B, digest: &Digest) -> Result<Option<Vec<u8>>, B::Error> {
    Ok(blobs.blob(digest)?.filter(|bytes| Digest::of(bytes) == *digest))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
