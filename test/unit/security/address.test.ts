import { expect, test } from 'vitest';
import { addressOf } from '../../../src/security/address.ts';

function seen(remoteAddress: string | undefined, forwarded: string | null, proxies: number) {
  return addressOf({ remoteAddress, headers: { get: () => forwarded } }, proxies);
}

test('without a proxy of ours X-Forwarded-For says nothing', () => {
  expect(seen('192.0.2.1', '198.51.100.9', 0)).toBe('192.0.2.1');
  expect(seen(undefined, '198.51.100.9', 0)).toBe('');
});

test.for([
  ['198.51.100.9', 1, '198.51.100.9'],
  ['203.0.113.5, 198.51.100.9', 1, '198.51.100.9'],
  ['203.0.113.5, 198.51.100.9', 2, '203.0.113.5'],
  ['198.51.100.9:4711', 1, '198.51.100.9'],
  ['[2001:db8::7]:4711', 1, '2001:db8:0:0::/64'],
  // Fewer hops than were to be expected: the farthest that is told.
  ['198.51.100.9', 3, '198.51.100.9'],
  ['unknown', 1, '192.0.2.1'],
  ['', 1, '192.0.2.1'],
  [null, 2, '192.0.2.1'],
] as const)('of %j the hop before %i proxies counts: %s', ([forwarded, proxies, address]) => {
  expect(seen('192.0.2.1', forwarded, proxies)).toBe(address);
});

test.for([
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::1', '0:0:0:0::/64'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0db8:1:2::9', '2001:db8:1:2::/64'],
  ['2001:db8::', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
] as const)('%s is known as %s', ([address, known]) => {
  expect(seen(address, null, 0)).toBe(known);
});
