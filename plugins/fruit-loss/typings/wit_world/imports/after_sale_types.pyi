"""The contract's types, written by `ombud new`."""

from dataclasses import dataclass
from enum import Enum, Flag

from . import types


class RequestKind(Enum):
    REFUND_ONLY = 0
    RETURN_REFUND = 1
    EXCHANGE = 2
    REPAIR = 3
    RESEND = 4
    UNSPECIFIED = 5


class Stage(Enum):
    REQUESTED = 0
    EVIDENCE_ADDED = 1
    RETURN_IN_TRANSIT = 2
    RETURN_RECEIVED = 3
    ARBITRATION = 4
    CLOSED = 5


class ParcelContent(Enum):
    OK = 0
    EMPTY = 1
    WRONG_ITEM = 2
    INCOMPLETE = 3
    UNKNOWN = 4


class MayExcludeClass(Enum):
    """Art. 7 of the seven-day rules: goods that MAY be excluded when confirmed at purchase."""
    NONE = 0
    OPENED_HEALTH_OR_QUALITY = 1
    ACTIVATION_DEPRECIATION = 2
    DISCLOSED_NEAR_EXPIRY = 3
    DISCLOSED_DEFECT = 4


@dataclass
class OrderLine:
    line_id: str
    sku_id: str
    qty: int
    # Units that came back in earlier cases.
    qty_returned: int
    # Deal price of one unit before order-level discounts.
    unit_price: int
    # Platform-reported buyer-paid amount of the whole line; used when every line of the order has it.
    paid: int | None
    category: types.ItemCategory
    custom_made: types.Tri
    may_exclude: MayExcludeClass
    exclusion_marked: bool
    # Explicit per-purchase confirmation; a pre-ticked box is NOT a confirmation.
    exclusion_confirmed: bool
    promised_no_reason_days: int | None
    three_guarantee: bool
    durable_burden: bool
    warranty_days: int | None
    recalled: bool
    # First carrier scan; for digital goods and services the time of delivery.
    shipped_at: int | None
    signed_at: int | None
    picked_up_at: int | None
    # no = handed over in person or no locker scan; unknown = locker scan without a record of consent.
    locker_without_consent: types.Tri
    # Goods money already refunded for this line, compensation not included.
    refunded: int


@dataclass
class ThresholdPromo:
    threshold: int
    reduce_by: int
    disclosed: bool


@dataclass
class BundlePromo:
    line_ids: list[str]
    bundle_off: int
    disclosed: bool


@dataclass
class Gift:
    """returned: yes = came or will come back; no = the buyer keeps it; unknown = not said yet."""
    gift_id: str
    tied_to_threshold: int | None
    tied_to_line: str | None
    marked_price: int | None
    returned: types.Tri


@dataclass
class FreeShip:
    threshold: int
    would_be_freight: int
    disclosed: bool


class PayChannel(Enum):
    CASH_CHANNEL = 0
    POINTS = 1
    PLATFORM_COUPON = 2
    MERCHANT_COUPON = 3
    BALANCE = 4
    INSTALLMENT = 5


@dataclass
class Payment:
    """fee = card fee the merchant bore."""
    channel: PayChannel
    amount: int
    fee: int


class OrderFlags(Flag):
    PRESALE_DEPOSIT = 1
    CROSS_BORDER = 2
    GIFT_ORDER = 4
    MINOR_BUYER = 8


@dataclass
class Order:
    order_id: str
    paid_at: int | None
    promised_ship_by: int | None
    freight_paid: int
    freight_refunded: int
    lines: list[OrderLine]
    threshold: ThresholdPromo | None
    bundle: BundlePromo | None
    # All platform-funded reductions, platform coupons included.
    platform_discount: int
    free_ship: FreeShip | None
    gifts: list[Gift]
    payments: list[Payment]
    freight_insurance: bool
    merchant_pays_return_freight: bool
    buyer_chose_carrier: bool
    special: OrderFlags


@dataclass
class ConditionFacts:
    opened: types.Tri
    inner_seal_broken: types.Tri
    tags_removed: types.Tri
    soiled_or_damaged: types.Tri
    # Activated, or downloaded.
    activated: types.Tri
    used_beyond_inspection: types.Tri
    unauthorized_repair: types.Tri
    accessories_complete: types.Tri
    human_damage: types.Tri


@dataclass
class LineRequest:
    line_id: str
    qty: int


@dataclass
class CustomerFacts:
    # Pseudonymous id, scoped to one merchant. Never a phone or open id in clear.
    customer_ref: str
    # Confirmed malicious returns in the last 180 days.
    malicious_returns: int
    extortion_flag: types.Tri


@dataclass
class AfterSaleCase:
    after_sale_id: str
    stage: Stage
    request: RequestKind
    # What was approved earlier in this case, if anything.
    agreed_resolution: RequestKind | None
    reason: types.ReasonKind
    applied_at: int
    lines: list[LineRequest]
    requested_amount: int | None
    extra_compensation_demand: int | None
    condition: ConditionFacts
    evidence: list[types.Evidence]
    spoiled_share: int | None
    troubleshooting_done: types.Tri
    repairs_failed: int
    repair_open_days: int
    return_received_at: int | None
    # Read at stage return-received only.
    parcel_content: ParcelContent
    duplicate_active: bool
    attempts_used: int
    order: Order
    customer: CustomerFacts
    attributes: list[types.Attribute]


class Outcome(Enum):
    APPROVE_REFUND_ONLY = 0
    APPROVE_RETURN_REFUND = 1
    APPROVE_EXCHANGE = 2
    APPROVE_REPAIR = 3
    APPROVE_RESEND = 4
    APPROVE_PARTIAL_REFUND = 5
    REFUND_NOW = 6
    OFFER_OPTIONS = 7
    INTERCEPT_THEN_REFUND = 8
    INVESTIGATE = 9
    NEED_EVIDENCE = 10
    REJECT_WITH_ALTERNATIVE = 11
    REJECT = 12
    REJECT_DUPLICATE = 13
    HUMAN_REVIEW = 14
    ESCALATE = 15
    INVALID_INPUT = 16


class Payer(Enum):
    MERCHANT = 0
    BUYER = 1
    INSURER = 2
    CARRIER = 3
    NOT_APPLICABLE = 4


@dataclass
class AmountLine:
    code: str
    amount: int


@dataclass
class AfterSaleRuling:
    outcome: Outcome
    options: list[RequestKind]
    refund: int
    breakdown: list[AmountLine]
    return_freight: Payer
    window_deadline: int | None
    refund_deadline: int | None
    statutory_exposure: int | None
    missing_evidence: list[str]
    notes: types.Notes
