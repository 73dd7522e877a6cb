//! Replays through a server: it runs them, this adds them up.

use anyhow::{Context as _, Result};
use axum::http::StatusCode;

use super::super::api::{self, Api};
use super::super::progress::Progress;
use super::{Replayed, Which, timed};
use crate::replay::Tally;
use crate::service::wire::{ReplayReport, ReplaysAnswer, ReplaysRequest};

/// Replays what was asked for, of one merchant or of all that the caller may see.
pub(super) fn run(server: &Api, merchant: Option<&str>, which: &Which) -> Result<Replayed> {
    let merchants = match merchant {
        Some(merchant) => vec![merchant.to_owned()],
        None => server.merchants().context("the merchants are not listed: name one with --merchant")?,
    };
    timed(|| {
        let mut tally = Tally::default();
        let progress = Progress::new(0, "records");
        let mut absent = None;
        for merchant in &merchants {
            match of(server, merchant, which, &progress) {
                Ok(replayed) => tally.merge(replayed),
                // Of several merchants one has the ticket.
                Err(error) if which.ticket.is_some() && api::refused_with(&error) == Some(StatusCode::NOT_FOUND) => absent = Some(error),
                Err(error) => return Err(error),
            }
        }
        match absent {
            Some(absent) if tally.merchants.is_empty() => Err(absent),
            _ => Ok(tally),
        }
    })
}

fn of(server: &Api, merchant: &str, which: &Which, progress: &Progress) -> Result<Tally> {
    let base = format!("/v1/merchants/{}", api::plain(merchant));
    let mut tally = Tally::default();
    if let Some(decision) = &which.decision {
        let report: ReplayReport = server.look(&format!("{base}/decisions/{}/replay", api::plain(decision)), b"")?;
        tally.add(merchant, report);
        return Ok(tally);
    }
    let mut request = ReplaysRequest { ticket: which.ticket.clone(), from: which.from.clone(), to: which.to.clone(), ..Default::default() };
    let mut known = 0;
    loop {
        let answer: ReplaysAnswer = server.look(&format!("{base}/replays"), &serde_json::to_vec(&request)?).map_err(api::in_options)?;
        let reached = answer.cursor.unwrap_or(answer.log_size);
        progress.more(answer.log_size.saturating_sub(known));
        progress.steps(reached.saturating_sub(request.cursor.unwrap_or(0)));
        known = answer.log_size;
        request.cursor = answer.cursor;
        tally.merge(answer.into_tally(merchant));
        if request.cursor.is_none() {
            return Ok(tally);
        }
    }
}
