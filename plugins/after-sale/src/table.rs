//! The rows of the after-sale table (domain policies 5.1.2) in its order: id, gravity, sources, facts read.
//!
//! The conditions are code and stand in `standing`, `transit`, `fault` and `no_reason`; the amount rules AS-80x in `ombud-rules`.

use ombud_rules::after_sale::sources::*;
use ombud_rules::after_sale::{Read, Row};
use ombud_rules::contract::types::Severity;

macro_rules! rows {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $severity:ident, [$($source:expr),* $(,)?], [$($read:ident),* $(,)?];)*) => {
        $($(#[$doc])* pub static $name: Row =
            Row { id: $id, severity: Severity::$severity, sources: &[$($source),*], reads: &[$(Read::$read),*] };)*
    };
}

rows! {
    /// The facts contradict each other.
    AS_001 = "AS-001", Medium, [(DEFAULT_POLICY, "AS-001")],
        [Stage, AppliedAt, PaidAt, ReturnReceivedAt, SpoiledShare, Units, Qty, ShippedAt, SignedAt, PickedUpAt];
    /// Another case for the same units is open.
    AS_002 = "AS-002", Low, [(WECHAT, "同一商品仅允许一个进行中的售后单")], [DuplicateActive];
    /// Threats were reported: evidence is kept, the entitlement stays.
    AS_423 = "AS-423", High, [(COURSE, "恶意敲诈应对")], [ExtortionFlag];
    /// Nothing is left to claim on the line.
    AS_003 = "AS-003", Low, [(DEFAULT_POLICY, "AS-003")], [Units, Qty, QtyReturned, LinePaid, Refunded];
    /// Lines of one request need different answers.
    AS_005 = "AS-005", Medium, [(DEFAULT_POLICY, "AS-005")], [];
    /// The platform is deciding.
    AS_007 = "AS-007", Medium, [(DOUYIN, "平台仲裁")], [Stage];
    /// What was approved stands once the goods are on their way back.
    AS_704 = "AS-704", Low, [(CIVIL_CODE, "第509条"), (DEFAULT_POLICY, "AS-704")], [Stage, AgreedResolution, Reason];
    /// What came back is not what should have.
    AS_702 = "AS-702", High, [(DOUYIN, "退货商品不符")],
        [Stage, ParcelContent, Reason, Recalled, Category, TagsRemoved, InnerSealBroken, SoiledOrDamaged, Activated, UsedBeyondInspection,
         UnauthorizedRepair, HumanDamage];
    /// Goods are back for an exchange or a repair.
    AS_703 = "AS-703", Low, [(COURSE, "商品破損、錯發 / 換貨申請條件"), (COURSE, "維修站點與時效")],
        [Stage, AgreedResolution, Request, ReturnReceivedAt];
    /// Goods are back: the money is due.
    AS_701 = "AS-701", Low, [(CONSUMER_LAW, "第25条"), (SEVEN_DAY_RULES, "第13条"), (SEVEN_DAY_RULES, "第31条"), (COURSE, "收到退貨後3日內處理退款")],
        [Stage, ReturnReceivedAt, ParcelContent, Reason, Now];
    /// The platform's limit of attempts is reached.
    AS_004 = "AS-004", Medium, [(WECHAT, "售后申请最多5次")], [Platform, AttemptsUsed];
    /// An injury: the machine alerts and refuses nothing.
    AS_104 = "AS-104", Critical, [(CONSUMER_LAW, "第11条"), (CONSUMER_LAW, "第49条")], [Reason, Evidence];
    /// Further damage is for a person to judge.
    AS_422 = "AS-422", Medium, [(CONSUMER_LAW, "第52条"), (CIVIL_CODE, "第584条")], [ExtraCompensation, Reason];
    /// Recalled goods come back at any time.
    AS_101 = "AS-101", High, [(CONSUMER_LAW, "第19条"), (CONSUMER_REGULATION, "第8条")], [Recalled, Reason, ShippedAt, SignedAt];
    /// Counterfeit with evidence.
    AS_102 = "AS-102", High, [(CONSUMER_LAW, "第55条")], [Reason, Evidence, SignedAt];
    /// Unsafe or expired food with evidence.
    AS_103 = "AS-103", Critical, [(FOOD_LAW, "第148条"), (COURT_FOOD, "第6条第1款")], [Reason, Category, Evidence, SignedAt];
    /// Orders with rules of their own.
    AS_009 = "AS-009", Medium, [(DEFAULT_POLICY, "AS-009")], [Special];
    /// Price protection is a promise outside this table.
    AS_602 = "AS-602", Low, [(DOUYIN, "6 价保")], [Reason];
    /// Not shipped and no refund asked.
    AS_203 = "AS-203", Low, [(DEFAULT_POLICY, "AS-203")], [ShippedAt, Request];
    /// Not shipped though overdue.
    AS_205 = "AS-205", Medium, [(E_COMMERCE_LAW, "第20条"), (CONSUMER_LAW, "第53条")], [ShippedAt, AppliedAt, PromisedShipBy, PaidAt];
    /// Not shipped, perhaps in production.
    AS_202 = "AS-202", Medium, [(DEFAULT_POLICY, "AS-202")], [ShippedAt, CustomMade];
    /// Not shipped: cancelled.
    AS_201 = "AS-201", Low, [(COURSE, "退款時效與途徑"), (DOUYIN, "2 发货前退款")], [ShippedAt, Reason];
    /// Said not to have come although there is proof of the contrary.
    AS_206C = "AS-206c", Medium, [(E_COMMERCE_LAW, "第20条"), (E_COMMERCE_LAW, "第52条")], [Reason, Evidence, BuyerChoseCarrier];
    /// Nobody proved the delivery in time.
    AS_206B = "AS-206b", Medium, [(E_COMMERCE_LAW, "第20条"), (E_COMMERCE_LAW, "第52条"), (TAOBAO, "第38条")],
        [Reason, AppliedAt, Now, Request, BuyerChoseCarrier];
    /// The signing record is fetched.
    AS_206 = "AS-206", Low, [(COURSE, "調取簽收記錄和監控")], [Reason, SignedAt, LockerWithoutConsent, AppliedAt];
    /// On its way and no refund asked.
    AS_208 = "AS-208", Low, [(DEFAULT_POLICY, "AS-208")], [ShippedAt, SignedAt, Request];
    /// On its way: stopped, then refunded.
    AS_204 = "AS-204", Low, [(TAOBAO, "第23条")], [ShippedAt, SignedAt, Reason];
    /// Durable goods: the seller has to prove.
    AS_302 = "AS-302", Medium, [(CONSUMER_LAW, "第23条第3款")], [Reason, Evidence, DurableBurden, SignedAt, AppliedAt];
    /// Evidence is still weak after it was asked for.
    AS_301B = "AS-301b", Medium, [(DEFAULT_POLICY, "AS-301b")], [Reason, Evidence, Stage];
    /// Evidence is asked for.
    AS_301 = "AS-301", Low, [(COURSE, "上傳商品問題照片")], [Reason, Evidence];
    /// A hidden defect is a red line of the platforms.
    AS_312 = "AS-312", High, [(COURSE, "隱瞞商品缺陷")], [Reason];
    /// How much is spoiled is not said.
    AS_311C = "AS-311c", Low, [(DEFAULT_POLICY, "AS-311c")], [Reason, SpoiledShare];
    /// Spoiled and shown late, or nobody knows when.
    AS_311B = "AS-311b", Medium, [(JD, "生鲜48小时内举证")], [Reason, Category, Evidence, SignedAt];
    /// Spoiled: paid by the share.
    AS_311 = "AS-311", Low, [(JD, "生鲜按损坏比例赔付")], [Reason, SpoiledShare, Request];
    /// The buyer's own damage, shown by an inspection report.
    AS_310 = "AS-310", Medium, [(THREE_GUARANTEES, "人为损坏不在免费范围")], [Reason, HumanDamage, Evidence];
    /// The same, only alleged, or with an injury.
    AS_310B = "AS-310b", Medium, [(E_COMMERCE_LAW, "第62条")], [Reason, HumanDamage, Evidence];
    /// Perhaps the defect that was disclosed at sale.
    AS_313 = "AS-313", Medium, [(CONSUMER_LAW, "第23条第1款")], [Reason, MayExclude, ExclusionMarked];
    /// Refund without return is the merchant's own choice.
    AS_601 = "AS-601", Medium, [(PLATFORM_RULES, "第27条")], [Request, Reason, SignedAt];
    /// The last day was a day off.
    AS_403 = "AS-403", Medium, [(CIVIL_CODE, "第203条")], [SignedAt, AppliedAt, PromisedNoReasonDays];
    /// Wrong or damaged.
    AS_303 = "AS-303", Low, [(CONSUMER_LAW, "第24条"), (COURSE, "換貨指導模板")], [Reason, Request, Evidence, SignedAt, AppliedAt];
    /// A part is missing.
    AS_304 = "AS-304", Low, [(CONSUMER_LAW, "第24条"), (DOUYIN, "7 补寄")], [Reason, Request, Evidence, SignedAt, AppliedAt];
    /// A simple check comes first.
    AS_306A = "AS-306a", Low, [(COURSE, "簡單排查")], [Reason, Category, Request, TroubleshootingDone];
    /// The check confirmed the fault.
    AS_306 = "AS-306", Low, [(COURSE, "換新 → 免費上門取件 → 小禮品")], [Reason, Category, Request, TroubleshootingDone];
    /// A fault in the first days: the buyer chooses; no exclusion counts.
    AS_305 = "AS-305", Low, [(CONSUMER_LAW, "第24条"), (SEVEN_DAY_RULES, "第35条")], [Reason, Request, Evidence, SignedAt, AppliedAt];
    /// Two repairs failed, or one takes too long.
    AS_308B = "AS-308b", Medium, [(THREE_GUARANTEES, "修理两次仍不能正常使用或修理超过30日")],
        [Reason, RepairsFailed, RepairOpenDays, WarrantyDays, SignedAt, AppliedAt];
    /// Three-guarantee goods within 15 days.
    AS_307 = "AS-307", Low, [(THREE_GUARANTEES, "15日内可换货或修理")], [Reason, Request, ThreeGuarantee, SignedAt, AppliedAt];
    /// Under warranty.
    AS_308 = "AS-308", Low, [(CONSUMER_LAW, "第24条"), (COURSE, "保修期與條件判定")],
        [Reason, Request, WarrantyDays, ThreeGuarantee, SignedAt, AppliedAt];
    /// A fault that shows late.
    AS_309 = "AS-309", Medium, [(CONSUMER_LAW, "第24条")], [Reason, Request, SignedAt, AppliedAt, WarrantyDays];
    /// Request and reason do not fit.
    AS_417 = "AS-417", Low, [(DEFAULT_POLICY, "AS-417")], [Request, Reason];
    /// A service is not goods.
    AS_414 = "AS-414", Low, [(CONSUMER_LAW, "第25条")], [Category];
    /// A promise binds.
    AS_401 = "AS-401", Info, [(SEVEN_DAY_RULES, "第5条"), (COURT_ONLINE, "第2条"), (COURT_ONLINE, "第10条")], [PromisedNoReasonDays];
    /// What says too little, or speaks of an injury, is not refused by a machine.
    AS_413 = "AS-413", Medium, [(CONSUMER_LAW, "第48条第1款第8项"), (DEFAULT_POLICY, "AS-413")],
        [Reason, Evidence, SignedAt, AppliedAt, Category, CustomMade];
    /// Too late, unless the parcel stood in a locker.
    AS_403B = "AS-403b", Medium, [(COURSE, "延長了退換期限")], [SignedAt, AppliedAt, LockerWithoutConsent, PickedUpAt];
    /// Too late.
    AS_402 = "AS-402", Medium, [(SEVEN_DAY_RULES, "第10条")], [Reason, SignedAt, PickedUpAt, AppliedAt, PromisedNoReasonDays];
    /// Made to order.
    AS_404 = "AS-404", Medium, [(SEVEN_DAY_RULES, "第6条"), (COURSE, "定制類、鮮活易腐、拆封影響二次銷售")], [CustomMade, PromisedNoReasonDays];
    /// Whether made to order is not known.
    AS_404B = "AS-404b", Medium, [(SEVEN_DAY_RULES, "第6条")], [CustomMade, PromisedNoReasonDays];
    /// Fresh or alive.
    AS_405 = "AS-405", Medium, [(SEVEN_DAY_RULES, "第6条"), (COURSE, "定制類、鮮活易腐、拆封影響二次銷售")], [Category, PromisedNoReasonDays];
    /// Downloaded or opened.
    AS_406 = "AS-406", Medium, [(SEVEN_DAY_RULES, "第6条")], [Category, Opened, Activated];
    /// Whether downloaded or opened is not known.
    AS_406B = "AS-406b", Medium, [(SEVEN_DAY_RULES, "第6条")], [Category, Opened, Activated];
    /// A delivered periodical.
    AS_407 = "AS-407", Medium, [(SEVEN_DAY_RULES, "第6条")], [Category];
    /// The exclusion was not confirmed at purchase and cannot be used.
    AS_409 = "AS-409", Info, [(SEVEN_DAY_RULES, "第20条"), (CONSUMER_REGULATION, "第19条第2款")], [MayExclude, ExclusionMarked, ExclusionConfirmed];
    /// The exclusion was confirmed at purchase.
    AS_408 = "AS-408", Medium, [(SEVEN_DAY_RULES, "第7条"), (SEVEN_DAY_RULES, "第20条")],
        [MayExclude, ExclusionMarked, ExclusionConfirmed, Opened, Activated];
    /// Not intact.
    AS_410 = "AS-410", Medium, [(SEVEN_DAY_RULES, "第9条"), (SEVEN_DAY_RULES, "第8条"), (COURSE, "使用後的化妝品因衛生原因無法辦理退貨")],
        [Category, Opened, InnerSealBroken, TagsRemoved, SoiledOrDamaged, Activated, UsedBeyondInspection, UnauthorizedRepair];
    /// Not complete.
    AS_416 = "AS-416", Low, [(SEVEN_DAY_RULES, "第8条")], [AccessoriesComplete];
    /// Not known whether intact: looked at when it is back.
    AS_411 = "AS-411", Info, [(SEVEN_DAY_RULES, "第8条"), (CONSUMER_LAW, "第25条")],
        [Category, Opened, InnerSealBroken, TagsRemoved, SoiledOrDamaged, Activated, UnauthorizedRepair];
    /// Many malicious returns before: a person looks.
    AS_412 = "AS-412", Medium, [(CONSUMER_REGULATION, "第19条"), (PRIVACY_LAW, "第24条")], [MaliciousReturns];
    /// More money is asked for than the return gives.
    AS_421 = "AS-421", Low, [(COURSE, "提供商品退貨但無法額外補償的政策依據")], [ExtraCompensation];
    /// The no-reason right.
    AS_420 = "AS-420", Low, [(CONSUMER_LAW, "第25条"), (SEVEN_DAY_RULES, "第18条"), (COURSE, "七天無理由退貨")],
        [Reason, Request, SignedAt, AppliedAt, MerchantPaysReturnFreight, FreightInsurance];
}
