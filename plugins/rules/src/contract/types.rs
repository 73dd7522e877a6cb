//! Shared vocabulary of the contract: `ombud:policy/types`.

/// Shared vocabulary: types only, no functions, so that every other interface may use it.
/// Unix epoch milliseconds, UTC.
pub type InstantMs = i64;

/// CNY minor units (1 yuan = 100 fen), never negative in facts and rulings.
pub type Fen = i64;

/// Basis points (10000 = 100%).
pub type Bp = u32;

/// e.g. "AS-305", "DC-012".
pub type RuleId = String;

/// Local civil date in the merchant's time zone, as days since 1970-01-01 (ISO date in JSON).
pub type CivilDate = i32;

contract_enum! {
    Tri {
        Yes = "yes",
        No = "no",
        Unknown = "unknown",
    }
}

contract_enum! {
    Platform {
        Douyin = "douyin",
        Pinduoduo = "pinduoduo",
        WechatShop = "wechat-shop",
        WechatOa = "wechat-oa",
        Wecom = "wecom",
        Taobao = "taobao",
        Tmall = "tmall",
        Jd = "jd",
        Kuaishou = "kuaishou",
        Xiaohongshu = "xiaohongshu",
        OwnSite = "own-site",
        Other = "other",
    }
}

contract_enum! {
    Surface {
        PrivateChat = "private-chat",
        PublicComment = "public-comment",
        LiveRoom = "live-room",
        Phone = "phone",
        Sms = "sms",
        Email = "email",
        TicketNote = "ticket-note",
        Other = "other",
    }
}

contract_enum! {
    Role {
        SystemBot = "system-bot",
        AgentTrainee = "agent-trainee",
        Agent = "agent",
        AgentSenior = "agent-senior",
        GroupLead = "group-lead",
        Supervisor = "supervisor",
        AfterSaleSupervisor = "after-sale-supervisor",
        DeptHead = "dept-head",
        Admin = "admin",
        Compliance = "compliance",
        MerchantOwner = "merchant-owner",
    }
}

contract_enum! {
    ItemCategory {
        Apparel = "apparel",
        ShoesBags = "shoes-bags",
        HomeTextile = "home-textile",
        Toys = "toys",
        Electronics = "electronics",
        Appliance = "appliance",
        Furniture = "furniture",
        Cosmetics = "cosmetics",
        Food = "food",
        HealthFood = "health-food",
        Fresh = "fresh",
        LiveAnimal = "live-animal",
        InfantFormula = "infant-formula",
        MotherBaby = "mother-baby",
        MedicalDevice = "medical-device",
        Contraceptive = "contraceptive",
        DigitalGoods = "digital-goods",
        Periodical = "periodical",
        Jewelry = "jewelry",
        Service = "service",
        Other = "other",
    }
}

contract_enum! {
    ReasonKind {
        NoReason = "no-reason",
        Dislike = "dislike",
        SizeMismatch = "size-mismatch",
        StyleOrShade = "style-or-shade",
        ChangedMind = "changed-mind",
        DuplicateOrder = "duplicate-order",
        Quality = "quality",
        DamagedInTransit = "damaged-in-transit",
        WrongItem = "wrong-item",
        MissingItem = "missing-item",
        NotAsDescribed = "not-as-described",
        Spoiled = "spoiled",
        Expired = "expired",
        UndisclosedDefect = "undisclosed-defect",
        NotReceived = "not-received",
        LateShipment = "late-shipment",
        Counterfeit = "counterfeit",
        FoodSafety = "food-safety",
        Injury = "injury",
        PriceDrop = "price-drop",
        Other = "other",
    }
}

contract_enum! {
    EvidenceKind {
        OrderScreenshot = "order-screenshot",
        LogisticsRecord = "logistics-record",
        ChatLog = "chat-log",
        Photo = "photo",
        Video = "video",
        UnboxingVideo = "unboxing-video",
        SignRecord = "sign-record",
        Cctv = "cctv",
        InspectionReport = "inspection-report",
        MedicalRecord = "medical-record",
        PlatformRuling = "platform-ruling",
        RegulatorFinding = "regulator-finding",
        PoliceReport = "police-report",
        PeerReviews = "peer-reviews",
        Invoice = "invoice",
        Other = "other",
    }
}

