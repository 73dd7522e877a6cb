//! One connection, as its requests know it: whose it is, and whether it stays.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::strangers::Stranger;
use crate::service::Share;

/// What the requests of one connection share.
#[derive(Default)]
pub struct Connection {
    /// None for the data directory's owner, who gives way to nobody.
    stranger: Option<Stranger>,
    /// Among whose connections it counts.
    of: Mutex<Option<Arc<Share>>>,
    /// It ends with the answer under way.
    ends: AtomicBool,
}

impl Connection {
    /// A caller's connection.
    pub fn of_stranger(stranger: Stranger) -> Self {
        Self { stranger: Some(stranger), of: Mutex::default(), ends: AtomicBool::new(false) }
    }

    /// A key was shown, and it is one. The connection counts among those of the key's merchant from now on; false where `max` of them are counted
    /// already.
    pub fn is_of(&self, share: Option<Arc<Share>>, max: usize) -> bool {
        if let Some(stranger) = &self.stranger {
            stranger.is_known();
        }
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = match (of.as_ref(), share.as_ref()) {
            (Some(before), Some(now)) => Arc::ptr_eq(before, now),
            (before, now) => before.is_none() && now.is_none(),
        };
        if is_same {
            return true;
        }
        let more = |open: usize| (open < max).then_some(open + 1);
        let fits = share.as_ref().is_none_or(|share| share.connections.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok());
        leave(&of);
        *of = share.filter(|_| fits);
        fits
    }

    /// The connection ends with the answer under way.
    pub fn end(&self) {
        self.ends.store(true, Ordering::Release);
    }

    /// Whether it ends with the answer under way.
    pub fn ends(&self) -> bool {
        self.ends.load(Ordering::Acquire)
    }

    /// All is said: whoever goes on sending gives way as a stranger does.
    pub fn lingers(&self) {
        if let Some(stranger) = &self.stranger {
            stranger.enter_again();
        }
    }

    /// Ready when it has to go.
    pub async fn sent_away(&self) {
        match &self.stranger {
            Some(stranger) => stranger.sent_away().await,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        leave(self.of.get_mut().unwrap_or_else(PoisonError::into_inner));
    }
}

fn leave(of: &Option<Arc<Share>>) {
    of.iter().for_each(|share| _ = share.connections.fetch_sub(1, Ordering::Relaxed));
}
