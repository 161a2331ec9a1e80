/** Writers that retry with the same ids, and subscribers that resume where they were. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ADMIN_KEY } from '../kit/key.ts';
import { CLIENTS, EVENTS, StreamFault, type Step } from '../unit/live/clients.ts';
import { idOf, type Ledger } from './ledger.ts';

interface Receipt {
  readonly status: 'RECORDED' | 'DUPLICATE' | 'CONFLICT' | 'QUARANTINED' | 'REJECTED';
  readonly position: number | null;
}

interface Answer {
  readonly data?: {
    readonly recordEvents?: { readonly receipts: readonly Receipt[] } | null;
  } | null;
  readonly errors?: readonly { readonly extensions: { readonly code: string } }[];
}

interface Sent {
  readonly id: string;
  readonly type: string;
  readonly subject?: string;
}

const RECORD = `mutation ($events: [EventInput!]!) {
  recordEvents(input: { events: $events }) { receipts { status position } } }`;
/** They say that it is unknown, or not stored for now: try again. */
const TRY_AGAIN = new Set(['SERVICE_UNAVAILABLE', 'OVERLOADED', 'GOING_AWAY', 'RATE_LIMITED']);
const ANSWER_WITHIN_MS = 15_000;
const RETRY_MS = 30;
const PAUSE_MS = 4;

export interface Load {
  readonly subscribers: readonly string[];
  /** Ends writers; what they have sent last may be unknown. */
  stopWriting(): Promise<void>;
  stopReading(): void;
}

export interface LoadOptions {
  readonly ledger: Ledger;
  readonly run: string;
  /** Of each gateway, also of one that is away for now. */
  readonly urls: readonly string[];
  readonly writers: number;
  readonly after: string;
}

export function startLoad({ ledger, run, urls, writers, after }: LoadOptions): Load {
  const stopping = new AbortController();
  const leaving = new AbortController();
  const urlOf = (n: number) => urls[n % urls.length]!;
  const writing = Array.from({ length: writers }, (_, n) =>
    write({ ledger, url: urlOf(n), name: `${run}-w${n}`, stopping: stopping.signal }),
  );
  const subscribers = urls.flatMap((url, n) =>
    CLIENTS.slice(0, 2).map(([client, read]) => {
      const name = `${run}-${client}-${n}`;
      void follow({ ledger, read, url, name, after, leaving: leaving.signal });
      return name;
    }),
  );
  return {
    subscribers,
    async stopWriting() {
      stopping.abort();
      await Promise.all(writing);
    },
    stopReading: () => leaving.abort(),
  };
}

interface Writer {
  readonly ledger: Ledger;
  readonly url: string;
  readonly name: string;
  readonly stopping: AbortSignal;
}

/** Single events, batches, repeats, and what must be refused, in turn. */
async function write(writer: Writer): Promise<void> {
  const { ledger, name, stopping } = writer;
  let number = 0;
  let known: Sent | undefined;
  const next = (): Sent => {
    const event = { id: idOf(name, number++), type: `fault.${number % 3}`, subject: name };
    ledger.send(event.id);
    return event;
  };
  for (let turn = 0; !stopping.aborted; turn++) {
    const batch = turn % 5 === 3 ? Array.from({ length: 6 }, next) : [next()];
    if (turn % 7 === 5 && known !== undefined) batch.push(known);
    const refused = turn % 6 === 4 ? { id: `${idOf(name, number++)}`, type: ' ' } : undefined;
    if (refused !== undefined) batch.push(refused);
    const receipts = await settle(writer, batch);
    if (receipts === null) return;
    receipts.forEach((receipt, index) => note(ledger, batch[index]!, receipt));
    known = batch[0];
    if (turn % 9 === 8 && known !== undefined) await contradict(writer, known);
    await sleep(PAUSE_MS);
  }
}

function note(ledger: Ledger, { id, type }: Sent, { status, position }: Receipt): void {
  const isBad = type === ' ';
  if (isBad && status === 'REJECTED') ledger.refuse(id);
  else if (!isBad && (status === 'RECORDED' || status === 'DUPLICATE') && position !== null) {
    ledger.acknowledge(id, { status, position });
  } else ledger.fault(`${id} of type "${type}" was ${status} at ${position}`);
}

/** Other content under an id that is taken. */
async function contradict(writer: Writer, event: Sent): Promise<void> {
  const receipts = await settle(writer, [{ ...event, subject: 'another' }]);
  const status = receipts?.[0]?.status;
  if (status !== undefined && status !== 'CONFLICT') {
    writer.ledger.fault(`${event.id} with other content was ${status}`);
  }
}

/** Again and again until it is answered; null when the writer is to stop before. */
async function settle(
  { ledger, url, stopping }: Writer,
  events: readonly Sent[],
): Promise<readonly Receipt[] | null> {
  for (;;) {
    const answer = await attempt(ledger, url, events);
    const receipts = answer?.data?.recordEvents?.receipts;
    if (receipts?.length === events.length) return receipts;
    const code = answer?.errors?.[0]?.extensions.code;
    if (answer !== null && !TRY_AGAIN.has(String(code))) {
      ledger.fault(`a writer was told ${JSON.stringify(answer)}`);
      return null;
    }
    ledger.unknown += 1;
    if (stopping.aborted) return null;
    await sleep(RETRY_MS * (0.5 + Math.random()));
  }
}

async function attempt(
  ledger: Ledger,
  url: string,
  events: readonly Sent[],
): Promise<Answer | null> {
  const startedMs = performance.now();
  try {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${ADMIN_KEY}` },
      body: JSON.stringify({ query: RECORD, variables: { events } }),
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    const answer = (await response.json()) as Answer;
    ledger.slowestAnswerMs = Math.max(ledger.slowestAnswerMs, performance.now() - startedMs);
    return answer;
  } catch {
    // No answer, or half of one.
    return null;
  }
}

interface Follower {
  readonly ledger: Ledger;
  readonly read: (typeof CLIENTS)[number][1];
  readonly url: string;
  readonly name: string;
  readonly after: string;
  readonly leaving: AbortSignal;
}

async function follow({ ledger, read, url, name, after, leaving }: Follower): Promise<void> {
  const left = new Promise<null>(resolve => {
    leaving.addEventListener('abort', () => resolve(null), { once: true });
  });
  let cursor = after;
  async function readOn(steps: AsyncGenerator<Step>): Promise<void> {
    for (;;) {
      const next: IteratorResult<Step> | null = await Promise.race([steps.next(), left]);
      if (next === null || next.done === true) return;
      const { kind, position, node } = next.value;
      cursor = next.value.cursor;
      if (kind === 'EVENT') ledger.see(name, { position, eventId: String(node?.eventId) });
    }
  }
  while (!leaving.aborted) {
    const steps = read({ url, key: ADMIN_KEY, query: EVENTS, variables: { after: cursor } });
    const code = await readOn(steps).then(() => undefined, codeOf);
    if (code !== undefined && !TRY_AGAIN.has(code)) {
      return ledger.fault(`subscriber ${name} was told ${code}`);
    }
    // A generator that waits for news ends when its connection does.
    void steps.return(undefined).catch(() => {});
    if (!leaving.aborted) await sleep(RETRY_MS);
  }
}

/** Undefined for a connection that broke. */
function codeOf(error: unknown): string | undefined {
  return error instanceof StreamFault ? String(error.extensions['code']) : undefined;
}
