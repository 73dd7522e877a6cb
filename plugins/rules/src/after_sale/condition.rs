//! The state of the goods: the intact test (七日无理由退货办法 art. 8, 9) and the exclusions (art. 6, 7).

use crate::contract::after_sale::{AfterSaleCase, ConditionFacts, MayExcludeClass, OrderLine};
use crate::contract::types::{ItemCategory, Tri};

/// Whether the goods are intact as the seven-day rules mean it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intact {
    /// As far as the facts that count are known, yes.
    Yes,
    /// A fact says no.
    No,
    /// A fact that counts is not known; nothing says no.
    Unknown,
}

/// The intact test of a category. Opening for inspection never counts (art. 8).
pub fn intact(category: ItemCategory, condition: &ConditionFacts) -> Intact {
    let facts = facts(category, condition);
    if facts.iter().any(|fact| fact.value == Tri::Yes) {
        Intact::No
    } else if facts.iter().any(|fact| fact.needed && fact.value == Tri::Unknown) {
        Intact::Unknown
    } else {
        Intact::Yes
    }
}

/// What speaks against intactness, as the customer reads it (`detail` of `as.reject.not_intact`).
pub fn not_intact_because(category: ItemCategory, condition: &ConditionFacts) -> Vec<&'static str> {
    facts(category, condition).iter().filter(|fact| fact.value == Tri::Yes).map(|fact| fact.zh).collect()
}

struct IntactFact {
    value: Tri,
    /// Marked * in the table: unknown makes intactness unknown.
    needed: bool,
    zh: &'static str,
}

fn facts(category: ItemCategory, condition: &ConditionFacts) -> [IntactFact; 4] {
    use ItemCategory::*;
    const NOT_ASKED: IntactFact = IntactFact { value: Tri::No, needed: false, zh: "" };
    let soiled = IntactFact { value: condition.soiled_or_damaged, needed: true, zh: "有污损" };
    let used = IntactFact { value: condition.used_beyond_inspection, needed: false, zh: "使用已超出查验和试用的合理需要" };
    match category {
        Food | HealthFood | Cosmetics | MedicalDevice | Contraceptive | InfantFormula => {
            // The seal of goods that were never opened is not asked about. So where nobody knows whether they were, a broken seal is not
            // yet a reason to refuse (invariant 3): the goods are inspected on receipt.
            let seal = match (condition.opened, condition.inner_seal_broken) {
                (Tri::No, _) => Tri::No,
                (Tri::Unknown, Tri::Yes) => Tri::Unknown,
                (_, seal) => seal,
            };
            [IntactFact { value: seal, needed: true, zh: "一次性密封包装已损坏" }, NOT_ASKED, NOT_ASKED, NOT_ASKED]
        }
        Electronics | Appliance => [
            IntactFact { value: condition.activated, needed: true, zh: "已激活" },
            IntactFact { value: condition.unauthorized_repair, needed: true, zh: "有未经授权的维修" },
            soiled,
            used,
        ],
        _ => [IntactFact { value: condition.tags_removed, needed: true, zh: "吊牌或标识已摘除" }, soiled, used, NOT_ASKED],
    }
}

/// Why goods are excluded from the no-reason right, in the order of AS-404 to AS-408.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excluded {
    /// They are not.
    No,
    /// Made to this buyer's order.
    Custom,
    /// Whether they were is not known.
    CustomUnknown,
    /// Fresh goods or live animals.
    Perishable,
    /// Digital goods that were opened or downloaded.
    Digital,
    /// Whether they were is not known.
    DigitalUnknown,
    /// A delivered newspaper or periodical.
    Periodical,
    /// Art. 7 goods, marked, confirmed at purchase, and the trigger is met.
    Confirmed,
}

/// The first exclusion that fits the line, without regard to any promise. `needs_trigger` is the parameter `may_exclude_needs_trigger`.
pub fn excluded(case: &AfterSaleCase, line: &OrderLine, needs_trigger: bool) -> Excluded {
    match line.custom_made {
        Tri::Yes => return Excluded::Custom,
        Tri::Unknown => return Excluded::CustomUnknown,
        Tri::No => {}
    }
    match line.category {
        ItemCategory::Fresh | ItemCategory::LiveAnimal => return Excluded::Perishable,
        ItemCategory::Periodical => return Excluded::Periodical,
        ItemCategory::DigitalGoods => match downloaded(&case.condition) {
            Tri::Yes => return Excluded::Digital,
            Tri::Unknown => return Excluded::DigitalUnknown,
            Tri::No => {}
        },
        _ => {}
    }
    match trigger(case, line, needs_trigger) {
        Trigger::Met => Excluded::Confirmed,
        _ => Excluded::No,
    }
}

/// Whether the line is excluded for certain, whatever the facts that are not known.
pub fn is_excluded(case: &AfterSaleCase, line: &OrderLine, needs_trigger: bool) -> bool {
    line.custom_made == Tri::Yes
        || matches!(line.category, ItemCategory::Fresh | ItemCategory::LiveAnimal | ItemCategory::Periodical)
        || (line.category == ItemCategory::DigitalGoods && downloaded(&case.condition) == Tri::Yes)
        || trigger(case, line, needs_trigger) == Trigger::Met
}

/// Digital goods are used up once opened or downloaded (art. 6(3)).
const fn downloaded(condition: &ConditionFacts) -> Tri {
    match (condition.opened, condition.activated) {
        (Tri::Yes, _) | (_, Tri::Yes) => Tri::Yes,
        (Tri::No, Tri::No) => Tri::No,
        _ => Tri::Unknown,
    }
}

/// Whether the exclusion of art. 7 goods may be used against the buyer: marked at sale and confirmed for this purchase (art. 20).
pub const fn exclusion_usable(line: &OrderLine) -> bool {
    !matches!(line.may_exclude, MayExcludeClass::None) && line.exclusion_marked && line.exclusion_confirmed
}

/// How art. 7 goods stand to what makes them excluded (AS-408).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// No exclusion of this sort can be used.
    NotUsable,
    /// The exclusion holds.
    Met,
    /// What would trigger it did not happen.
    NotMet,
    /// Not known whether it did.
    Unknown,
}

/// The trigger of a line (AS-408).
pub const fn trigger(case: &AfterSaleCase, line: &OrderLine, needs_trigger: bool) -> Trigger {
    if !exclusion_usable(line) {
        return Trigger::NotUsable;
    }
    let fact = match line.may_exclude {
        MayExcludeClass::OpenedHealthOrQuality if needs_trigger => case.condition.opened,
        MayExcludeClass::ActivationDepreciation if needs_trigger => case.condition.activated,
        _ => Tri::Yes,
    };
    match fact {
        Tri::Yes => Trigger::Met,
        Tri::No => Trigger::NotMet,
        Tri::Unknown => Trigger::Unknown,
    }
}