contract_enum! {
    Strength {
        Weak = "weak",
        Moderate = "moderate",
        Strong = "strong",
    }
}

contract_record! {
    pub struct Evidence {
        pub evidence_id: String,
        pub kind: EvidenceKind,
        pub strength: Strength,
        pub captured_at: Option<InstantMs>,
        /// Content digest present and the chain unbroken ("timestamp and completeness").
        pub intact: bool,
        /// Opaque reference; raw media never enters the policy.
        #[cfg_attr(feature = "serde", serde(rename = "ref"))]
        pub ref_: String,
    }
}

contract_enum! {
    CustomerMeasure {
        None = "none",
        Marked = "marked",
        ServiceRestricted = "service-restricted",
        Blacklisted = "blacklisted",
    }
}

contract_record! {
    /// What v1 did not foresee. At most 32 entries, key 64 bytes, value 512 bytes.
    pub struct Attribute {
        pub key: String,
        pub value: String,
    }
}

contract_record! {
    pub struct Calendar {
        /// Weekends + public holidays minus make-up workdays, for at least 30 days around now.
        #[cfg_attr(feature = "serde", serde(default, with = "super::dates"))]
        #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
        pub non_working: Vec<CivilDate>,
        /// The public holidays among them.
        #[cfg_attr(feature = "serde", serde(default, with = "super::dates"))]
        #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
        pub statutory_holidays: Vec<CivilDate>,
    }
}

contract_record! {
    pub struct Context {
        pub merchant_id: String,
        pub shop_id: String,
        pub platform: Platform,
        pub tz_offset_min: i32,
        pub now: InstantMs,
        pub calendar: Calendar,
    }
}

contract_enum! {
    Severity {
        Info = "info",
        Low = "low",
        Medium = "medium",
        High = "high",
        Critical = "critical",
    }
}

contract_record! {
    pub struct Fact {
        pub path: String,
        pub value: String,
    }
}

contract_record! {
    pub struct Citation {
        pub source: String,
        pub locator: String,
    }
}

contract_record! {
    /// One for each matched rule, in the order met.
    pub struct Reason {
        pub rule: RuleId,
        pub severity: Severity,
        pub facts: Vec<Fact>,
        pub citations: Vec<Citation>,
    }
}

contract_record! {
    pub struct Arg {
        pub key: String,
        pub value: String,
    }
}

contract_record! {
    pub struct Obligation {
        /// A code of section 4.5.
        pub action: String,
        pub owner: Role,
        pub due: Option<InstantMs>,
        #[cfg_attr(feature = "serde", serde(default))]
        pub args: Vec<Arg>,
    }
}

contract_record! {
    pub struct ApprovalRequest {
        pub role: Role,
        pub rule: RuleId,
        pub due: Option<InstantMs>,
        pub distinct_from: Vec<String>,
    }
}

contract_record! {
    pub struct Message {
        pub key: String,
        pub locale: String,
        #[cfg_attr(feature = "serde", serde(default))]
        pub args: Vec<Arg>,
    }
}

contract_record! {
    pub struct Alert {
        pub code: String,
        pub severity: Severity,
        pub rule: RuleId,
    }
}

contract_record! {
    /// What every ruling carries beside its outcome.
    pub struct Notes {
        pub reasons: Vec<Reason>,
        #[cfg_attr(feature = "serde", serde(default))]
        pub obligations: Vec<Obligation>,
        #[cfg_attr(feature = "serde", serde(default))]
        pub approvals: Vec<ApprovalRequest>,
        #[cfg_attr(feature = "serde", serde(default))]
        pub messages: Vec<Message>,
        #[cfg_attr(feature = "serde", serde(default))]
        pub alerts: Vec<Alert>,
        #[cfg_attr(feature = "serde", serde(default))]
        pub attributes: Vec<Attribute>,
    }
}

contract_enum! {
    ErrorCode {
        BadFacts = "bad-facts",
        Unsupported = "unsupported",
        Internal = "internal",
    }
}

contract_record! {
    pub struct PolicyError {
        pub code: ErrorCode,
        pub path: String,
        pub detail: String,
    }
}
