//! Compiled code for policies that are bound: whatever lacks it is compiled in the background, one component after the other, never on the way to a
//! decision. A decision that finds none waits for it as long as one call of its policy may take, and then is a fault `not-loaded`.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ombud_ledger::Digest;
use tokio::sync::watch;

use super::Service;
use super::replay::Stored;
use crate::judge::Bound;
use crate::plugins::{Code, Held};
use crate::priority::behind_others;

/// Components that wait to be compiled; what comes beyond is not waited for.
const WAITING_MAX: usize = 10_000;

/// What waits to be compiled.
#[derive(Default)]
pub(super) struct Compilations(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    next: VecDeque<Digest>,
    /// Closed when the component was compiled or refused, or turned out to be missing.
    waiting: HashMap<Digest, watch::Sender<()>>,
    running: bool,
}

impl Compilations {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next component; none ends the thread.
    fn next(&self) -> Option<Digest> {
        let mut queue = self.lock();
        let next = queue.next.pop_front();
        queue.running = next.is_some();
        next
    }

    fn done(&self, digest: &Digest) {
        self.lock().waiting.remove(digest);
    }
}

/// Warns where the operator's packages, which are never unloaded, take more than all plugins may: `pinned` is what is held before any other is.
pub(super) fn tell_pinned(pinned: &Held, bytes_max: usize) {
    if pinned.bytes > bytes_max {
        tracing::warn!(
            bytes = pinned.bytes,
            bytes_max,
            "the operator's packages take more memory than `loaded_bytes_max` allows and are never unloaded: whatever else is loaded goes after its use; raise \
             the limit, or take packages out of the folder"
        );
    }
}

impl Service {
    /// Has the code of `bound` at hand, or has waited for it for `deadline`.
    pub(super) async fn at_hand(self: &Arc<Self>, bound: &Bound, deadline: Duration) {
        let Code::Shared(plugins) = &bound.code else { return };
        if plugins.is_settled(&bound.component) {
            return;
        }
        let (plugins, component) = (Arc::clone(plugins), bound.component);
        // Loading is fast for a policy in Rust and slow for a large one: it is done off the runtime's threads.
        if tokio::task::spawn_blocking(move || plugins.at_hand(&component).is_some()).await.unwrap_or(false) {
            return;
        }
        let Some(mut done) = self.compile(&bound.component, true) else { return };
        // It ends with an error when the sender is dropped, which is what is waited for.
        let _ = tokio::time::timeout(deadline, done.changed()).await;
    }

    /// Has everything compiled that is bound and has no code: after an upgrade of the engine, or when the code cache was lost.
    pub(super) fn compile_bound(self: &Arc<Self>) {
        let plugins = self.replayer.plugins();
        let snapshot = self.snapshot.load_full();
        let bound: std::collections::BTreeSet<Digest> = snapshot
            .tenants
            .values()
            .flat_map(|tenant| tenant.versions.iter().map(|(_, _, bound)| bound))
            .filter(|bound| matches!(bound.code, Code::Shared(_)))
            .map(|bound| bound.component)
            .collect();
        for digest in bound.iter().filter(|digest| !plugins.is_at_hand(digest)) {
            drop(self.compile(digest, false));
        }
    }

    /// Queues a component, before others where somebody waits for it. What is given back closes when it is done; none where too many wait.
    fn compile(self: &Arc<Self>, digest: &Digest, soon: bool) -> Option<watch::Receiver<()>> {
        let mut queue = self.compilations.lock();
        if let Some(done) = queue.waiting.get(digest) {
            return Some(done.subscribe());
        }
        if queue.waiting.len() >= WAITING_MAX {
            return None;
        }
        let (sender, done) = watch::channel(());
        queue.waiting.insert(*digest, sender);
        if soon {
            queue.next.push_front(*digest);
        } else {
            queue.next.push_back(*digest);
        }
        if !queue.running {
            let service = Arc::clone(self);
            let started = std::thread::Builder::new().name("compile".into()).spawn(move || service.compile_waiting());
            match started {
                Ok(_) => queue.running = true,
                Err(error) => {
                    tracing::error!(%error, "no thread can be started for compiling");
                    queue.next.clear();
                    queue.waiting.clear();
                    return None;
                }
            }
        }
        Some(done)
    }

    /// Compiles whatever waits, and ends when nothing does.
    fn compile_waiting(&self) {
        behind_others();
        while let Some(digest) = self.compilations.next() {
            match self.replayer.plugin(&digest, &Stored(self.store.readers())) {
                Ok(Some(_)) => tracing::info!(component = %digest, "compiled"),
                Ok(None) => {
                    tracing::error!(component = %digest, "a bound component is not stored or does not load: its decisions fall back")
                }
                Err(error) => tracing::error!(component = %digest, %error, "a bound component cannot be read: its decisions fall back"),
            }
            self.compilations.done(&digest);
        }
    }
}
