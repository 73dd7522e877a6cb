//! `ombud rollout`: which version of a merchant's policy answers which case.

mod show;

use std::collections::BTreeSet;

use anyhow::{Result, anyhow, bail};
use clap::{Args, Subcommand};
use ombud_core::rollout::VersionId;
use serde_json::{Value, json};

use self::show::{show, what};
use super::api::{self, Api};
use super::source::Source;
use super::{EXIT_OK, screen};
use crate::service::rollout::{PlacedView, PlanView, ProposalView, RolloutView, StepAnswer};

/// Arguments of `ombud rollout`.
#[derive(Args)]
#[command(after_help = "Every step is in force with the next event, without a restart, and is an act in the merchant's ledger. While a \
server holds the data directory, it is asked through its local socket.\n\nExit codes: 0 done, 2 the command could not run.")]
pub(super) struct Rollout {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Show what answers which case, and of one policy (`--policy`) how versions in shadow compare.
    Status {
        #[command(flatten)]
        of: Of,
        /// Compare what shadows said since then, RFC 3339.
        #[arg(long)]
        since: Option<String>,
    },
    /// Let a version run beside, unanswered.
    Shadow {
        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        version: Version,
        /// End it.
        #[arg(long)]
        off: bool,
    },
    /// Let a version answer a share of the customers.
    Canary {
        /// The share: `5%`, `0.25%`; 0% is nobody, 100% everybody.
        #[arg(value_parser = share)]
        share: u16,
        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        version: Version,
    },
    /// Make a version the active one.
    Activate {
        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        version: Version,
    },
    /// Take back what was rolled out last, or go back to any earlier version.
    Rollback {
        #[command(flatten)]
        of: Of,
        /// To which version.
        #[arg(long, value_name = "VERSION")]
        to: Option<String>,
        /// The kind, where the policy decides several.
        #[arg(long)]
        kind: Option<String>,
    },
    /// Let a version answer at a time of its own, such as a sales day, by the event's time on the merchant's clock.
    Window {
        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        version: Version,
        /// From then on: `2026-11-11` or `2026-11-11T08:00`.
        #[arg(long, required_unless_present = "remove")]
        from: Option<String>,
        /// Up to then; a date alone is in it.
        #[arg(long, required_unless_present = "remove")]
        to: Option<String>,
        /// Remove the version's windows, or the one that begins at `--from`.
        #[arg(long)]
        remove: bool,
    },
    /// Throw a kill switch: of a version, a policy, a kind (`--kind`), or the whole merchant (`--all`).
    Pause(Switch),
    /// Take a kill switch back.
    Resume(Switch),
    /// List the moves that wait for a second person.
    Proposals {
        #[command(flatten)]
        of: Of,
    },
    /// Approve a move as a second person: it is carried out now.
    Approve {
        /// The proposal's id.
        id: String,
        #[command(flatten)]
        of: Of,
    },
    /// Withdraw a move that waits.
    Withdraw {
        /// The proposal's id.
        id: String,
        #[command(flatten)]
        of: Of,
    },
}

#[derive(Args)]
struct Of {
    #[command(flatten)]
    source: Source,
    /// The merchant.
    #[arg(long)]
    merchant: String,
    /// The policy; left out of `status`: all of them.
    #[arg(long)]
    policy: Option<String>,
    /// Why; it is recorded.
    #[arg(long)]
    reason: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Version {
    /// The version; left out: the canary, if there is one, else the newest that is not active, and what is to end is that of the only one
    /// that has it. One that was taken back has to be named.
    #[arg(long)]
    version: Option<String>,
    /// The kind, where the policy decides several.
    #[arg(long)]
    kind: Option<String>,
}

#[derive(Args)]
struct Switch {
    #[command(flatten)]
    of: Of,
    /// One version of the policy.
    #[arg(long, requires = "policy")]
    version: Option<String>,
    /// A whole kind.
    #[arg(long, conflicts_with = "policy")]
    kind: Option<String>,
    /// Everything of the merchant.
    #[arg(long, conflicts_with_all = ["policy", "kind"])]
    all: bool,
}

/// `5%` as hundredths of a percent.
fn share(text: &str) -> Result<u16, String> {
    let wrong = || "a share is a percentage from 0% to 100% with at most two decimals: `5%`, `0.25%`".to_owned();
    let number = text.strip_suffix('%').ok_or_else(wrong)?;
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.chars().all(|digit| digit.is_ascii_digit());
    if whole.is_empty() || part.len() > 2 || !digits(whole) || !digits(part) || (part.is_empty() && number.contains('.')) {
        return Err(wrong());
    }
    let hundredths: u32 = format!("{whole}{part:0<2}").parse().map_err(|_| wrong())?;
    u16::try_from(hundredths).ok().filter(|share| *share <= 10_000).ok_or_else(wrong)
}

impl Of {
    fn base(&self) -> String {
        format!("/v1/merchants/{}", api::plain(&self.merchant))
    }

