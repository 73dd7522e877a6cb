//! Field by field between the contract's Rust types and wasmtime's bindings of `wit/v1`. One line for each type: a field
//! or case that either side lacks does not compile.

use ombud_rules::contract as host;

use super::bindings::ombud::policy as guest;
use super::wire::{enumeration, record};

enumeration!(types, types, Tri { Yes, No, Unknown });
enumeration!(types, types, Platform { Douyin, Pinduoduo, WechatShop, WechatOa, Wecom, Taobao, Tmall, Jd, Kuaishou, Xiaohongshu, OwnSite, Other });
enumeration!(types, types, Surface { PrivateChat, PublicComment, LiveRoom, Phone, Sms, Email, TicketNote, Other });
enumeration!(types, types, Role { SystemBot, AgentTrainee, Agent, AgentSenior, GroupLead, Supervisor, AfterSaleSupervisor, DeptHead, Admin, Compliance, MerchantOwner });
enumeration!(types, types, ItemCategory { Apparel, ShoesBags, HomeTextile, Toys, Electronics, Appliance, Furniture, Cosmetics, Food, HealthFood, Fresh, LiveAnimal, InfantFormula, MotherBaby, MedicalDevice, Contraceptive, DigitalGoods, Periodical, Jewelry, Service, Other });
enumeration!(types, types, ReasonKind { NoReason, Dislike, SizeMismatch, StyleOrShade, ChangedMind, DuplicateOrder, Quality, DamagedInTransit, WrongItem, MissingItem, NotAsDescribed, Spoiled, Expired, UndisclosedDefect, NotReceived, LateShipment, Counterfeit, FoodSafety, Injury, PriceDrop, Other });
enumeration!(types, types, EvidenceKind { OrderScreenshot, LogisticsRecord, ChatLog, Photo, Video, UnboxingVideo, SignRecord, Cctv, InspectionReport, MedicalRecord, PlatformRuling, RegulatorFinding, PoliceReport, PeerReviews, Invoice, Other });
enumeration!(types, types, Strength { Weak, Moderate, Strong });
record!(types, types, Evidence { evidence_id, kind, strength, captured_at, intact, ref_ });
enumeration!(types, types, CustomerMeasure { None, Marked, ServiceRestricted, Blacklisted });
record!(types, types, Attribute { key, value });
record!(types, types, Calendar { non_working, statutory_holidays });
record!(types, types, Context { merchant_id, shop_id, platform, tz_offset_min, now, calendar });
enumeration!(types, types, Severity { Info, Low, Medium, High, Critical });
record!(types, types, Fact { path, value });
record!(types, types, Citation { source, locator });
record!(types, types, Reason { rule, severity, facts, citations });
record!(types, types, Arg { key, value });
record!(types, types, Obligation { action, owner, due, args });
record!(types, types, ApprovalRequest { role, rule, due, distinct_from });
record!(types, types, Message { key, locale, args });
record!(types, types, Alert { code, severity, rule });
record!(types, types, Notes { reasons, obligations, approvals, messages, alerts, attributes });
enumeration!(types, types, ErrorCode { BadFacts, Unsupported, Internal });
record!(types, types, PolicyError { code, path, detail });

enumeration!(after_sale, after_sale_types, RequestKind { RefundOnly, ReturnRefund, Exchange, Repair, Resend, Unspecified });
enumeration!(after_sale, after_sale_types, Stage { Requested, EvidenceAdded, ReturnInTransit, ReturnReceived, Arbitration, Closed });
enumeration!(after_sale, after_sale_types, ParcelContent { Ok, Empty, WrongItem, Incomplete, Unknown });
enumeration!(after_sale, after_sale_types, MayExcludeClass { None, OpenedHealthOrQuality, ActivationDepreciation, DisclosedNearExpiry, DisclosedDefect });
record!(after_sale, after_sale_types, OrderLine { line_id, sku_id, qty, qty_returned, unit_price, paid, category, custom_made, may_exclude, exclusion_marked, exclusion_confirmed, promised_no_reason_days, three_guarantee, durable_burden, warranty_days, recalled, shipped_at, signed_at, picked_up_at, locker_without_consent, refunded });
record!(after_sale, after_sale_types, ThresholdPromo { threshold, reduce_by, disclosed });
record!(after_sale, after_sale_types, BundlePromo { line_ids, bundle_off, disclosed });
record!(after_sale, after_sale_types, Gift { gift_id, tied_to_threshold, tied_to_line, marked_price, returned });
record!(after_sale, after_sale_types, FreeShip { threshold, would_be_freight, disclosed });
enumeration!(after_sale, after_sale_types, PayChannel { CashChannel, Points, PlatformCoupon, MerchantCoupon, Balance, Installment });
record!(after_sale, after_sale_types, Payment { channel, amount, fee });
record!(after_sale, after_sale_types, Order { order_id, paid_at, promised_ship_by, freight_paid, freight_refunded, lines, threshold, bundle, platform_discount, free_ship, gifts, payments, freight_insurance, merchant_pays_return_freight, buyer_chose_carrier, special });
record!(after_sale, after_sale_types, ConditionFacts { opened, inner_seal_broken, tags_removed, soiled_or_damaged, activated, used_beyond_inspection, unauthorized_repair, accessories_complete, human_damage });
record!(after_sale, after_sale_types, LineRequest { line_id, qty });
record!(after_sale, after_sale_types, CustomerFacts { customer_ref, malicious_returns, extortion_flag });
record!(after_sale, after_sale_types, AfterSaleCase { after_sale_id, stage, request, agreed_resolution, reason, applied_at, lines, requested_amount, extra_compensation_demand, condition, evidence, spoiled_share, troubleshooting_done, repairs_failed, repair_open_days, return_received_at, parcel_content, duplicate_active, attempts_used, order, customer, attributes });
enumeration!(after_sale, after_sale_types, Outcome { ApproveRefundOnly, ApproveReturnRefund, ApproveExchange, ApproveRepair, ApproveResend, ApprovePartialRefund, RefundNow, OfferOptions, InterceptThenRefund, Investigate, NeedEvidence, RejectWithAlternative, Reject, RejectDuplicate, HumanReview, Escalate, InvalidInput });
enumeration!(after_sale, after_sale_types, Payer { Merchant, Buyer, Insurer, Carrier, NotApplicable });
record!(after_sale, after_sale_types, AmountLine { code, amount });
record!(after_sale, after_sale_types, AfterSaleRuling { outcome, options, refund, breakdown, return_freight, window_deadline, refund_deadline, statutory_exposure, missing_evidence, notes });

