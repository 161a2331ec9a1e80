/** The tool that records: only a key with EVENTS_WRITE sees it. */
import { z } from 'zod';
import { told, type Members } from './compact.ts';
import type { Tool } from './tool.ts';
import { workspace } from './tool.ts';

const text = z.string().optional();

const event = z.strictObject({
  type: z.string().describe('What happened, such as "user.signup".'),
  id: text.describe('Its id. Sent again with the same content, the event is stored once.'),
  occurredAt: text.describe('RFC 3339, such as 2026-01-31T12:00:00Z. Default: now.'),
  source: text.describe('The system that emits it.'),
  subject: text.describe('What it is about.'),
  actor: text.describe('Who did it.'),
  description: text.describe('What happened, in words for people.'),
  success: z.boolean().optional(),
  parentId: text.describe('Event id of the event that caused it.'),
  groupId: text.describe('Id shared by events that belong together.'),
  payload: z.record(z.string(), z.unknown()).optional().describe('Its data, a JSON object.'),
});

interface Recorded {
  readonly recordEvents: { readonly receipts: readonly Members[] };
}

export const RECORDING_TOOL: Tool<Recorded> = {
  name: 'record_events',
  title: 'Record events',
  description:
    'Records events. Each has a receipt: RECORDED or DUPLICATE are stored, others are not, and ' +
    'their problems say why. Events can’t be changed later.',
  scope: 'EVENTS_WRITE',
  input: z.strictObject({ workspace, events: z.array(event).min(1).max(100) }),
  document: `mutation McpRecord($input: RecordEventsInput!) {
    recordEvents(input: $input) { receipts {
      index status eventId problems { severity code message pointer }
    } }
  }`,
  variables: args => ({ input: args }),
  result: ({ recordEvents: { receipts } }) => ({ receipts: receipts.map(told) }),
};
