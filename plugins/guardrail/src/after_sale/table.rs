//! The after-sale rows of the guardrail (domain policies 5.7): id, gravity, law, facts read.

use ombud_rules::after_sale::sources::*;
use ombud_rules::after_sale::{Read, Row};
use ombud_rules::contract::types::Severity;

macro_rules! rows {
    ($($(#[$doc:meta])* $name:ident = $id:literal, [$($source:expr),* $(,)?], [$($read:ident),* $(,)?];)*) => {
        $($(#[$doc])* pub static $name: Row =
            Row { id: $id, severity: Severity::High, sources: &[$($source),*], reads: &[$(Read::$read),*] };)*
    };
}

rows! {
    /// A refusal without a reason.
    GR_001 = "GR-001", [(PRIVACY_LAW, "第24条第3款")], [];
    /// Called a duplicate or invalid, and it is neither.
    GR_110 = "GR-110", [(CONSUMER_LAW, "第48条第1款第8项")], [DuplicateActive, Units, Qty, QtyReturned, Refunded, PaidAt, Stage];
    /// Refused while the goods are on their way back.
    GR_125 = "GR-125", [(CIVIL_CODE, "第509条"), (CONSUMER_LAW, "第48条第1款第8项")], [Stage, AgreedResolution];
    /// The goods are back and the refund is due.
    GR_116 = "GR-116", [(CONSUMER_LAW, "第25条"), (CONSUMER_LAW, "第24条"), (SEVEN_DAY_RULES, "第13条")],
        [Stage, ReturnReceivedAt, AgreedResolution, Request, ParcelContent];
    /// Recalled goods are taken back.
    GR_119 = "GR-119", [(CONSUMER_LAW, "第19条"), (CONSUMER_REGULATION, "第8条")], [Recalled, Reason, ShippedAt, SignedAt];
    /// An injury is never refused by a machine.
    GR_121 = "GR-121", [(CONSUMER_LAW, "第11条"), (CONSUMER_LAW, "第49条")], [Reason, Evidence];
    /// Counterfeit or unsafe with evidence.
    GR_120 = "GR-120", [(CONSUMER_LAW, "第55条"), (FOOD_LAW, "第148条")], [Reason, Category, Evidence];
    /// Not shipped in time: the money goes back.
    GR_113 = "GR-113", [(E_COMMERCE_LAW, "第20条"), (CONSUMER_LAW, "第53条")], [ShippedAt, AppliedAt, PromisedShipBy, PaidAt, Request];
    /// A cancellation before shipping refused.
    GR_114 = "GR-114", [(E_COMMERCE_LAW, "第49条"), (DOUYIN, "2 发货前退款")], [ShippedAt, Request];
    /// A parcel said not to have come, refused.
    GR_115 = "GR-115", [(E_COMMERCE_LAW, "第20条"), (E_COMMERCE_LAW, "第52条"), (E_COMMERCE_LAW, "第62条")], [Reason, Evidence, AppliedAt, Now];
    /// The window ended on a day off.
    GR_106 = "GR-106", [(CIVIL_CODE, "第203条")], [SignedAt, AppliedAt, PromisedNoReasonDays];
    /// The seller has to prove that durable goods had no defect.
    GR_109 = "GR-109", [(CONSUMER_LAW, "第23条第3款")], [Reason, DurableBurden, SignedAt, AppliedAt, Evidence, Stage];
    /// A fault in the first days: return as asked.
    GR_108 = "GR-108", [(CONSUMER_LAW, "第24条"), (SEVEN_DAY_RULES, "第35条")], [Reason, Request, Evidence, SignedAt, AppliedAt];
    /// Three-guarantee goods: exchange as asked, or after two failed repairs.
    GR_128 = "GR-128", [(THREE_GUARANTEES, "15日内可换货或修理"), (THREE_GUARANTEES, "修理两次仍不能正常使用")],
        [Reason, Request, ThreeGuarantee, SignedAt, AppliedAt, RepairsFailed];
    /// A fault refused.
    GR_111 = "GR-111", [(CONSUMER_LAW, "第24条"), (CONSUMER_LAW, "第48条第1款第8项"), (E_COMMERCE_LAW, "第62条")], [Reason, Evidence, HumanDamage];
    /// What says too little is not refused by a machine.
    GR_127 = "GR-127", [(CONSUMER_LAW, "第48条第1款第8项")], [Reason];
    /// A refusal that rests on what is not known.
    GR_102 = "GR-102", [(CONSUMER_REGULATION, "第19条"), (E_COMMERCE_LAW, "第62条")],
        [LockerWithoutConsent, PickedUpAt, CustomMade, Category, Opened, Activated, SignedAt, AppliedAt];
    /// A promise binds.
    GR_105 = "GR-105", [(CONSUMER_LAW, "第16条"), (SEVEN_DAY_RULES, "第5条"), (COURT_ONLINE, "第2条")],
        [PromisedNoReasonDays, SignedAt, AppliedAt, Category, CustomMade];
    /// Excluded without the buyer's confirmation.
    GR_103 = "GR-103", [(SEVEN_DAY_RULES, "第20条"), (CONSUMER_REGULATION, "第19条第2款"), (PENALTY_RULES, "第9条第2项")],
        [MayExclude, ExclusionMarked, ExclusionConfirmed, SignedAt, AppliedAt];
    /// Opening for inspection does not end the right.
    GR_104 = "GR-104", [(SEVEN_DAY_RULES, "第8条"), (COURT_ONLINE, "第3条"), (PENALTY_RULES, "第9条第3项")], [Opened, SignedAt, AppliedAt];
    /// The no-reason right.
    GR_101 = "GR-101", [(CONSUMER_LAW, "第25条"), (SEVEN_DAY_RULES, "第6条至第10条")], [Reason, Request, SignedAt, AppliedAt];
    /// The merchant bears the freight of a fault.
    GR_107 = "GR-107", [(CONSUMER_LAW, "第24条第2款")], [Reason, Recalled];
    /// Less than is due.
    GR_112 = "GR-112", [(CONSUMER_LAW, "第24条"), (CONSUMER_LAW, "第25条"), (CONSUMER_REGULATION, "第18条"), (SEVEN_DAY_RULES, "第12条至第18条")],
        [Reason, Units, QtyReturned, LinePaid, Refunded];
    /// Refunded within seven days of receipt.
    GR_117 = "GR-117", [(CONSUMER_LAW, "第25条"), (SEVEN_DAY_RULES, "第13条")], [ReturnReceivedAt];
    /// Fifteen days without a refund.
    GR_118 = "GR-118", [(SEVEN_DAY_RULES, "第31条"), (PENALTY_RULES, "第9条第4项")], [Stage, ReturnReceivedAt, Now];
}
