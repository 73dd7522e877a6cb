//! Refund, return, exchange and repair.

use core::cell::OnceCell;

use ombud_rules::after_sale::{Amount, Draft, ExchangeFor, Row as Rule, Terms, half_up, input_is_broken, return_payer};
use ombud_rules::civil::DAY_MS;
use ombud_rules::contract::after_sale::{AfterSaleCase, AfterSaleRuling, Outcome, Payer, RequestKind};
use ombud_rules::contract::types::{Context, Fen, Reason, Role, Severity};

use super::less::{self, Remedy};
use super::{AMOUNT, CONFLICT, INPUT, NO_TABLE, UNKNOWN, alone, case_of, named, person, reasons, undecided};
use crate::fact::derived::AfterSaleDerived;
use crate::program::Records;
use crate::reason::Place;
use crate::run::{Answer, NoAmount, Ran, amount, holds, run, together};
use crate::table::{Hit, Kind, Row, Table};

/// The shop's clocks, as the default policy has them.
const TERMS: Terms = Terms { send_back_days: 7, refund_days: 3, exchange_ship_days: 3, repair_days: 30, sign_proof_hours: 72 };
/// Hours in which a customer is answered (SL-010).
const ANSWER_HOURS: i64 = 24;

/// The ruling on a case.
pub fn after_sale<'a>(table: Option<&'a Table<'a>>, ctx: &'a Context, case: &'a AfterSaleCase) -> AfterSaleRuling {
    let derived = AfterSaleDerived::new(ctx, case);
    let mut draft = Draft::new(ctx, case, &derived.lines, TERMS, Outcome::HumanReview);
    match table {
        None => review(&mut draft, vec![person(NO_TABLE, Vec::new())]),
        Some(_) if derived.lines.is_empty() || input_is_broken(case) => review(&mut draft, vec![person(INPUT, Vec::new())]),
        Some(table) => answer(table, &derived, ctx, case, &mut draft),
    }
    draft.ruling
}

/// What the table says; the draft outlives the answer, so facts are read before it is written.
fn answer(table: &Table<'_>, derived: &AfterSaleDerived<'_>, ctx: &Context, case: &AfterSaleCase, draft: &mut Draft<'_>) {
    let records = Records { case, context: ctx, derived, item: None };
    let ran = run(table, |row| holds(row, records));
    if let Some(reason) = undecided(&ran.answer) {
        return review(draft, vec![reason]);
    }
    match &ran.answer {
        Answer::Ask(row) => {
            draft.ruling.outcome = Outcome::NeedEvidence;
            draft.ruling.missing_evidence = row.missing.iter().map(|entry| (*entry).to_owned()).collect();
            draft.ruling.notes.reasons = reasons(std::slice::from_ref(row), Kind::AfterSale, &records, Place::default());
            settle(draft, row.id, ExchangeFor::Other);
        }
        Answer::Review(row) => review(draft, reasons(std::slice::from_ref(row), Kind::AfterSale, &records, Place::default())),
        Answer::Rows(rows) => decided(table, rows, &ran, derived, &records, draft),
        Answer::Overlap(_) | Answer::NoRow => {}
    }
}

