/**
 * Works for a consumer with a command: each event goes to its standard input as a line of JSON. Exit
 * code 0 acknowledges, any other gives the event back to be tried again.
 */
import { spawn } from 'node:child_process';
import { SluiceError, type ConsumedEvent } from '../client/index.ts';
import { UsageError } from './errors.ts';
import { atGateway, clientFrom } from './gateway-connection.ts';
import type { ConnectionOptions } from './options.ts';
import { printableJson, tell } from './output.ts';

export interface ConsumeCommandOptions extends ConnectionOptions {
  readonly batch: number;
  readonly parallel: number;
  readonly take?: number;
}

export async function consume(
  name: string,
  [command = '', ...args]: readonly string[],
  options: ConsumeCommandOptions,
): Promise<void> {
  const { batch, parallel, take = Infinity } = options;
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  let handled = 0;
  let unrunnable: UsageError | undefined;
  let isAway = false;

  async function handle(events: readonly ConsumedEvent[]): Promise<void> {
    isAway = false;
    try {
      await run(command, args, events);
    } catch (error) {
      if (error instanceof UsageError) {
        unrunnable = error;
        stop();
      }
      throw error;
    }
    handled += events.length;
    if (handled >= take) stop();
  }

  await atGateway(options, () =>
    clientFrom(options).consumeBatches(name, handle, {
      batch,
      parallel,
      signal: stopping.signal,
      onRetry: ({ message }: SluiceError) => {
        if (!isAway) tell(`sluice: ${message} Trying again.`);
        isAway = true;
      },
      onFailed: (error, events) => {
        const which = events.map(({ event }) => `#${event.position}`).slice(0, 10);
        const more = events.length > which.length ? ' …' : '';
        tell(`sluice: ${which.join(' ')}${more}: ${(error as Error).message}`);
      },
    }),
  );
  if (unrunnable !== undefined) throw unrunnable;
}

/** @throws Error unless it exits with 0, UsageError where it can't be started */
function run(
  command: string,
  args: readonly string[],
  events: readonly ConsumedEvent[],
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['pipe', 'inherit', 'inherit'] });
    child.on('error', ({ message }) =>
      reject(new UsageError(`${JSON.stringify(command)} cannot be run: ${message}.`)),
    );
    child.on('exit', (code, signal) => {
      if (code === 0) resolve();
      else
        reject(new Error(code === null ? `The command ended by ${signal}.` : `Exit code ${code}.`));
    });
    // A command need not read its whole input.
    child.stdin.on('error', () => {});
    child.stdin.end(events.map(lineOf).join(''));
    // Another worker may have them.
    for (const { signal } of events)
      signal.addEventListener('abort', () => child.kill(), { once: true });
  });
}

/** As `tail` prints events, with the attempt. */
function lineOf({ event, attempt }: ConsumedEvent): string {
  return `${printableJson(JSON.stringify({ ...event, attempt }))}\n`;
}
