//! Keyed locks: decisions on one order, or on one blacklist request, come one after the other, from reading the history to
//! the durable record. Other keys do not wait.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

const SHARDS: usize = 64;

/// The locks in use; a key nobody holds or waits for takes no memory.
pub struct KeyedLocks {
    shards: Vec<Mutex<HashMap<u64, Arc<AsyncMutex<()>>>>>,
}

/// Holds its keys until it is dropped.
pub struct Held<'a> {
    locks: &'a KeyedLocks,
    guards: Vec<(u64, OwnedMutexGuard<()>)>,
}

impl Default for KeyedLocks {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }
}

impl KeyedLocks {
    /// Waits for every key, always in the same order so that two requests never wait for each other. Keys are hashes: two
    /// that collide only wait without need.
    pub async fn hold(&self, mut keys: Vec<u64>) -> Held<'_> {
        keys.sort_unstable();
        keys.dedup();
        let mut held = Held { locks: self, guards: Vec::with_capacity(keys.len()) };
        for key in keys {
            let lock = self.shard(key).entry(key).or_default().clone();
            held.guards.push((key, lock.lock_owned().await));
        }
        held
    }

    fn shard(&self, key: u64) -> std::sync::MutexGuard<'_, HashMap<u64, Arc<AsyncMutex<()>>>> {
        let at = usize::try_from(key % SHARDS as u64).unwrap_or(0);
        #[expect(clippy::indexing_slicing, reason = "the remainder is below the number of shards")]
        self.shards[at].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        for (key, guard) in self.guards.drain(..) {
            let mut shard = self.locks.shard(key);
            drop(guard);
            // Two owners: the map and whoever waits. One owner: nobody waits, and nobody can begin to while the shard is held.
            if shard.get(&key).is_some_and(|lock| Arc::strong_count(lock) == 1) {
                shard.remove(&key);
            }
        }
    }
}

/// A key over its parts.
pub fn key(parts: &[&str]) -> u64 {
    use std::hash::{Hash, Hasher};
    let mut hash = std::hash::DefaultHasher::new();
    parts.hash(&mut hash);
    hash.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_key_is_held_by_one_at_a_time_and_forgotten_afterwards() {
        let locks = Arc::new(KeyedLocks::default());
        let busy = Arc::new(std::sync::atomic::AtomicU32::new(0));
        let tasks: Vec<_> = (0..50)
            .map(|at| {
                let (locks, busy) = (locks.clone(), busy.clone());
                tokio::spawn(async move {
                    let _held = locks.hold(vec![7, at % 3]).await;
                    assert_eq!(busy.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                    tokio::task::yield_now().await;
                    busy.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert!(locks.shards.iter().all(|shard| shard.lock().unwrap().is_empty()));
    }
}
