//! What an episode's row is worth: gross by the ladder, raised to the platform's floor, less what was granted before.

use ombud_sdk::delay::{CompForm, DelayCase, DelayKind, Episode, Granted};
use ombud_sdk::rules::civil::HOUR_MS;
use ombud_sdk::rules::delay::{Money, floor_of, share_line, share_of};
use ombud_sdk::{Fen, delay::Tier};

use crate::ladder::Row;
use crate::settings::{ModerateForm, Settings, SlightForm};

/// Goodwill for one episode: a part in cash and a part in kind (coupon or sample, at face value), in fen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Goodwill {
    pub tier: Tier,
    pub cash_form: CompForm,
    pub cash: Fen,
    pub kind_form: CompForm,
    pub kind: Fen,
    /// DC-062 applied: nothing of the lines' money was left.
    pub base_gone: bool,
    /// DC-070 applied.
    pub raised: bool,
}

impl Goodwill {
    /// Cash and face value together.
    pub fn total(&self) -> Fen {
        self.cash.saturating_add(self.kind)
    }
}

/// What the row gives, before anything is netted off; `money` is that of the lines the award covers.
pub fn gross(settings: &Settings, episode: &Episode, row: Row, money: Money, overdue_ms: i64) -> Option<Goodwill> {
    let none = Goodwill {
        tier: Tier::None,
        cash_form: CompForm::CashRefund,
        cash: 0,
        kind_form: CompForm::Coupon,
        kind: 0,
        base_gone: false,
        raised: false,
    };
    let goodwill = match row {
        Row::RefundLate => Goodwill { tier: Tier::Severe, cash_form: CompForm::Solatium, cash: settings.refund_solatium, ..none },
        Row::Lower => Goodwill { tier: Tier::Slight, ..slight(settings, episode.kind, none) },
        Row::Upper if money.left == 0 => Goodwill { tier: Tier::Moderate, base_gone: true, ..slight(settings, episode.kind, none) },
        Row::Upper => Goodwill { tier: Tier::Moderate, ..moderate(settings, episode.kind, money.left, none) },
        _ => none,
    };
    let goodwill = if matches!(row, Row::BelowLadder | Row::Lower | Row::Upper) {
        raised_to_floor(settings, episode, money, overdue_ms, goodwill)
    } else {
        goodwill
    };
    (row.awards() || goodwill.raised).then_some(goodwill)
}

fn slight(settings: &Settings, kind: DelayKind, none: Goodwill) -> Goodwill {
    let (form, value) = match kind {
        DelayKind::Exchange => (CompForm::Coupon, settings.exchange_slight_value),
        DelayKind::Repair => (CompForm::Coupon, settings.repair_slight_value),
        _ => {
            let form = match settings.ship_slight_form {
                SlightForm::Coupon => CompForm::Coupon,
                SlightForm::SampleGift => CompForm::SampleGift,
            };
            (form, settings.ship_slight_value)
        }
    };
    Goodwill { kind_form: form, kind: value, ..none }
}

fn moderate(settings: &Settings, kind: DelayKind, left: Fen, none: Goodwill) -> Goodwill {
    match kind {
        DelayKind::Exchange => Goodwill { cash: share_of(left, settings.exchange_moderate_bp), ..none },
        DelayKind::Repair => Goodwill { cash: share_of(left, settings.repair_moderate_bp), ..none },
        _ => {
            let value = share_of(left, settings.ship_moderate_bp);
            match settings.ship_moderate_form {
                ModerateForm::CashRefund => Goodwill { cash: value, ..none },
                ModerateForm::SampleGift => Goodwill { kind_form: CompForm::SampleGift, kind: value, ..none },
            }
        }
    }
}

/// DC-070: the higher of the merchant's promise and the platform's floor; what is added in cash comes off the coupon.
fn raised_to_floor(settings: &Settings, episode: &Episode, money: Money, overdue_ms: i64, goodwill: Goodwill) -> Goodwill {
    let Some(floor) = &settings.platform_floor else { return goodwill };
    if episode.kind != DelayKind::Shipping || overdue_ms < i64::from(floor.trigger_hours) * HOUR_MS {
        return goodwill;
    }
    let least = floor_of(money.left, floor.bp, floor.min, floor.max);
    if goodwill.cash >= least {
        return goodwill;
    }
    let added = least - goodwill.cash;
    Goodwill { cash: least, kind: (goodwill.kind - added).max(0), raised: true, ..goodwill }
}

/// What was granted before and is not yet counted against an award.
pub struct Grants<'a> {
    facts: &'a DelayCase,
    left: Vec<(&'a Granted, Fen)>,
}

impl<'a> Grants<'a> {
    /// Every grant of the case.
    pub fn of(facts: &'a DelayCase) -> Self {
        Self { facts, left: facts.already.iter().map(|granted| (granted, granted.value.max(0))).collect() }
    }

    /// Nets grants on this episode, or on another of the same lines, off an award: at face value, cash first, each grant once, never below
    /// nothing. The answer says whether there was any such grant (DC-060 of the merchant's, DC-061 of the platform's).
    pub fn net_off(&mut self, by_platform: bool, episode: &Episode, lines: &[String], goodwill: &mut Goodwill) -> bool {
        let mut any = false;
        for (granted, left) in &mut self.left {
            if *left == 0 || granted.by_platform != by_platform || !concerns(self.facts, granted, episode, lines) {
                continue;
            }
            any = true;
            let from_cash = goodwill.cash.min(*left);
            let from_kind = goodwill.kind.min(*left - from_cash);
            goodwill.cash -= from_cash;
            goodwill.kind -= from_kind;
            *left -= from_cash + from_kind;
        }
        any
    }
}

fn concerns(facts: &DelayCase, granted: &Granted, episode: &Episode, lines: &[String]) -> bool {
    granted.episode_id == episode.episode_id
        || facts.episodes.iter().any(|other| other.episode_id == granted.episode_id && share_line(&other.line_ids, lines))
}
