// The contract's types, written by `ombud new`. An s64 is a bigint.

/** Unix epoch milliseconds, UTC. */
export type InstantMs = bigint;

/** CNY minor units (1 yuan = 100 fen), never negative in facts and rulings. */
export type Fen = bigint;

/** Basis points (10000 = 100%). */
export type Bp = number;

/** e.g. "AS-305", "DC-012". */
export type RuleId = string;

/** Local civil date in the merchant's time zone, as days since 1970-01-01 (ISO date in JSON). */
export type CivilDate = number;

export type Tri = 'yes' | 'no' | 'unknown';

export type Platform = 'douyin' | 'pinduoduo' | 'wechat-shop' | 'wechat-oa' | 'wecom' | 'taobao' | 'tmall' | 'jd' | 'kuaishou' | 'xiaohongshu' | 'own-site' | 'other';

export type Surface = 'private-chat' | 'public-comment' | 'live-room' | 'phone' | 'sms' | 'email' | 'ticket-note' | 'other';

export type Role = 'system-bot' | 'agent-trainee' | 'agent' | 'agent-senior' | 'group-lead' | 'supervisor' | 'after-sale-supervisor' | 'dept-head' | 'admin' | 'compliance' | 'merchant-owner';

export type ItemCategory = 'apparel' | 'shoes-bags' | 'home-textile' | 'toys' | 'electronics' | 'appliance' | 'furniture' | 'cosmetics' | 'food' | 'health-food' | 'fresh' | 'live-animal' | 'infant-formula' | 'mother-baby' | 'medical-device' | 'contraceptive' | 'digital-goods' | 'periodical' | 'jewelry' | 'service' | 'other';

export type ReasonKind = 'no-reason' | 'dislike' | 'size-mismatch' | 'style-or-shade' | 'changed-mind' | 'duplicate-order' | 'quality' | 'damaged-in-transit' | 'wrong-item' | 'missing-item' | 'not-as-described' | 'spoiled' | 'expired' | 'undisclosed-defect' | 'not-received' | 'late-shipment' | 'counterfeit' | 'food-safety' | 'injury' | 'price-drop' | 'other';

export type EvidenceKind = 'order-screenshot' | 'logistics-record' | 'chat-log' | 'photo' | 'video' | 'unboxing-video' | 'sign-record' | 'cctv' | 'inspection-report' | 'medical-record' | 'platform-ruling' | 'regulator-finding' | 'police-report' | 'peer-reviews' | 'invoice' | 'other';

export type Strength = 'weak' | 'moderate' | 'strong';

export interface Evidence {
  evidenceId: string;
  kind: EvidenceKind;
  strength: Strength;
  capturedAt: InstantMs | undefined;
  /** Content digest present and the chain unbroken ("timestamp and completeness"). */
  intact: boolean;
  /** Opaque reference; raw media never enters the policy. */
  ref: string;
}

export type CustomerMeasure = 'none' | 'marked' | 'service-restricted' | 'blacklisted';

/** What v1 did not foresee. At most 32 entries, key 64 bytes, value 512 bytes. */
export interface Attribute {
  key: string;
  value: string;
}

export interface Calendar {
  /** Weekends + public holidays minus make-up workdays, for at least 30 days around now. */
  nonWorking: Array<CivilDate>;
  /** The public holidays among them. */
  statutoryHolidays: Array<CivilDate>;
}

export interface Context {
  merchantId: string;
  shopId: string;
  platform: Platform;
  tzOffsetMin: number;
  now: InstantMs;
  calendar: Calendar;
}

export type Severity = 'info' | 'low' | 'medium' | 'high' | 'critical';

export interface Fact {
  path: string;
  value: string;
}

export interface Citation {
  source: string;
  locator: string;
}

/** One for each matched rule, in the order met. */
export interface Reason {
  rule: RuleId;
  severity: Severity;
  facts: Array<Fact>;
  citations: Array<Citation>;
}

export interface Arg {
  key: string;
  value: string;
}

export interface Obligation {
  /** A code of section 4.5. */
  action: string;
  owner: Role;
  due: InstantMs | undefined;
  args: Array<Arg>;
}

export interface ApprovalRequest {
  role: Role;
  rule: RuleId;
  due: InstantMs | undefined;
  distinctFrom: Array<string>;
}

export interface Message {
  key: string;
  locale: string;
  args: Array<Arg>;
}

export interface Alert {
  code: string;
  severity: Severity;
  rule: RuleId;
}

/** What every ruling carries beside its outcome. */
export interface Notes {
  reasons: Array<Reason>;
  obligations: Array<Obligation>;
  approvals: Array<ApprovalRequest>;
  messages: Array<Message>;
  alerts: Array<Alert>;
  attributes: Array<Attribute>;
}

export type ErrorCode = 'bad-facts' | 'unsupported' | 'internal';

export interface PolicyError {
  code: ErrorCode;
  path: string;
  detail: string;
}

export type RequestKind = 'refund-only' | 'return-refund' | 'exchange' | 'repair' | 'resend' | 'unspecified';

export type Stage = 'requested' | 'evidence-added' | 'return-in-transit' | 'return-received' | 'arbitration' | 'closed';

export type ParcelContent = 'ok' | 'empty' | 'wrong-item' | 'incomplete' | 'unknown';

/** Art. 7 of the seven-day rules: goods that MAY be excluded when confirmed at purchase. */
export type MayExcludeClass = 'none' | 'opened-health-or-quality' | 'activation-depreciation' | 'disclosed-near-expiry' | 'disclosed-defect';