    fn policy(&self) -> Result<&str> {
        self.policy.as_deref().ok_or_else(|| anyhow!("name the policy with --policy"))
    }

    /// Gives a step of the policy's rollout.
    fn step(&self, api: &Api, name: &str, body: &Value) -> Result<u8> {
        let path = format!("{}/policies/{}/rollout/{name}", self.base(), api::plain(self.policy()?));
        self.give(api, &path, body)
    }

    /// Says what becomes of a proposal.
    fn settle(&self, id: &str, word: &str) -> Result<u8> {
        let path = format!("{}/rollout/proposals/{}/{word}", self.base(), api::plain(id));
        self.give(&self.source.api()?, &path, &json!({"reason": self.reason}))
    }

    fn give(&self, api: &Api, path: &str, body: &Value) -> Result<u8> {
        let answer: StepAnswer = api.post(path, serde_json::to_vec(body)?).map_err(|error| api.explained(&self.merchant, error))?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&answer)?);
        } else {
            if let Some(approved) = &answer.approved {
                let own = &approved.proposal;
                let reason = own.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
                println!("approved what `{}` proposed{reason}: {}", own.by, what(own));
            }
            match &answer.proposal {
                Some(proposal) => {
                    println!("waits for a second person until {}: proposal {} ({})", proposal.expires_at, proposal.id, what(proposal));
                }
                None if path.ends_with("/withdraw") => println!("withdrawn, nothing is changed by it"),
                None if answer.changed => println!("done, in force with the next event"),
                None => println!("it was that way already"),
            }
            show(&answer.rollout);
        }
        Ok(EXIT_OK)
    }
}

impl Version {
    /// The version that is named, or the one that is meant.
    fn of(&self, api: &Api, of: &Of) -> Result<String> {
        if let Some(version) = &self.version {
            return Ok(version.clone());
        }
        let policy = of.policy()?;
        let path = format!("{}/policies/{}", of.base(), api::plain(policy));
        let explained = |error| api.explained(&of.merchant, error);
        let rollout: RolloutView = api.get(&format!("{path}/rollout")).map_err(explained)?;
        let own = |placed: &PlacedView| placed.version.policy == policy;
        if let Some(canary) = rollout.kinds.iter().find_map(|plan| plan.canary.as_ref()).filter(|canary| own(&canary.placed)) {
            return Ok(canary.placed.version.version.clone());
        }
        let versions: Value = api.get(&format!("{path}/versions")).map_err(explained)?;
        let newest = versions["versions"].as_array().into_iter().flatten().find(|version| version["state"] != "active");
        let newest = newest.and_then(|version| version["version"].as_str());
        let mut taken = rollout.kinds.iter().flat_map(|plan| &plan.taken_back);
        let taken = taken.find(|taken| taken.version.policy == policy && Some(taken.version.version.as_str()) == newest);
        match (newest, taken) {
            (Some(version), Some(taken)) => {
                bail!(
                    "`{version}`, the newest version that is not active, was taken back ({}): if it is meant, name it with --version",
                    taken.reason
                )
            }
            (Some(version), None) => Ok(version.to_owned()),
            (None, _) => bail!("`{policy}` has no version but the active one: push another one, or name it with --version"),
        }
    }

    /// The version that is named, or the only one of the policy that stands in a place out of which it is to be taken.
    fn standing(&self, api: &Api, of: &Of, place: &str, stands: impl Fn(&PlanView) -> Vec<VersionId>) -> Result<String> {
        if let Some(version) = &self.version {
            return Ok(version.clone());
        }
        let policy = of.policy()?;
        let path = format!("{}/policies/{}/rollout", of.base(), api::plain(policy));
        let rollout: RolloutView = api.get(&path).map_err(|error| api.explained(&of.merchant, error))?;
        let of_kind = |plan: &&PlanView| self.kind.as_ref().is_none_or(|kind| *kind == plan.kind.to_string());
        let own = rollout.kinds.iter().filter(of_kind).flat_map(stands).filter(|id| id.policy == policy).map(|id| id.version);
        match own.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().as_slice() {
            [] => bail!("no version of `{policy}` {place}"),
            [only] => Ok(only.clone()),
            several => bail!("of `{policy}` more than one version {place}: name one of {} with --version", several.join(", ")),
        }
    }
}

