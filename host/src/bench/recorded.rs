//! A data directory with many decisions, made by the same line as a server's, for the rows that read it.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use ombud_core::event;

use super::{decision, served};
use crate::clock::now_ms;
use crate::service::{Principal, Role, Service};

/// Events under way at the same time.
const LANES: usize = 64;
/// Records between two lines that tell how far it is.
const TOLD_EVERY: usize = 100_000;

/// Records so many decisions on orders of five lines, each of another customer.
pub(super) fn record(data: &Path, policies: &Path, decisions: usize) -> Result<()> {
    let (service, _) = served::open(data, policies, 1)?;
    let template = served::event(decision::LINES)?.to_string();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let who = Principal { role: Role::Agent, ..Service::owner()? };
    runtime.block_on(async {
        let mut lanes = tokio::task::JoinSet::new();
        for lane in 0..LANES {
            let (service, template, who) = (Arc::clone(&service), template.clone(), who.clone());
            lanes.spawn(async move {
                for at in (lane..decisions).step_by(LANES) {
                    let text = template.replace(super::load::MARK, &format!("{at:012}"));
                    let event = event::structured(text.as_bytes(), now_ms()).map_err(|problems| anyhow!("{problems:?}"))?;
                    service.decide(&who, "m0", event).await.map_err(served::said)?;
                    if at > 0 && at % TOLD_EVERY == 0 {
                        eprintln!("ombud: {at} of {decisions} records");
                    }
                }
                Ok::<_, anyhow::Error>(())
            });
        }
        while let Some(lane) = lanes.join_next().await {
            lane??;
        }
        Ok(())
    })
}
