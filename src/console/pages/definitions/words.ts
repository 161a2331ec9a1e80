/** What the console calls the values of a definition. */
import type { Tone } from '../../parts/labels.tsx';
import type { Definition } from './documents.ts';

export type Status = Definition['status'];
export type Validation = Definition['validation'];

interface StatusWords {
  readonly title: string;
  readonly meaning: string;
  readonly tone: Tone;
}

export const STATUSES: Readonly<Record<Status, StatusWords>> = {
  DISCOVERED: { title: 'Discovered', meaning: 'seen before anyone defined it', tone: 'accent' },
  ACTIVE: { title: 'Active', meaning: 'in use', tone: 'good' },
  DEPRECATED: { title: 'Deprecated', meaning: 'still recorded, with a warning', tone: 'warn' },
  BLOCKED: { title: 'Blocked', meaning: 'its events are refused', tone: 'bad' },
};

export const VALIDATIONS: Readonly<Record<Validation, { short: string; meaning: string }>> = {
  OFF: { short: 'off', meaning: 'Record it, and do not look at the schema' },
  WARN: { short: 'warns', meaning: 'Record it, with a warning' },
  QUARANTINE: { short: 'quarantines', meaning: 'Keep it aside in quarantine' },
  REJECT: { short: 'refuses', meaning: 'Refuse it' },
};

export const COMPATIBILITIES: Readonly<Record<Definition['compatibility'], string>> = {
  NONE: 'It may change in any way',
  BACKWARD: 'The new one must accept what this one accepts (BACKWARD)',
  FORWARD: 'This one must accept what the new one accepts (FORWARD)',
  FULL: 'Both must accept the same (FULL)',
};
