//! A rule as a reason of a ruling: its id, its sources, and the facts it read with their values.

use super::evidence::strength;
use super::line::Requested;
use crate::contract::after_sale::AfterSaleCase;
use crate::contract::types::{Context, Fact, Reason, Severity};
use crate::notes::Rule;

/// A row of a table: a rule and the facts it reads, which is what a reason says when the row decided or joined.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// e.g. `AS-305`, `GR-101`.
    pub id: &'static str,
    /// How grave the matter is.
    pub severity: Severity,
    /// What it rests on, the law first.
    pub sources: &'static [(&'static str, &'static str)],
    /// The facts its condition reads.
    pub reads: &'static [Read],
}

/// A fact of the case that a rule reads. Those of a line are given once for each requested line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    Stage,
    Request,
    AgreedResolution,
    Reason,
    AppliedAt,
    RequestedAmount,
    ExtraCompensation,
    Opened,
    InnerSealBroken,
    TagsRemoved,
    SoiledOrDamaged,
    Activated,
    UsedBeyondInspection,
    UnauthorizedRepair,
    AccessoriesComplete,
    HumanDamage,
    /// E: the strongest intact item.
    Evidence,
    SpoiledShare,
    TroubleshootingDone,
    RepairsFailed,
    RepairOpenDays,
    ReturnReceivedAt,
    ParcelContent,
    DuplicateActive,
    AttemptsUsed,
    PaidAt,
    PromisedShipBy,
    Threshold,
    ThresholdOff,
    BundleOff,
    PlatformDiscount,
    FreeShipThreshold,
    WouldBeFreight,
    Gifts,
    Payments,
    BuyerChoseCarrier,
    MerchantPaysReturnFreight,
    FreightInsurance,
    Special,
    MaliciousReturns,
    ExtortionFlag,
    Now,
    Platform,
    Qty,
    QtyReturned,
    Units,
    LinePaid,
    Refunded,
    Category,
    CustomMade,
    MayExclude,
    ExclusionMarked,
    ExclusionConfirmed,
    PromisedNoReasonDays,
    ThreeGuarantee,
    DurableBurden,
    WarrantyDays,
    Recalled,
    ShippedAt,
    SignedAt,
    PickedUpAt,
    LockerWithoutConsent,
}

impl Row {
    /// The reason it gives in this case for these lines.
    pub fn reason(&self, ctx: &Context, case: &AfterSaleCase, lines: &[Requested<'_>]) -> Reason {
        let mut facts = Vec::with_capacity(self.reads.len());
        for read in self.reads {
            match read.of_case(ctx, case) {
                Some((path, value)) => facts.push(Fact { path: path.to_owned(), value }),
                None => facts.extend(lines.iter().map(|line| read.of_line(line))),
            }
        }
        Rule { id: self.id, severity: self.severity, sources: self.sources }.reason(facts)
    }

    /// What the rule rests on, as a customer reads it: the first source and the rule's id.
    pub fn basis_zh(&self) -> String {
        match self.sources.first() {
            Some((source, locator)) if locator.starts_with('第') => [source, locator, "（", self.id, "）"].concat(),
            Some((source, locator)) if *locator != self.id => [source, "：", locator, "（", self.id, "）"].concat(),
            Some((source, _)) => [source, "（", self.id, "）"].concat(),
            None => self.id.to_owned(),
        }
    }
}

impl Read {
    /// Path and value of a fact of the whole case.
    fn of_case(self, ctx: &Context, case: &AfterSaleCase) -> Option<(&'static str, String)> {
        let (order, condition) = (&case.order, &case.condition);
        let text = |text: &str| text.to_owned();
        Some(match self {
            Self::Stage => ("stage", text(case.stage.as_str())),
            Self::Request => ("request", text(case.request.as_str())),
            Self::AgreedResolution => ("agreed-resolution", case.agreed_resolution.map_or_else(none, |kind| text(kind.as_str()))),
            Self::Reason => ("reason", text(case.reason.as_str())),
            Self::AppliedAt => ("applied-at", case.applied_at.to_string()),
            Self::RequestedAmount => ("requested-amount", option(case.requested_amount)),
            Self::ExtraCompensation => ("extra-compensation-demand", option(case.extra_compensation_demand)),
            Self::Opened => ("condition.opened", text(condition.opened.as_str())),
            Self::InnerSealBroken => ("condition.inner-seal-broken", text(condition.inner_seal_broken.as_str())),
            Self::TagsRemoved => ("condition.tags-removed", text(condition.tags_removed.as_str())),
            Self::SoiledOrDamaged => ("condition.soiled-or-damaged", text(condition.soiled_or_damaged.as_str())),
            Self::Activated => ("condition.activated", text(condition.activated.as_str())),
            Self::UsedBeyondInspection => ("condition.used-beyond-inspection", text(condition.used_beyond_inspection.as_str())),
            Self::UnauthorizedRepair => ("condition.unauthorized-repair", text(condition.unauthorized_repair.as_str())),
            Self::AccessoriesComplete => ("condition.accessories-complete", text(condition.accessories_complete.as_str())),
            Self::HumanDamage => ("condition.human-damage", text(condition.human_damage.as_str())),
            Self::Evidence => ("evidence", strength(&case.evidence).map_or_else(none, |strength| text(strength.as_str()))),
            Self::SpoiledShare => ("spoiled-share", option(case.spoiled_share)),
            Self::TroubleshootingDone => ("troubleshooting-done", text(case.troubleshooting_done.as_str())),
            Self::RepairsFailed => ("repairs-failed", case.repairs_failed.to_string()),
            Self::RepairOpenDays => ("repair-open-days", case.repair_open_days.to_string()),
            Self::ReturnReceivedAt => ("return-received-at", option(case.return_received_at)),
            Self::ParcelContent => ("parcel-content", text(case.parcel_content.as_str())),
            Self::DuplicateActive => ("duplicate-active", case.duplicate_active.to_string()),
            Self::AttemptsUsed => ("attempts-used", case.attempts_used.to_string()),
            Self::PaidAt => ("order.paid-at", option(order.paid_at)),
            Self::PromisedShipBy => ("order.promised-ship-by", option(order.promised_ship_by)),
            Self::Threshold => ("order.threshold.threshold", option(order.threshold.as_ref().map(|promo| promo.threshold))),
            Self::ThresholdOff => ("order.threshold.reduce-by", option(order.threshold.as_ref().map(|promo| promo.reduce_by))),
            Self::BundleOff => ("order.bundle.bundle-off", option(order.bundle.as_ref().map(|bundle| bundle.bundle_off))),
            Self::PlatformDiscount => ("order.platform-discount", order.platform_discount.to_string()),
            Self::FreeShipThreshold => ("order.free-ship.threshold", option(order.free_ship.as_ref().map(|free| free.threshold))),
            Self::WouldBeFreight => {
                ("order.free-ship.would-be-freight", option(order.free_ship.as_ref().map(|free| free.would_be_freight)))
            }
            Self::Gifts => ("order.gifts", order.gifts.len().to_string()),
            Self::Payments => ("order.payments", order.payments.len().to_string()),
            Self::BuyerChoseCarrier => ("order.buyer-chose-carrier", order.buyer_chose_carrier.to_string()),
            Self::MerchantPaysReturnFreight => ("order.merchant-pays-return-freight", order.merchant_pays_return_freight.to_string()),
            Self::FreightInsurance => ("order.freight-insurance", order.freight_insurance.to_string()),
            Self::Special => ("order.special", special(case)),
            Self::MaliciousReturns => ("customer.malicious-returns", case.customer.malicious_returns.to_string()),
            Self::ExtortionFlag => ("customer.extortion-flag", text(case.customer.extortion_flag.as_str())),
            Self::Now => ("context.now", ctx.now.to_string()),
            Self::Platform => ("context.platform", text(ctx.platform.as_str())),
            _ => return None,
        })
    }

