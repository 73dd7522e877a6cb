//! The one constructor of a guest's store: it always sets limiter, fuel, deadline and hostcall budget.

use wasmtime::component::HasSelf;
use wasmtime::{Engine, ResourceLimiter, Store, UpdateDeadline};

use crate::limits::Limits;
use crate::v1::bindings::ombud::policy::log;

/// Milliseconds of one epoch: the resolution of `deadline_ms`.
pub(crate) const TICK_MS: u64 = 1;

/// One line a guest logged.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LogLine {
    /// `debug`, `info` or `warn`.
    pub level: String,
    /// The text as the guest wrote it; sealed with the record, never in the host's logs.
    pub message: String,
}

/// What a guest's store holds: its log, and which limit refused it something.
pub(crate) struct Guest {
    memory_bytes_left: usize,
    table_elements_max: usize,
    instances_max: usize,
    log_bytes_left: usize,
    pub(crate) log: Vec<LogLine>,
    /// A memory, table or instance was refused: a trap that follows is a memory fault.
    pub(crate) growth_refused: bool,
}

/// The guest logged more than `log_bytes_max`.
#[derive(Debug, thiserror::Error)]
#[error("the log is full")]
pub(crate) struct LogFull;

impl ResourceLimiter for Guest {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        let allowed = more <= self.memory_bytes_left;
        if allowed {
            self.memory_bytes_left -= more;
        } else {
            self.growth_refused = true;
        }
        Ok(allowed)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let allowed = desired <= self.table_elements_max;
        self.growth_refused |= !allowed;
        Ok(allowed)
    }

    fn instances(&self) -> usize {
        self.instances_max
    }
}

impl log::Host for Guest {
    fn write(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        // A line costs its text and a little more, so that empty lines cannot be written for ever.
        const LINE_BYTES: usize = 16;
        let cost = message.len() + LINE_BYTES;
        self.log_bytes_left = self.log_bytes_left.checked_sub(cost).ok_or_else(|| wasmtime::Error::new(LogFull))?;
        let level = match level {
            log::Level::Debug => "debug",
            log::Level::Info => "info",
            log::Level::Warn => "warn",
        };
        self.log.push(LogLine { level: level.into(), message });
        Ok(())
    }
}

/// Names the import `log`. The version is the newest: a component that was built for an older one of the same major version is linked with it.
pub(crate) fn link_log(linker: &mut wasmtime::component::Linker<Guest>) -> wasmtime::Result<()> {
    log::add_to_linker::<_, HasSelf<_>>(linker, |guest: &mut Guest| guest)
}

/// A fresh store with `fuel` and every limit set.
pub(crate) fn fresh(engine: &Engine, limits: &Limits, fuel: u64) -> wasmtime::Result<Store<Guest>> {
    let guest = Guest {
        memory_bytes_left: limits.memory_bytes_max,
        table_elements_max: limits.table_elements_max,
        instances_max: limits.instances_max,
        log_bytes_left: limits.log_bytes_max,
        log: Vec::new(),
        growth_refused: false,
    };
    let mut store = Store::new(engine, guest);
    store.limiter(|guest| guest);
    store.set_fuel(fuel)?;
    store.set_hostcall_fuel(limits.hostcall_bytes_max);
    store.set_epoch_deadline(limits.deadline_ms.div_ceil(TICK_MS).max(1) + 1);
    store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Interrupt));
    Ok(store)
}
