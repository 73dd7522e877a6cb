//! What the rows read beside the facts, and what the table says of one line.

use ombud_rules::after_sale::{Account, Amount, Basis, Bill, ExchangeFor, NoReasonTerms, PartialMode, Requested, Row, Window};
use ombud_rules::after_sale::{injury, no_reason_days, window};
use ombud_rules::contract::after_sale::{AfterSaleCase, Outcome, Payer, RequestKind};
use ombud_rules::contract::types::{Bp, Context};

use crate::settings::{self, HolidayMode, PreferencePayer, Settings};

/// One run of the table: parameters, facts, and what several rows need of them.
pub struct Run<'a> {
    pub settings: &'a Settings,
    pub ctx: &'a Context,
    pub case: &'a AfterSaleCase,
    pub lines: &'a [Requested<'a>],
    pub bill: &'a Bill,
    /// AS-104 is met: nothing below may refuse.
    pub injury: bool,
}

impl<'a> Run<'a> {
    pub fn new(settings: &'a Settings, ctx: &'a Context, case: &'a AfterSaleCase, lines: &'a [Requested<'a>], bill: &'a Bill) -> Self {
        Self { settings, ctx, case, lines, bill, injury: injury(case) }
    }

    /// The amount of all requested lines.
    pub fn amount(&self, basis: Basis) -> Amount {
        let partial = match self.settings.partial_mode_no_reason {
            settings::PartialMode::RecomputeIfBroken => PartialMode::RecomputeIfBroken,
            settings::PartialMode::Apportion => PartialMode::Apportion,
        };
        self.account().amount(basis, &NoReasonTerms { partial, deduct_card_fee: self.settings.deduct_waived_card_fee })
    }

    pub fn account(&self) -> Account<'a> {
        Account { order: &self.case.order, bill: self.bill, lines: self.lines }
    }

    /// The no-reason window of a received line; N by AS-401.
    pub fn no_reason_window(&self, line: &Requested<'_>) -> Option<Window> {
        let days = no_reason_days(self.case, line, self.settings.no_reason_days, self.settings.may_exclude_needs_trigger);
        self.window(line, days)
    }

    /// The window for faults of a received line; NQ follows a longer promise, so that a fault is never worse than no reason.
    pub fn quality_window(&self, line: &Requested<'_>) -> Option<Window> {
        let promise = line.line.promised_no_reason_days.unwrap_or(0);
        self.window(line, self.settings.quality_return_days.max(promise))
    }

    /// AS-420: who bears the freight of an exchange by preference.
    pub fn preference_payer(&self) -> Payer {
        let by_merchant =
            self.case.order.merchant_pays_return_freight || self.settings.exchange_preference_payer == PreferencePayer::Merchant;
        if by_merchant { Payer::Merchant } else { Payer::Buyer }
    }

    pub fn extend(&self) -> bool {
        self.settings.holiday_mode == HolidayMode::Extend
    }

    fn window(&self, line: &Requested<'_>, days: u32) -> Option<Window> {
        let start = line.window_start(self.case)?;
        Some(window(self.ctx, start, days, self.case.applied_at, self.extend()))
    }
}

/// How much of which amount a ruling pays or proposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    pub basis: Basis,
    /// The part of it, 10000 = all.
    pub part: Bp,
}

impl Money {
    pub const fn all(basis: Basis) -> Self {
        Self { basis, part: 10_000 }
    }
}

/// What the table says of one line.
#[derive(Clone, Debug)]
pub struct LineRuling {
    /// The terminal rule.
    pub row: &'static Row,
    /// It and the `+` rows that apply, in the order met.
    pub reasons: Vec<&'static Row>,
    pub outcome: Outcome,
    pub payer: Payer,
    pub money: Option<Money>,
    pub options: &'static [RequestKind],
    pub missing: &'static [&'static str],
    pub exchange: ExchangeFor,
}

impl LineRuling {
    /// Whether both lines can be answered by one ruling.
    pub fn agrees_with(&self, other: &Self) -> bool {
        self.row.id == other.row.id
            && (self.outcome, self.payer, self.money) == (other.outcome, other.payer, other.money)
            && (self.options, self.missing) == (other.options, other.missing)
    }

    pub const fn payer(mut self, payer: Payer) -> Self {
        self.payer = payer;
        self
    }

    pub const fn money(mut self, money: Money) -> Self {
        self.money = Some(money);
        self
    }

    pub const fn basis(self, basis: Basis) -> Self {
        self.money(Money::all(basis))
    }

    pub const fn options(mut self, options: &'static [RequestKind]) -> Self {
        self.options = options;
        self
    }

    pub const fn missing(mut self, missing: &'static [&'static str]) -> Self {
        self.missing = missing;
        self
    }

    pub const fn exchange(mut self, exchange: ExchangeFor) -> Self {
        self.exchange = exchange;
        self
    }

    /// A row that joins after the terminal one.
    pub fn joined_by(mut self, row: &'static Row, joins: bool) -> Self {
        if joins {
            self.reasons.push(row);
        }
        self
    }
}

/// The `+` rows met so far on the way down the table.
#[derive(Default)]
pub struct Met(Vec<&'static Row>);

impl Met {
    pub fn note(&mut self, row: &'static Row, applies: bool) {
        if applies {
            self.0.push(row);
        }
    }

    /// Ends the way at a terminal row.
    pub fn end(&mut self, row: &'static Row, outcome: Outcome) -> LineRuling {
        let mut reasons = core::mem::take(&mut self.0);
        reasons.push(row);
        LineRuling {
            row,
            reasons,
            outcome,
            payer: Payer::NotApplicable,
            money: None,
            options: &[],
            missing: &[],
            exchange: ExchangeFor::Other,
        }
    }

    /// Ends it with a person.
    pub fn ask_person(&mut self, row: &'static Row) -> LineRuling {
        self.end(row, Outcome::HumanReview)
    }
}
