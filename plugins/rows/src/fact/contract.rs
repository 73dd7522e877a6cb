//! The records and enums of the contract as facts. A field that no condition should read stands in none of the lists.

use ombud_rules::contract::after_sale::{
    AfterSaleCase, BundlePromo, ConditionFacts, CustomerFacts, FreeShip, Gift, LineRequest, MayExcludeClass, Order, OrderFlags, OrderLine,
    ParcelContent, PayChannel, Payment, RequestKind, Stage as AfterSaleStage, ThresholdPromo,
};
use ombud_rules::contract::blacklist::{BlacklistCase, Criterion, Incident, Stage as BlacklistStage, Step, Verdict};
use ombud_rules::contract::delay::{Cause, CompForm, DelayCase, DelayKind, DelayLine, Episode, Granted};
use ombud_rules::contract::reply::{ProductFacts, ReplyCase, Substantiation};
use ombud_rules::contract::types::{
    Attribute, Context, CustomerMeasure, Evidence, EvidenceKind, ItemCategory, Platform, ReasonKind, Role, Strength, Surface,
};

use super::{EnumType, Fact, Field, Items, Record, Schema, Type, UNKNOWN, Value, optional_of, type_of};

macro_rules! enums {
    ($($ty:ident $name:literal $optional:literal,)*) => {$(
        impl Fact for $ty {
            const TYPE: Type = Type::Enum(&EnumType { name: $name, text: |place| $ty::ALL.get(usize::from(place)).map(|case| case.as_str()) });
            const OPTIONAL: bool = $optional;

            fn value(&self) -> Value<'_> {
                if self.as_str() == UNKNOWN { Value::Unknown } else { Value::Enum(*self as u8) }
            }
        }
    )*};
}

macro_rules! records {
    ($($ty:ident $name:literal { $($field:ident $(: $unit:ident)?),* $(,)? })*) => {$(
        impl Fact for $ty {
            const TYPE: Type = Type::Record(&Schema {
                name: $name,
                fields: &[$(Field {
                    name: stringify!($field),
                    ty: records!(@type $ty $field $($unit)?),
                    optional: optional_of(|record: &$ty| &record.$field),
                    unit: records!(@unit $($unit)?),
                }),*],
            });

            fn value(&self) -> Value<'_> {
                Value::Record(self)
            }
        }

        impl Record for $ty {
            fn get(&self, place: u8) -> Value<'_> {
                const READ: &[for<'a> fn(&'a $ty) -> Value<'a>] = &[$(|record| record.$field.value()),*];
                READ.get(usize::from(place)).map_or(Value::Unknown, |read| read(self))
            }
        }
    )*};
    (@type $ty:ident $field:ident instant) => { Type::Instant };
    (@type $ty:ident $field:ident $($unit:ident)?) => { type_of(|record: &$ty| &record.$field) };
    (@unit fen) => { "fen" };
    (@unit bp) => { "bp" };
    (@unit $($unit:ident)?) => { "" };
}

// The flag says whether the enum has a case `unknown`; a test compares it with the contract.
enums! {
    AfterSaleStage "stage" false,
    BlacklistStage "stage" false,
    Cause "cause" true,
    CompForm "comp-form" false,
    Criterion "criterion" false,
    CustomerMeasure "customer-measure" false,
    DelayKind "delay-kind" false,
    EvidenceKind "evidence-kind" false,
    ItemCategory "item-category" false,
    MayExcludeClass "may-exclude-class" false,
    ParcelContent "parcel-content" true,
    PayChannel "pay-channel" false,
    Platform "platform" false,
    ReasonKind "reason-kind" false,
    RequestKind "request-kind" false,
    Role "role" false,
    Strength "strength" false,
    Surface "surface" false,
    Verdict "verdict" false,
}

