/**
 * Logsh's event. Its document and its server have two text limits swapped: the wider of each
 * holds. Its samples send null, and PHP's an empty list, for what is not set.
 */
import { z } from 'zod';

const text = (message: string) => z.string({ error: message }).trim().min(1, message);
const orAbsent = <T extends z.ZodType>(type: T) =>
  z.preprocess(value => value ?? undefined, type.optional());

const NOTIFY = 'Notify must be a boolean value.';
const METADATA_KEY = 'Metadata key must be 1 to 100 characters.';
const METADATA_TEXT = 'Metadata value must be 500 characters or fewer.';
const METADATA_VALUE = 'Metadata value must be string, number or boolean.';

const metadata = z.record(
  z.string().min(1, METADATA_KEY).max(100, METADATA_KEY),
  z.union([z.string().max(500, METADATA_TEXT), z.number(), z.boolean()], {
    error: ({ input }) => (typeof input === 'string' ? METADATA_TEXT : METADATA_VALUE),
  }),
  { error: 'Metadata must be an object.' },
);

export const logshEvent = z.strictObject({
  workspace: text('Name is required.').max(35, 'Workspace name must be 35 characters or fewer.'),
  event: text('Event is required.').max(250, 'Event must be 250 characters or fewer.'),
  description: orAbsent(
    z
      .string('Description must be a string.')
      .trim()
      .max(250, 'Description must be 250 characters or fewer.'),
  ),
  icon: orAbsent(z.string('Icon must be a valid emoji 🔥.').trim()),
  notify: orAbsent(z.boolean(NOTIFY)),
  metadata: z.preprocess(
    value => (Array.isArray(value) && value.length === 0 ? undefined : (value ?? undefined)),
    metadata.optional(),
  ),
});

export type LogshEvent = z.infer<typeof logshEvent>;

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
