//! Components by digest: loaded when they are needed, shared by all merchants and versions, unloaded by use.
//!
//! Loading takes a component's compiled code from the code cache, which is done in less than a millisecond for a policy in Rust and so on the way to a
//! decision. Compiling takes seconds: [`Plugins::at_hand`] never does, [`Plugins::component`] does where it has to.

mod loaded;

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ombud_ledger::Digest;
use ombud_sandbox::{CodeHeld, OwnFacts, Plugin, Sandbox};

use crate::replay::Blobs;
use loaded::Loaded;

/// Settings remembered at the same time.
const SETTINGS_MAX: usize = 1_000;
/// Components remembered at the same time for what they say of themselves, at most about half a megabyte each.
const OWN_FACTS_MAX: usize = 64;
/// Refusals remembered at the same time.
const REFUSALS_MAX: usize = 1_000;
/// Digests remembered at the same time whose stored bytes were found to be sound.
const SOUND_MAX: usize = 10_000;
/// For how long stored bytes are believed that were what their digest says.
const SOUND_FOR: Duration = Duration::from_secs(5);

/// Where the plugin of a bound policy comes from.
#[derive(Clone, Debug)]
pub enum Code {
    /// It stays loaded for as long as it is bound: the guardrail's, and those of commands.
    Held(Plugin),
    /// It is loaded when it is needed.
    Shared(Arc<Plugins>),
    /// There is none, for this reason.
    Missing(Arc<str>),
}

impl From<Result<Plugin, String>> for Code {
    fn from(plugin: Result<Plugin, String>) -> Self {
        plugin.map_or_else(|reason| Self::Missing(reason.into()), Self::Held)
    }
}

/// What there is of a component.
#[derive(Clone)]
pub enum Component {
    /// Compiled and linked.
    Loaded(Plugin),
    /// Its bytes are sound, and refused for this reason.
    Refused(Arc<str>),
}

/// What was done so far, and what is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Plugins loaded now.
    pub plugins: usize,
    /// Their memory in bytes.
    pub bytes: usize,
    /// Plugins taken from the code cache so far.
    pub loads: u64,
    /// Plugins unloaded so far to make room.
    pub evictions: u64,
    /// The compiled code on disk.
    pub code: CodeHeld,
}

/// The plugins of a process.
pub struct Plugins {
    sandbox: Arc<Sandbox>,
    /// Where components come from strangers; those of a server passed the gate.
    look: Option<Look>,
    loaded: Loaded,
    refused: Mutex<HashMap<Digest, Arc<str>>>,
    settings: Mutex<HashMap<Digest, Arc<str>>>,
    /// What components say of themselves; none where it cannot be read.
    own_facts: Mutex<HashMap<Digest, Option<Arc<OwnFacts>>>>,
    /// When stored bytes were last found to be what their digest says.
    sound: Mutex<HashMap<Digest, Instant>>,
    /// Who loads from the code cache, by digest: the others wait for that.
    loading: Mutex<HashMap<Digest, Turn>>,
    /// Who compiles, by digest.
    compiling: Mutex<HashMap<Digest, Turn>>,
    loads: AtomicU64,
}

/// Looks at a component elsewhere before this process reads it; an error says why it is not to be read.
pub type Look = Box<dyn Fn(&[u8]) -> Result<(), String> + Send + Sync>;

/// Held by whoever works on one component.
type Turn = Arc<Mutex<()>>;

impl std::fmt::Debug for Plugins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugins").field("held", &self.held()).finish_non_exhaustive()
    }
}

impl Plugins {
    /// The plugins of a sandbox, within its `loaded_bytes_max`.
    pub fn new(sandbox: Arc<Sandbox>) -> Self {
        let loaded = Loaded::new(sandbox.limits().loaded_bytes_max);
        Self {
            sandbox,
            look: None,
            loaded,
            refused: Mutex::default(),
            settings: Mutex::default(),
            own_facts: Mutex::default(),
            sound: Mutex::default(),
            loading: Mutex::default(),
            compiling: Mutex::default(),
            loads: AtomicU64::new(0),
        }
    }

    /// Has each component looked at before it is read here.
    #[must_use]
    pub fn with_look(self, look: Look) -> Self {
        Self { look: Some(look), ..self }
    }

    /// The sandbox.
    pub const fn sandbox(&self) -> &Arc<Sandbox> {
        &self.sandbox
    }

