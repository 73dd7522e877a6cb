// What the component exports: settings and the decision. The rule itself is in `rule.ts`.

import type { Context, AfterSaleCase, AfterSaleRuling } from './contract.js';
import { decide } from './rule.js';
import { type Chosen, read } from './settings.js';

let chosen: Chosen | undefined;

export const settings = {
  prepare(text: string): void {
    chosen = read(text);
  },
};

export const afterSale = {
  decide(ctx: Context, facts: AfterSaleCase): AfterSaleRuling {
    // An error of the contract's type; anything else that is thrown would reach the host as a trap without a word.
    if (chosen === undefined) throw { code: 'internal', path: '', detail: '`prepare` was not called' };
    try {
      return decide(chosen, ctx, facts);
    } catch (error) {
      throw { code: 'internal', path: '', detail: String(error) };
    }
  },
};