    /// The fact of one requested line.
    fn of_line(self, requested: &Requested<'_>) -> Fact {
        let line = requested.line;
        let text = |text: &str| text.to_owned();
        let (field, value) = match self {
            Self::Qty => ("qty", line.qty.to_string()),
            Self::QtyReturned => ("qty-returned", line.qty_returned.to_string()),
            Self::LinePaid => ("paid", option(line.paid)),
            Self::Refunded => ("refunded", line.refunded.to_string()),
            Self::Category => ("category", text(line.category.as_str())),
            Self::CustomMade => ("custom-made", text(line.custom_made.as_str())),
            Self::MayExclude => ("may-exclude", text(line.may_exclude.as_str())),
            Self::ExclusionMarked => ("exclusion-marked", line.exclusion_marked.to_string()),
            Self::ExclusionConfirmed => ("exclusion-confirmed", line.exclusion_confirmed.to_string()),
            Self::PromisedNoReasonDays => ("promised-no-reason-days", option(line.promised_no_reason_days)),
            Self::ThreeGuarantee => ("three-guarantee", line.three_guarantee.to_string()),
            Self::DurableBurden => ("durable-burden", line.durable_burden.to_string()),
            Self::WarrantyDays => ("warranty-days", option(line.warranty_days)),
            Self::Recalled => ("recalled", line.recalled.to_string()),
            Self::ShippedAt => ("shipped-at", option(line.shipped_at)),
            Self::SignedAt => ("signed-at", option(line.signed_at)),
            Self::PickedUpAt => ("picked-up-at", option(line.picked_up_at)),
            Self::LockerWithoutConsent => ("locker-without-consent", text(line.locker_without_consent.as_str())),
            // `Units`; everything else is a fact of the whole case.
            _ => return Fact { path: ["lines[", &requested.asked.to_string(), "].qty"].concat(), value: requested.units.to_string() },
        };
        Fact { path: ["order.lines[", &requested.index.to_string(), "].", field].concat(), value }
    }
}

fn none() -> String {
    "none".to_owned()
}

fn option<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(none, |value| value.to_string())
}

fn special(case: &AfterSaleCase) -> String {
    use crate::contract::after_sale::OrderFlags;
    let set = OrderFlags::NAMES.iter().filter(|(flag, _)| case.order.special.contains(*flag)).map(|(_, name)| *name);
    set.collect::<Vec<_>>().join(",")
}
