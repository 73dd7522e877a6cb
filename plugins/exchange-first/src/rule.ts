// The rows of the shop's handbook, top-down; the first that fits decides. What is not known is asked, or left to a person.

import type { AfterSaleCase, AfterSaleRuling, Context, Fact, OrderLine, ReasonKind, RequestKind } from './contract.js';
import { DAY_MS, askPerson, empty, reason } from './notes.js';
import type { Chosen } from './settings.js';

const HANDBOOK = 'shop handbook';
const LAW = '消费者权益保护法';
const PREFERENCES: readonly ReasonKind[] = ['size-mismatch', 'style-or-shade'];
const CHANGES_OF_MIND: readonly ReasonKind[] = ['no-reason', 'dislike', 'changed-mind', 'duplicate-order'];
const FAULTS: readonly ReasonKind[] = ['quality', 'damaged-in-transit', 'wrong-item', 'missing-item', 'not-as-described', 'undisclosed-defect'];
const ZH: Partial<Record<RequestKind, string>> = { exchange: '换货', 'return-refund': '退货退款', repair: '维修' };

export function decide(chosen: Chosen, ctx: Context, facts: AfterSaleCase): AfterSaleRuling {
  const ruling = fresh();
  // A set, because an order may have 200 lines and fuel counts each comparison.
  const asked = new Set(facts.lines.map((line) => line.lineId));
  const lines = facts.order.lines.filter((line) => asked.has(line.lineId));
  const read: Fact[] = [
    { path: 'reason', value: facts.reason },
    { path: 'request', value: facts.request },
    { path: 'applied-at', value: String(facts.appliedAt) },
  ];

  // EF-1: what this shop does not sell, what is not at its beginning, and whom somebody threatens.
  const ordinary = lines.length > 0 && lines.every((line) => line.category === 'apparel' || line.category === 'shoes-bags');
  const early = facts.stage === 'requested' || facts.stage === 'evidence-added';
  if (!ordinary || !early || facts.customer.extortionFlag === 'yes' || facts.attemptsUsed > chosen.exchanges_max) {
    return person(ruling, 'EF-1', ctx, read);
  }
  const days = longest(lines, ctx, facts);
  if (days === undefined) return person(ruling, 'EF-2', ctx, read);
  read.push({ path: 'order.lines.signed-at', value: `${days} days before` });

  if (FAULTS.includes(facts.reason)) return fault(ruling, ctx, facts, days, read);
  const worn = facts.condition.tagsRemoved === 'yes' || facts.condition.soiledOrDamaged === 'yes';
  const unsure = facts.condition.tagsRemoved === 'unknown' || facts.condition.soiledOrDamaged === 'unknown';
  read.push({ path: 'condition.tags-removed', value: facts.condition.tagsRemoved });

  if (PREFERENCES.includes(facts.reason) && days <= chosen.exchange_days && !worn) {
    // EF-4: nobody said whether it was worn: a photo settles it.
    if (unsure) return ask(ruling, 'EF-4', ctx, ['photo'], read);
    ruling.outcome = 'approve-exchange';
    ruling.returnFreight = 'merchant';
    ruling.notes.reasons.push(reason('EF-3', 'low', [HANDBOOK, 'exchange of sizes and colours'], read));
    ruling.notes.obligations.push(
      { action: 'provide-return-address', owner: 'agent', due: ctx.now + DAY_MS, args: [] },
      { action: 'arrange-exchange', owner: 'agent', due: ctx.now + 10n * DAY_MS, args: [] },
    );
    ruling.notes.messages.push({ key: 'as.exchange.guide', locale: 'zh-CN', args: [{ key: 'days', value: '10' }] });
    return ruling;
  }
  const free = PREFERENCES.includes(facts.reason) || CHANGES_OF_MIND.includes(facts.reason);
  // EF-5: the return that the law gives, with an exchange beside it.
  if (free && days <= chosen.return_days && !worn) return offer(ruling, 'EF-5', ctx, ['exchange', 'return-refund'], [LAW, '第25条'], read);
  // EF-6: later, an exchange is still offered.
  if (free && days <= chosen.exchange_days && !worn && !unsure) {
    return offer(ruling, 'EF-6', ctx, ['exchange'], [HANDBOOK, 'exchange of sizes and colours'], read);
  }
  return person(ruling, 'EF-9', ctx, read);
}

