//! What the facts of the case make of a finding: some rules only hold until a fact is known, some only stop when a fact
//! contradicts the words (domain policies 5.4).

use super::table::{NOT_A_DRUG, Value};
use super::{Raw, numbers};
use crate::contract::reply::{Action, ProductFacts, ReplyCase};
use crate::contract::types::{Context, ReasonKind, Tri};
use crate::normalise::{self, View};

/// The facts a finding is held against.
pub(super) struct Facts<'a> {
    pub ctx: &'a Context,
    pub case: &'a ReplyCase,
    pub view: &'a View,
}

impl Facts<'_> {
    /// The action of a finding of the rule `id`, whose own action is `own`; none = refuted.
    pub(super) fn action(&self, id: &str, own: Action, raw: &Raw) -> Action {
        let product = self.case.product.as_ref();
        match id {
            // A true shortage may be said; an untrue one is a false promise (网络交易监督管理办法 14(3)).
            "RC-405" => match (product.and_then(|product| product.stock), self.number(raw)) {
                (Some(stock), Some(said)) => refuted_unless(u64::from(stock) > said, Action::Stop),
                _ => own,
            },
            "RC-406" => refuted_unless(product.is_none_or(|product| product.price_evidence != Tri::Yes), own),
            "RC-505" => self.health_food(product, own, raw),
            "RC-603" => match (self.case.eta, raw.value) {
                (Some(eta), Some((Value::Day, _, _))) => refuted_unless(eta > numbers::deadline(self.value(raw), self.ctx), Action::Stop),
                _ => own,
            },
            "RC-605" => refuted_unless(product.is_some_and(|product| !product.known_defects.is_empty()), own),
            "RC-606" => self.promise(own, raw),
            "RC-902" => refuted_unless(self.case.case_reason.is_some_and(is_fault), own),
            _ => own,
        }
    }

    /// Health food may name its approved functions, with the sentence of 广告法 18(2), and never a disease (18, 食品安全法 78).
    fn health_food(&self, product: Option<&ProductFacts>, own: Action, raw: &Raw) -> Action {
        let said = &self.view.scalars[raw.start as usize..raw.end as usize];
        let approved = |claim: &String| normalise::term(claim).windows(said.len()).any(|part| part == said);
        if raw.disease || !product.is_some_and(|product| product.approved_health_claims.iter().any(approved)) {
            return own;
        }
        let sentence = self.view.classes.windows(NOT_A_DRUG.len()).any(|part| part == NOT_A_DRUG);
        refuted_unless(!sentence, Action::Evidence)
    }

    /// A promise binds (法释〔2022〕8号 art. 10), so it may not exceed what was approved.
    fn promise(&self, own: Action, raw: &Raw) -> Action {
        let Some((value, _, _)) = raw.value else { return own };
        let case = self.case;
        match value {
            Value::Amount => refuted_unless(numbers::yuan_to_fen(self.value(raw)) > case.approved_compensation, own),
            Value::Refund => {
                let above = |approved: i64| numbers::yuan_to_fen(self.value(raw)) > approved.saturating_add(case.approved_compensation);
                refuted_unless(case.approved_refund.is_some_and(above), own)
            }
            _ => own,
        }
    }

    fn number(&self, raw: &Raw) -> Option<u64> {
        raw.value.is_some().then(|| numbers::count(self.value(raw)))
    }

    /// The scalars of the group beside `span`.
    fn value(&self, raw: &Raw) -> &[char] {
        raw.value.map_or(&[], |(_, start, end)| &self.view.scalars[start as usize..end as usize])
    }
}

fn refuted_unless(holds: bool, action: Action) -> Action {
    if holds { action } else { Action::None }
}

/// Reasons of class F and S (domain policies 5.1.1): the goods are said to be faulty or unsafe.
fn is_fault(reason: ReasonKind) -> bool {
    use ReasonKind::{
        Counterfeit, DamagedInTransit, Expired, FoodSafety, Injury, MissingItem, NotAsDescribed, Quality, Spoiled, UndisclosedDefect,
        WrongItem,
    };
    matches!(
        reason,
        Quality
            | DamagedInTransit
            | WrongItem
            | MissingItem
            | NotAsDescribed
            | Spoiled
            | Expired
            | UndisclosedDefect
            | Injury
            | Counterfeit
            | FoodSafety
    )
}
