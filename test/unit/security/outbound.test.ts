import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv4, isIPv6 } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createOutbound, isPublicAddress } from '../../../src/security/outbound.ts';
import { createSender } from '../../../src/webhooks/sender.ts';
import { startReceiver, type Receiver } from '../../e2e/webhooks/kit.ts';

describe('an address belongs to the internet', () => {
  test.each([
    ...['1.1.1.1', '8.8.8.8', '93.184.216.34', '172.15.255.255', '172.32.0.1', '100.63.255.255'],
    ...['100.128.0.1', '192.167.1.1', '169.253.1.1', '223.255.255.255', '2606:4700:4700::1111'],
    ...['2001:4860:4860::8888', '::ffff:8.8.8.8', '64:ff9b::8.8.8.8', '2a00:1450::1'],
  ])('%s', address => expect(isPublicAddress(address)).toBe(true));

  test.each([
    ['this host', '0.0.0.0'],
    ['this network', '0.1.2.3'],
    ['loopback', '127.0.0.1'],
    ['loopback', '127.255.255.254'],
    ['loopback', '::1'],
    ['unspecified', '::'],
    ['private', '10.0.0.1'],
    ['private', '172.16.0.1'],
    ['private', '172.31.255.255'],
    ['private', '192.168.1.1'],
    ['carrier NAT', '100.64.0.1'],
    ['carrier NAT', '100.127.255.255'],
    ['metadata of Alibaba', '100.100.100.200'],
    ['link-local', '169.254.1.1'],
    ['metadata', '169.254.169.254'],
    ['metadata of Azure', '168.63.129.16'],
    ['metadata of Oracle', '192.0.0.192'],
    ['metadata of AWS', 'fd00:ec2::254'],
    ['link-local', 'fe80::1'],
    ['link-local with a zone', 'fe80::1%eth0'],
    ['a zone', '2606:4700::1%1'],
    ['site-local', 'fec0::1'],
    ['unique-local', 'fc00::1'],
    ['unique-local', 'fdff:ffff::1'],
    ['multicast', '224.0.0.1'],
    ['multicast', '239.255.255.255'],
    ['multicast', 'ff02::1'],
    ['reserved', '240.0.0.1'],
    ['broadcast', '255.255.255.255'],
    ['benchmarks', '198.18.0.1'],
    ['documentation', '192.0.2.1'],
    ['documentation', '198.51.100.1'],
    ['documentation', '203.0.113.1'],
    ['documentation', '2001:db8::1'],
    ['documentation', '3fff::1'],
    ['mapped', '::ffff:127.0.0.1'],
    ['mapped, in hexadecimal', '::ffff:a00:1'],
    ['mapped, written out', '0:0:0:0:0:ffff:c0a8:0101'],
    ['compatible', '::127.0.0.1'],
    ['translated', '::ffff:0:127.0.0.1'],
    ['NAT64', '64:ff9b::10.0.0.1'],
    ['NAT64 to metadata', '64:ff9b::a9fe:a9fe'],
    ['NAT64 of a network', '64:ff9b:1::1'],
    ['6to4 of a private one', '2002:a00:1::1'],
    ['Teredo', '2001::1'],
    ['nothing', 'no address'],
  ])('but not %s: %s', (_kind, address) => expect(isPublicAddress(address)).toBe(false));
});

describe('a URL is refused', () => {
  const { checkUrl } = createOutbound(false);
  const codeOf = (url: string) => {
    try {
      return checkUrl(url);
    } catch (error) {
      return (error as { code: string }).code;
    }
  };

  test.each<[string, string, string]>([
    ['without a scheme', 'receiver.example/x', 'BAD_USER_INPUT'],
    ['without a host', 'https://', 'BAD_USER_INPUT'],
    ['with a space', 'https://a.example/a b', 'BAD_USER_INPUT'],
    ['with a line break', 'https://a.example/\r\nx: y', 'BAD_USER_INPUT'],
    ['with U+0000', 'https://a.example/\0', 'BAD_USER_INPUT'],
    ['that is long', `https://a.example/${'x'.repeat(2_048)}`, 'BAD_USER_INPUT'],
    ['with a port beyond all', 'https://a.example:99999/', 'BAD_USER_INPUT'],
    ['without TLS', 'http://a.example/', 'URL_NOT_ALLOWED'],
    ['of a file', 'file:///etc/passwd', 'URL_NOT_ALLOWED'],
    ['of a script', 'javascript:alert(1)', 'URL_NOT_ALLOWED'],
    ['of gopher', 'gopher://a.example/', 'URL_NOT_ALLOWED'],
    ['of FTP', 'ftp://a.example/', 'URL_NOT_ALLOWED'],
    ['with a name and a password', 'https://me:secret@a.example/', 'URL_NOT_ALLOWED'],
    ['with a name', 'https://me@a.example/', 'URL_NOT_ALLOWED'],
    ['to localhost', 'https://localhost/', 'URL_NOT_ALLOWED'],
    ['to localhost with a dot', 'https://localhost./', 'URL_NOT_ALLOWED'],
    ['to a name of localhost', 'https://a.localhost/', 'URL_NOT_ALLOWED'],
    ['to loopback', 'https://127.0.0.1/', 'URL_NOT_ALLOWED'],
    ['to loopback in short', 'https://127.1/', 'URL_NOT_ALLOWED'],
    ['to loopback as a number', 'https://2130706433/', 'URL_NOT_ALLOWED'],
    ['to loopback in hexadecimal', 'https://0x7f000001/', 'URL_NOT_ALLOWED'],
    ['to loopback in octal', 'https://0177.0.0.1/', 'URL_NOT_ALLOWED'],
    ['to loopback in wide letters', 'https://１２７.0.0.1/', 'URL_NOT_ALLOWED'],
    ['to loopback by IPv6', 'https://[::1]/', 'URL_NOT_ALLOWED'],
    ['to loopback, mapped', 'https://[::ffff:127.0.0.1]/', 'URL_NOT_ALLOWED'],
    ['to a private network', 'https://192.168.0.1:8443/', 'URL_NOT_ALLOWED'],
    ['to metadata', 'https://169.254.169.254/latest/', 'URL_NOT_ALLOWED'],
  ])('%s', (_kind, url, code) => expect(codeOf(url)).toBe(code));

  test('or kept without its fragment', () => {
    expect(checkUrl('https://Receiver.Example:443/a?b=c#d')).toBe('https://receiver.example/a?b=c');
    expect(createOutbound(true).checkUrl('http://127.0.0.1:80/')).toBe('http://127.0.0.1/');
  });
});