/** EF-7 and EF-8: shown faults leave the choice to the buyer, others have to be shown. */
function fault(ruling: AfterSaleRuling, ctx: Context, facts: AfterSaleCase, days: bigint, read: Fact[]): AfterSaleRuling {
  const shown = facts.evidence.some((item) => item.intact && item.strength !== 'weak');
  read.push({ path: 'evidence', value: String(facts.evidence.length) });
  if (!shown && facts.stage === 'requested') return ask(ruling, 'EF-7', ctx, ['photo'], read);
  if (!shown || days > 7n) return person(ruling, 'EF-9', ctx, read);
  return offer(ruling, 'EF-8', ctx, ['exchange', 'return-refund', 'repair'], [LAW, '第24条'], read);
}

/** Civil days from the latest receipt of a requested line to the application; nothing where a parcel is still on its way. */
function longest(lines: OrderLine[], ctx: Context, facts: AfterSaleCase): bigint | undefined {
  const day = (at: bigint) => (at + BigInt(ctx.tzOffsetMin) * 60_000n) / DAY_MS;
  let most = 0n;
  for (const line of lines) {
    if (line.signedAt === undefined) return undefined;
    const days = day(facts.appliedAt) - day(line.signedAt);
    if (days > most) most = days;
  }
  return most;
}

function offer(
  ruling: AfterSaleRuling, rule: string, ctx: Context, options: RequestKind[], source: [string, string], read: Fact[],
): AfterSaleRuling {
  ruling.outcome = 'offer-options';
  ruling.options = options;
  ruling.returnFreight = 'merchant';
  ruling.notes.reasons.push(reason(rule, 'low', source, read));
  const named = options.map((option) => ZH[option] ?? option).join('、');
  ruling.notes.obligations.push({ action: 'notify-customer', owner: 'agent', due: ctx.now + DAY_MS, args: [{ key: 'options', value: named }] });
  ruling.notes.messages.push({ key: 'as.options', locale: 'zh-CN', args: [{ key: 'options', value: named }] });
  return ruling;
}

function ask(ruling: AfterSaleRuling, rule: string, ctx: Context, missing: string[], read: Fact[]): AfterSaleRuling {
  ruling.outcome = 'need-evidence';
  ruling.missingEvidence = missing;
  ruling.notes.reasons.push(reason(rule, 'low', [HANDBOOK, 'what is to be shown'], read));
  ruling.notes.obligations.push({ action: 'ask-evidence', owner: 'agent', due: ctx.now + DAY_MS, args: [{ key: 'items', value: missing.join(',') }] });
  ruling.notes.messages.push({ key: 'as.need_evidence', locale: 'zh-CN', args: [{ key: 'items', value: '商品照片' }] });
  return ruling;
}

function person(ruling: AfterSaleRuling, rule: string, ctx: Context, read: Fact[]): AfterSaleRuling {
  ruling.notes.reasons.push(reason(rule, 'medium', [HANDBOOK, 'what a person looks at'], read));
  ruling.notes.messages.push({ key: 'as.human_review', locale: 'zh-CN', args: [{ key: 'hours', value: '24' }] });
  askPerson(ruling.notes, rule, ctx.now);
  return ruling;
}

function fresh(): AfterSaleRuling {
  return {
    outcome: 'human-review', options: [], refund: 0n, breakdown: [], returnFreight: 'not-applicable', windowDeadline: undefined,
    refundDeadline: undefined, statutoryExposure: undefined, missingEvidence: [], notes: empty(),
  };
}
