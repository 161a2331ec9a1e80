/** What a definition says of an event. Pure. */
import type { EventProblem } from '../core/event.ts';
import type { Workspace } from '../core/workspace.ts';
import type { KnownDefinition } from './definitions.ts';

export interface Verdict {
  readonly fate: 'RECORD' | 'QUARANTINE' | 'REJECT';
  /** Warnings where the event is recorded. */
  readonly problems: readonly EventProblem[];
}

/** @param problems what is wrong with the payload by the definition's schema */
export function applyDefinitionPolicy(
  definition: KnownDefinition,
  problems: readonly EventProblem[],
): Verdict {
  if (definition.status === 'BLOCKED') return { fate: 'REJECT', problems: [BLOCKED] };
  const notes = definition.status === 'DEPRECATED' ? [DEPRECATED] : [];
  if (problems.length === 0) return { fate: 'RECORD', problems: notes };
  switch (definition.validation) {
    case 'OFF':
      return { fate: 'RECORD', problems: notes };
    case 'WARN':
      return { fate: 'RECORD', problems: [...notes, ...problems.map(asWarning)] };
    case 'QUARANTINE':
    case 'REJECT':
      return { fate: definition.validation, problems: [...notes, ...problems] };
  }
}

/** For a type that has no definition, also where the workspace takes no more of them. */
export function applyUnknownTypePolicy({ unknownTypes }: Pick<Workspace, 'unknownTypes'>): Verdict {
  if (unknownTypes === 'DISCOVER') return { fate: 'REJECT', problems: [TYPE_LIMIT] };
  return { fate: unknownTypes, problems: [UNKNOWN_TYPE] };
}

function asWarning(problem: EventProblem): EventProblem {
  return { ...problem, severity: 'WARNING' };
}

const BLOCKED: EventProblem = {
  severity: 'ERROR',
  code: 'TYPE_BLOCKED',
  message: 'Events of this type are refused: its definition is BLOCKED.',
  pointer: '/type',
};

const DEPRECATED: EventProblem = {
  severity: 'WARNING',
  code: 'TYPE_DEPRECATED',
  message: 'This type is deprecated. It is still recorded, but use another type soon.',
  pointer: '/type',
};

const UNKNOWN_TYPE: EventProblem = {
  severity: 'ERROR',
  code: 'TYPE_UNKNOWN',
  message: 'This type is not defined, and the workspace accepts only defined types.',
  pointer: '/type',
};

const TYPE_LIMIT: EventProblem = {
  severity: 'ERROR',
  code: 'TYPE_LIMIT',
  message: 'The workspace has reached its limit of event definitions. Use a defined type.',
  pointer: '/type',
};