/** A name server that answers as it is told to, by name and family. */
async function startNames(answers: (name: string) => readonly string[]) {
  const socket = createSocket('udp4');
  socket.on('message', (query, { port, address }) => {
    let at = 12;
    const labels: string[] = [];
    for (let length = query[at]!; length > 0; length = query[at]!) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length));
      at += length + 1;
    }
    const type = query.readUInt16BE(at + 1);
    const isFitting = type === 1 ? isIPv4 : isIPv6;
    const found = answers(labels.join('.')).filter(isFitting);
    const records = found.map(text => {
      const data = type === 1 ? Buffer.from(text.split('.').map(Number)) : bytesOfIPv6(text);
      const head = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, data.length]);
      return Buffer.concat([head, data]);
    });
    const head = Buffer.from(query.subarray(0, 12));
    head.writeUInt16BE(0x8180, 2);
    head.writeUInt16BE(found.length, 6);
    head.writeUInt32BE(0, 8);
    socket.send(Buffer.concat([head, query.subarray(12, at + 5), ...records]), port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { server: `127.0.0.1:${socket.address().port}`, stop: () => socket.close() };
}

function bytesOfIPv6(text: string): Buffer {
  const [head = '', tail = ''] = text.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':').map(g => parseInt(g, 16)));
  const [before, after] = [groups(head), groups(tail)];
  const all = [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
  return Buffer.from(all.flatMap(group => [group >> 8, group & 255]));
}

describe('a name is resolved when it is connected to', () => {
  let receiver: Receiver;
  let names: Awaited<ReturnType<typeof startNames>>;
  let given: readonly string[] = [];
  beforeAll(async () => {
    receiver = await startReceiver();
    names = await startNames(() => given);
  });
  afterAll(async () => {
    names.stop();
    await receiver[Symbol.asyncDispose]();
  });

  async function send(addresses: readonly string[], allowsPrivate = false) {
    given = addresses;
    const outbound = createOutbound(allowsPrivate, [names.server]);
    const sender = createSender({ outbound, nowMs: () => Date.now() });
    const url = receiver.url.replace('127.0.0.1', 'receiver.example');
    const { signal } = new AbortController();
    const sent = await sender.send({ url, headers: {}, body: '{}', timeoutMs: 5_000, signal });
    sender.stop();
    return sent!;
  }

  test.each([
    ['loopback', ['127.0.0.1']],
    ['loopback beside a public address', ['93.184.216.34', '127.0.0.1']],
    ['loopback by IPv6', ['::1']],
    ['loopback, mapped', ['::ffff:7f00:1']],
    ['metadata', ['169.254.169.254']],
  ])('and nothing is sent where it leads to %s', async (_what, addresses) => {
    const { status, error } = await send(addresses);
    expect({ status, error }).toEqual({
      status: null,
      error: 'The host leads to a private or reserved address, which is not allowed.',
    });
    expect(receiver.received).toHaveLength(0);
  });

  test('each time, whatever it led to before', async () => {
    expect((await send(['127.0.0.1'], true)).status).toBe(200);
    expect((await send(['127.0.0.1'])).status).toBeNull();
    expect(receiver.received).toHaveLength(1);
  });

  test('and one that nobody knows is told of', async () => {
    expect((await send([])).error).toBe('The name of the host is not known.');
  });
});