records! {
    Context "context" { merchant_id, shop_id, platform, tz_offset_min, now: instant }
    Attribute "attribute" { key, value }
    Evidence "evidence" { evidence_id, kind, strength, captured_at: instant, intact }
    OrderLine "order-line" {
        line_id, sku_id, qty, qty_returned, unit_price: fen, paid: fen, category, custom_made, may_exclude, exclusion_marked,
        exclusion_confirmed, promised_no_reason_days, three_guarantee, durable_burden, warranty_days, recalled, shipped_at: instant,
        signed_at: instant, picked_up_at: instant, locker_without_consent, refunded: fen,
    }
    ThresholdPromo "threshold-promo" { threshold: fen, reduce_by: fen, disclosed }
    BundlePromo "bundle-promo" { line_ids, bundle_off: fen, disclosed }
    Gift "gift" { gift_id, tied_to_threshold: fen, tied_to_line, marked_price: fen, returned }
    FreeShip "free-ship" { threshold: fen, would_be_freight: fen, disclosed }
    Payment "payment" { channel, amount: fen, fee: fen }
    Order "order" {
        order_id, paid_at: instant, promised_ship_by: instant, freight_paid: fen, freight_refunded: fen, lines, threshold, bundle,
        platform_discount: fen, free_ship, gifts, payments, freight_insurance, merchant_pays_return_freight, buyer_chose_carrier, special,
    }
    ConditionFacts "condition-facts" {
        opened, inner_seal_broken, tags_removed, soiled_or_damaged, activated, used_beyond_inspection, unauthorized_repair,
        accessories_complete, human_damage,
    }
    LineRequest "line-request" { line_id, qty }
    CustomerFacts "customer-facts" { customer_ref, malicious_returns, extortion_flag }
    AfterSaleCase "after-sale-case" {
        after_sale_id, stage, request, agreed_resolution, reason, applied_at: instant, lines, requested_amount: fen,
        extra_compensation_demand: fen, condition, evidence, spoiled_share: bp, troubleshooting_done, repairs_failed, repair_open_days,
        return_received_at: instant, parcel_content, duplicate_active, attempts_used, order, customer, attributes,
    }
    Episode "episode" {
        episode_id, kind, basis_at: instant, due: instant, done: instant, merchant_marked_done: instant, cause, cause_proven,
        cause_began_at: instant, cause_notified_at: instant, line_ids, refund_owed: fen, refund_paid: fen,
    }
    DelayLine "delay-line" { line_id, paid: fen, refunded: fen }
    Granted "granted" { episode_id, form, value: fen, by_platform }
    DelayCase "delay-case" { order_id, lines, episodes, already, demanded: fen, extortion_flag, attributes }
    Incident "incident" { incident_id, at: instant, criterion, ticket_id, threat_of_violence }
    Step "step" { stage, actor_id, role, verdict, at: instant }
    BlacklistCase "blacklist-case" {
        request_id, stage, criterion, submitter_id, submitter_role, current_measure, review_by: instant, incidents, evidence,
        alternatives_tried, impact_assessed, platform_rule_ok, protected_conduct_only, open_after_sales, steps, attributes,
    }
    Substantiation "substantiation" { phrase, source }
    ProductFacts "product-facts" { category, stock, known_defects, substantiated, approved_health_claims, price_evidence }
    ReplyCase "reply-case" {
        reply_id, text, author_role, ai_labelled, surface, official_contact_allowed, product, known_ids, case_reason, eta: instant,
        approved_compensation: fen, approved_refund: fen, attributes,
    }
}

/// The names of the flags that are set, as in JSON.
impl Fact for OrderFlags {
    const TYPE: Type = Type::List(&FLAG);

    fn value(&self) -> Value<'_> {
        Value::List(self)
    }
}

const FLAG: Type =
    Type::Enum(&EnumType { name: "order-flags", text: |place| OrderFlags::NAMES.get(usize::from(place)).map(|(_, name)| *name) });

impl Items for OrderFlags {
    fn count(&self) -> usize {
        OrderFlags::NAMES.iter().filter(|(flag, _)| self.contains(*flag)).count()
    }

    fn item(&self, at: usize) -> Value<'_> {
        let set = (0..).zip(OrderFlags::NAMES).filter(|(_, (flag, _))| self.contains(*flag));
        set.map(|(place, _)| Value::Enum(place)).nth(at).unwrap_or(Value::Unknown)
    }
}
