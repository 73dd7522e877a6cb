"""The contract's types, written by `ombud new`."""

from dataclasses import dataclass
from enum import Enum, Flag


class Tri(Enum):
    YES = 0
    NO = 1
    UNKNOWN = 2


class Platform(Enum):
    DOUYIN = 0
    PINDUODUO = 1
    WECHAT_SHOP = 2
    WECHAT_OA = 3
    WECOM = 4
    TAOBAO = 5
    TMALL = 6
    JD = 7
    KUAISHOU = 8
    XIAOHONGSHU = 9
    OWN_SITE = 10
    OTHER = 11


class Surface(Enum):
    PRIVATE_CHAT = 0
    PUBLIC_COMMENT = 1
    LIVE_ROOM = 2
    PHONE = 3
    SMS = 4
    EMAIL = 5
    TICKET_NOTE = 6
    OTHER = 7


class Role(Enum):
    SYSTEM_BOT = 0
    AGENT_TRAINEE = 1
    AGENT = 2
    AGENT_SENIOR = 3
    GROUP_LEAD = 4
    SUPERVISOR = 5
    AFTER_SALE_SUPERVISOR = 6
    DEPT_HEAD = 7
    ADMIN = 8
    COMPLIANCE = 9
    MERCHANT_OWNER = 10


class ItemCategory(Enum):
    APPAREL = 0
    SHOES_BAGS = 1
    HOME_TEXTILE = 2
    TOYS = 3
    ELECTRONICS = 4
    APPLIANCE = 5
    FURNITURE = 6
    COSMETICS = 7
    FOOD = 8
    HEALTH_FOOD = 9
    FRESH = 10
    LIVE_ANIMAL = 11
    INFANT_FORMULA = 12
    MOTHER_BABY = 13
    MEDICAL_DEVICE = 14
    CONTRACEPTIVE = 15
    DIGITAL_GOODS = 16
    PERIODICAL = 17
    JEWELRY = 18
    SERVICE = 19
    OTHER = 20


class ReasonKind(Enum):
    NO_REASON = 0
    DISLIKE = 1
    SIZE_MISMATCH = 2
    STYLE_OR_SHADE = 3
    CHANGED_MIND = 4
    DUPLICATE_ORDER = 5
    QUALITY = 6
    DAMAGED_IN_TRANSIT = 7
    WRONG_ITEM = 8
    MISSING_ITEM = 9
    NOT_AS_DESCRIBED = 10
    SPOILED = 11
    EXPIRED = 12
    UNDISCLOSED_DEFECT = 13
    NOT_RECEIVED = 14
    LATE_SHIPMENT = 15
    COUNTERFEIT = 16
    FOOD_SAFETY = 17
    INJURY = 18
    PRICE_DROP = 19
    OTHER = 20


class EvidenceKind(Enum):
    ORDER_SCREENSHOT = 0
    LOGISTICS_RECORD = 1
    CHAT_LOG = 2
    PHOTO = 3
    VIDEO = 4
    UNBOXING_VIDEO = 5
    SIGN_RECORD = 6
    CCTV = 7
    INSPECTION_REPORT = 8
    MEDICAL_RECORD = 9
    PLATFORM_RULING = 10
    REGULATOR_FINDING = 11
    POLICE_REPORT = 12
    PEER_REVIEWS = 13
    INVOICE = 14
    OTHER = 15


class Strength(Enum):
    WEAK = 0
    MODERATE = 1
    STRONG = 2


@dataclass
class Evidence:
    evidence_id: str
    kind: EvidenceKind
    strength: Strength
    captured_at: int | None
    # Content digest present and the chain unbroken ("timestamp and completeness").
    intact: bool
    # Opaque reference; raw media never enters the policy.
    ref: str


class CustomerMeasure(Enum):
    NONE = 0
    MARKED = 1
    SERVICE_RESTRICTED = 2
    BLACKLISTED = 3


@dataclass
class Attribute:
    """What v1 did not foresee. At most 32 entries, key 64 bytes, value 512 bytes."""
    key: str
    value: str


@dataclass
class Calendar:
    # Weekends + public holidays minus make-up workdays, for at least 30 days around now.
    non_working: list[int]
    # The public holidays among them.
    statutory_holidays: list[int]


@dataclass
class Context:
    merchant_id: str
    shop_id: str
    platform: Platform
    tz_offset_min: int
    now: int
    calendar: Calendar


class Severity(Enum):
    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


@dataclass
class Fact:
    path: str
    value: str


@dataclass
class Citation:
    source: str
    locator: str


@dataclass
class Reason:
    """One for each matched rule, in the order met."""
    rule: str
    severity: Severity
    facts: list[Fact]
    citations: list[Citation]


@dataclass
class Arg:
    key: str
    value: str


@dataclass
class Obligation:
    # A code of section 4.5.
    action: str
    owner: Role
    due: int | None
    args: list[Arg]


@dataclass
class ApprovalRequest:
    role: Role
    rule: str
    due: int | None
    distinct_from: list[str]


@dataclass
class Message:
    key: str
    locale: str
    args: list[Arg]


@dataclass
class Alert:
    code: str
    severity: Severity
    rule: str


@dataclass
class Notes:
    """What every ruling carries beside its outcome."""
    reasons: list[Reason]
    obligations: list[Obligation]
    approvals: list[ApprovalRequest]
    messages: list[Message]
    alerts: list[Alert]
    attributes: list[Attribute]


class ErrorCode(Enum):
    BAD_FACTS = 0
    UNSUPPORTED = 1
    INTERNAL = 2


@dataclass
class PolicyError:
    code: ErrorCode
    path: str
    detail: str
