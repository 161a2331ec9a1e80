import { expect, test } from 'vitest';
import { systemClock } from '../../../src/live/clock.ts';
import { LIVE_LIMITS } from '../../../src/live/limits.ts';
import { LookScheduler } from '../../../src/live/look-scheduler.ts';
import { Ring } from '../../../src/live/ring.ts';
import { createFound } from '../../../src/live/searched-words.ts';
import { Watch } from '../../../src/live/watch.ts';
import { aStoredEvent } from './kit.ts';

test('what is offered after a redaction is taken only where it was recorded after it', () => {
  const ring = new Ring(LIVE_LIMITS, { bytes: 0, rings: new Set() });
  const watch = new Watch(1, ring, { looks: new LookScheduler(systemClock), found: createFound() });
  ring.startAt({ position: 0, recordedAt: new Date(0) });
  const [first, late, next] = [aStoredEvent(1), aStoredEvent(2), aStoredEvent(3)];
  expect(watch.append([first], 'WRITER')).toBe(1);
  const asked = watch.generation;
  watch.forget();
  expect(watch.append([late], 'WRITER')).toBe(0);
  // The log was asked before the redaction.
  watch.seeHead(1, asked);
  expect(watch.append([late], 'WRITER')).toBe(0);
  watch.seeHead(2, watch.generation);
  expect(watch.append([late], 'WRITER')).toBe(0);
  expect(watch.append([late], 'LOG')).toBe(1);
  expect(watch.append([next], 'WRITER')).toBe(1);
});
