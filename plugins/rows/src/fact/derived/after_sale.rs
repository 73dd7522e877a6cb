//! What a table of kind after-sale may read beside the case.

use core::cell::OnceCell;

use ombud_rules::after_sale::{
    Account, Amount, Basis, Bill, Class, Intact, NoReasonTerms, Requested, Standing, due_basis, intact, is_excluded, no_reason_days,
    requested, strength, window,
};
use ombud_rules::contract::after_sale::AfterSaleCase;
use ombud_rules::contract::types::{Context, ItemCategory, Strength};

use super::super::{EnumType, Fact, Items, Record, Schema, Type, Value};
use super::{Day, TODAY, WEEKDAY, bool_or_unknown, fen, int_or_unknown, known, open};

/// Days of the no-reason window (消法 25); a longer promise of the line counts.
const NO_REASON_DAYS: u32 = 7;

/// Classes of reasons, in the order of [`class_place`].
const CLASSES: [&str; 6] = ["no-reason", "fault", "safety", "lost", "open", "price-drop"];
const CLASS: Type = Type::Enum(&EnumType { name: "reason-class", text: |place| CLASSES.get(usize::from(place)).copied() });

/// Fields of `derived`.
pub static AFTER_SALE: Schema = Schema {
    name: "after-sale-derived",
    fields: &[
        TODAY,
        WEEKDAY,
        // The class of the reason (domain policies 5.1.1).
        known("reason_class", CLASS),
        // The category that all requested lines share.
        open("category", ItemCategory::TYPE),
        // The requested lines of the order.
        known("lines", Type::List(&<ombud_rules::contract::after_sale::OrderLine as Fact>::TYPE)),
        // Every requested line was shipped; was signed for.
        known("shipped", Type::Bool),
        known("received", Type::Bool),
        // Civil days from the receipt of the goods to the application; of several lines the most.
        open("days_since_receipt", Type::Int),
        // The application came within the no-reason window, seven days or a longer promise; unknown where the last day was a day off.
        open("in_no_reason_window", Type::Bool),
        open("in_warranty", Type::Bool),
        // Intact as the seven-day rules mean it; excluded from the no-reason right for certain.
        open("intact", Type::Bool),
        known("excluded", Type::Bool),
        // The strongest intact item of evidence.
        open("evidence_strength", Strength::TYPE),
        // The price of the units asked for, as paid.
        fen("price"),
        // What a refund of the requested lines amounts to: on the basis that is due, on the basis of a fault, without a reason.
        fen("refund_due"),
        fen("refund_fault"),
        fen("refund_no_reason"),
        // The most that may still be refunded (CAP-01).
        fen("balance"),
    ],
};

/// The record.
pub struct AfterSaleDerived<'a> {
    day: Day<'a>,
    ctx: &'a Context,
    case: &'a AfterSaleCase,
    /// The requested lines; none where the request does not fit the order.
    pub lines: Vec<Requested<'a>>,
    bill: OnceCell<Bill>,
}

impl<'a> AfterSaleDerived<'a> {
    /// Of a case.
    pub fn new(ctx: &'a Context, case: &'a AfterSaleCase) -> Self {
        Self { day: Day::new(ctx), ctx, case, lines: requested(case).unwrap_or_default(), bill: OnceCell::new() }
    }

    /// The order's arithmetic.
    pub fn bill(&self) -> &Bill {
        self.bill.get_or_init(|| Bill::of(&self.case.order))
    }

    /// The account of the requested lines.
    pub fn account(&self) -> Account<'_> {
        Account { order: &self.case.order, bill: self.bill(), lines: &self.lines }
    }

    /// The amount on a basis, by the seven-day rules as they stand.
    pub fn amount(&self, basis: Basis) -> Amount {
        self.account().amount(basis, &NoReasonTerms::STATUTORY)
    }

    /// The amount that is due for the requested lines.
    pub fn due(&self) -> Amount {
        self.amount(due_basis(self.case, &self.lines))
    }

    /// The most that may still be refunded (CAP-01).
    pub fn balance(&self) -> i64 {
        self.account().balance()
    }

    /// The same answer of every requested line; unknown where one does not know and none says otherwise.
    fn every(&self, of: impl Fn(&Requested<'a>) -> Option<bool>) -> Value<'_> {
        let answers: Vec<Option<bool>> = self.lines.iter().map(of).collect();
        bool_or_unknown(if answers.is_empty() {
            None
        } else if answers.contains(&Some(false)) {
            Some(false)
        } else {
            answers.into_iter().try_fold(true, |all, answer| answer.map(|answer| all && answer))
        })
    }

    fn in_window(&self, line: &Requested<'a>) -> Option<bool> {
        let days = no_reason_days(self.case, line, NO_REASON_DAYS, true);
        let window = window(self.ctx, line.window_start(self.case)?, days, self.case.applied_at, false);
        match window.standing {
            Standing::In => Some(true),
            Standing::Out => Some(false),
            Standing::Held => None,
        }
    }

    fn category(&self) -> Option<ItemCategory> {
        let first = self.lines.first()?.line.category;
        self.lines.iter().all(|line| line.line.category == first).then_some(first)
    }

    fn days(&self) -> Option<i64> {
        let days: Option<Vec<i64>> = self.lines.iter().map(|line| line.days(self.case, self.ctx.tz_offset_min)).collect();
        days?.into_iter().max()
    }
}

impl Items for AfterSaleDerived<'_> {
    fn count(&self) -> usize {
        self.lines.len()
    }

    fn item(&self, at: usize) -> Value<'_> {
        self.lines.get(at).map_or(Value::Unknown, |line| Value::Record(line.line))
    }
}

impl Record for AfterSaleDerived<'_> {
    fn get(&self, place: u8) -> Value<'_> {
        let Some(field) = AFTER_SALE.fields.get(usize::from(place)) else { return Value::Unknown };
        match field.name {
            "reason_class" => Value::Enum(class_place(self.case.class())),
            "category" => self.category().map_or(Value::Unknown, |category| Value::Enum(category as u8)),
            "lines" => Value::List(self),
            "shipped" => Value::Bool(!self.lines.is_empty() && self.lines.iter().all(Requested::shipped)),
            "received" => Value::Bool(!self.lines.is_empty() && self.lines.iter().all(Requested::received)),
            "days_since_receipt" => int_or_unknown(self.days()),
            "in_no_reason_window" => self.every(|line| self.in_window(line)),
            "in_warranty" => self.every(|line| line.start().map(|_| line.in_warranty(self.case, self.ctx.tz_offset_min))),
            "intact" => self.every(|line| match intact(line.line.category, &self.case.condition) {
                Intact::Yes => Some(true),
                Intact::No => Some(false),
                Intact::Unknown => None,
            }),
            "excluded" => Value::Bool(self.lines.iter().any(|line| is_excluded(self.case, line.line, true))),
            "evidence_strength" => strength(&self.case.evidence).map_or(Value::Unknown, |strength| Value::Enum(strength as u8)),
            "price" => Value::Int(self.account().price()),
            "refund_due" => Value::Int(self.due().refund),
            "refund_fault" => Value::Int(self.amount(Basis::Fault).refund),
            "refund_no_reason" => Value::Int(self.amount(Basis::NoReason).refund),
            "balance" => Value::Int(self.balance()),
            name => self.day.get(name),
        }
    }
}

const fn class_place(class: Class) -> u8 {
    match class {
        Class::NoReason => 0,
        Class::Fault => 1,
        Class::Safety => 2,
        Class::Lost => 3,
        Class::Open => 4,
        Class::PriceDrop => 5,
    }
}
