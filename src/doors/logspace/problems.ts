import type { EventProblem } from '../../core/event.ts';

export function problem(code: string, message: string, at: string): EventProblem {
  return { severity: 'ERROR', code, message, pointer: at };
}

/** RFC 6901: ~ and / are escaped. */
export function pointer(...steps: readonly string[]): string {
  return steps.map(step => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
