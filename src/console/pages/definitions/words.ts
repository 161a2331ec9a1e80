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

interface CompatibilityWords {
  /** Beside its name. Short: a phone shows about 20 characters of it. */
  readonly short: string;
  readonly meaning: string;
}

export const COMPATIBILITIES: Readonly<Record<Definition['compatibility'], CompatibilityWords>> = {
  NONE: { short: 'any change', meaning: 'The schema may change in any way.' },
  BACKWARD: {
    short: 'old payloads still fit',
    meaning:
      'The new schema must accept all that the present one accepts. Another change is refused.',
  },
  FORWARD: {
    short: 'new payloads fit the old',
    meaning:
      'The present schema must accept all that the new one accepts. Another change is refused.',
  },
  FULL: {
    short: 'the same payloads fit',
    meaning: 'Both schemas must accept the same. Another change is refused.',
  },
};
