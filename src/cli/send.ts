import { createClient, type EventInput, type Receipt } from '../client/index.ts';
import { EXIT, UsageError } from './errors.ts';
import { atGateway } from './gateway-command.ts';
import { connectionFrom } from './gateway-connection.ts';
import { isEventField } from './import/event-fields.ts';
import { jsonRecord } from './import/json-records.ts';
import { lines } from './import/lines.ts';
import type { ConnectionOptions } from './options.ts';
import { isForPeople, printable, write, writeLine, type OutputOptions } from './output.ts';

/** Its other options are fields of the event. */
export interface SendOptions extends ConnectionOptions, OutputOptions {
  readonly payload?: EventInput['payload'];
  readonly retryFor: number;
}

const MAPPING = { fields: new Map(), defaults: {}, restIntoPayload: false, textOnly: false };

/** One event by options, or each line of standard input as it comes. Prints the receipts. */
export async function send(type: string | undefined, options: SendOptions): Promise<void> {
  const { workspace, retryFor } = options;
  const client = createClient({
    ...connectionFrom(options),
    ...(workspace !== undefined && { workspace }),
    retryForMs: retryFor * 1_000,
    onRetry: ({ message }) => process.stderr.write(`sluice: ${message} Trying again.\n`),
  });
  const fields = Object.entries(options).filter(([name]) => isEventField(name));
  await atGateway(options, async () => {
    if (type !== undefined) {
      await print(await client.record({ ...Object.fromEntries(fields), type }), type, options);
      return;
    }
    if (process.stdin.isTTY) {
      throw new UsageError('A type is expected, or events as JSON lines on standard input.');
    }
    if (fields.length > 0)
      throw new UsageError('Options of an event need its type: sluice send <type> …');
    await sendLines(client, options);
  });
}

/** Receipts are printed in the order of the lines. */
async function sendLines(client: ReturnType<typeof createClient>, options: SendOptions) {
  let printed: Promise<void> = Promise.resolve();
  for await (const line of lines(process.stdin)) {
    const record = jsonRecord(line, MAPPING);
    if ('problems' in record) {
      process.exitCode = EXIT.FAILED;
      const why = record.problems.map(({ message }) => message).join(' ');
      process.stderr.write(`sluice: line ${line.line}: ${why}\n`);
      continue;
    }
    await client.ready();
    const event = JSON.parse(record.json) as EventInput;
    const receipt = client.record(event);
    printed = printed.then(async () => print(await receipt, event.type, options));
    printed.catch(() => {});
  }
  await client.flush();
  await printed;
}

async function print(receipt: Receipt, type: string, options: OutputOptions): Promise<void> {
  const { status, position, eventId, problems } = receipt;
  if (status !== 'RECORDED' && status !== 'DUPLICATE') process.exitCode = EXIT.FAILED;
  if (!isForPeople(options)) return writeLine(receipt);
  const place = position === null ? '' : `#${position}  `;
  const why = problems.map(({ message, pointer }) => `\n  ${pointer}: ${message}`).join('');
  await write(
    `${status}  ${place}${printable(type)}  ${printable(eventId)}${printableLines(why)}\n`,
  );
}

function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}
