import { type Forgotten, type Hint, mergeHeads, type Wakeup, WITHOUT_EVENTS } from './wakeup.ts';

/** Wake-ups among those that share a hub: for one process, and for tests of several. */
export interface LocalHub {
  join(): Wakeup;
}

interface Member {
  readonly hear: (hint: Hint) => void;
  readonly hearForgotten: (forgotten: Forgotten) => void;
}

export function createLocalHub(): LocalHub {
  const members = new Set<Member>();
  let waiting: Map<number, number> | null = null;

  function announce(heads: ReadonlyMap<number, number>): void {
    if (waiting === null) {
      waiting = new Map();
      setImmediate(tellAll);
    }
    mergeHeads(waiting, heads);
  }

  function tellAll(): void {
    const hint = waiting;
    waiting = null;
    if (hint !== null) for (const { hear } of [...members]) hear(hint);
  }

  return { join: () => createMember(members, announce) };
}

function createMember(
  members: Set<Member>,
  announce: (heads: ReadonlyMap<number, number>) => void,
): Wakeup {
  let listener: (hint: Hint) => void = () => {};
  let forgetter: (forgotten: Forgotten) => void = () => {};
  const self: Member = {
    hear: hint => listener(hint),
    hearForgotten: forgotten => forgetter(forgotten),
  };
  return {
    ...WITHOUT_EVENTS,
    announce,
    forget(workspaceId) {
      setImmediate(() => {
        for (const { hearForgotten } of [...members]) hearForgotten([workspaceId]);
      });
    },
    onForget(next) {
      forgetter = next;
    },
    onHint(next) {
      listener = next;
    },
    async start() {
      members.add(self);
      self.hear('ALL');
    },
    async stop() {
      members.delete(self);
    },
  };
}
