//! `ombud serve`: the service on a data directory.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use ombud_ledger::log::KeyName;

use super::{EXIT_OK, data, limits};
use crate::demo::{self, DemoKeys, KEYS_FILE};
use crate::http::{self, HttpLimits, Listeners, LocalListener};
use crate::service::ledger::SIGN_EVERY;
use crate::service::ledger::keys::operator_name;
use crate::service::ledger::witness::Witness;
use crate::service::privacy::RETAIN_EVERY;
use crate::service::{CpuShare, EXPIRY_EVERY, Options, SelfAudit, Service};
use crate::telemetry::{self, LogFormat};

/// Arguments of `ombud serve`.
#[derive(Args)]
pub(super) struct Serve {
    /// The data directory; created if it is not there. One process holds it at a time.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Address and port to listen on; port 0 takes any free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8787")]
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
        let service = data::open_as(&self.data, options)?;
        service.check_published(self.accept_loss)?;
        let limits = HttpLimits { metrics_open: self.metrics_open, ..HttpLimits::default() };
        data::runtime()?.block_on(async {
            let listener = data::listen(self.listen).await?;
            if self.demo {
                demo::create_merchants(&service)?;
                DemoKeys::take(&service, &self.data)?;
                println!("demonstration keys are in {}", self.data.join(KEYS_FILE).display());
            }
            if service.keys(&data::owner()?, None).is_ok_and(|keys| keys.is_empty()) {
                let folder = self.data.display();
                eprintln!("ombud: nobody has a key yet: `ombud key create --data {folder} --role operator --label NAME` makes the first");
            }
            let listeners = listeners(listener, &self.data);
            println!("listening on http://{}", listeners.tcp.local_addr()?);
            for reason in service.readiness().reasons {
                tracing::warn!(reason, "not ready");
            }
            let _audit = SelfAudit::start(Arc::clone(&service), self.self_audit_cpu)?;
            until_stopped(listeners, service, limits).await
        })?;
        Ok(EXIT_OK)
    }
}

/// The listeners of a server on a data directory: commands on the directory come through its local socket.
pub(super) fn listeners(tcp: tokio::net::TcpListener, data: &Path) -> Listeners {
    let local = LocalListener::bind(data);
    if let Err(error) = &local {
        // Everything else works.
        eprintln!("ombud: commands on `{}` cannot be given while this server runs: {error}", data.display());
    }
    Listeners { tcp, local: local.ok() }
}

/// Serves until SIGTERM or SIGINT, then finishes what is under way.
pub(super) async fn until_stopped(listeners: Listeners, service: Arc<Service>, limits: HttpLimits) -> Result<()> {
    let signal = async {
        if let Err(error) = http::stop_signal().await {
            tracing::error!(%error, "signals cannot be received: stop the process with SIGKILL");
            std::future::pending::<()>().await;
        }
    };
    let timer = tokio::spawn(Arc::clone(&service).expire_for_ever(EXPIRY_EVERY));
    let retention = tokio::spawn(Arc::clone(&service).retain_for_ever(RETAIN_EVERY));
    let signer = tokio::spawn(Arc::clone(&service).sign_for_ever(SIGN_EVERY));
    let witnesses = tokio::spawn(Arc::clone(&service).ask_witnesses_for_ever());
    let drained = http::serve(listeners, Arc::clone(&service), limits, signal).await;
    timer.abort();
    retention.abort();
    signer.abort();
    witnesses.abort();
    // What was decided last is signed before the process ends, not when it begins again.
    tokio::task::spawn_blocking(move || service.sign_now()).await??;
    if drained.cut > 0 {
        eprintln!(
            "ombud: {} cut off at the drain deadline; what they sent is on record or was never acknowledged",
            super::screen::count(drained.cut as u64, "connection")
        );
    }
    Ok(())
}
