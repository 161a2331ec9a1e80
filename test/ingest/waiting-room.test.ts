import { expect, test } from 'vitest';
import { Submission, type ResolvedEvent } from '../../src/ingest/submission.ts';
import { WaitingRoom } from '../../src/ingest/waiting-room.ts';

let made = 0;

function submission(workspaceId: number, count: number): Submission {
  const events = Array.from({ length: count }, () => {
    made += 1;
    return { key: `key-${made}`, payload: '{}' } as ResolvedEvent;
  });
  return new Submission({ workspaceId, events, atomic: false, arrivedMs: 0 });
}

const taken = (room: WaitingRoom) => room.take().map(portion => portion.submission);

test('few events wait for the flush of their workspace that runs, and go together after it', () => {
  const room = new WaitingRoom();
  const [first, second, third] = [submission(1, 1), submission(1, 1), submission(1, 200)];
  room.enter(first);
  expect(taken(room)).toEqual([first]);
  room.enter(second);
  room.enter(third);
  expect(taken(room)).toEqual([]);
  room.leave(first);
  expect(taken(room)).toEqual([second, third]);
});

test('many events, and those of other workspaces, do not wait', () => {
  const room = new WaitingRoom();
  const [first, other, many] = [submission(1, 1), submission(2, 1), submission(1, 250)];
  room.enter(first);
  expect(taken(room)).toEqual([first]);
  room.enter(other);
  expect(taken(room)).toEqual([other]);
  room.enter(many);
  expect(taken(room)).toEqual([many]);
});