fn decided(
    table: &Table<'_>,
    rows: &[Row<'_>],
    ran: &Ran<'_>,
    derived: &AfterSaleDerived<'_>,
    records: &Records<'_>,
    draft: &mut Draft<'_>,
) {
    let Some(first) = rows.first() else { return };
    let mut written = reasons(rows, Kind::AfterSale, records, Place::default());
    let outcomes: Vec<Outcome> = rows.iter().filter_map(|row| case_of(Outcome::ALL, row.outcome)).collect();
    // Rows that decide together say the same, or one of them asks for a person.
    let careful = outcomes.iter().copied().find(|outcome| matches!(outcome, Outcome::Escalate | Outcome::HumanReview));
    let outcome = match (outcomes.first(), careful) {
        (Some(one), None) if outcomes.iter().all(|other| other == one) => *one,
        (_, Some(careful)) => careful,
        _ => {
            written.push(person(CONFLICT, named(rows)));
            return review(draft, written);
        }
    };
    let payer = payer_of(rows);
    if payer.is_err() && careful.is_none() {
        written.push(person(CONFLICT, named(rows)));
        return review(draft, written);
    }
    if refuses(outcome) && !ran.passed_over.is_empty() {
        written.push(person(UNKNOWN, named(&ran.passed_over)));
        return review(draft, written);
    }
    let Ok(wanted) = wanted_of(table.hit, rows, records, derived) else {
        written.push(person(AMOUNT, named(rows)));
        return review(draft, written);
    };
    if !ran.passed_over.is_empty() && less::gives(outcome) {
        let kept = OnceCell::new();
        let due = || *kept.get_or_init(|| derived.due().refund);
        let most = Most { due: &due, balance: derived.balance() };
        let stands = Stands { hit: table.hit, rows, given: remedy(outcome, rows, wanted, &most, draft) };
        let more = |row: &Row<'_>| {
            case_of(Outcome::ALL, row.outcome).is_some_and(less::gives)
                && wanted_of(table.hit, core::slice::from_ref(row), records, derived)
                    .map_or(true, |own| stands.would_be_less(row, own, &most, draft))
        };
        if ran.passed_over.iter().any(more) {
            written.push(person(UNKNOWN, named(&ran.passed_over)));
            return review(draft, written);
        }
    }
    draft.ruling.outcome = outcome;
    draft.ruling.notes.reasons = written;
    draft.ruling.return_freight = payer.ok().flatten().unwrap_or_else(|| default_payer(outcome, draft));
    draft.ruling.options.extend(options(rows));
    for row in rows {
        draft.ruling.missing_evidence.extend(row.missing.iter().map(|entry| (*entry).to_owned()));
    }
    if wanted.is_some() || pays(outcome) {
        refund(draft, derived, wanted);
    }
    if outcome == Outcome::RefundNow {
        draft.ruling.refund_deadline =
            draft.case.return_received_at.map(|received| received.saturating_add(i64::from(TERMS.refund_days) * DAY_MS));
    }
    if refuses(outcome) {
        refuse(draft, rows);
    }
    for duty in rows.iter().flat_map(|row| &row.duties) {
        let due = duty.due_h.map(|hours| draft.in_hours(i64::from(hours)));
        draft.oblige(duty.action, case_of(Role::ALL, duty.owner).unwrap_or(Role::Agent), due, &[]);
    }
    let exchange = if draft.case.class().is_fault() { ExchangeFor::Quality } else { ExchangeFor::Other };
    settle(draft, first.id, exchange);
}

/// The refund of the rows together; none where it is what is due, or nothing is refunded. A refund without an amount counts as what is due,
/// and with it no sum is more.
fn wanted_of(hit: Hit, rows: &[Row<'_>], records: &Records<'_>, derived: &AfterSaleDerived<'_>) -> Result<Option<i64>, NoAmount> {
    let refunds = |row: &Row<'_>| case_of(Outcome::ALL, row.outcome).is_some_and(pays);
    let (mut amounts, mut plain) = (Vec::with_capacity(rows.len()), false);
    for row in rows {
        match amount(row, *records)? {
            Some(amount) => amounts.push(amount),
            None => plain |= refunds(row),
        }
    }
    if !plain || amounts.is_empty() {
        return Ok(together(hit, &amounts));
    }
    let due = derived.due().refund;
    amounts.push(due);
    let all = together(hit, &amounts).map(|all| if hit == Hit::CollectSum { all.min(due) } else { all });
    Ok(all.filter(|all| *all != due || !rows.iter().all(refunds)))
}

/// The most that may be refunded: what is due, computed when it is asked for, and what is left of the order.
struct Most<'a> {
    due: &'a dyn Fn() -> Fen,
    balance: Fen,
}

/// What rows give.
fn remedy(outcome: Outcome, rows: &[Row<'_>], wanted: Option<i64>, most: &Most<'_>, draft: &Draft<'_>) -> Remedy {
    let refund = match wanted {
        Some(wanted) => wanted.clamp(0, most.balance),
        None if pays(outcome) => (most.due)(),
        None => 0,
    };
    let payer = payer_of(rows).ok().flatten().unwrap_or_else(|| default_payer(outcome, draft));
    Remedy { outcome, refund, payer, options: options(rows).collect() }
}

/// The rows that decide, and what they give.
struct Stands<'a> {
    hit: Hit,
    rows: &'a [Row<'a>],
    given: Remedy,
}

impl Stands<'_> {
    /// Whether a row that was passed over would have given more, or what cannot be compared.
    fn would_be_less(&self, row: &Row<'_>, wanted: Option<i64>, most: &Most<'_>, draft: &Draft<'_>) -> bool {
        let Some(outcome) = case_of(Outcome::ALL, row.outcome) else { return false };
        let mut other = remedy(outcome, core::slice::from_ref(row), wanted, most, draft);
        if outcome == self.given.outcome && !alone(self.hit, self.rows) {
            // Beside the others: another payer contradicts theirs, and its amount counts with theirs.
            if row.more.payer.is_some() && other.payer != self.given.payer {
                return true;
            }
            other.payer = self.given.payer;
            let plain = pays(outcome) && self.rows.iter().chain([row]).any(|row| row.amount.is_none());
            let bound = if plain && self.hit == Hit::CollectSum { (most.due)() } else { most.balance };
            other.refund = together(self.hit, &[self.given.refund, other.refund]).unwrap_or(0).min(bound);
        }
        self.given.is_less_than(&other, most.due)
    }
}

