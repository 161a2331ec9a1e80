/** Email, to a real mail server. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { TestGateway } from '../../kit/gateway.ts';
import { someEvents } from '../consume/kit.ts';
import { newNotifyBench, PATIENCE, startNotifyingGateway, type NotifyBench } from './kit.ts';

interface Received {
  readonly from: string;
  readonly to: readonly string[];
  /** As it went over the wire. */
  readonly text: string;
}

let received: Received[] = [];
/** What the server says to a recipient; null: it takes the mail. */
let refusal: ((address: string) => string | null) | null = null;
let hangs = false;
let signIns = 0;
const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ['STARTTLS'],
  onAuth({ username, password }, _session, done) {
    signIns += 1;
    if (username === 'sluice' && password === 'pa ss') done(null, { user: username });
    else done(new Error('535 no'));
  },
  onRcptTo({ address }, _session, done) {
    const why = refusal?.(address) ?? null;
    if (why === null) done();
    else done(Object.assign(new Error(why), { responseCode: 451 }));
  },
  onData(stream, { envelope }, done) {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      const { mailFrom, rcptTo } = envelope;
      const from = mailFrom === false ? '' : mailFrom.address;
      received.push({
        from,
        to: rcptTo.map(({ address }) => address),
        text: Buffer.concat(chunks).toString(),
      });
      if (!hangs) done();
    });
  },
});

let gateway: TestGateway;
let bench: NotifyBench;
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  const { port } = server.server.address() as AddressInfo;
  gateway = await startNotifyingGateway({
    config: {
      smtpUrl: `smtp://sluice:pa%20ss@127.0.0.1:${port}`,
      smtpFrom: 'Sluice <events@example.com>',
      publicUrl: 'https://events.example.com',
    },
  });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await new Promise<void>(resolve => server.close(resolve));
});
beforeEach(async () => {
  received = [];
  refusal = null;
  hangs = false;
  bench = await newNotifyBench(gateway);
});

