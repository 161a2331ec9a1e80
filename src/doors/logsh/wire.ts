/**
 * Logsh's event. Its document and its server have two text limits swapped: the wider of each
 * holds. Its samples send null, and PHP's an empty list, for what is not set.
 */
import { z } from 'zod';
import { ExactNumber, isNumber } from '../../core/exact-number.ts';
import { isJsonObject } from '../../core/json.ts';

const text = (message: string) => z.string({ error: message }).trim().min(1, message);
const orAbsent = <T extends z.ZodType>(type: T) =>
  z.preprocess(value => value ?? undefined, type.optional());

const CHARS = { workspace: 35, event: 250, description: 250, key: 100, value: 500 } as const;

const NOTIFY = 'Notify must be a boolean value.';
const METADATA_KEY = `Metadata key must be 1 to ${CHARS.key} characters.`;
const METADATA_TEXT = `Metadata value must be ${CHARS.value} characters or fewer.`;
const METADATA_VALUE = 'Metadata value must be string, number or boolean.';

const exact = z.instanceof(ExactNumber);
const metadata = z.record(
  z.string().min(1, METADATA_KEY).max(CHARS.key, METADATA_KEY),
  z.union([z.string().max(CHARS.value, METADATA_TEXT), z.number(), z.boolean(), exact], {
    error: ({ input }) => (typeof input === 'string' ? METADATA_TEXT : METADATA_VALUE),
  }),
  { error: 'Metadata must be an object.' },
);

export const logshEvent = z.strictObject({
  workspace: text('Name is required.').max(
    CHARS.workspace,
    `Workspace name must be ${CHARS.workspace} characters or fewer.`,
  ),
  event: text('Event is required.').max(
    CHARS.event,
    `Event must be ${CHARS.event} characters or fewer.`,
  ),
  description: orAbsent(
    z
      .string('Description must be a string.')
      .trim()
      .max(CHARS.description, `Description must be ${CHARS.description} characters or fewer.`),
  ),
  icon: orAbsent(z.string('Icon must be a valid emoji 🔥.').trim()),
  notify: orAbsent(z.boolean(NOTIFY)),
  metadata: z.preprocess(
    value => (Array.isArray(value) && value.length === 0 ? undefined : (value ?? undefined)),
    metadata.optional(),
  ),
});

export type LogshEvent = z.infer<typeof logshEvent>;

/**
 * The body where it is as most are: what stands there is right, and nothing stands for absent. Null
 * leaves it to `logshEvent`, which takes or refuses it with a reason and ten times the work.
 */
export function plainEvent(sent: unknown): LogshEvent | null {
  if (!isJsonObject(sent)) return null;
  for (const name of Object.keys(sent)) if (!Object.hasOwn(logshEvent.shape, name)) return null;
  const { workspace, event, description, icon, notify, metadata } = sent;
  if (!isText(workspace, 1, CHARS.workspace) || !isText(event, 1, CHARS.event)) return null;
  if (description !== undefined && !isText(description, 0, CHARS.description)) return null;
  if (icon !== undefined && !isText(icon, 0, 35)) return null;
  if (notify !== undefined && typeof notify !== 'boolean') return null;
  if (metadata !== undefined && !isPlainMetadata(metadata)) return null;
  return { workspace, event, description, icon, notify, metadata };
}

/** Without white space at its ends. */
function isText(value: unknown, min: number, max: number): value is string {
  if (typeof value !== 'string') return false;
  return value.length >= min && value.length <= max && value === value.trim();
}

function isPlainMetadata(value: unknown): value is NonNullable<LogshEvent['metadata']> {
  if (!isJsonObject(value)) return false;
  for (const key of Object.keys(value)) {
    if (key === '' || key.length > CHARS.key || key === '__proto__') return false;
    const member = value[key];
    if (typeof member === 'string' ? member.length > CHARS.value : !isNumberOrFlag(member))
      return false;
  }
  return true;
}

function isNumberOrFlag(value: unknown): boolean {
  return typeof value === 'boolean' || isNumber(value);
}

/** The sentence of the first thing that is wrong. */
export function messageOf({ issues }: z.ZodError): string {
  const [issue] = issues;
  if (issue?.code === 'unrecognized_keys') {
    return `Invalid ${JSON.stringify(issue.keys)} keys in request body`;
  }
  if (issue?.code === 'invalid_key') return issue.issues[0]?.message ?? METADATA_KEY;
  return issue === undefined || issue.path.length === 0
    ? 'Invalid body parameters provided.'
    : issue.message;
}
