//! `ombud serve`: the service on a data directory.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Args;
use ombud_ledger::log::KeyName;

use super::data::DATABASE;
use super::{EXIT_OK, data, limits};
use crate::backup::WEBHOOK_KEY;
use crate::demo::{self, DemoKeys, KEYS_FILE};
use crate::http::{self, HttpLimits, Listeners, LocalListener};
use crate::service::ledger::SIGN_EVERY;
use crate::service::ledger::keys::{DEFAULT_OPERATOR, KEY_FILE, operator_name};
use crate::service::ledger::published::FOLDER;
use crate::service::ledger::witness::Witness;
use crate::service::privacy::RETAIN_EVERY;
use crate::service::{CpuShare, EXPIRY_EVERY, MasterKeyFrom, Options, SelfAudit, Service};
use crate::telemetry::{self, LogFormat};

/// Arguments of `ombud serve`.
#[derive(Args)]
pub(super) struct Serve {
    /// The data directory; created if it is not there. One process holds it at a time.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Address and port to listen on; port 0 takes any free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8787", value_parser = data::address)]
    listen: SocketAddr,
    /// Folder of the policy packages.
    #[arg(long, value_name = "FOLDER", default_value = "policies", env = "OMBUD_POLICIES")]
    policies: PathBuf,
    /// Create the demonstration's three merchants, and write their keys to `DIR/demo-keys.json`.
    #[arg(long)]
    demo: bool,
    /// Answer `/metrics` without an operator's key, for a network that only the operator reaches.
    #[arg(long)]
    metrics_open: bool,
    /// Limits on what policies may use: a TOML file with the tables `default`, `most` (what merchants may ask for) and `load` (what a
    /// component may be). They are kept in the data directory and hold until another file is given.
    #[arg(long, value_name = "FILE")]
    limits: Option<PathBuf>,
    /// Your name, under which checkpoints are signed, such as an address without its scheme: `ombud.example.com`. It is fixed at
    /// the first start (`ombud.local` where none is given) and cannot change.
    #[arg(long, value_name = "NAME", value_parser = operator_name)]
    operator: Option<KeyName>,
    /// A witness that is asked to cosign checkpoints: its address, and its C2SP verifier key. May be given several times.
    #[arg(long = "witness", value_name = "URL=VKEY")]
    witnesses: Vec<Witness>,
    /// Go on although records that were published are lost. Whoever has the old checkpoints will notice.
    #[arg(long)]
    accept_loss: bool,
    /// Share of one core that the self-audit may use to run random records again; 0 turns it off.
    #[arg(long, value_name = "SHARE", default_value = "1%")]
    self_audit_cpu: CpuShare,
    /// Where the protection announces what it did, and the self-audit its alarms: an address of yours that takes CloudEvents by HTTP
    /// POST, signed with the secret in `DIR/webhook.key` (Standard Webhooks).
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// Log lines for people or for programs.
    #[arg(long, value_enum, default_value_t = LogFormat::Pretty)]
    log_format: LogFormat,
    /// off, error, warn, info, debug or trace.
    #[arg(long, default_value = "info")]
    log_level: String,
}

impl Serve {
    pub(super) fn run(self) -> Result<u8> {
        telemetry::init(self.log_format, &self.log_level)?;
        if self.demo {
            demo::set_clock();
        }
        let limits = self.limits.as_deref().map(limits::read).transpose()?;
        let options = Options {
            limits,
            operator: self.operator,
            witnesses: self.witnesses,
            webhook: self.webhook,
            ..data::options(Some(&self.policies))
        };
        let unnamed = options.operator.is_none() && !self.demo && !self.data.join(KEY_FILE).exists();
        let database_lost = !self.data.join(DATABASE).exists() && self.data.join(FOLDER).is_dir();
        let service = data::open_as(&self.data, options)?;
        let runtime = data::runtime()?;
        // Before the operator's name is fixed, which a start that fails should not do.
        let listener = runtime.block_on(data::listen(self.listen))?;
        if let Err(error) = service.check_published(self.accept_loss) {
            drop(service);
            if database_lost {
                remove_new(&self.data);
            }
            return Err(error);
        }
        if unnamed {
            tracing::warn!(
                "no --operator was given: the checkpoints of this data directory are signed as `{DEFAULT_OPERATOR}` from now on, which cannot \
                 change; for a name of your own begin with another data directory"
            );
        }
        tell_exposed(&self.data);
        let limits = HttpLimits { metrics_open: self.metrics_open, ..HttpLimits::default() };
        runtime.block_on(async {
            if self.demo {
                demo::create_merchants(&service)?;
                DemoKeys::take(&service, &self.data)?;
                println!("demonstration keys are in {}", self.data.join(KEYS_FILE).display());
            }
            if service.keys(&data::owner()?, None).is_ok_and(|keys| keys.is_empty()) {
                let folder = self.data.display();
                tracing::warn!("nobody has a key yet: `ombud key create --data {folder} --role operator --label NAME` makes the first");
            }
            let (listeners, stop) = (listeners(listener, &self.data), stop());
            let address = listeners.tcp.local_addr()?;
            println!("listening on http://{address}");
            tracing::info!(%address, data = %self.data.display(), version = env!("CARGO_PKG_VERSION"), "listening");
            for reason in service.readiness().reasons {
                tracing::warn!(reason, "not ready");
            }
            let _audit = SelfAudit::start(Arc::clone(&service), self.self_audit_cpu)?;
            until_stopped(listeners, service, limits, stop).await
        })?;
        Ok(EXIT_OK)
    }
}

