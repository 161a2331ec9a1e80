/**
 * Prints events as they are recorded. The client keeps the cursor of what was handed out: whatever
 * ends its stream, it asks again right after it, so that a restart of the gateway leaves no gap.
 */
import type { RecordedEvent, SluiceError } from '../client/index.ts';
import { EXIT, exitCodeOf, howToGoOn, isRefusedCursor } from './errors.ts';
import { atGateway, clientFrom } from './gateway-connection.ts';
import { filterOf, type ConnectionOptions, type FilterOptions } from './options.ts';
import {
  endWithReader,
  isForPeople,
  painted,
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
  const ending = new AbortController();
  const { signal } = ending;
  let isAway = false;
  let hasBegun = false;
  const onRetry = (error: SluiceError) => {
    // A wrong address or a gateway that does not run is told at once, not tried for ever.
    if (!hasBegun && exitCodeOf(error) === EXIT.NO_ANSWER) return ending.abort(error);
    if (!isAway) tell(`sluice: ${error.message} Connecting again.`);
    isAway = true;
  };
  const how = { after, filter: filterOf(options), onRetry, signal };
  await atGateway(options, async () => {
    for await (const { event } of clientFrom(options).subscribe(how)) {
      [hasBegun, isAway] = [true, false];
      if (event === null) continue;
      await write(`${isForPeople(options) ? readable(event) : lineOf(event)}\n`);
    }
    signal.throwIfAborted();
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
  return [
    painted('dim', `#${position}  ${localTime(occurredAt)}`),
    painted(event.success === false || problem !== undefined ? 'red' : 'bold', printable(type)),
    ...[...who, what].map(printable),
  ].join('  ');
}

/** In the time zone of this machine, such as `2026-02-28 13:07:04.250`. */
function localTime(instant: string): string {
  const at = new Date(instant);
  const local = new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 23).replace('T', ' ');
}