/** Parts of a mail, decoded. */
function partsOf({ text }: Received): { subject: string; plain: string; html: string } {
  const subject = /^Subject: (.*(?:\r\n[ \t].*)*)/m.exec(text)?.[1] ?? '';
  const part = (type: string) => {
    const pattern = new RegExp(
      `Content-Type: ${type}[^\\r\\n]*\\r\\n(?:Content-[^\\r\\n]*\\r\\n)*\\r\\n([\\s\\S]*?)\\r\\n--`,
    );
    const [whole = '', body = ''] = pattern.exec(text) ?? [];
    if (/base64/.test(whole.slice(0, 200))) return Buffer.from(body, 'base64').toString();
    const bytes = body
      .replaceAll(/=\r\n/g, '')
      .replaceAll(/=([\dA-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
    return Buffer.from(bytes, 'latin1').toString();
  };
  const words = subject.replaceAll(/\r\n[ \t]/g, '');
  const decoded = words.replaceAll(
    /=\?UTF-8\?([BQ])\?(.*?)\?= ?/g,
    (_, kind: string, word: string) =>
      kind === 'B'
        ? Buffer.from(word, 'base64').toString()
        : Buffer.from(
            word
              .replaceAll('_', ' ')
              .replaceAll(/=([\dA-F]{2})/g, (_all, hex: string) =>
                String.fromCharCode(parseInt(hex, 16)),
              ),
            'latin1',
          ).toString(),
  );
  return { subject: decoded, plain: part('text/plain'), html: part('text/html') };
}

const EMAIL = (...to: string[]) => ({ channels: [{ email: { to } }] });

test('a mail goes to each address by itself: text and HTML, with a link into the console', async () => {
  await bench.rule('mail', EMAIL('anna@example.com', 'ops@example.com'));
  await bench.record([
    {
      ...{ id: 'p1', type: 'payment.failed', icon: '💥', subject: 'o-1' },
      description: 'Nobody <script>alert(1)</script> & "paid"',
    },
  ]);
  await expect.poll(() => received.length, PATIENCE).toBe(2);
  expect(received.map(({ to }) => to).sort()).toEqual([['anna@example.com'], ['ops@example.com']]);
  const mail = received[0]!;
  expect(mail.from).toBe('events@example.com');
  expect(mail.text).toContain('From: Sluice <events@example.com>');
  expect(mail.text).toContain('Auto-Submitted: auto-generated');
  const { subject, plain, html } = partsOf(mail);
  expect(subject).toBe('💥 payment.failed');
  const link = `https://events.example.com/w/${bench.slug}/events?event=p1`;
  expect(plain).toContain('o-1\r\nNobody <script>alert(1)</script> & "paid"');
  expect(plain).toContain(link);
  expect(html).toContain(`<a href="${link}">`);
  expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;paid&quot;');
  expect(html).not.toContain('<script>');
});

test('nothing is lost while the mail server refuses, and no mail is sent twice to who has it', async () => {
  refusal = address => (address.startsWith('full') ? 'mailbox full' : null);
  await bench.rule('mail', EMAIL('anna@example.com', 'full@example.com'));
  await bench.record(someEvents(2));
  await expect
    .poll(async () => (await bench.ruleNow('mail')).lastError, PATIENCE)
    .toContain('mailbox full');
  await expect.poll(() => received.length, PATIENCE).toBe(2);
  refusal = null;
  await expect.poll(() => received.length, PATIENCE).toBe(4);
  await expect.poll(async () => (await bench.ruleNow('mail')).waitingCount, PATIENCE).toBe(0);
  expect(received.map(({ to }) => to[0]).sort()).toEqual([
    ...['anna@example.com', 'anna@example.com', 'full@example.com', 'full@example.com'],
  ]);
});

test('a subject has one line, and no header comes from an event', async () => {
  await bench.rule('mail', EMAIL('anna@example.com'));
  await bench.record([
    { type: 'a\r\nBcc: mallory@example.com\r\nX-Own: 1', description: 'x\r\nBcc: m@example.com' },
  ]);
  await expect.poll(() => received.length, PATIENCE).toBe(1);
  const { to, text } = received[0]!;
  expect(to).toEqual(['anna@example.com']);
  const head = text.slice(0, text.indexOf('\r\n\r\n'));
  expect(head).not.toMatch(/^(Bcc|X-Own):/m);
});

test('a test says what the mail server answers', async () => {
  await bench.rule('mail', EMAIL('anna@example.com', 'full@example.com'));
  refusal = address => (address.startsWith('full') ? 'mailbox full' : null);
  const { sendTestNotification } = await gateway.data<{
    sendTestNotification: { tests: { address: string; error: string | null }[] };
  }>(
    'mutation { sendTestNotification(input: { rule: "mail" }) { tests { address error } } }',
    {},
    bench.key,
  );
  expect(sendTestNotification.tests).toEqual([
    { address: 'anna@example.com', error: null },
    { address: 'full@example.com', error: expect.stringContaining('mailbox full') },
  ]);
  expect(partsOf(received[0]!).subject).toBe('Sluice');
});

test('a password goes over a network only where the connection is encrypted', async () => {
  const port = (server.server.address() as AddressInfo).port;
  // This machine, by a name that is none of its own: a server elsewhere would be reached as well.
  const url = `smtp://sluice:pa%20ss@0.0.0.0:${port}`;
  const testBy = async (smtpUrl: string) => {
    await using other = await startNotifyingGateway({
      databaseUrl: gateway.databaseUrl,
      config: { smtpUrl, smtpFrom: 'events@example.com' },
    });
    const { sendTestNotification } = await other.data<{
      sendTestNotification: { tests: { error: string | null }[] };
    }>(
      'mutation { sendTestNotification(input: { rule: "mail" }) { tests { error } } }',
      {},
      bench.key,
    );
    return sendTestNotification.tests.map(({ error }) => error);
  };
  await bench.rule('mail', EMAIL('anna@example.com'));
  signIns = 0;
  expect(await testBy(url)).toEqual(['The TLS connection to the mail server failed.']);
  expect([signIns, received]).toEqual([0, []]);
  expect(await testBy(`${url}?requireTLS=false`)).toEqual([null]);
  expect([signIns, received.length]).toEqual([1, 1]);
});
