/**
 * Prints events as they are recorded. The client keeps the cursor of what was handed out: whatever
 * ends its stream, it asks again right after it, so that a restart of the gateway leaves no gap.
 */
import type { RecordedEvent, SluiceError } from '../client/index.ts';
import { howToGoOn, isRefusedCursor } from './errors.ts';
import { atGateway, clientFrom } from './gateway-connection.ts';
import { filterOf, type ConnectionOptions, type FilterOptions } from './options.ts';
import {
  endWithReader,
  isForPeople,
  printable,
  printableJson,
  tell,
  write,
  type OutputOptions,
} from './output.ts';

export interface TailOptions extends ConnectionOptions, FilterOptions, OutputOptions {
  readonly after?: string;
}

export async function tail(options: TailOptions): Promise<void> {
  endWithReader();
  const { after } = options;
  let isAway = false;
  const onRetry = ({ message }: SluiceError) => {
    if (!isAway) tell(`sluice: ${message} Connecting again.`);
    isAway = true;
  };
  const stream = clientFrom(options).subscribe({ after, filter: filterOf(options), onRetry });
  await atGateway(options, async () => {
    for await (const { event } of stream) {
      isAway = false;
      if (event === null) continue;
      await write(`${isForPeople(options) ? readable(event) : lineOf(event)}\n`);
    }
  }).catch((error: unknown) => {
    if (isRefusedCursor(error)) tell(`sluice: ${howToGoOn(error, ANEW)}`);
    throw error;
  });
}

const ANEW = 'run the command again without --after to begin with new events';

function lineOf({ unreadable, ...event }: RecordedEvent): string {
  return printableJson(JSON.stringify(unreadable.length === 0 ? event : { ...event, unreadable }));
}

function readable(event: RecordedEvent): string {
  const { position, type, occurredAt, subject, actor, description, payload, unreadable } = event;
  const who = [subject, actor === null ? null : `by ${actor}`].filter(part => part !== null);
  const [problem] = unreadable;
  const what = problem?.message ?? description ?? JSON.stringify(payload);
  return [`#${position}`, occurredAt, type, ...who, what].map(printable).join('  ');
}
