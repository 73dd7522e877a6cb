//! Logs: JSON lines or readable ones, on standard error, without personal data.
//!
//! What keeps personal data out: the service's own events name merchants, kinds, outcomes and amounts of time, never bodies,
//! customers, tickets or query strings; other crates' events are let through from `warn` on only; and a panic is logged by
//! its place, because its message may carry a value.

use std::fmt;
use std::io;

use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, Registry};

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Pretty,
    /// One JSON object a line, for programs.
    Json,
}

/// Crates whose events follow the rule on personal data, and so may be read in detail.
const OWN_CRATES: [&str; 5] = ["ombud", "ombud_core", "ombud_sandbox", "ombud_ledger", "ombud_store"];

/// Telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The level is not one.
    #[error("`{0}` is not a log level: use off, error, warn, info, debug or trace")]
    Level(String),
    /// It was set up before.
    #[error("logging is set up already")]
    Twice,
}

/// Starts logging to standard error. `level` is `off`, `error`, `warn`, `info`, `debug` or `trace`.
pub fn init(format: LogFormat, level: &str) -> Result<(), TelemetryError> {
    let filter = filter(level)?;
    Registry::default().with(layer(format, io::stderr).with_filter(filter)).try_init().map_err(|_| TelemetryError::Twice)?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        // Without formatting there is no value in it.
        let message = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or_default();
        tracing::error!(place, message, "panic");
    }));
    Ok(())
}

/// This level for our own crates, `warn` for all others.
fn filter(level: &str) -> Result<EnvFilter, TelemetryError> {
    use tracing::level_filters::LevelFilter;
    // The library reads nothing as `error`.
    let own: LevelFilter =
        (!level.is_empty()).then(|| level.parse().ok()).flatten().ok_or_else(|| TelemetryError::Level(level.to_owned()))?;
    let others = own.min(LevelFilter::WARN);
    let directives: Vec<String> = OWN_CRATES.iter().map(|name| format!("{name}={own}")).chain([others.to_string()]).collect();
    EnvFilter::builder().parse(directives.join(",")).map_err(|_| TelemetryError::Level(level.to_owned()))
}

/// The layer that writes lines.
pub(crate) fn layer<W>(format: LogFormat, writer: W) -> Box<dyn Layer<Registry> + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    match format {
        LogFormat::Pretty => layer.with_ansi(false).with_target(false).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).with_current_span(false).with_span_list(true).boxed(),
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pretty => "pretty",
            Self::Json => "json",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_crates_speak_from_warnings_on() {
        let filter = filter("debug").unwrap().to_string();
        assert!(filter.contains("ombud=debug") && filter.contains("warn"), "{filter}");
        assert!(!filter.contains("hyper"), "{filter}");
        assert_eq!(super::filter("off").unwrap().max_level_hint(), Some(tracing::level_filters::LevelFilter::OFF));
    }

    #[test]
    fn what_is_no_level_is_refused() {
        for level in ["loud", "ombud=debug", ""] {
            assert!(filter(level).is_err(), "{level}");
        }
    }
}