    /// Keeps a plugin loaded for as long as there are plugins: the operator's packages, which most merchants use.
    pub fn pin(&self, plugin: &Plugin) {
        self.loaded.put(Digest(plugin.inspection().digest), plugin.clone(), true);
    }

    /// What is held.
    pub fn held(&self) -> Held {
        let (plugins, bytes, evictions) = self.loaded.held();
        Held { plugins, bytes, loads: self.loads.load(Ordering::Relaxed), evictions, code: self.sandbox.code_held() }
    }

    /// A component that is loaded, refused, or in the code cache; none where it would have to be compiled.
    pub fn at_hand(&self, digest: &Digest) -> Option<Component> {
        if let Some(component) = self.settled(digest) {
            return Some(component);
        }
        in_turn(&self.loading, digest, || {
            // Whoever was before may have loaded it.
            if let Some(plugin) = self.loaded.get(digest) {
                return Some(Component::Loaded(plugin));
            }
            let plugin = self.sandbox.compiled(&digest.0)?;
            self.loads.fetch_add(1, Ordering::Relaxed);
            Some(Component::Loaded(self.loaded.put(*digest, plugin, false)))
        })
    }

    /// A component that is loaded or refused.
    fn settled(&self, digest: &Digest) -> Option<Component> {
        let loaded = self.loaded.get(digest).map(Component::Loaded);
        loaded.or_else(|| lock(&self.refused).get(digest).cloned().map(Component::Refused))
    }

    /// Whether a component is loaded or refused: there is nothing to wait for.
    pub fn is_settled(&self, digest: &Digest) -> bool {
        self.loaded.has(digest) || lock(&self.refused).contains_key(digest)
    }

    /// Whether [`Self::at_hand`] would find something, without loading it; code that turns out to be damaged is not found then.
    pub fn is_at_hand(&self, digest: &Digest) -> bool {
        self.is_settled(digest) || self.sandbox.has_code(&digest.0)
    }

    /// Why a component does not load, as far as that was found out already.
    pub fn refusal(&self, digest: &Digest) -> Option<Arc<str>> {
        lock(&self.refused).get(digest).cloned()
    }

    /// The component under a digest, for a replay: loaded, or from its bytes, which takes seconds where they have to be compiled; none where they are
    /// missing or damaged, whatever the code cache has and whatever was loaded before.
    ///
    /// # Errors
    /// The source of stored bytes fails.
    pub fn component<B: Blobs + ?Sized>(&self, digest: &Digest, blobs: &B) -> Result<Option<Component>, B::Error> {
        if let Some(component) = self.settled(digest) {
            return Ok(self.still_sound(digest, blobs)?.then_some(component));
        }
        in_turn(&self.compiling, digest, || {
            if let Some(component) = self.settled(digest) {
                return Ok(Some(component));
            }
            let Some(bytes) = sound(blobs, digest)? else { return Ok(None) };
            let looked = self.look.as_ref().map_or(Ok(()), |look| look(&bytes));
            Ok(Some(match looked.and_then(|()| self.sandbox.load(&bytes).map_err(|refused| refused.to_string())) {
                Ok(plugin) => Component::Loaded(self.loaded.put(*digest, plugin, false)),
                Err(refused) => {
                    tracing::warn!(component = %digest, refused, "a stored component does not load");
                    let reason: Arc<str> = refused.into();
                    remember(&mut lock(&self.refused), REFUSALS_MAX, *digest, &reason);
                    Component::Refused(reason)
                }
            }))
        })
    }

    /// The settings under a digest, for a replay; none where they are missing, damaged or no text, whatever was read before.
    ///
    /// # Errors
    /// The source of stored bytes fails.
    pub fn settings<B: Blobs + ?Sized>(&self, digest: &Digest, blobs: &B) -> Result<Option<Arc<str>>, B::Error> {
        let known = lock(&self.settings).get(digest).cloned();
        if let Some(settings) = known {
            return Ok(self.still_sound(digest, blobs)?.then_some(settings));
        }
        let Some(settings) = sound(blobs, digest)?.and_then(|bytes| String::from_utf8(bytes).ok()) else { return Ok(None) };
        let settings: Arc<str> = settings.into();
        remember(&mut lock(&self.settings), SETTINGS_MAX, *digest, &settings);
        Ok(Some(settings))
    }

