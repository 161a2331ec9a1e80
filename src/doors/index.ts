import { randomUUID } from 'node:crypto';
import type { OrderSetting } from '../core/agent-order.ts';
import type { Door as DoorName, EventInput } from '../core/event.ts';
import { uuidV7 } from '../core/isomorphic.ts';
import { createAuthentikDoor } from './authentik/door.ts';
import { createCloudEventsDoor } from './cloudevents/door.ts';
import { decodeAgain as decodeCloudEventAgain } from './cloudevents/translate.ts';
import type { Door, DoorServices } from './door.ts';
import { createGenesysDoor } from './genesys/door.ts';
import { createTokens } from './genesys/token.ts';
import { createLogshDoor } from './logsh/door.ts';
import { createLogsnagDoor } from './logsnag/door.ts';
import { createLogspaceDoor } from './logspace/door.ts';
import { createOtlpDoor } from './otlp/door.ts';
import { createPosthogDoor } from './posthog/door.ts';
import { createRetracedDoor } from './retraced/door.ts';
import { createSegmentDoor } from './segment/door.ts';
import { createSpeakeasyDoor } from './speakeasy/door.ts';

/** What an operator may set of doors. */
export interface DoorSettings {
  readonly logshEventsPerSecond: number;
  /** Null: every agent that a controller names runs each minute. */
  readonly logspaceOrder: OrderSetting | null;
}

/** The doors that are open, in the order in which they are asked: no two answer one request. */
export function createDoors(
  { logshEventsPerSecond, logspaceOrder }: DoorSettings,
  { sealingKey }: Pick<DoorServices, 'sealingKey'>,
): readonly Door[] {
  const nowMs = () => Date.now();
  return [
    createSpeakeasyDoor(),
    createLogspaceDoor({ order: logspaceOrder }),
    createLogshDoor({ eventsPerSecond: logshEventsPerSecond }),
    createCloudEventsDoor(),
    createOtlpDoor(),
    createGenesysDoor(createTokens(nowMs, sealingKey)),
    createAuthentikDoor(),
    // It shares two paths with Segment, and is asked before it.
    createLogsnagDoor(),
    createSegmentDoor({ nowMs }),
    createPosthogDoor({ nowMs }),
    createRetracedDoor({ newId: () => uuidV7(nowMs(), randomUUID()) }),
  ];
}

/** An event that was kept aside, as its door would give it today. */
export function decodeAgain(door: DoorName, input: EventInput): EventInput {
  return door === 'CLOUDEVENTS' ? decodeCloudEventAgain(input) : input;
}
