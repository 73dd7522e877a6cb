//! What `ombud rollout` shows people: what answers which case, and what is proposed.

use crate::cli::screen;
use crate::service::rollout::{ProposalView, RolloutView};

/// What is proposed, in words.
pub(super) fn what(own: &ProposalView) -> String {
    let kind = own.kind.map(|kind| format!("{kind}: ")).unwrap_or_default();
    let takes: Vec<String> = own.takes.iter().map(|id| format!("`{id}`")).collect();
    let takes = if takes.is_empty() { String::new() } else { format!(", taking back {}", takes.join(", ")) };
    format!("{kind}{}{takes}", own.step)
}

/// A share in basis points as people write it.
fn percent(bp: u64) -> String {
    let text = format!("{}.{:02}", bp / 100, bp % 100);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Shows what answers which case.
pub(super) fn show(rollout: &RolloutView) {
    let mut table = screen::table(&["kind", "place", "version", "since or when", "status"]);
    for plan in &rollout.kinds {
        let mut row = |place: String, version: String, when: String, status: String| {
            table.add_row([plan.kind.to_string(), place, version, when, status]);
        };
        if let Some(active) = &plan.active {
            row("active".into(), active.version.to_string(), active.since.clone(), active.status.clone());
        }
        if let Some(canary) = &plan.canary {
            let share = format!("canary {}", percent(canary.share_bp.into()));
            row(share, canary.placed.version.to_string(), canary.placed.since.clone(), canary.placed.status.clone());
        }
        for shadow in &plan.shadows {
            let compared = shadow.compared.as_ref().map_or_else(
                || format!("{}; compared with `--policy {}`", shadow.placed.status, shadow.placed.version.policy),
                |own| match own.decisions {
                    0 => "nothing to compare yet".to_owned(),
                    decisions => format!("agrees in {} of {}", percent(own.agreement_bp), screen::count(decisions, "decision")),
                },
            );
            row("shadow".into(), shadow.placed.version.to_string(), shadow.placed.since.clone(), compared);
        }
        for window in &plan.windows {
            row("window".into(), window.version.to_string(), format!("{} to {}", window.from, window.to), String::new());
        }
        for taken in &plan.taken_back {
            row("taken back".into(), taken.version.to_string(), taken.at.clone(), taken.reason.clone());
        }
    }
    println!("{table}");
    for plan in &rollout.kinds {
        let canary = plan.canary.as_ref().map(|canary| &canary.placed);
        let placed = plan.active.iter().chain(canary).chain(plan.shadows.iter().map(|shadow| &shadow.placed));
        for (version, why) in placed.filter_map(|placed| Some((&placed.version, placed.unsigned.as_ref()?))) {
            println!("{}: {version} goes on, and could not be placed now: {why}", plan.kind);
        }
    }
    for stop in &rollout.paused {
        println!("paused: {} since {} ({})", stop.scope, stop.at, stop.reason);
    }
    for shadow in rollout.kinds.iter().flat_map(|plan| &plan.shadows) {
        let Some(compared) = &shadow.compared else { continue };
        let money = &compared.impact.total.money;
        println!(
            "{}: {} flips, {} with other money; stands {} now, {} under it",
            shadow.placed.version,
            compared.impact.total.counts.flips,
            compared.impact.total.counts.money_only,
            screen::yuan(money.before.standing()),
            screen::yuan(money.after.standing())
        );
        for fault in &compared.impact.faults {
            println!("  fault {}: {} now, {} under it", fault.code, fault.before, fault.after);
        }
    }
}
