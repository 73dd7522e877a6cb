//! A merchant's configuration, as the acts set it.

use ombud_core::call_limits::SomeLimits;
use ombud_core::caps::CapLimits;
use ombud_core::merchant::MerchantConfig;
use ombud_store::{MerchantRow, Place};

use super::Moment;
use crate::service::actor::Role;
use crate::service::acts::{ActBody, RolloutAct, What};
use crate::service::admin::{bounds_set_by_operator, digest_of};
use crate::service::snapshot::MerchantDocument;

/// What the acts so far set.
#[derive(Default)]
pub(super) struct Config {
    created_at: Option<Moment>,
    caps: CapLimits,
    caps_bound: CapLimits,
    limits: SomeLimits,
    retention_days: Option<u32>,
    /// The digest of everything else; none where no act says it.
    rest: Option<String>,
    /// An act of an earlier release changed the rest and does not say to what.
    unsaid: bool,
    /// The act that set the rest last is one after which no change of it goes without an act: releases whose acts say nothing of the plans
    /// that they found recorded nothing where a member was given up.
    is_said: bool,
    /// Acts that found something else than the acts before had left: it was moved by hand in between.
    moved: Vec<(u64, &'static str)>,
}

impl Config {
    /// Takes an act.
    pub(super) fn act(&mut self, act: &ActBody, seq: u64, at: Moment) {
        let moved = match &act.what {
            What::CapsChanged { from, .. } if *from != self.caps => Some("caps"),
            What::LimitsChanged { from, .. } if *from != self.limits => Some("limits"),
            What::RetentionSet { from_days, .. } if *from_days != self.retention_days => Some("days of retention"),
            What::MerchantChanged { .. } | What::Rollout(RolloutAct::ApprovalsOff)
                if self.is_said && act.plans_before.is_some() && act.before != self.rest =>
            {
                Some("settings beside caps, limits and retention")
            }
            _ => None,
        };
        self.moved.extend(moved.map(|what| (seq, what)));
        if matches!(act.what, What::MerchantCreated | What::MerchantChanged { .. } | What::Rollout(RolloutAct::ApprovalsOff)) {
            self.is_said = act.plans_before.is_some();
        }
        match &act.what {
            What::MerchantCreated => (self.created_at, self.rest) = (Some(at), act.after.clone()),
            What::MerchantChanged { .. } => (self.rest, self.unsaid) = (act.after.clone(), false),
            What::Rollout(RolloutAct::ApprovalsOff) => (self.rest, self.unsaid) = (act.after.clone(), act.after.is_none()),
            What::CapsChanged { from, to } => {
                if act.role == Some(Role::Operator) {
                    self.caps_bound = bounds_set_by_operator(Some((from, &self.caps_bound)), to);
                }
                self.caps = to.clone();
            }
            What::LimitsChanged { to, .. } => self.limits = to.clone(),
            What::RetentionSet { to_days, .. } => self.retention_days = *to_days,
            _ => {}
        }
    }

    /// What stands otherwise than the acts say.
    pub(super) fn differences(&self, row: &MerchantRow) -> Vec<(Place, String)> {
        let place = || Place::Row { table: "merchants", key: row.id.to_string() };
        let document = serde_json::from_str::<MerchantDocument>(&row.config).ok();
        let config = document
            .as_ref()
            .and_then(|document| Some((MerchantConfig::parse(document.config.to_string().as_bytes()).ok()?, &document.caps_bound)));
        let Some((config, caps_bound)) = config else { return vec![(place(), "its configuration cannot be read".to_owned())] };
        let Some(created_at) = self.created_at else { return vec![(place(), "no act created it".to_owned())] };
        let moved = |(seq, what): &(u64, &str)| {
            (Place::Record(*seq), format!("the {what} that it found are others than the acts before it had left"))
        };
        let mut found: Vec<_> = self.moved.iter().map(moved).collect();
        let rest = if self.is_said {
            "configuration, what it has beside caps, limits and retention, is another than the acts set last"
        } else {
            "configuration, what it has beside caps, limits and retention, is another than the acts set last (earlier releases recorded nothing \
             where a member was given up: if that is what happened, any change of it puts what stands on record)"
        };
        for (differs, what) in [
            (config.caps != self.caps, "caps are others than the acts set last"),
            (*caps_bound != self.caps_bound, "bounds of caps are others than the operator's acts set last"),
            (config.limits != self.limits, "limits are others than the acts set last"),
            (config.retention_days != self.retention_days, "days of retention are others than the acts set last"),
            (!self.unsaid && Some(digest_of(&config).to_string()) != self.rest, rest),
            (config.id != row.id, "configuration is another merchant's"),
            (!created_at.is_of(row.created_at_ms), "time of creation is another than the act's"),
        ] {
            if differs {
                found.push((place(), format!("its {what}")));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ombud_core::ids::MerchantId;

    #[test]
    fn a_member_that_an_earlier_release_let_go_without_an_act_is_named_with_what_to_do() {
        let json = |more: &str| format!(r#"{{"id": "m", "shop_id": "1", "platform": "own-site"{more}}}"#);
        let two = MerchantConfig::parse(json(r#", "approvals": {"rollout": 2}"#).as_bytes()).unwrap();
        let differs = |plans_before: Option<&str>| {
            let mut config = Config::default();
            let act = ActBody {
                what: What::MerchantCreated,
                actor: "operator".into(),
                role: Some(Role::Operator),
                by_key: None,
                at: String::new(),
                reason: None,
                before: None,
                after: Some(digest_of(&two).to_string()),
                plans_before: plans_before.map(str::to_owned),
                plans: None,
            };
            config.act(&act, 0, Moment { at_ms: 5, is_exact: false });
            let row = format!(r#"{{"config": {}, "caps_bound": {{}}}}"#, json(""));
            let found = config.differences(&MerchantRow { id: MerchantId::new("m").unwrap(), config: row, created_at_ms: 5 });
            found.into_iter().map(|(_, problem)| problem).collect::<Vec<_>>()
        };
        let [old, new] = [differs(None), differs(Some(""))];
        assert!(matches!(&old[..], [one] if one.contains("is another") && one.contains("where a member was given up")), "{old:?}");
        assert!(matches!(&new[..], [one] if one.ends_with("is another than the acts set last")), "{new:?}");
    }

    #[test]
    fn a_time_is_that_of_the_act_to_the_millisecond_where_its_release_records_it_so() {
        for (is_exact, is, fits) in [(true, 5, true), (true, 6, false), (false, 6, true), (false, 70_000, false)] {
            assert_eq!(Moment { at_ms: 5, is_exact }.is_of(is), fits, "{is_exact} {is}");
        }
    }
}