enumeration!(delay, delay_types, DelayKind { RefundProcessing, Exchange, Repair, Shipping, InTransit });
enumeration!(delay, delay_types, Cause { MerchantStock, MerchantOps, Carrier, Buyer, AgreedExtension, ForceMajeure, Platform, PaymentChannel, Unknown });
enumeration!(delay, delay_types, CompForm { None, Coupon, SampleGift, CashRefund, Solatium });
record!(delay, delay_types, Episode { episode_id, kind, basis_at, due, done, merchant_marked_done, cause, cause_proven, cause_began_at, cause_notified_at, line_ids, refund_owed, refund_paid });
record!(delay, delay_types, DelayLine { line_id, paid, refunded });
record!(delay, delay_types, Granted { episode_id, form, value, by_platform });
record!(delay, delay_types, DelayCase { order_id, lines, episodes, already, demanded, extortion_flag, attributes });
enumeration!(delay, delay_types, Tier { None, Slight, Moderate, Severe });
record!(delay, delay_types, Award { episode_id, kind, tier, overdue_ms, form, value, refund_due, suppressed_by });
enumeration!(delay, delay_types, Outcome { None, CareOnly, Compensate, CompensateWithApproval, HumanReview, Escalate });
record!(delay, delay_types, DelayRuling { outcome, processing_order, awards, total_cash, total_coupon, total_refund_due, notes });

enumeration!(blacklist, blacklist_types, Criterion { MaliciousReturns, Extortion, Abuse, FalseComplaint, Other });
enumeration!(blacklist, blacklist_types, Stage { Draft, Submitted, SupervisorReviewed, HeadReviewed, Executed, Archived, Appealed });
enumeration!(blacklist, blacklist_types, Verdict { Approve, Reject, ReturnForEvidence });
record!(blacklist, blacklist_types, Incident { incident_id, at, criterion, ticket_id, threat_of_violence });
record!(blacklist, blacklist_types, Step { stage, actor_id, role, verdict, at, note });
record!(blacklist, blacklist_types, BlacklistCase { request_id, stage, criterion, submitter_id, submitter_role, current_measure, review_by, incidents, evidence, alternatives_tried, impact_assessed, platform_rule_ok, protected_conduct_only, open_after_sales, steps, attributes });
enumeration!(blacklist, blacklist_types, Outcome { Reject, ReturnForEvidence, RecommendMark, RecommendRestrict, ForwardToSupervisor, ForwardToDeptHead, Execute, ExecuteDeferred, Closed, Invalid, Escalate });
record!(blacklist, blacklist_types, BlacklistRuling { outcome, measure, next_role, missing, review_by, counted_incidents, notes });

record!(reply, reply_types, Substantiation { phrase, source });
record!(reply, reply_types, ProductFacts { category, stock, known_defects, substantiated, approved_health_claims, price_evidence });
record!(reply, reply_types, ReplyCase { reply_id, text, author_role, ai_labelled, surface, official_contact_allowed, product, known_ids, case_reason, eta, approved_compensation, approved_refund, attributes });
enumeration!(reply, reply_types, Verdict { Pass, PassWithWarnings, PassMasked, HoldForEvidence, Block });
enumeration!(reply, reply_types, Action { None, Warn, Mask, Evidence, Stop });
record!(reply, reply_types, Finding { rule, category, severity, action, start, end, matched, exemption, suggestion_key });
record!(reply, reply_types, ReplyRuling { verdict, findings, masked_text, notes });
