/** The schema: every file of `types/` adds to it, in the order in which it is to be read. */
import { GraphQLSchema, printSchema } from 'graphql';
import { builder } from './builder.ts';
import { countTexts } from './counted-texts.ts';
import { addFederation } from './federation.ts';
import { refuseByValue } from './refused-value.ts';
import { readFloats } from './scalars.ts';
import './types/aggregate.ts';
import './types/api-key.ts';
import './types/consumer-admin.ts';
import './types/consumer.ts';
import './types/definition-admin.ts';
import './types/definition-check.ts';
import './types/delivery.ts';
import './types/event-definition.ts';
import './types/event-lists.ts';
import './types/event.ts';
import './types/evidence.ts';
import './types/key-admin.ts';
import './types/meter.ts';
import './types/node.ts';
import './types/notification-admin.ts';
import './types/notification-rule.ts';
import './types/payload-problems.ts';
import './types/push.ts';
import './types/quarantined-event.ts';
import './types/record.ts';
import './types/redact.ts';
import './types/schema-version.ts';
import './types/status.ts';
import './types/stream.ts';
import './types/viewer.ts';
import './types/webhook-admin.ts';
import './types/webhook.ts';
import './types/workspace-admin.ts';
import './types/workspace.ts';

export const schema = builtSchema();

/** `Query` first, and each type where it is first spoken of: for printing. */
export const orderedSchema = new GraphQLSchema({ ...schema.toConfig(), types: [] });

const printed = `${printSchema(orderedSchema)}\n`;

// Two scalars of one name fit no schema that is made anew: it is, from here on, for nothing.
refuseByValue(schema, 'EventInput');

/** The API as text. */
export function printedSchema(): string {
  return printed;
}

let federated: GraphQLSchema | undefined;

/** The same API with what makes it a subgraph of Apollo Federation. */
export function federatedSchema(): GraphQLSchema {
  if (federated !== undefined) return federated;
  addFederation(printed);
  federated = builtSchema();
  refuseByValue(federated, 'EventInput');
  return federated;
}

/** Of all that was added to the builder so far. */
function builtSchema(): GraphQLSchema {
  return readFloats(countTexts(builder.toSchema({ sortSchema: false })));
}
