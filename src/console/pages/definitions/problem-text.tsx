import type { Problem } from './documents.ts';

interface ProblemTextProps {
  readonly problem: Pick<Problem, 'pointer' | 'message'>;
  /** The event as it came, to tell the value that is wrong. */
  readonly event?: Readonly<Record<string, unknown>>;
}

/** A problem in a sentence: of which field, what was expected, what came. */
export function ProblemText({ problem: { pointer, message }, event }: ProblemTextProps) {
  const field = fieldOf(pointer);
  const value = event && valueAt(event, pointer);
  const isWithin = pointer.startsWith('/payload/');
  return (
    <span className="problem">
      {field !== '' && pointer !== '/payload' && <code>{field}</code>}{' '}
      {isWithin ? message.replace(/^The payload /, '') : message}
      {isShort(value) && (
        <>
          {' '}
          It is <code>{JSON.stringify(value)}</code>.
        </>
      )}
    </span>
  );
}

/** Keys with dots between them; those of the payload without its name. */
function fieldOf(pointer: string): string {
  return keysOf(pointer.replace(/^\/payload(?=\/)/, '')).join('.');
}

function keysOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map(key => key.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function valueAt(event: unknown, pointer: string): unknown {
  return keysOf(pointer).reduce<unknown>(
    (at, key) =>
      typeof at === 'object' && at !== null && Object.hasOwn(at, key)
        ? (at as Record<string, unknown>)[key]
        : undefined,
    event,
  );
}

const SHORT_CHARS = 80;

function isShort(value: unknown): boolean {
  if (value === undefined || (typeof value === 'object' && value !== null)) return false;
  return JSON.stringify(value).length <= SHORT_CHARS;
}
