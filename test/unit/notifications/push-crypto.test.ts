import ece from 'http_ece';
import { createECDH, createPublicKey, randomBytes, verify } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  encryptPush,
  isPushAuth,
  isPushKey,
  makePushKeys,
  vapidHeader,
} from '../../../src/notifications/push-crypto.ts';

const bytes = (base64url: string) => Buffer.from(base64url, 'base64url');

describe('a push message', () => {
  /** https://www.rfc-editor.org/rfc/rfc8291#section-5 */
  test('is what RFC 8291 has for its example', () => {
    const keys = createECDH('prime256v1');
    keys.setPrivateKey(bytes('yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw'));
    const body = encryptPush(
      Buffer.from('When I grow up, I want to be a watermelon'),
      {
        p256dh: bytes(
          'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4',
        ),
        auth: bytes('BTBZMqHH6r4Tts7J_aSIgg'),
      },
      { salt: bytes('DGv6ra1nlYgDCS1FRnbzlw'), keys },
    );
    expect(body.toString('base64url')).toBe(
      'DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6' +
        'TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qu' +
        'lcy4a-fN',
    );
  });

  test.each([0, 1, 100, 3_000, 3_993])('of %i bytes is read by another implementation', size => {
    const browser = createECDH('prime256v1');
    browser.generateKeys();
    const auth = randomBytes(16);
    const text = randomBytes(size);
    const body = encryptPush(text, { p256dh: browser.getPublicKey(), auth });
    expect(body.length).toBeLessThanOrEqual(4_096);
    const options = { version: 'aes128gcm', privateKey: browser, authSecret: auth } as const;
    expect(ece.decrypt(body, options).equals(text)).toBe(true);
  });

  test('that would need two records is refused', () => {
    const browser = createECDH('prime256v1');
    const target = { p256dh: browser.generateKeys(), auth: randomBytes(16) };
    expect(() => encryptPush(randomBytes(3_994), target)).toThrow('too long');
  });
});

test('claims are signed by the key that they name', () => {
  const keys = makePushKeys();
  expect(isPushKey(bytes(keys.publicKey))).toBe(true);
  const claims = { audience: 'https://push.example', expiresAtMs: 1_700_000_000_000 };
  const header = vapidHeader(keys, { ...claims, subject: 'mailto:ops@example.com' });
  const [, token = '', key = ''] = /^vapid t=([\w.-]+), k=([\w-]+)$/.exec(header) ?? [];
  expect(key).toBe(keys.publicKey);
  const [head = '', body = '', signature = ''] = token.split('.');
  expect(JSON.parse(bytes(head).toString())).toEqual({ typ: 'JWT', alg: 'ES256' });
  expect(JSON.parse(bytes(body).toString())).toEqual({
    ...{ aud: 'https://push.example', exp: 1_700_000_000, sub: 'mailto:ops@example.com' },
  });
  const point = bytes(key);
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map(p => p.toString('base64url'));
  const jwk = { kty: 'EC', crv: 'P-256', x: x!, y: y! };
  const publicKey = createPublicKey({ format: 'jwk', key: jwk });
  const signed = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
  expect(verify('sha256', Buffer.from(`${head}.${body}`), signed, bytes(signature))).toBe(true);
  expect(vapidHeader(keys, { ...claims, subject: null })).not.toContain('sub');
});

describe('a key of a browser', () => {
  const point = createECDH('prime256v1').generateKeys();
  const compressed = createECDH('prime256v1').generateKeys();
  const short = Buffer.concat([Buffer.of(2 + (compressed[64]! & 1)), compressed.subarray(1, 33)]);
  const elsewhere = Buffer.from(point);
  elsewhere[64]! ^= 1;

  test.each<[string, Buffer, boolean]>([
    ['a point of P-256', point, true],
    ['a compressed point', short, false],
    ['a point beside the curve', elsewhere, false],
    ['64 bytes', point.subarray(1), false],
    ['nothing', Buffer.alloc(0), false],
    ['zeros', Buffer.alloc(65), false],
  ])('%s', (_what, key, isOne) => {
    expect(isPushKey(key)).toBe(isOne);
  });

  test('has a secret of 16 bytes', () => {
    expect([15, 16, 17].map(size => isPushAuth(Buffer.alloc(size)))).toEqual([false, true, false]);
  });
});
