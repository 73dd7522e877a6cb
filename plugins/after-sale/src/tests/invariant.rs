//! What invariants ask of rulings and cases, natively and through the built component.

use ombud_rules::contract::after_sale::{AfterSaleCase, AfterSaleRuling, Outcome};
use ombud_rules::contract::types::Tri;

/// The ruling gives nothing of what was asked for.
pub fn denies(ruling: &AfterSaleRuling) -> bool {
    matches!(ruling.outcome, Outcome::Reject | Outcome::RejectWithAlternative | Outcome::RejectDuplicate | Outcome::InvalidInput)
}

/// Every line is refused, each on its own ground, so that a person answers for all of them (AS-005).
pub fn refuses_line_by_line(ruling: &AfterSaleRuling) -> bool {
    let mut outcomes =
        ruling.notes.reasons.iter().flat_map(|reason| &reason.facts).filter(|fact| fact.path.ends_with(".ruling.outcome")).peekable();
    ruling.outcome == Outcome::HumanReview && outcomes.peek().is_some() && outcomes.all(|fact| fact.value.starts_with("reject"))
}

/// Every fact of the case that may be unknown.
pub fn tri_facts(case: &mut AfterSaleCase) -> Vec<&mut Tri> {
    let condition = &mut case.condition;
    let mut facts = vec![
        &mut condition.opened,
        &mut condition.inner_seal_broken,
        &mut condition.tags_removed,
        &mut condition.soiled_or_damaged,
        &mut condition.activated,
        &mut condition.used_beyond_inspection,
        &mut condition.unauthorized_repair,
        &mut condition.accessories_complete,
        &mut condition.human_damage,
        &mut case.troubleshooting_done,
        &mut case.customer.extortion_flag,
    ];
    for line in &mut case.order.lines {
        facts.push(&mut line.custom_made);
        facts.push(&mut line.locker_without_consent);
    }
    facts.extend(case.order.gifts.iter_mut().map(|gift| &mut gift.returned));
    facts
}
