//! The bounds of the contract's records (domain model 4.0, rule 12).

use ombud_rules::contract::after_sale::{
    self, BundlePromo, ConditionFacts, FreeShip, Gift, LineRequest, MayExcludeClass, Order, OrderFlags, OrderLine, ParcelContent,
    PayChannel, Payment, RequestKind, ThresholdPromo,
};
use ombud_rules::contract::blacklist::{Criterion, Incident, Verdict};
use ombud_rules::contract::delay::{Cause, CompForm, DelayCase, DelayKind, DelayLine, Episode, Granted};
use ombud_rules::contract::reply::{ProductFacts, ReplyCase, Substantiation};
use ombud_rules::contract::types::{
    Attribute, Calendar, Evidence, EvidenceKind, ItemCategory, Platform, ReasonKind, Role, Strength, Surface, Tri,
};

use super::bound::Bound;
use crate::limits::{
    ATTRIBUTE_KEY_BYTES_MAX, ATTRIBUTE_VALUE_BYTES_MAX, ATTRIBUTES_MAX, CALENDAR_DATES_MAX, EPISODES_MAX, KNOWN_IDS_MAX, LINES_MAX,
    LIST_MAX, MESSAGE_SCALARS_MAX,
};

super::bound::free!(
    bool,
    after_sale::Stage,
    Cause,
    CompForm,
    Criterion,
    DelayKind,
    EvidenceKind,
    ItemCategory,
    MayExcludeClass,
    OrderFlags,
    ParcelContent,
    PayChannel,
    Platform,
    ReasonKind,
    RequestKind,
    Role,
    Strength,
    Surface,
    Tri,
    Verdict,
);

/// The attributes of a case.
pub(crate) const ATTRIBUTES: Bound = Bound::records(ATTRIBUTES_MAX);

/// Dates of a calendar.
const DATES: Bound = Bound::List(CALENDAR_DATES_MAX, &Bound::Date);

super::bound::bounded! { CONTRACT:
    Attribute { key: Bound::Bytes(ATTRIBUTE_KEY_BYTES_MAX), value: Bound::Bytes(ATTRIBUTE_VALUE_BYTES_MAX) }
    Evidence {
        evidence_id: Bound::Id, kind: Bound::Free, strength: Bound::Free, captured_at: Bound::INSTANT, intact: Bound::Free,
        ref_ as "ref": Bound::TEXT,
    }
    Calendar { non_working: DATES, statutory_holidays: DATES }

    LineRequest { line_id: Bound::Id, qty: Bound::QUANTITY }
    OrderLine {
        line_id: Bound::Id, sku_id: Bound::TEXT, qty: Bound::QUANTITY, qty_returned: Bound::QUANTITY, unit_price: Bound::MONEY,
        paid: Bound::MONEY, category: Bound::Free, custom_made: Bound::Free, may_exclude: Bound::Free, exclusion_marked: Bound::Free,
        exclusion_confirmed: Bound::Free, promised_no_reason_days: Bound::QUANTITY, three_guarantee: Bound::Free,
        durable_burden: Bound::Free, warranty_days: Bound::QUANTITY, recalled: Bound::Free, shipped_at: Bound::INSTANT,
        signed_at: Bound::INSTANT, picked_up_at: Bound::INSTANT, locker_without_consent: Bound::Free, refunded: Bound::MONEY,
    }
    ThresholdPromo { threshold: Bound::MONEY, reduce_by: Bound::MONEY, disclosed: Bound::Free }
    BundlePromo { line_ids: Bound::ids(LINES_MAX), bundle_off: Bound::MONEY, disclosed: Bound::Free }
    Gift {
        gift_id: Bound::Id, tied_to_threshold: Bound::MONEY, tied_to_line: Bound::Id, marked_price: Bound::MONEY, returned: Bound::Free,
    }
    FreeShip { threshold: Bound::MONEY, would_be_freight: Bound::MONEY, disclosed: Bound::Free }
    Payment { channel: Bound::Free, amount: Bound::MONEY, fee: Bound::MONEY }
    Order {
        order_id: Bound::Id, paid_at: Bound::INSTANT, promised_ship_by: Bound::INSTANT, freight_paid: Bound::MONEY,
        freight_refunded: Bound::MONEY, lines: Bound::records(LINES_MAX), threshold: Bound::Nested, bundle: Bound::Nested,
        platform_discount: Bound::MONEY, free_ship: Bound::Nested, gifts: Bound::records(LIST_MAX), payments: Bound::records(LIST_MAX),
        freight_insurance: Bound::Free, merchant_pays_return_freight: Bound::Free, buyer_chose_carrier: Bound::Free, special: Bound::Free,
    }
    ConditionFacts {
        opened: Bound::Free, inner_seal_broken: Bound::Free, tags_removed: Bound::Free, soiled_or_damaged: Bound::Free,
        activated: Bound::Free, used_beyond_inspection: Bound::Free, unauthorized_repair: Bound::Free, accessories_complete: Bound::Free,
        human_damage: Bound::Free,
    }

    Episode {
        episode_id: Bound::Id, kind: Bound::Free, basis_at: Bound::INSTANT, due: Bound::INSTANT, done: Bound::INSTANT,
        merchant_marked_done: Bound::INSTANT, cause: Bound::Free, cause_proven: Bound::Free, cause_began_at: Bound::INSTANT,
        cause_notified_at: Bound::INSTANT, line_ids: Bound::ids(LINES_MAX), refund_owed: Bound::MONEY, refund_paid: Bound::MONEY,
    }
    DelayLine { line_id: Bound::Id, paid: Bound::MONEY, refunded: Bound::MONEY }
    Granted { episode_id: Bound::Id, form: Bound::Free, value: Bound::MONEY, by_platform: Bound::Free }
    DelayCase {
        order_id: Bound::Id, lines: Bound::records(LINES_MAX), episodes: Bound::records(EPISODES_MAX), already: Bound::records(LIST_MAX),
        demanded: Bound::MONEY, extortion_flag: Bound::Free, attributes: ATTRIBUTES,
    }

    Incident { incident_id: Bound::Id, at: Bound::INSTANT, criterion: Bound::Free, ticket_id: Bound::Id, threat_of_violence: Bound::Free }

    Substantiation { phrase: Bound::TEXT, source: Bound::TEXT }
    ProductFacts {
        category: Bound::Free, stock: Bound::QUANTITY, known_defects: Bound::texts(LIST_MAX), substantiated: Bound::records(LIST_MAX),
        approved_health_claims: Bound::texts(LIST_MAX), price_evidence: Bound::Free,
    }
    ReplyCase {
        reply_id: Bound::Id, text: Bound::Scalars(MESSAGE_SCALARS_MAX), author_role: Bound::Free, ai_labelled: Bound::Free,
        surface: Bound::Free, official_contact_allowed: Bound::Free, product: Bound::Nested, known_ids: Bound::ids(KNOWN_IDS_MAX),
        case_reason: Bound::Free, eta: Bound::INSTANT, approved_compensation: Bound::MONEY, approved_refund: Bound::MONEY,
        attributes: ATTRIBUTES,
    }
}
