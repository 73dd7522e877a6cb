// Short ways to write what a ruling carries beside its outcome.

import type { Fact, Notes, Reason } from './contract.js';

export const HOUR_MS = 3_600_000n;
export const DAY_MS = 24n * HOUR_MS;

/** Notes with nothing in them. */
export function empty(): Notes {
  return { reasons: [], obligations: [], approvals: [], messages: [], alerts: [], attributes: [] };
}

/** The reason that a rule is, with its authority and the facts it read. */
export function reason(rule: string, severity: Reason['severity'], source: [string, string], facts: Fact[] = []): Reason {
  return { rule, severity, facts, citations: [{ source: source[0], locator: source[1] }] };
}

/** A person is asked within a day. */
export function askPerson(notes: Notes, rule: string, now: bigint, distinctFrom: string[] = []): void {
  notes.approvals.push({ role: 'supervisor', rule, due: now + DAY_MS, distinctFrom });
}
