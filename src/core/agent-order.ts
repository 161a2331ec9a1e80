/** What an operator orders Logspace agents to do: which run, and when. */
import { z } from 'zod';

const TRIGGERS = ['scheduler', 'application', 'off'] as const;
const agentOrder = z.strictObject({
  id: z.string().min(1),
  'trigger-type': z.string().refine(type => TRIGGERS.some(each => each === type.toLowerCase())),
  /** Of a scheduler: when, in the words of Quartz. */
  'trigger-parameter': z.string().nullish(),
});
const agentOrders = z.array(agentOrder);
/** The same for every controller, or by its id, `*` standing for all others. */
const orderSetting = z.union([agentOrders, z.record(z.string(), agentOrders)]);

export type AgentOrder = z.infer<typeof agentOrder>;
export type OrderSetting = z.infer<typeof orderSetting>;

export const ORDER_EXPECTED =
  'expects JSON such as [{"id":"os/cpu","trigger-type":"scheduler","trigger-parameter":"0 * * * * ?"}]';

/** An order as it is written, in JSON; null where it is none. */
export function readOrderSetting(json: string): OrderSetting | null {
  try {
    return orderSetting.safeParse(JSON.parse(json)).data ?? null;
  } catch {
    return null;
  }
}