    /// What the component under a digest says of itself, for an explanation; none where its bytes are missing, damaged or cannot be read, whatever was
    /// read before. A component has 32 MiB and may be asked for again and again: it is read once in a while.
    ///
    /// # Errors
    /// The source of stored bytes fails.
    pub fn own_facts<B: Blobs + ?Sized>(&self, digest: &Digest, blobs: &B) -> Result<Option<Arc<OwnFacts>>, B::Error> {
        let known = lock(&self.own_facts).get(digest).cloned();
        if let Some(facts) = known {
            return Ok(if self.still_sound(digest, blobs)? { facts } else { None });
        }
        let Some(bytes) = sound(blobs, digest)? else { return Ok(None) };
        // What passed an inspection then can be read now; what cannot be read is as good as damaged.
        let facts = ombud_sandbox::own_facts(&bytes).ok().map(Arc::new);
        remember(&mut lock(&self.sound), SOUND_MAX, *digest, &Instant::now());
        remember(&mut lock(&self.own_facts), OWN_FACTS_MAX, *digest, &facts);
        Ok(facts)
    }

    /// Whether the stored bytes are what their digest says, found out a moment ago or now: what is in memory says nothing of them, and a replay is of
    /// what is on record.
    fn still_sound<B: Blobs + ?Sized>(&self, digest: &Digest, blobs: &B) -> Result<bool, B::Error> {
        if lock(&self.sound).get(digest).is_some_and(|at| at.elapsed() < SOUND_FOR) {
            return Ok(true);
        }
        let is_sound = is_stored(blobs, digest)?;
        if is_sound {
            remember(&mut lock(&self.sound), SOUND_MAX, *digest, &Instant::now());
        }
        Ok(is_sound)
    }
}

/// Whether bytes are stored that are what their digest says.
///
/// # Errors
/// The source itself fails.
fn is_stored<B: Blobs + ?Sized>(blobs: &B, digest: &Digest) -> Result<bool, B::Error> {
    Ok(sound(blobs, digest)?.is_some())
}

/// Bytes that are what their digest says.
fn sound<B: Blobs + ?Sized>(blobs: &B, digest: &Digest) -> Result<Option<Vec<u8>>, B::Error> {
    Ok(blobs.blob(digest)?.filter(|bytes| Digest::of(bytes) == *digest))
}

/// Keeps a value among at most `max`; a full memory begins anew.
fn remember<V: Clone>(known: &mut HashMap<Digest, V>, max: usize, digest: Digest, value: &V) {
    if known.len() >= max {
        known.clear();
    }
    known.insert(digest, value.clone());
}

/// Does `work` while nobody else does work on the same.
fn in_turn<K: Eq + Hash + Copy, T>(turns: &Mutex<HashMap<K, Turn>>, key: &K, work: impl FnOnce() -> T) -> T {
    let turn = lock(turns).entry(*key).or_default().clone();
    let done = {
        let _mine = lock(&turn);
        work()
    };
    let mut turns = lock(turns);
    // This one's and the map's: nobody waits.
    if Arc::strong_count(&turn) == 2 {
        turns.remove(key);
    }
    done
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::convert::Infallible;

    use super::*;

    /// One component, and how often it was read.
    struct Counted(Option<Vec<u8>>, Cell<u32>);

    impl Blobs for Counted {
        type Error = Infallible;

        fn blob(&self, _: &Digest) -> Result<Option<Vec<u8>>, Infallible> {
            self.1.set(self.1.get() + 1);
            Ok(self.0.clone())
        }
    }

    #[test]
    fn a_component_is_not_read_again_for_each_explanation() {
        let plugins = Plugins::new(Arc::new(Sandbox::new().unwrap()));
        let bytes = include_bytes!("../../../policies/delay/delay.wasm").to_vec();
        let digest = Digest::of(&bytes);
        let blobs = Counted(Some(bytes), Cell::new(0));
        for _ in 0..10 {
            let facts = plugins.own_facts(&digest, &blobs).unwrap().unwrap();
            assert_eq!(facts.package.as_ref().unwrap().name, "delay");
        }
        assert_eq!(blobs.1.get(), 1);
        // Once what is believed is old enough, the bytes are looked at again.
        lock(&plugins.sound).clear();
        assert!(plugins.own_facts(&digest, &Counted(None, Cell::new(0))).unwrap().is_none());
        // What cannot be read is remembered as well.
        let none = Digest::of(b"no component");
        let blobs = Counted(Some(b"no component".to_vec()), Cell::new(0));
        assert!((0..10).all(|_| plugins.own_facts(&none, &blobs).unwrap().is_none()));
        assert_eq!(blobs.1.get(), 1);
    }
}
