"""Fresh fruit is paid by the share that is lost, on a photo taken soon after receipt. Anything else goes to a person."""

from notes import DAY_MS, HOUR_MS, ask_person, empty, reason
from wit_world.imports.after_sale_types import AfterSaleCase, AfterSaleRuling, AmountLine, OrderLine, Outcome, Payer, Stage
from wit_world.imports.types import Arg, Context, EvidenceKind, ItemCategory, Message, Obligation, ReasonKind, Role, Severity, Strength, Tri

HANDBOOK = "shop handbook"
LAW = ("消费者权益保护法", "第24条")
PHOTOS = {EvidenceKind.PHOTO, EvidenceKind.VIDEO, EvidenceKind.UNBOXING_VIDEO}
STEP_BP = 1_000


def decide(chosen: dict[str, int], ctx: Context, facts: AfterSaleCase) -> AfterSaleRuling:
    """The rows of the shop's handbook, top-down; the first that fits decides."""
    asked = {line.line_id: line.qty for line in facts.lines}
    lines = [line for line in facts.order.lines if line.line_id in asked]
    read = [("reason", name(facts.reason)), ("spoiled-share", "none" if facts.spoiled_share is None else facts.spoiled_share)]

    if facts.reason in (ReasonKind.INJURY, ReasonKind.FOOD_SAFETY):
        return escalate(ctx, "FL-1", read)
    ordinary = lines and all(line.category == ItemCategory.FRESH for line in lines) and facts.stage in (Stage.REQUESTED, Stage.EVIDENCE_ADDED)
    if not ordinary or facts.customer.extortion_flag == Tri.YES or facts.reason not in (ReasonKind.SPOILED, ReasonKind.DAMAGED_IN_TRANSIT):
        return person(ctx, "FL-9", read)
    if any(line.signed_at is None for line in lines):
        return person(ctx, "FL-9", read)

    photos = [item for item in facts.evidence if item.intact and item.kind in PHOTOS and item.strength != Strength.WEAK]
    if not photos:
        return ask(ctx, "FL-2", ["photo"], "腐损照片", read)
    if facts.spoiled_share is None:
        return ask(ctx, "FL-3", ["spoiled-share"], "腐损比例", read)
    received = max(line.signed_at for line in lines)
    taken = [item.captured_at for item in photos if item.captured_at is not None]
    # A photo that does not say when it was taken is not held against the buyer: a person looks.
    if not taken or min(taken) > received + chosen["photo_hours"] * HOUR_MS:
        return person(ctx, "FL-4", read + [("evidence", len(photos))])

    base = sum(paid(facts, line) * asked[line.line_id] // max(line.qty, 1) - line.refunded for line in lines)
    if base <= 0 or discounted(facts):
        return person(ctx, "FL-5", read)
    share = min(-(-facts.spoiled_share // STEP_BP) * STEP_BP, 10_000)
    whole = facts.spoiled_share >= chosen["whole_from_bp"]
    refund = base if whole else (base * share + 5_000) // 10_000
    if refund > chosen["auto_fen_max"]:
        return person(ctx, "FL-6", read, refund)
    return pay(ctx, facts, refund, whole, read)


def paid(facts: AfterSaleCase, line: OrderLine) -> int:
    """What the buyer paid for a line."""
    return line.paid if line.paid is not None else line.unit_price * line.qty


def discounted(facts: AfterSaleCase) -> bool:
    """Whether a promotion would have to be spread over the lines, which the platform has not done."""
    order = facts.order
    reported = all(line.paid is not None for line in order.lines)
    return not reported and (order.threshold is not None or order.bundle is not None or order.platform_discount > 0)


def pay(ctx: Context, facts: AfterSaleCase, refund: int, whole: bool, read) -> AfterSaleRuling:
    outcome = Outcome.APPROVE_REFUND_ONLY if whole else Outcome.APPROVE_PARTIAL_REFUND
    ruling = fresh(outcome)
    ruling.refund = refund
    ruling.breakdown = [AmountLine(code="cash-channel", amount=refund)]
    ruling.notes.reasons.append(reason("FL-8" if whole else "FL-7", Severity.LOW, LAW, read))
    args = [Arg("refund", yuan(refund))]
    ruling.notes.obligations.append(Obligation(action="refund-now", owner=Role.AGENT, due=ctx.now + 3 * DAY_MS, args=args))
    ruling.notes.messages.append(Message(key="as.approve.refund_only" if whole else "as.partial", locale="zh-CN", args=args))
    return ruling


def ask(ctx: Context, rule: str, missing: list[str], zh: str, read) -> AfterSaleRuling:
    ruling = fresh(Outcome.NEED_EVIDENCE)
    ruling.missing_evidence = missing
    ruling.notes.reasons.append(reason(rule, Severity.LOW, (HANDBOOK, "what is to be shown"), read))
    args = [Arg("items", ",".join(missing))]
    ruling.notes.obligations.append(Obligation(action="ask-evidence", owner=Role.AGENT, due=ctx.now + DAY_MS, args=args))
    ruling.notes.messages.append(Message(key="as.need_evidence", locale="zh-CN", args=[Arg("items", zh)]))
    return ruling


def person(ctx: Context, rule: str, read, refund: int = 0) -> AfterSaleRuling:
    ruling = fresh(Outcome.HUMAN_REVIEW)
    ruling.refund = refund
    ruling.notes.reasons.append(reason(rule, Severity.MEDIUM, (HANDBOOK, "what a person looks at"), read))
    ruling.notes.messages.append(Message(key="as.human_review", locale="zh-CN", args=[Arg("hours", "24")]))
    ask_person(ruling.notes, rule, ctx.now)
    return ruling


def escalate(ctx: Context, rule: str, read) -> AfterSaleRuling:
    ruling = fresh(Outcome.ESCALATE)
    ruling.notes.reasons.append(reason(rule, Severity.CRITICAL, ("食品安全法", "第148条"), read))
    for action in ("preserve-evidence", "notify-compliance"):
        ruling.notes.obligations.append(Obligation(action=action, owner=Role.AGENT, due=ctx.now + 2 * HOUR_MS, args=[]))
    ruling.notes.messages.append(Message(key="as.human_review", locale="zh-CN", args=[Arg("hours", "2")]))
    ask_person(ruling.notes, rule, ctx.now)
    return ruling


def fresh(outcome: Outcome) -> AfterSaleRuling:
    return AfterSaleRuling(
        outcome=outcome, options=[], refund=0, breakdown=[], return_freight=Payer.NOT_APPLICABLE, window_deadline=None,
        refund_deadline=None, statutory_exposure=None, missing_evidence=[], notes=empty(),
    )


def name(case) -> str:
    """The contract's name of an enum's case."""
    return case.name.lower().replace("_", "-")


def yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02}" if fen % 100 else str(fen // 100)