/// Removes the empty database that was begun in the place of a lost one, and was refused: it would look like what is left.
fn remove_new(data: &Path) {
    for ending in ["", "-wal", "-shm"] {
        // What stays is refused at the next start as well.
        _ = std::fs::remove_file(data.join(format!("{DATABASE}{ending}")));
    }
}

/// Says which secrets others than their owner may read, and what to do.
fn tell_exposed(data: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let master = match data::master_key() {
        MasterKeyFrom::File(file) => Some(file),
        MasterKeyFrom::Directory => Some(data.join("master.key")),
        MasterKeyFrom::Hex(_) => None,
    };
    let others = [KEY_FILE, "code.key", WEBHOOK_KEY, DATABASE].map(|name| data.join(name));
    for file in master.into_iter().chain(others) {
        // What is not there exposes nothing.
        if std::fs::metadata(&file).is_ok_and(|facts| facts.permissions().mode() & 0o077 != 0) {
            let file = file.display();
            tracing::warn!("`{file}` may be read by others than its owner, and whoever reads it has its secrets: `chmod 600 {file}`");
        }
    }
}

/// The listeners of a server on a data directory: commands on the directory come through its local socket.
pub(super) fn listeners(tcp: tokio::net::TcpListener, data: &Path) -> Listeners {
    let local = LocalListener::bind(data);
    if let Err(error) = &local {
        // Everything else works.
        tracing::warn!(%error, "commands on `{}` cannot be given while this server runs", data.display());
    }
    Listeners { tcp, local: local.ok() }
}

/// Ready at the first SIGTERM or SIGINT since this was called, within the runtime: before anybody is told that the server listens.
pub(super) fn stop() -> impl Future<Output = ()> {
    let signal = http::stop_signal();
    async {
        match signal {
            Ok(signal) => signal.await,
            Err(error) => {
                tracing::error!(%error, "signals cannot be received: stop the process with SIGKILL");
                std::future::pending().await
            }
        }
    }
}

/// Serves until it is to stop, then finishes what is under way.
pub(super) async fn until_stopped(
    listeners: Listeners,
    service: Arc<Service>,
    limits: HttpLimits,
    stop: impl Future<Output = ()>,
) -> Result<()> {
    let timer = tokio::spawn(Arc::clone(&service).expire_for_ever(EXPIRY_EVERY));
    let retention = tokio::spawn(Arc::clone(&service).retain_for_ever(RETAIN_EVERY));
    let signer = tokio::spawn(Arc::clone(&service).sign_for_ever(SIGN_EVERY));
    let witnesses = tokio::spawn(Arc::clone(&service).ask_witnesses_for_ever());
    let drained = http::serve(listeners, Arc::clone(&service), limits, stop).await;
    timer.abort();
    retention.abort();
    signer.abort();
    witnesses.abort();
    // What was decided last is signed before the process ends, not when it begins again.
    let signed = tokio::task::spawn_blocking(move || service.sign_now()).await?;
    signed.context("the last checkpoints could not be signed and published; the next start makes up for it")?;
    if drained.cut > 0 {
        eprintln!(
            "ombud: {} cut off at the drain deadline; what they sent is on record or was never acknowledged",
            super::screen::count(drained.cut as u64, "connection")
        );
    }
    Ok(())
}
