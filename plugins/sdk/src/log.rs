//! The log, which every policy may import. The host bounds what it keeps; a message never carries personal data.
//!
//! Natively, in tests, nothing is written.

/// How much a message matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Debug,
    Info,
    Warn,
}

/// Writes one message to the host's log.
pub fn write(level: Level, message: &str) {
    #[cfg(target_family = "wasm")]
    component::write(level, message);
    #[cfg(not(target_family = "wasm"))]
    let _ = (level, message);
}

/// For the author of a policy.
pub fn debug(message: &str) {
    write(Level::Debug, message);
}

/// For the merchant who runs it.
pub fn info(message: &str) {
    write(Level::Info, message);
}

/// For the merchant, who should look at it.
pub fn warn(message: &str) {
    write(Level::Warn, message);
}

#[cfg(target_family = "wasm")]
mod component {
    use crate::bindings::world::ombud::policy::log;

    use super::Level;

    pub(super) fn write(level: Level, message: &str) {
        let level = match level {
            Level::Debug => log::Level::Debug,
            Level::Info => log::Level::Info,
            Level::Warn => log::Level::Warn,
        };
        log::write(level, message);
    }
}
