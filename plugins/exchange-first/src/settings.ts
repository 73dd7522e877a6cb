// How far the shop's exchange promise goes. `settings.schema.json` says the same to people and programs.

import type { SettingsProblem } from './contract.js';

export interface Chosen {
  exchange_days: number;
  return_days: number;
  exchanges_max: number;
}

const DEFAULTS: Chosen = { exchange_days: 30, return_days: 7, exchanges_max: 2 };
const BOUNDS: Record<keyof Chosen, readonly [number, number]> = { exchange_days: [7, 90], return_days: [7, 90], exchanges_max: [1, 10] };

function isSetting(name: string): name is keyof Chosen {
  return Object.hasOwn(BOUNDS, name);
}

/** Reads settings; an empty text means the defaults. Throws every problem with the place it stands at. */
export function read(text: string): Chosen {
  if (text.trim() === '') return DEFAULTS;
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    throw [{ path: '', message: 'not valid JSON' }] satisfies SettingsProblem[];
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw [{ path: '', message: 'must be an object' }] satisfies SettingsProblem[];
  }
  const problems: SettingsProblem[] = [];
  const chosen = { ...DEFAULTS };
  for (const [name, value] of Object.entries(given)) {
    const path = '/' + name.replaceAll('~', '~0').replaceAll('/', '~1');
    if (!isSetting(name)) {
      problems.push({ path, message: 'there is no such setting' });
      continue;
    }
    const [min, max] = BOUNDS[name];
    if (typeof value !== 'number' || !Number.isInteger(value)) {
      problems.push({ path, message: 'must be an integer' });
    } else if (value < min || value > max) {
      problems.push({ path, message: `must be between ${min} and ${max}` });
    } else {
      chosen[name] = value;
    }
  }
  if (problems.length === 0 && chosen.exchange_days < chosen.return_days) {
    problems.push({ path: '/exchange_days', message: 'must not be below `return_days`' });
  }
  if (problems.length > 0) throw problems;
  return chosen;
}
