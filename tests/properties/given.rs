//! What the invariants are asked of: the built policies, the golden cases and those near them, drafts and texts.

use super::*;

pub(super) struct Policies {
    registry: Registry,
    pub(super) limits: Limits,
    /// Keeps the sandbox, and with it the clock of its deadlines.
    _sandbox: Sandbox,
}

pub(super) fn policies() -> &'static Policies {
    static POLICIES: OnceLock<Policies> = OnceLock::new();
    POLICIES.get_or_init(|| {
        let (sandbox, limits) = (Sandbox::new().unwrap(), Limits::default().generous());
        let registry = Registry::load(&root().join("policies"), &sandbox).unwrap();
        Policies { registry, limits, _sandbox: sandbox }
    })
}

pub(super) fn plugin(name: &str) -> &'static Plugin {
    policies().registry.packages[name].plugin.as_ref().unwrap()
}

/// The default policy's ruling with default settings.
pub(super) fn ruled(ctx: &Context, case: Case) -> Ruling {
    let run = plugin(case.kind().as_str()).decide(&Facts::new(ctx, &case), "{}", &policies().limits, 4_096);
    run.result.unwrap_or_else(|fault| panic!("{fault:?} on {case:?}"))
}

pub(super) fn after_sale(ctx: &Context, case: &AfterSaleCase) -> AfterSaleRuling {
    match ruled(ctx, Case::AfterSale(case.clone())) {
        Ruling::AfterSale(ruling) => ruling,
        other => panic!("{other:?}"),
    }
}

pub(super) fn delay(ctx: &Context, case: &DelayCase) -> DelayRuling {
    match ruled(ctx, Case::Delay(case.clone())) {
        Ruling::Delay(ruling) => ruling,
        other => panic!("{other:?}"),
    }
}

pub(super) fn reply(ctx: &Context, case: &ReplyCase) -> ReplyRuling {
    match ruled(ctx, Case::Reply(case.clone())) {
        Ruling::Reply(ruling) => ruling,
        other => panic!("{other:?}"),
    }
}

pub(super) fn reviewed(ctx: &Context, case: &Case, ruling: &Ruling) -> RulingReview {
    let run = plugin("guardrail").review(&Facts::new(ctx, case), ruling, "{}", &policies().limits, 4_096);
    run.result.unwrap_or_else(|fault| panic!("{fault:?} on {case:?}"))
}

/// The golden cases that run with default settings.
pub(super) fn golden_cases() -> &'static Vec<(Context, Case)> {
    static CASES: OnceLock<Vec<(Context, Case)>> = OnceLock::new();
    CASES.get_or_init(|| {
        let text = std::fs::read_to_string(root().join("tests/cases/golden.yaml")).unwrap();
        let cases = golden::load(&text).unwrap().into_iter().filter(|case| case.settings.is_none());
        cases
            .filter_map(|case| match case.given {
                Given::AfterSale(ctx, case) => Some((ctx, Case::AfterSale(case))),
                Given::Delay(ctx, case) => Some((ctx, Case::Delay(case))),
                Given::Blacklist(ctx, case) => Some((ctx, Case::Blacklist(case))),
                Given::Reply(ctx, case) => Some((ctx, Case::Reply(case))),
                _ => None,
            })
            .collect()
    })
}

pub(super) fn of_delay(index: Index) -> (Context, DelayCase) {
    let cases: Vec<_> =
        golden_cases().iter().filter_map(|(ctx, case)| if let Case::Delay(case) = case { Some((ctx, case)) } else { None }).collect();
    let (ctx, case) = index.get(&cases);
    ((*ctx).clone(), (*case).clone())
}

/// A request on which only the steps are in question: the golden cases whose chain goes on.
pub(super) fn of_blacklist(index: Index) -> (Context, BlacklistCase) {
    static CASES: OnceLock<Vec<(Context, BlacklistCase)>> = OnceLock::new();
    let goes_on = |(ctx, case): &(Context, Case)| match (case, ruled(ctx, case.clone())) {
        (Case::Blacklist(case), Ruling::Blacklist(ruling)) => {
            let outcome = ruling.outcome.as_str();
            (outcome.starts_with("forward") || outcome.starts_with("execute")).then(|| (ctx.clone(), case.clone()))
        }
        _ => None,
    };
    index.get(CASES.get_or_init(|| golden_cases().iter().filter_map(goes_on).collect())).clone()
}

/// A draft as an agent would send it.
pub(super) fn draft(text: &str) -> ReplyCase {
    ReplyCase {
        reply_id: "r1".into(),
        text: text.into(),
        author_role: Role::Agent,
        ai_labelled: false,
        surface: Surface::PrivateChat,
        official_contact_allowed: false,
        product: None,
        known_ids: Vec::new(),
        case_reason: None,
        eta: None,
        approved_compensation: 0,
        approved_refund: None,
        attributes: Vec::new(),
    }
}

pub(super) fn text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        select(vec![
            "最好",
            "国家级",
            "13812345678",
            "11010519491231002X",
            "6222020200112233446",
            "加微信",
            "好评返现",
            "赔您",
            "三百",
            "元",
            "“",
            "”",
            "，",
            "。",
            "保证",
            "明天",
            "到",
            "住在",
            "北京市海淀区中关村大街1号",
            "a@b.cn",
        ])
        .prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
        "[0-9 ]{0,6}",
    ];
    prop::collection::vec(part, 0..20).prop_map(|parts| parts.concat())
}