/// The requests that rows let the customer choose of.
fn options(rows: &[Row<'_>]) -> impl Iterator<Item = RequestKind> {
    rows.iter().flat_map(|row| &row.more.options).filter_map(|option| case_of(RequestKind::ALL, *option))
}

/// A person decides.
fn review(draft: &mut Draft<'_>, reasons: Vec<Reason>) {
    draft.ruling.outcome = Outcome::HumanReview;
    let id = reasons.last().map_or_else(String::new, |reason| reason.rule.clone());
    draft.ruling.notes.reasons = reasons;
    settle(draft, &id, ExchangeFor::Other);
}

/// A refund is the amount that is due unless the table has one; never more than what is left of the order (CAP-01).
fn refund(draft: &mut Draft<'_>, derived: &AfterSaleDerived<'_>, wanted: Option<i64>) {
    let due = derived.due();
    let account = derived.account();
    let amount = match wanted {
        None => due,
        Some(wanted) => {
            let refund = wanted.clamp(0, derived.balance());
            Amount { refund, freight: half_up(due.freight, refund.min(due.refund), due.refund), rules: Vec::new() }
        }
    };
    let (breakdown, channels) = account.breakdown(&amount);
    for rule in amount.rules.iter().chain(&channels) {
        draft.because(rule);
    }
    draft.ruling.refund = amount.refund;
    draft.ruling.breakdown = breakdown;
}

/// The words of a refusal: what it rests on, what is offered instead, and that a person can be asked (PIPL 24(3)).
fn refuse(draft: &mut Draft<'_>, rows: &[Row<'_>]) {
    let Some(first) = rows.first() else { return };
    let basis = match first.sources.first() {
        Some((source, locator)) => [source, locator, "（", first.id, "）"].concat(),
        None => first.id.to_owned(),
    };
    draft.say("as.explain.merchant", &[("rule", &basis)]);
    let due = Some(draft.in_hours(ANSWER_HOURS));
    draft.oblige("explain-policy-basis", Role::Agent, due, &[]);
    if let Some(alternative) = rows.iter().find_map(|row| row.more.alternative) {
        draft.oblige("offer-alternative", Role::Agent, due, &[("kind", alternative)]);
    }
}

/// Rows that decide together name different payers.
struct TwoPayers;

/// Who bears the return freight as the rows say; none where no row does.
fn payer_of(rows: &[Row<'_>]) -> Result<Option<Payer>, TwoPayers> {
    let mut said = rows.iter().filter_map(|row| row.more.payer.and_then(|place| case_of(Payer::ALL, place)));
    let first = said.next();
    if said.all(|payer| Some(payer) == first) { Ok(first) } else { Err(TwoPayers) }
}

/// Who bears the return freight where the table does not say: the merchant for a fault, else as without a reason.
fn default_payer(outcome: Outcome, draft: &Draft<'_>) -> Payer {
    let moves_goods =
        matches!(outcome, Outcome::ApproveReturnRefund | Outcome::ApproveExchange | Outcome::ApproveRepair | Outcome::OfferOptions);
    match draft.lines.first() {
        Some(line) if moves_goods => return_payer(draft.case, line),
        _ => Payer::NotApplicable,
    }
}

const fn refuses(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Reject | Outcome::RejectWithAlternative | Outcome::RejectDuplicate | Outcome::InvalidInput)
}

const fn pays(outcome: Outcome) -> bool {
    less::burden(outcome).is_some()
}

/// Stands in for a row in the shared words, which know rules by their ids at compile time.
const STAND_IN: Rule = Rule { id: "TABLE", severity: Severity::Medium, sources: &[], reads: &[] };

/// What follows from the outcome, under the id of the row that decided.
fn settle(draft: &mut Draft<'_>, id: &str, exchange: ExchangeFor) {
    draft.settle(&STAND_IN, exchange);
    for approval in draft.ruling.notes.approvals.iter_mut().filter(|approval| approval.rule == STAND_IN.id) {
        id.clone_into(&mut approval.rule);
    }
}