impl Rollout {
    pub(super) fn run(self) -> Result<u8> {
        match self.act {
            Act::Status { of, since } => status(&of, since.as_deref()),
            Act::Shadow { of, version, off } => {
                let api = of.source.api()?;
                let runs = |plan: &PlanView| plan.shadows.iter().map(|own| own.placed.version.clone()).collect();
                let id = if off { version.standing(&api, &of, "runs in shadow", runs) } else { version.of(&api, &of) }?;
                of.step(&api, "shadow", &json!({"version": id, "on": !off, "kind": version.kind, "reason": of.reason}))
            }
            Act::Canary { share, of, version } => {
                let api = of.source.api()?;
                let id = version.of(&api, &of)?;
                of.step(&api, "canary", &json!({"version": id, "share_bp": share, "kind": version.kind, "reason": of.reason}))
            }
            Act::Activate { of, version } => {
                let api = of.source.api()?;
                let id = version.of(&api, &of)?;
                of.step(&api, "activate", &json!({"version": id, "kind": version.kind, "reason": of.reason}))
            }
            Act::Rollback { of, to, kind } => of.step(&of.source.api()?, "rollback", &json!({"to": to, "kind": kind, "reason": why(&of)?})),
            Act::Window { of, version, from, to, remove } => {
                let api = of.source.api()?;
                let has = |plan: &PlanView| plan.windows.iter().map(|own| own.version.clone()).collect();
                let id = if remove { version.standing(&api, &of, "has a window", has) } else { version.of(&api, &of) }?;
                let mut body = json!({"version": id, "from": from, "kind": version.kind, "reason": of.reason});
                if remove {
                    return of.step(&api, "windows/remove", &body);
                }
                body["to"] = json!(to);
                of.step(&api, "windows", &body)
            }
            Act::Pause(switch) => switch.give("pause"),
            Act::Resume(switch) => switch.give("resume"),
            Act::Proposals { of } => proposals(&of),
            Act::Approve { id, of } => of.settle(&id, "approve"),
            Act::Withdraw { id, of } => of.settle(&id, "withdraw"),
        }
    }
}

impl Switch {
    fn give(&self, name: &str) -> Result<u8> {
        let (of, api) = (&self.of, self.of.source.api()?);
        let reason = why(of)?;
        if of.policy.is_some() {
            return of.step(&api, name, &json!({"version": self.version, "reason": reason}));
        }
        if self.kind.is_none() && !self.all {
            bail!("say what is meant: --policy with or without --version, --kind, or --all");
        }
        of.give(&api, &format!("{}/rollout/{name}", of.base()), &json!({"kind": self.kind, "reason": reason}))
    }
}

fn why(of: &Of) -> Result<&str> {
    of.reason.as_deref().ok_or_else(|| anyhow!("say why with --reason: it is recorded"))
}

fn status(of: &Of, since: Option<&str>) -> Result<u8> {
    let api = of.source.api()?;
    let path = match &of.policy {
        Some(policy) => {
            let since = since.map(|since| format!("?since={}", api::plain(since))).unwrap_or_default();
            format!("{}/policies/{}/rollout{since}", of.base(), api::plain(policy))
        }
        None => format!("{}/rollout", of.base()),
    };
    let rollout: RolloutView = api.get(&path).map_err(|error| api.explained(&of.merchant, error))?;
    if of.json {
        println!("{}", serde_json::to_string_pretty(&rollout)?);
        return Ok(EXIT_OK);
    }
    show(&rollout);
    for own in waiting(of, &api)? {
        println!("waits for a second person until {}: proposal {} of `{}` ({})", own.expires_at, own.id, own.by, what(&own));
    }
    Ok(EXIT_OK)
}

fn waiting(of: &Of, api: &Api) -> Result<Vec<ProposalView>> {
    api.get(&format!("{}/rollout/proposals", of.base())).map_err(|error| api.explained(&of.merchant, error))
}

fn proposals(of: &Of) -> Result<u8> {
    let waiting = waiting(of, &of.source.api()?)?;
    if of.json {
        println!("{}", serde_json::to_string_pretty(&waiting)?);
        return Ok(EXIT_OK);
    }
    let mut table = screen::table(&["id", "proposed by", "until", "move", "reason"]);
    for own in &waiting {
        table.add_row([own.id.clone(), own.by.clone(), own.expires_at.clone(), what(own), own.reason.clone().unwrap_or_default()]);
    }
    println!("{table}");
    Ok(EXIT_OK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_percentage_of_two_decimals() {
        for (text, expected) in [("0%", 0), ("5%", 500), ("0.25%", 25), ("2.5%", 250), ("100%", 10_000), ("100.00%", 10_000)] {
            assert_eq!(share(text), Ok(expected), "{text}");
        }
        for bad in ["", "%", "5", "-1%", "100.01%", "101%", "0.001%", "5.%", ".5%", "x%", "+5%", "99999999999%"] {
            assert!(share(bad).is_err(), "{bad}");
        }
    }
}
