/**
 * What the log says of an error: what it is, where it came from and what it is about, and nothing
 * of a row. Postgres puts rows and values into `detail`, `where` and `hint`, the driver statements
 * and parameters beside them; so what may be said is listed, and the rest is left out.
 */
const NAMES = [
  ...['code', 'severity', 'routine'],
  ...['schema_name', 'table_name', 'column_name', 'constraint_name'],
  ...['errno', 'syscall', 'address', 'port', 'path', 'sent', 'status'],
] as const;

/** A cause has a cause, and an error that is its own must end. */
const DEPTH_MAX = 8;
const ERRORS_MAX = 8;
const WITHHELD = '(withheld: it quotes a value)';

interface ErrorFacts {
  readonly type: string;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: ErrorFacts;
  /** Of an AggregateError. */
  readonly errors?: readonly ErrorFacts[];
  readonly [name: string]: unknown;
}

export function factsOfError(error: unknown, depth = 1): ErrorFacts {
  if (!(error instanceof Error)) return { type: typeof error, message: WITHHELD };
  const type = error.constructor.name;
  const message = isQuoting(error) ? WITHHELD : error.message;
  const facts = { type, message, ...stackOf(error, `${type}: ${message}`), ...named(error) };
  if (depth === DEPTH_MAX) return facts;
  const { cause, errors } = error as { cause?: unknown; errors?: unknown };
  return {
    ...facts,
    ...(cause === undefined ? {} : { cause: factsOfError(cause, depth + 1) }),
    ...(Array.isArray(errors) && {
      errors: errors.slice(0, ERRORS_MAX).map(each => factsOfError(each, depth + 1)),
    }),
  };
}

/**
 * Whether the sentence itself quotes what was given: Postgres' data exceptions (class 22, such as
 * `invalid input syntax for type uuid: "…"`) in the words of its own language, so that no pattern
 * would find the value; what a parser says of a text; and what GraphQL says of a result. SQLSTATE,
 * routine and stack tell the same without the value. Sentences of the other classes hold names.
 */
function isQuoting(error: Error): boolean {
  const { code } = error as { code?: unknown };
  return (
    (typeof code === 'string' && /^22[0-9A-Z]{3}$/.test(code)) ||
    error.name === 'SyntaxError' ||
    (error.name === 'GraphQLError' && error.message.includes('cannot represent'))
  );
}

/** A stack begins with the sentence, which is put in anew. */
function stackOf({ stack, message }: Error, head: string): { readonly stack?: string } {
  const at = stack?.indexOf(message) ?? -1;
  if (stack === undefined || at === -1) return {};
  return { stack: head + stack.slice(at + message.length) };
}

function named(error: Error): Record<string, unknown> {
  const values = error as unknown as Record<string, unknown>;
  const isPlain = (value: unknown) => ['string', 'number', 'boolean'].includes(typeof value);
  return Object.fromEntries(
    NAMES.map(name => [name, values[name]] as const).filter(([, value]) => isPlain(value)),
  );
}