export interface OrderLine {
  lineId: string;
  skuId: string;
  qty: number;
  /** Units that came back in earlier cases. */
  qtyReturned: number;
  /** Deal price of one unit before order-level discounts. */
  unitPrice: Fen;
  /** Platform-reported buyer-paid amount of the whole line; used when every line of the order has it. */
  paid: Fen | undefined;
  category: ItemCategory;
  customMade: Tri;
  mayExclude: MayExcludeClass;
  exclusionMarked: boolean;
  /** Explicit per-purchase confirmation; a pre-ticked box is NOT a confirmation. */
  exclusionConfirmed: boolean;
  promisedNoReasonDays: number | undefined;
  threeGuarantee: boolean;
  durableBurden: boolean;
  warrantyDays: number | undefined;
  recalled: boolean;
  /** First carrier scan; for digital goods and services the time of delivery. */
  shippedAt: InstantMs | undefined;
  signedAt: InstantMs | undefined;
  pickedUpAt: InstantMs | undefined;
  /** no = handed over in person or no locker scan; unknown = locker scan without a record of consent. */
  lockerWithoutConsent: Tri;
  /** Goods money already refunded for this line, compensation not included. */
  refunded: Fen;
}

export interface ThresholdPromo {
  threshold: Fen;
  reduceBy: Fen;
  disclosed: boolean;
}

export interface BundlePromo {
  lineIds: Array<string>;
  bundleOff: Fen;
  disclosed: boolean;
}

/** returned: yes = came or will come back; no = the buyer keeps it; unknown = not said yet. */
export interface Gift {
  giftId: string;
  tiedToThreshold: Fen | undefined;
  tiedToLine: string | undefined;
  markedPrice: Fen | undefined;
  returned: Tri;
}

export interface FreeShip {
  threshold: Fen;
  wouldBeFreight: Fen;
  disclosed: boolean;
}

export type PayChannel = 'cash-channel' | 'points' | 'platform-coupon' | 'merchant-coupon' | 'balance' | 'installment';

/** fee = card fee the merchant bore. */
export interface Payment {
  channel: PayChannel;
  amount: Fen;
  fee: Fen;
}

export interface OrderFlags {
  presaleDeposit?: boolean;
  crossBorder?: boolean;
  giftOrder?: boolean;
  minorBuyer?: boolean;
}

export interface Order {
  orderId: string;
  paidAt: InstantMs | undefined;
  promisedShipBy: InstantMs | undefined;
  freightPaid: Fen;
  freightRefunded: Fen;
  lines: Array<OrderLine>;
  threshold: ThresholdPromo | undefined;
  bundle: BundlePromo | undefined;
  /** All platform-funded reductions, platform coupons included. */
  platformDiscount: Fen;
  freeShip: FreeShip | undefined;
  gifts: Array<Gift>;
  payments: Array<Payment>;
  freightInsurance: boolean;
  merchantPaysReturnFreight: boolean;
  buyerChoseCarrier: boolean;
  special: OrderFlags;
}

export interface ConditionFacts {
  opened: Tri;
  innerSealBroken: Tri;
  tagsRemoved: Tri;
  soiledOrDamaged: Tri;
  /** Activated, or downloaded. */
  activated: Tri;
  usedBeyondInspection: Tri;
  unauthorizedRepair: Tri;
  accessoriesComplete: Tri;
  humanDamage: Tri;
}

export interface LineRequest {
  lineId: string;
  qty: number;
}

export interface CustomerFacts {
  /** Pseudonymous id, scoped to one merchant. Never a phone or open id in clear. */
  customerRef: string;
  /** Confirmed malicious returns in the last 180 days. */
  maliciousReturns: number;
  extortionFlag: Tri;
}

export interface AfterSaleCase {
  afterSaleId: string;
  stage: Stage;
  request: RequestKind;
  /** What was approved earlier in this case, if anything. */
  agreedResolution: RequestKind | undefined;
  reason: ReasonKind;
  appliedAt: InstantMs;
  lines: Array<LineRequest>;
  requestedAmount: Fen | undefined;
  extraCompensationDemand: Fen | undefined;
  condition: ConditionFacts;
  evidence: Array<Evidence>;
  spoiledShare: Bp | undefined;
  troubleshootingDone: Tri;
  repairsFailed: number;
  repairOpenDays: number;
  returnReceivedAt: InstantMs | undefined;
  /** Read at stage return-received only. */
  parcelContent: ParcelContent;
  duplicateActive: boolean;
  attemptsUsed: number;
  order: Order;
  customer: CustomerFacts;
  attributes: Array<Attribute>;
}

export type Outcome = 'approve-refund-only' | 'approve-return-refund' | 'approve-exchange' | 'approve-repair' | 'approve-resend' | 'approve-partial-refund' | 'refund-now' | 'offer-options' | 'intercept-then-refund' | 'investigate' | 'need-evidence' | 'reject-with-alternative' | 'reject' | 'reject-duplicate' | 'human-review' | 'escalate' | 'invalid-input';

export type Payer = 'merchant' | 'buyer' | 'insurer' | 'carrier' | 'not-applicable';

export interface AmountLine {
  code: string;
  amount: Fen;
}

export interface AfterSaleRuling {
  outcome: Outcome;
  options: Array<RequestKind>;
  refund: Fen;
  breakdown: Array<AmountLine>;
  returnFreight: Payer;
  windowDeadline: InstantMs | undefined;
  refundDeadline: InstantMs | undefined;
  statutoryExposure: Fen | undefined;
  missingEvidence: Array<string>;
  notes: Notes;
}

/** path = JSON pointer into the settings. */
export interface SettingsProblem {
  path: string;
  message: string;
}
