import type { Tenant } from '../core/fairness.ts';
import type { Admission } from './admission.ts';
import { declaredBytes } from './body.ts';
import type { HttpCall } from './call.ts';

/**
 * Takes an HTTP request into work, until its answer has left or has become a stream.
 * @throws GatewayError OVERLOADED
 */
export async function admit(call: HttpCall, admission: Admission, tenant?: Tenant): Promise<void> {
  const work = admission.enter(declaredBytes(call.req), tenant);
  call.work = work;
  if (call.res.closed) work.end();
  else call.res.once('close', () => work.end());
  if (work.turn !== undefined) await work.turn;
}
